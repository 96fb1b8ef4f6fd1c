"""The anchor that overlaps a box most, found without looking at all of them."""

import numpy as np
import pytest

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import best_overlaps, pyramid_anchors
from mrcnn.ops.matching import match_anchors


def boxes_in(rng, shape, count=200):
    """Return boxes of all sizes and places, also at the borders."""
    corners = rng.uniform(-5, np.add(shape, 5), (count, 2, 2))
    corners = np.clip(np.sort(corners, axis=1), 0, shape)
    return corners.reshape(-1, 4)


@pytest.mark.parametrize("shape", [(64, 64), (128, 192), (100, 65)])
@pytest.mark.parametrize("anchor_stride", [1, 2, 3])
def test_it_is_the_best_of_all_anchors(rng, shape, anchor_stride):
    pyramid = {"scales": (8, 20, 33), "ratios": (0.5, 1, 2)}
    boxes = boxes_in(rng, shape)
    anchors = pyramid_anchors(
        **pyramid,
        image_shape=shape,
        feature_strides=(4, 8, 16),
        anchor_stride=anchor_stride,
    )
    expected = box_ops.iou(anchors, boxes, xp=np).max(axis=0)
    found = best_overlaps(
        boxes,
        **pyramid,
        image_shape=shape,
        feature_strides=(4, 8, 16),
        anchor_stride=anchor_stride,
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    of_each = best_overlaps(
        boxes,
        **pyramid,
        image_shape=np.tile(shape, (len(boxes), 1)),
        feature_strides=(4, 8, 16),
        anchor_stride=anchor_stride,
    )
    np.testing.assert_array_equal(of_each, found)


def test_an_object_from_the_limit_on_is_matched_on_its_own_merit(rng):
    """Without the rule of the best anchor, training finds the same objects."""
    boxes = boxes_in(rng, (128, 128), 60)
    pyramid = (16, 32, 64), (0.5, 1, 2), (128, 128), (4, 8, 16)
    overlaps = box_ops.iou(pyramid_anchors(*pyramid), boxes, xp=np)
    best = best_overlaps(boxes, *pyramid)
    assert 0 < (best >= 0.7).sum() < len(boxes)
    for i, value in enumerate(best):
        one = overlaps[None, :, i : i + 1]
        there = np.ones((1, 1), bool)
        matches = match_anchors(one, there, ~there, xp=np)
        above = (one[0, :, 0] >= 0.7).sum()
        assert (matches.positive.sum() == above) or (value < 0.7)
        assert (value >= 0.7) == bool(above)


def test_a_box_without_area_overlaps_nothing():
    boxes = np.array([[10, 10, 10, 20], [5, 5, 5, 5]])
    assert not best_overlaps(boxes, (8,), (1,), (32, 32), (4,)).any()
