"""Boxes and anchors under Matterport's names."""

import numpy as np
import pytest
from keras import ops

from mrcnn import utils


def iou(a, b):
    """Return the IoU of two boxes, in plain numbers."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    areas = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return shared / (areas - shared) if areas > shared else 0.0


@pytest.fixture
def boxes(rng):
    """Return 40 boxes with whole corners."""
    corners = rng.integers(0, 50, (40, 2))
    return np.concatenate([corners, corners + rng.integers(1, 30, (40, 2))], axis=1)


def test_tight_boxes_of_masks():
    masks = np.zeros((6, 8, 3), np.uint8)
    masks[1:3, 2:7, 0] = 1
    masks[5, 7, 1] = 1
    boxes = utils.extract_bboxes(masks)
    assert boxes.tolist() == [[1, 2, 3, 7], [5, 7, 6, 8], [0, 0, 0, 0]]
    assert boxes.dtype == np.int32
    assert utils.extract_bboxes(np.zeros((4, 4, 0), bool)).shape == (0, 4)


def test_overlaps(boxes):
    expected = [[iou(a, b) for b in boxes[:7]] for a in boxes]
    np.testing.assert_allclose(utils.compute_overlaps(boxes, boxes[:7]), expected)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    row = utils.compute_iou(boxes[0], boxes[:7], areas[0], areas[:7])
    np.testing.assert_allclose(row, expected[0])
    assert utils.compute_overlaps(np.zeros((0, 4)), boxes).shape == (0, 40)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_suppression_is_the_plain_loop(boxes, rng, threshold):
    scores = rng.permutation(40) / 40
    kept: list[int] = []
    for i in np.argsort(-scores):
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(int(i))
    found = utils.non_max_suppression(boxes, scores, threshold)
    assert found.tolist() == kept
    assert found.dtype == np.int32


def test_suppression_of_nothing_and_of_one():
    assert utils.non_max_suppression(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []
    assert utils.non_max_suppression(np.ones((1, 4)), np.ones(1), 0.5).tolist() == [0]


def test_refinement_by_hand_and_back():
    box, target = np.array([[0, 0, 10, 20]]), np.array([[5, 0, 25, 10]])
    deltas = utils.box_refinement(box, target)
    np.testing.assert_allclose(deltas, [[1.0, -0.25, np.log(2), np.log(0.5)]], 1e-6)
    np.testing.assert_allclose(utils.apply_box_deltas(box, deltas), target, 1e-6)
    same = ops.convert_to_numpy(utils.box_refinement_graph(box, target))
    np.testing.assert_allclose(same, deltas)


def test_normalised_boxes_and_back():
    boxes = np.array([[0, 0, 101, 51], [10, 5, 20, 15]])
    normalised = utils.norm_boxes(boxes, (101, 51))
    expected = [[0, 0, 1, 1], [0.1, 0.1, 0.19, 0.28]]
    np.testing.assert_allclose(normalised, expected, rtol=1e-6)
    again = utils.denorm_boxes(normalised, (101, 51))
    assert again.tolist() == boxes.tolist()
    assert again.dtype == np.int32


def test_anchors_by_hand():
    found = utils.generate_anchors(8, [0.25, 1], (1, 2), 4, 1)
    tall, square = [-8, -2, 8, 2], [-4, -4, 4, 4]
    shifted = [[y1, x1 + 4, y2, x2 + 4] for y1, x1, y2, x2 in (tall, square)]
    assert found.tolist() == [tall, square, *shifted]


def test_several_scales_follow_each_other_ratio_by_ratio():
    found = utils.generate_anchors((2, 4), [1, 4], (1, 1), 1, 1)
    sides = found[:, 2:] - found[:, :2]
    assert sides.tolist() == [[2, 2], [4, 4], [1, 4], [2, 8]]


@pytest.mark.parametrize(("side", "count"), [(1024, 261_888), (256, 16_368)])
def test_as_many_anchors_as_matterports(side, count):
    strides = [4, 8, 16, 32, 64]
    shapes = [[side // stride] * 2 for stride in strides]
    scales = (32, 64, 128, 256, 512)
    found = utils.generate_pyramid_anchors(scales, [0.5, 1, 2], shapes, strides, 1)
    assert len(found) == count
    # The first of the second level: scale 64, half as wide as high.
    first = found[3 * (side // 4) ** 2]
    np.testing.assert_allclose(first[2:] - first[:2], 64 * 2 ** np.array([0.5, -0.5]))


def test_rows_of_zeros_go():
    assert utils.trim_zeros(np.array([[0, 0], [0, 1], [0, 0]])).tolist() == [[0, 1]]
    assert utils.trim_zeros(np.zeros((0, 4))).shape == (0, 4)


def test_slices_of_a_batch_are_stacked():
    x, y = ops.reshape(ops.arange(6), (2, 3)), ops.ones((2, 3), "int32")
    total = utils.batch_slice([x, y], lambda a, b: a + b, 2)
    assert ops.convert_to_numpy(total).tolist() == [[1, 2, 3], [4, 5, 6]]
    low, high = utils.batch_slice(x, lambda a: (a[0], a[-1]), 2)
    assert ops.convert_to_numpy(low).tolist() == [0, 3]
    assert ops.convert_to_numpy(high).tolist() == [2, 5]
