"""Reports count what is there, and a dry run changes nothing."""

import json

import numpy as np
import pytest

from mrcnn import build
from mrcnn.cost import model_cost
from mrcnn.pruning import METHODS
from mrcnn.pruning.prunable import GROUPS, prunable_layers
from mrcnn.pruning.reports import compressed_bytes, dry_run, report
from mrcnn.pruning.sensitivity import masked
from mrcnn.weights import weighted_layers


def test_a_dense_model_keeps_everything(tiny_model):
    found = report(tiny_model)
    assert found.sparsity == found.overall_sparsity == 0
    assert found.all_weights == sum(
        layer.count_params() for layer in weighted_layers(tiny_model)
    )
    assert set(found.by_group()) == set(GROUPS)


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_a_dry_run_changes_nothing(tiny_config, tiny_model, tiny_shapes):
    variables = [*tiny_model.variables, tiny_model.sampling_seed.state]
    before = [np.array(variable) for variable in variables]
    calibration = build.batches(tiny_config, tiny_shapes, shuffle=True, seed=6)
    dry_run(tiny_model, METHODS["TBP"], 0.75, calibration)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)


def test_a_dry_run_counts_what_would_go(tiny_model, tmp_path):
    found = dry_run(tiny_model, METHODS["magnitude, uniform"], 0.75)
    total = sum(row.weights for row in found.layers)
    gone = sum(row.weights - row.kept for row in found.layers)
    assert gone == round(0.75 * total)
    assert found.overall_sparsity == pytest.approx(gone / found.all_weights)
    for group, sparsity in found.by_group().items():
        assert sparsity == pytest.approx(0.75, abs=0.02), group
    found.to_json(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["sparsity"] == (
        found.sparsity
    )


def test_multiply_accumulates_follow_the_weights_of_each_layer(tiny_model):
    dense = report(tiny_model)
    assert dense.overall_mac_sparsity == 0
    side, s = tiny_model.preprocessing.max_dim, tiny_model.settings
    rois, masks = s.proposals_inference, s.detections
    cost = model_cost(tiny_model, (side, side), rois=rois, masks=masks)["total"]
    assert (dense.all_weights, dense.all_macs) == cost
    halved = report(
        tiny_model,
        {
            layer.name: np.arange(layer.size).reshape(layer.kernel.shape) % 2 == 0
            for layer in prunable_layers(tiny_model)
        },
    )
    for row in halved.layers:
        assert row.kept_macs == row.macs // 2
    prunable = sum(row.macs for row in dense.layers)
    assert halved.overall_mac_sparsity == pytest.approx(prunable / 2 / dense.all_macs)


def test_crops_are_squares_of_the_smaller_side(tiny_config):
    whole = report(build.model(tiny_config, precision="float32")).all_macs
    settings = {"IMAGE_RESIZE_MODE": "crop", "IMAGE_MAX_DIM": 128}
    cropping = type("Cropping", (type(tiny_config),), settings)()
    assert report(build.model(cropping, precision="float32")).all_macs == whole


def test_the_tables_name_every_group_and_layer(tiny_model):
    text = report(tiny_model).table()
    for name in (*GROUPS, *(row.name for row in report(tiny_model).layers)):
        assert name in text


def test_gradients_need_data(tiny_model):
    with pytest.raises(ValueError, match="give it `calibration`"):
        dry_run(tiny_model, METHODS["Taylor"], 0.5)


def test_zeros_are_small_when_compressed(tiny_config):
    model = build.model(tiny_config, seed=3, precision="float32")
    layers = prunable_layers(model)
    dense = compressed_bytes(model)
    none = {layer.name: np.zeros(layer.kernel.shape) for layer in layers}
    with masked(layers, none):
        assert compressed_bytes(model) < 0.7 * dense


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_every_method_removes_what_it_is_told_to(tiny_config, tiny_model, tiny_shapes):
    calibration = build.batches(tiny_config, tiny_shapes, shuffle=True, seed=6)
    total = sum(layer.size for layer in prunable_layers(tiny_model))
    for name, method in METHODS.items():
        found = dry_run(tiny_model, method, 0.75, calibration)
        gone = sum(row.weights - row.kept for row in found.layers)
        assert gone == round(0.75 * total), name
