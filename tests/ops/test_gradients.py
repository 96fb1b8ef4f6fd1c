"""Gradients that are added in one order."""

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.hardware import seed_everything
from mrcnn.ops.gradients import ordered_gradients

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="others add in one order themselves"
)


def _sums(function, *args) -> list[int]:
    """Return how many terms each AddN of a traced function has."""
    graph = function.get_concrete_function(*args).graph.as_graph_def()
    bodies = [graph.node, *(each.node_def for each in graph.library.function)]
    return [n.attr["N"].i for body in bodies for n in body if n.op == "AddN"]


@pytest.fixture
def seeded():
    """Let TensorFlow add in a fixed order, and forget it afterwards."""
    from tensorflow.python.framework import config

    seed_everything(0)
    yield
    config.disable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": True})


@pytest.fixture
def model(tiny_config):
    return build.model(tiny_config, seed=1, precision="float32")


@pytest.fixture
def batch(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=1)[0][0]


def test_no_sum_of_a_step_has_more_than_two_terms(adamw_config, model, batch):
    model.compile(optimizer=build.optimizer(adamw_config, 0.01))
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda x: model.train_step((x,)))
    found = _sums(step, batch)
    assert len(found) > 50
    assert set(found) == {2}


@pytest.mark.usefixtures("seeded")
def test_ordered_gradients_are_those_of_a_tape(model, batch):
    parts = (model.backbone, model.fpn, model.rpn)
    variables = [v for part in parts for v in part.trainable_variables]

    def loss(x):
        # Of the proposals' losses: rounding decides which regions the heads get.
        outputs = model(x, training=True)
        losses = model.compute_losses(outputs, x["active_class_ids"])
        return losses["rpn_class_loss"] + losses["rpn_bbox_loss"]

    @tf.function
    def taped(x):
        with tf.GradientTape() as tape:
            value = loss(x)
        return tape.gradient(value, [variable.value for variable in variables])

    @tf.function
    def ordered(x):
        return ordered_gradients(loss(x), variables)

    assert max(_sums(taped, batch)) > 2  # so the test above can fail
    found = []
    for function in (taped, ordered):  # each draws the same samples
        model.sampling_seed.state.assign([1, 0])
        found.append(function(batch))
    for variable, wanted, got in zip(variables, *found, strict=True):
        # Those of a bias before a normalisation are zero but for rounding.
        atol = 1e-5 * np.abs(wanted).max() + 1e-8
        np.testing.assert_allclose(
            got, wanted, rtol=1e-4, atol=atol, err_msg=variable.path
        )


@pytest.mark.usefixtures("seeded")
def test_nothing_makes_one_sum_of_several_again():
    options = tf.config.optimizer.get_experimental_options()
    assert options["arithmetic_optimization"] is False


def test_several_steps_in_one_go(tiny_config, batch):
    found = []
    for together in (1, 2):
        model = build.model(tiny_config, seed=1, precision="float32")
        optimizer = build.optimizer(tiny_config, 0.01)
        model.compile(optimizer=optimizer, steps_per_execution=together)
        data = tf.data.Dataset.from_tensors(batch).repeat(2)
        history = model.fit(data, shuffle=False, verbose=0).history
        found.append([*history["loss"], *map(np.sum, model.get_weights())])
    np.testing.assert_allclose(*found, rtol=1e-5)
