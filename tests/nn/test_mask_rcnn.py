"""The whole network: shapes of every stage, losses, gradients, seeds."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import build
from mrcnn.config import with_settings
from mrcnn.ops.masks import smooth_masks
from mrcnn.tasks import LOSS_NAMES


@pytest.fixture(scope="module")
def batch(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes)[0][0]


@pytest.fixture(scope="module")
def empty_batch(batch):
    """The same images without a single object."""
    return {
        key: np.zeros_like(value) if key.startswith("gt_") else value
        for key, value in batch.items()
    }


def test_training_outputs_have_static_shapes(tiny_config, tiny_model, batch):
    outputs = tiny_model(batch, training=False)
    # 3 ratios on grids of 16, 8, 4, 2 and 1 cells a side.
    anchors = 3 * (16**2 + 8**2 + 4**2 + 2**2 + 1)
    sampled, classes = tiny_config.TRAIN_ROIS_PER_IMAGE, tiny_config.NUM_CLASSES
    positive = outputs.roi_targets.masks.shape[1]
    assert 0 < positive < sampled
    assert outputs.rpn_logits.shape == (2, anchors, 2)
    assert outputs.rpn_deltas.shape == (2, anchors, 4)
    assert outputs.class_logits.shape == (2, sampled, classes)
    assert outputs.box_deltas.shape == (2, sampled, classes, 4)
    assert outputs.mask_logits.shape == (2, positive, 28, 28, classes)
    assert outputs.roi_targets.masks.shape == (2, positive, 28, 28)
    assert tiny_model.anchors((64, 64)).shape == (anchors, 4)


@pytest.mark.parametrize("training", [False, True])
def test_losses_are_finite_without_objects(tiny_config, empty_batch, training):
    model = build.model(tiny_config, seed=1, precision="float32")
    outputs = model(empty_batch, training=training)
    losses = model.compute_losses(outputs, empty_batch["active_class_ids"])
    values = {
        name: float(ops.convert_to_numpy(value)) for name, value in losses.items()
    }
    assert list(values) == list(LOSS_NAMES)
    assert np.isfinite(list(values.values())).all()
    assert values["rpn_class_loss"] > 0  # negatives still teach
    for name in ("rpn_bbox_loss", "mrcnn_bbox_loss", "mrcnn_mask_loss"):
        assert values[name] == 0
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_losses_of_objects_are_positive(tiny_config, batch):
    model = build.model(tiny_config, seed=1, precision="float32")
    outputs = model(batch, training=True)
    found = model.compute_losses(outputs, batch["active_class_ids"])
    losses = {name: float(ops.convert_to_numpy(value)) for name, value in found.items()}
    assert all(0 < value < 20 for value in losses.values())
    # Heads start without an opinion: of 2, 4 and 2 classes.
    for name, guess in (
        ("rpn_class_loss", np.log(2)),
        ("mrcnn_class_loss", np.log(4)),
        ("mrcnn_mask_loss", np.log(2)),
    ):
        assert losses[name] == pytest.approx(guess, rel=0.3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradient tape")
@pytest.mark.parametrize("train_bn", [None, False])
def test_gradients_reach_every_variable(tiny_config, batch, train_bn):
    import tensorflow as tf

    config = type("C", (type(tiny_config),), {"TRAIN_BN": train_bn})()
    model = build.model(config, seed=1, precision="float32")
    # Branches that start at zero would hide what lies before them.
    for variable in model.trainable_variables:
        if variable.name == "gamma":
            variable.assign(np.ones(variable.shape))
    with tf.GradientTape() as tape:
        outputs = model(batch, training=True)
        losses = model.compute_losses(outputs, batch["active_class_ids"])
        total = sum(losses.values())
    variables = model.trainable_variables
    gradients = tape.gradient(total, [variable.value for variable in variables])
    dead = [
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is None or not np.abs(gradient).max() > 0
    ]
    assert dead == []
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_stages_of_detection(tiny_config, tiny_model, batch):
    windows = np.tile(np.array([0, 0, 1, 1], np.float32), (2, 1))
    stages = tiny_model.stages({"images": batch["images"], "windows": windows})
    proposals, slots = tiny_config.POST_NMS_ROIS_INFERENCE, 5
    assert stages.proposals.boxes.shape == (2, proposals, 4)
    assert stages.class_probabilities.shape == (2, proposals, 4)
    assert stages.box_deltas.shape == (2, proposals, 4, 4)
    assert stages.detections.boxes.shape == (2, slots, 4)
    assert stages.masks.shape == (2, slots, 28, 28)
    valid = stages.proposals.valid
    np.testing.assert_allclose(stages.class_probabilities[valid].sum(-1), 1, rtol=1e-5)
    assert not stages.detections.boxes[~stages.detections.valid].any()


def test_nothing_above_the_confidence(tiny_config, batch):
    config = type("Sure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 1.0})()
    model = build.model(config, precision="float32")
    windows = np.tile(np.array([0, 0, 1, 1], np.float32), (2, 1))
    stages = model.stages({"images": batch["images"], "windows": windows})
    assert not stages.detections.valid.any()


@pytest.mark.parametrize("count", [1, 7, 3])  # the third size must still compile
def test_heads_on_given_regions(rng, tiny_model, batch, count):
    corners = rng.uniform(0, 1, (2, count, 2, 2))
    boxes = np.sort(corners, axis=2).reshape(2, count, 4).astype(np.float32)
    found = tiny_model.predict_boxes(batch["images"], boxes)
    assert found.class_probabilities.shape == (2, count, 4)
    np.testing.assert_allclose(found.class_probabilities.sum(-1), 1, rtol=1e-5)
    assert found.boxes.shape == (2, count, 4, 4)
    assert found.boxes.min() >= 0
    assert found.boxes.max() <= 1
    class_ids = rng.integers(1, 4, (2, count))
    masks = tiny_model.predict_masks(batch["images"], boxes, class_ids)
    assert masks.shape == (2, count, 28, 28)
    assert 0 < masks.min() <= masks.max() < 1


def test_masks_are_those_of_the_class_asked_for(tiny_model, batch):
    boxes = np.tile(np.array([0.1, 0.1, 0.8, 0.9], np.float32), (2, 2, 1))
    masks = tiny_model.predict_masks(batch["images"], boxes, np.array([[1, 2]] * 2))
    swapped = tiny_model.predict_masks(batch["images"], boxes, np.array([[2, 1]] * 2))
    assert not np.allclose(masks[:, 0], masks[:, 1])
    np.testing.assert_allclose(masks, swapped[:, ::-1], rtol=1e-5)


def test_masks_are_smoothed_as_often_as_the_settings_say(tiny_config, batch):
    boxes = np.tile(np.array([0.1, 0.1, 0.8, 0.9], np.float32), (2, 2, 1))
    found = []
    for times in (0, 2):
        config = with_settings(tiny_config, {"DETECTION_MASK_SMOOTHING": times})
        model = build.model(config, seed=3, precision="float32")
        found.append(
            model.predict_masks(batch["images"], boxes, np.array([[1, 2]] * 2))
        )
    assert np.abs(found[0] - found[1]).max() > 1e-4
    np.testing.assert_allclose(found[1], smooth_masks(found[0], 2), atol=1e-6)


def test_masks_of_the_slots_that_hold_a_box(rng, tiny_model, batch):
    corners = rng.uniform(0, 1, (2, 9, 2, 2))
    boxes = np.sort(corners, axis=2).reshape(2, 9, 4).astype(np.float32)
    class_ids, valid = rng.integers(1, 4, (2, 9)), np.arange(9) < [[6], [1]]
    every = tiny_model.predict_masks(batch["images"], boxes, class_ids)
    some = tiny_model.predict_masks(batch["images"], boxes, class_ids, valid)
    expected = np.where(valid[..., None, None], every, 0)
    np.testing.assert_allclose(some, expected, atol=1e-6)


def test_a_seed_fixes_the_weights(tiny_config, tiny_model):
    same = build.model(tiny_config, seed=3, precision="float32")
    for ours, theirs in zip(tiny_model.weights, same.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = build.model(tiny_config, seed=4, precision="float32")
    conv = "conv1"
    assert not np.allclose(
        tiny_model.backbone.get_layer(conv).kernel,
        other.backbone.get_layer(conv).kernel,
    )
