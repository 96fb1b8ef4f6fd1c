"""The five losses against float64 NumPy written apart."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import losses
from mrcnn.structures import RoiTargets, RpnTargets
from tests.tensors import on_tensors


def softmax_entropy(logits, target) -> float:
    """Return -log softmax in float64."""
    logits = np.asarray(logits, np.float64)
    return float(
        np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target]
    )


def huber(d: float, beta: float = 1.0) -> float:
    """Return smooth L1 of one number."""
    return 0.5 * d * d / beta if abs(d) < beta else abs(d) - 0.5 * beta


def mean(values) -> float:
    """Return the mean, 0 of nothing."""
    return float(np.mean(values)) if len(values) else 0.0


@pytest.fixture
def anchors(rng):
    """Targets of two images, 6 of 20 anchors sampled each, 2 and 0 positive."""
    positive = np.zeros((2, 6), bool)
    positive[0, :2] = True
    valid = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]], bool)
    return RpnTargets(
        indices=rng.integers(0, 20, (2, 6)).astype(np.int32),
        deltas=rng.normal(size=(2, 6, 4)).astype(np.float32),
        positive=positive,
        valid=valid,
    )


@pytest.fixture
def rois(rng):
    """Targets of two images: 5 RoIs, 3 mask slots, 2 and 0 positive, 4 classes."""
    positive = np.zeros((2, 5), bool)
    positive[0, :2] = True
    return RoiTargets(
        rois=rng.random((2, 5, 4)).astype(np.float32),
        class_ids=np.where(positive, [[3, 1, 0, 0, 0]], 0).astype(np.int32),
        deltas=rng.normal(size=(2, 5, 4)).astype(np.float32),
        masks=rng.integers(0, 2, (2, 3, 4, 4)).astype(np.float32),
        positive=positive,
        valid=np.ones((2, 5), bool),
    )


def nothing_positive(targets):
    """Return the targets with no positive entry."""
    return targets._replace(positive=np.zeros_like(targets.positive))


def value(loss, *arguments) -> float:
    """Return a loss of arrays as a number."""
    return float(ops.convert_to_numpy(on_tensors(loss)(*arguments)))


def test_rpn_class_loss(rng, anchors):
    logits = (rng.normal(size=(2, 20, 2)) * 3).astype(np.float32)
    expected = mean(
        [
            softmax_entropy(
                logits[b, anchors.indices[b, s]], int(anchors.positive[b, s])
            )
            for b, s in zip(*np.nonzero(anchors.valid), strict=True)
        ]
    )
    assert value(losses.rpn_class_loss, logits, anchors) == pytest.approx(
        expected, 1e-5
    )


@pytest.mark.parametrize("beta", [1.0, 1 / 9])
def test_rpn_bbox_loss(rng, anchors, beta):
    deltas = rng.normal(size=(2, 20, 4)).astype(np.float32)
    expected = mean(
        [
            huber(deltas[b, anchors.indices[b, s], k] - anchors.deltas[b, s, k], beta)
            for b, s in zip(*np.nonzero(anchors.positive), strict=True)
            for k in range(4)
        ]
    )
    found = value(losses.rpn_bbox_loss, deltas, anchors, beta)
    assert found == pytest.approx(expected, 1e-5)


def test_mrcnn_class_loss_leaves_out_classes_that_are_not_annotated(rng, rois):
    logits = (rng.normal(size=(2, 5, 4)) * 3).astype(np.float32)
    active = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], np.int32)
    expected = mean(
        [
            softmax_entropy(logits[b, r], rois.class_ids[b, r])
            for b in range(2)
            for r in range(5)
            if active[b, logits[b, r].argmax()]
        ]
    )
    found = value(losses.mrcnn_class_loss, logits, rois, active)
    assert found == pytest.approx(expected, 1e-5)


@pytest.mark.parametrize("beta", [1.0, 1 / 9])
def test_mrcnn_bbox_loss_looks_at_the_true_class_only(rng, rois, beta):
    deltas = rng.normal(size=(2, 5, 4, 4)).astype(np.float32)
    expected = mean(
        [
            huber(deltas[0, r, rois.class_ids[0, r], k] - rois.deltas[0, r, k], beta)
            for r in range(2)
            for k in range(4)
        ]
    )
    found = value(losses.mrcnn_bbox_loss, deltas, rois, beta)
    assert found == pytest.approx(expected, 1e-5)


def test_mrcnn_mask_loss_looks_at_the_true_class_only(rng, rois):
    logits = (rng.normal(size=(2, 3, 4, 4, 4)) * 3).astype(np.float32)
    entropies = []
    for r in range(2):
        p = 1 / (
            1 + np.exp(-logits[0, r, ..., rois.class_ids[0, r]].astype(np.float64))
        )
        z = rois.masks[0, r]
        entropies.append(np.mean(-z * np.log(p) - (1 - z) * np.log(1 - p)))
    found = value(losses.mrcnn_mask_loss, logits, rois)
    assert found == pytest.approx(mean(entropies), 1e-5)


def test_nothing_positive_costs_nothing(rng, anchors, rois):
    anchors, rois = nothing_positive(anchors), nothing_positive(rois)
    assert value(losses.rpn_bbox_loss, np.ones((2, 20, 4), np.float32), anchors) == 0
    assert value(losses.mrcnn_bbox_loss, np.ones((2, 5, 4, 4), np.float32), rois) == 0
    assert (
        value(losses.mrcnn_mask_loss, np.ones((2, 3, 4, 4, 4), np.float32), rois) == 0
    )
    empty = anchors._replace(valid=np.zeros_like(anchors.valid))
    assert value(losses.rpn_class_loss, np.ones((2, 20, 2), np.float32), empty) == 0


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_logits_stay_finite(anchors, rois, size):
    active = np.ones((2, 4), np.int32)
    classes = np.zeros((2, 5, 4), np.float32)
    classes[..., 2] = size
    assert np.isfinite(value(losses.mrcnn_class_loss, classes, rois, active))
    masks = np.full((2, 3, 4, 4, 4), size, np.float32)
    assert np.isfinite(value(losses.mrcnn_mask_loss, masks, rois))
    objects = np.full((2, 20, 2), size, np.float32)
    objects[..., 0] = 0
    assert np.isfinite(value(losses.rpn_class_loss, objects, anchors))


def test_gradients_are_finite_without_any_object(anchors, rois):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes TensorFlow's gradients")
    import tensorflow as tf

    rois = nothing_positive(rois)
    deltas, masks = tf.zeros((2, 5, 4, 4)), tf.fill((2, 3, 4, 4, 4), 50.0)
    with tf.GradientTape() as tape:
        tape.watch([deltas, masks])
        total = losses.mrcnn_bbox_loss(deltas, rois) + losses.mrcnn_mask_loss(
            masks, rois
        )
    for gradient in tape.gradient(total, [deltas, masks]):
        assert not np.any(gradient)
