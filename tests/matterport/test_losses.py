"""Matterport's losses against float64 NumPy written apart."""

import numpy as np
import pytest
from keras import ops

from mrcnn.config import Config
from mrcnn.matterport import losses

RTOL = 2e-6


def close(loss, expected):
    """Compare a float32 scalar with a float64 one."""
    assert ops.convert_to_numpy(loss).shape == ()
    np.testing.assert_allclose(float(loss), expected, rtol=RTOL, atol=1e-7)


def entropy(logits, ids):
    """Return -log softmax at the ids, by its definition."""
    logits = np.asarray(logits, np.float64)
    chosen = np.take_along_axis(logits, np.asarray(ids)[..., None], -1)[..., 0]
    return np.log(np.exp(logits).sum(-1)) - chosen


def bend(distance):
    """Return smooth L1 of a distance."""
    distance = np.abs(np.asarray(distance, np.float64))
    return np.where(distance < 1, 0.5 * distance**2, distance - 0.5)


def test_smooth_l1_of_each_element():
    true, predicted = np.float32([0, 0, 0, 3]), np.float32([0, 0.5, -2, 2])
    found = losses.smooth_l1_loss(true, predicted)
    np.testing.assert_allclose(found, [0, 0.125, 1.5, 0.5], rtol=RTOL)


@pytest.fixture
def anchors(rng):
    """Return match (2, 6, 1), logits, deltas, and targets in Matterport's packing."""
    match = np.array([[1, -1, 0, 1, -1, 0], [-1, 0, 0, 0, 1, -1]])[..., None]
    logits = rng.normal(size=(2, 6, 2)).astype(np.float32)
    deltas = rng.normal(size=(2, 6, 4)).astype(np.float32)
    targets = np.zeros((2, 3, 4), np.float32)  # the objects of an image, then zeros
    targets[0, :2] = rng.normal(size=(2, 4))
    targets[1, :1] = rng.normal(size=(1, 4))
    return match.astype(np.int32), logits, deltas, targets


def test_rpn_class_loss(anchors):
    match, logits, _, _ = anchors
    said = match[..., 0] != 0
    expected = entropy(logits, (match[..., 0] == 1).astype(int))[said].mean()
    close(losses.rpn_class_loss_graph(match, logits), expected)
    nothing = np.zeros_like(match)
    close(losses.rpn_class_loss_graph(nothing, logits), 0.0)


def test_rpn_bbox_loss_takes_an_images_targets_in_their_order(anchors):
    match, _, deltas, targets = anchors
    pairs = [(0, 0, 0), (0, 3, 1), (1, 4, 0)]  # image, anchor, target
    expected = np.mean([bend(deltas[b, a] - targets[b, t]) for b, a, t in pairs])
    close(losses.rpn_bbox_loss_graph(Config(), targets, match, deltas), expected)
    nothing = -np.abs(match)
    close(losses.rpn_bbox_loss_graph(Config(), targets, nothing, deltas), 0.0)


def test_more_objects_than_targets_are_no_error(anchors):
    match, _, deltas, targets = anchors
    found = losses.rpn_bbox_loss_graph(
        Config(), targets[:, :1], np.ones_like(match), deltas
    )
    assert np.isfinite(float(found))


@pytest.fixture
def rois(rng):
    """Return class ids (2, 3), logits and deltas of 4 classes."""
    class_ids = np.array([[2, 0, 1], [0, 0, 3]], np.int32)
    logits = rng.normal(size=(2, 3, 4)).astype(np.float32)
    deltas = rng.normal(size=(2, 3, 4, 4)).astype(np.float32)
    return class_ids, logits, deltas


def test_mrcnn_class_loss_skips_what_a_data_set_does_not_annotate(rois):
    class_ids, logits, _ = rois
    everything = np.ones((2, 4), np.int32)
    each = entropy(logits, class_ids)
    close(losses.mrcnn_class_loss_graph(class_ids, logits, everything), each.mean())
    active = everything.copy()
    active[:, logits[0, 1].argmax()] = 0
    counted = active[0][logits.argmax(-1)] == 1
    assert 0 < counted.sum() < 6
    expected = each[counted].mean()
    close(losses.mrcnn_class_loss_graph(class_ids, logits, active), expected)


def test_mrcnn_bbox_loss_looks_at_true_classes(rois, rng):
    class_ids, _, deltas = rois
    targets = rng.normal(size=(2, 3, 4)).astype(np.float32)
    there = [(0, 0), (0, 2), (1, 2)]
    expected = np.mean([bend(deltas[i][class_ids[i]] - targets[i]) for i in there])
    close(losses.mrcnn_bbox_loss_graph(targets, class_ids, deltas), expected)
    none = np.zeros_like(class_ids)
    close(losses.mrcnn_bbox_loss_graph(targets, none, deltas), 0.0)


def test_mrcnn_mask_loss_looks_at_true_classes(rois, rng):
    class_ids, _, _ = rois
    masks = rng.integers(0, 2, (2, 3, 5, 5)).astype(np.float32)
    predicted = rng.uniform(0.01, 0.99, (2, 3, 5, 5, 4)).astype(np.float32)
    there = [(0, 0), (0, 2), (1, 2)]
    each = []
    for i in there:
        p, z = predicted[i][..., class_ids[i]].astype(np.float64), masks[i]
        each.append(-(z * np.log(p) + (1 - z) * np.log(1 - p)))
    close(losses.mrcnn_mask_loss_graph(masks, class_ids, predicted), np.mean(each))
    none = np.zeros_like(class_ids)
    close(losses.mrcnn_mask_loss_graph(masks, none, predicted), 0.0)


def test_sure_and_wrong_is_finite(rois):
    class_ids, _, _ = rois
    masks = np.ones((2, 3, 2, 2), np.float32)
    found = losses.mrcnn_mask_loss_graph(masks, class_ids, np.zeros((2, 3, 2, 2, 4)))
    np.testing.assert_allclose(float(found), -np.log(1e-7), rtol=1e-3)
