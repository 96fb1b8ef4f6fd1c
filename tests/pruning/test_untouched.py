"""What measures a network leaves its variables as they were, to the last bit."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.evaluation.evaluate import evaluate
from mrcnn.evaluation.isolated import isolated_metrics
from mrcnn.evaluation.scenes import collect, load_truth
from mrcnn.pruning import METHODS, dry_run, prunable_layers, report
from mrcnn.pruning.gates import GateSaliency
from mrcnn.pruning.methods import BY_TASK, SCHEMA, SUMMED
from mrcnn.pruning.prunable import kernels
from mrcnn.pruning.reports import compressed_bytes
from mrcnn.pruning.saliency import Saliency
from mrcnn.pruning.sensitivity import group_sensitivity
from mrcnn.tasks import Task

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


def saliency(model, config, batches):
    layers = prunable_layers(model)
    Saliency(model, layers, BY_TASK, batches).measure(kernels(layers), 2)


def gate_saliency(model, config, batches):
    GateSaliency(model, build.channels(config), SUMMED, batches).measure(2)


def dry(model, config, batches):
    dry_run(model, METHODS[SCHEMA], 0.5, batches)


def sensitivity(model, config, batches):
    values = dict.fromkeys(Task, 0.5)
    group_sensitivity(model, lambda: values, [0.0, 0.5], ["pyramid"])


def reports(model, config, batches):
    report(model)
    compressed_bytes(model)


def end_to_end(model, config, batches):
    evaluate(model, batches.dataset, image_ids=[0, 1])
    collect(model, batches.dataset, image_ids=[0])


def isolated(model, config, batches):
    truths = [(0, load_truth(batches.dataset, 0))]
    isolated_metrics(model, batches.dataset, truths)


MEASURES = (saliency, gate_saliency, dry, sensitivity, reports, end_to_end, isolated)


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, shuffle=True, seed=6)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_leaves_the_model_as_it_was(tiny_config, batches, measure):
    model = build.model(tiny_config, seed=3, precision="float32")
    before = {v.path: np.array(v) for v in model.variables}
    assert any("seed" in path for path in before)  # not among the weights
    measure(model, tiny_config, batches)
    for variable in model.variables:
        old, new = before[variable.path], np.array(variable)
        np.testing.assert_array_equal(old, new, variable.path)


@pytest.mark.parametrize("measure", [saliency, gate_saliency, dry])
def test_a_measure_that_fails_leaves_the_model_as_it_was_too(
    tiny_config, batches, measure
):
    model = build.model(tiny_config, seed=3, precision="float32")
    model.loss_weights.assign([np.nan] * 5)
    if measure is dry:
        kernel = model.backbone.get_layer("conv1").kernel
        kernel.assign(kernel * np.nan)
    before = {v.path: np.array(v) for v in model.variables}
    with pytest.raises(ArithmeticError, match="NaN or infinite on batch 0"):
        measure(model, tiny_config, batches)
    for variable in model.variables:
        old, new = before[variable.path], np.array(variable)
        np.testing.assert_array_equal(old, new, variable.path)


def test_batches_of_one_measure_draw_different_samples(tiny_config, batches):
    """A seed put back after every batch would sample all of them alike."""
    model = build.model(tiny_config, seed=3, precision="float32")
    seeds, layers = [], prunable_layers(model)
    found = Saliency(model, layers, SUMMED, batches)
    derive = found._derive

    def watched(batch):
        seeds.append(np.array(model.sampling_seed.state).tolist())
        return derive(batch)

    found._derive = watched
    found.measure(kernels(layers), 3)
    assert len({tuple(seed) for seed in seeds}) == 3
