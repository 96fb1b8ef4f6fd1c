"""Mask targets at the border of the image, and of a mini mask."""

import numpy as np
import pytest
from keras import ops

from mrcnn.ops import masks as mask_ops
from tests.tensors import on_tensors

SIDE = 28


def targets(masks: np.ndarray, boxes: np.ndarray, **options) -> np.ndarray:
    """Return what one image is taught: masks (n, h, w), boxes (n, 4) in parts."""
    of_tensors = on_tensors(mask_ops.mask_targets)
    boxes = np.asarray(boxes, np.float32)[None]
    found = of_tensors(masks[None].astype(np.uint8), boxes, SIDE, **options)
    return ops.convert_to_numpy(found)[0]


def expected(mask: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Sample one mask on the centres of bins; outside the image there is nothing."""
    points, inside = [], []
    for axis in (0, 1):
        size = mask.shape[axis]
        step = (np.arange(SIDE) + 0.5) / SIDE
        edges = (box[axis] + (box[axis + 2] - box[axis]) * step) * size
        inside.append((edges >= 0) & (edges <= size))
        points.append(np.clip(edges - 0.5, 0, size - 1))
    value = np.zeros((SIDE, SIDE))
    for i, y in enumerate(points[0]):
        for j, x in enumerate(points[1]):
            top, left = int(y), int(x)
            part = mask[top : top + 2, left : left + 2].astype(float)
            a, b = y - top, x - left
            rows = part[0] * (1 - a) + part[-1] * a
            value[i, j] = rows[0] * (1 - b) + rows[-1] * b
    return np.where(np.outer(*inside), value, 0)


@pytest.mark.parametrize("corner", [(0, 0), (0, 58), (58, 0), (58, 58), (0, 30)])
def test_a_small_object_at_the_border_keeps_its_rim(corner):
    """0.858 of it was taught in a corner; blending costs 3 bins at a corner of its."""
    y, x = corner
    masks = np.zeros((1, 64, 64), np.uint8)
    masks[0, y : y + 6, x : x + 6] = 1
    box = np.array([[y, x, y + 6, x + 6]])
    (found,) = targets(masks, box / 64, aligned=True)
    assert np.count_nonzero(found == 0) <= 6
    # As if image and object went on beyond the border.
    larger = np.pad(masks, [(0, 0), (32, 32), (32, 32)], mode="edge")
    (there,) = targets(larger, (box + 32) / 128, aligned=True)
    np.testing.assert_array_equal(found, there)


def test_bins_are_what_sampling_one_by_one_gives(rng):
    masks = rng.random((40, 9, 13)) < 0.5
    corners = np.sort(rng.uniform(-0.3, 1.3, (40, 2, 2)), axis=1)
    inside = rng.random((40, 1, 1)) < 0.7  # regions are clipped to images
    boxes = np.where(inside, np.clip(corners, 0, 1), corners).reshape(40, 4)
    found = targets(masks, boxes, aligned=True)
    assert 0.1 < found.mean() < 0.9
    for i in range(40):
        value = expected(masks[i], boxes[i].astype(np.float32))
        sure = abs(value - 0.5) > 1e-3
        np.testing.assert_array_equal(found[i][sure], value[sure] > 0.5)


@pytest.mark.parametrize("cells", [4, 14, 28, 56])
def test_a_mini_mask_ends_where_its_box_ends(cells):
    masks = np.ones((2, cells, cells), np.uint8)
    whole, around = targets(masks, [[0, 0, 1, 1], [-1, 0, 1, 1]], aligned=True)
    np.testing.assert_array_equal(whole, 1)
    np.testing.assert_array_equal(around[SIDE // 2 :], 1)
    np.testing.assert_array_equal(around[: SIDE // 2], 0)
