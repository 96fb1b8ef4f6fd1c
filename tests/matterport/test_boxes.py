"""Boxes and anchors under Matterport's names: by hand, and against slow loops."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.matterport import boxes as box_utils
from mrcnn.matterport.boxes import (
    apply_box_deltas,
    box_refinement,
    box_refinement_graph,
    compute_iou,
    compute_overlaps,
    denorm_boxes,
    extract_bboxes,
    generate_anchors,
    generate_pyramid_anchors,
    non_max_suppression,
    norm_boxes,
)

NONE = np.zeros((0, 4), np.int32)


def random_boxes(rng, count: int, dtype: type = np.float64) -> np.ndarray:
    """Return boxes with some area in a square of 200 pixels."""
    corners = np.sort(rng.integers(0, 200, (count, 2, 2)), axis=1)
    corners[:, 1] += 1
    return corners.reshape(count, 4).astype(dtype)


def slow_iou(a, b) -> float:
    """Return one IoU, in Python's numbers."""
    (y1, x1, y2, x2), (v1, u1, v2, u2) = map(float, a), map(float, b)
    height = max(0.0, min(y2, v2) - max(y1, v1))
    width = max(0.0, min(x2, u2) - max(x1, u1))
    union = (y2 - y1) * (x2 - x1) + (v2 - v1) * (u2 - u1) - height * width
    return height * width / union if union else 0.0


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_boxes_of_masks_by_hand(dtype):
    mask = np.zeros((10, 12, 3), dtype)
    mask[2:5, 3:9, 0] = 1
    mask[9, 11, 2] = 1
    found = extract_bboxes(mask)
    assert found.dtype == np.int32
    assert found.tolist() == [[2, 3, 5, 9], [0, 0, 0, 0], [9, 11, 10, 12]]
    assert extract_bboxes(mask[..., :0]).shape == (0, 4)
    assert extract_bboxes(np.zeros((0, 0, 0))).shape == (0, 4)


def test_iou_takes_the_areas_it_is_given():
    box, boxes = np.array([0, 0, 2, 2]), np.array([[0, 0, 2, 2], [1, 1, 3, 3]])
    found = compute_iou(box, boxes, 4, np.array([4, 4]))
    np.testing.assert_allclose(found, [1, 1 / 7])
    found = compute_iou(box, boxes, 4, np.array([6, 13]))
    np.testing.assert_allclose(found, [4 / 6, 1 / 16])
    point = np.zeros(4)
    assert compute_iou(point, point[None], 0.0, np.zeros(1)).tolist() == [0]
    assert compute_iou(box, NONE, 4, np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_overlaps_are_those_of_a_slow_loop(rng, dtype):
    a, b = random_boxes(rng, 13, dtype), random_boxes(rng, 7, dtype)
    found = compute_overlaps(a, b)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[slow_iou(p, q) for q in b] for p in a], 1e-6)


def test_overlaps_of_few_and_degenerate_boxes():
    one = np.array([[0, 0, 10, 10]])
    assert compute_overlaps(NONE, one).shape == (0, 1)
    assert compute_overlaps(one, NONE).shape == (1, 0)
    assert compute_overlaps([], []).shape == (0, 0)
    line = np.array([[2, 2, 2, 8]])
    assert compute_overlaps(line, line) == 0
    assert compute_overlaps(line, one) == 0
    # Boxes with a fifth column, the class, as old data have it.
    assert compute_overlaps(np.array([[0, 0, 10, 10, 3]]), one) == 1


def test_overlaps_in_blocks_are_the_same(rng, monkeypatch):
    a, b = random_boxes(rng, 11), random_boxes(rng, 5)
    whole = compute_overlaps(a, b)
    monkeypatch.setattr(box_utils, "PAIRS", 12)  # two rows at a time
    np.testing.assert_array_equal(compute_overlaps(a, b), whole)
    monkeypatch.setattr(box_utils, "PAIRS", 1)
    np.testing.assert_array_equal(compute_overlaps(a, b), whole)


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_suppression_is_the_greedy_loop(rng, dtype, size):
    for threshold in (0.0, 0.3, 0.7, 1.0):
        boxes = random_boxes(rng, size, dtype)
        scores = rng.permutation(size) / size
        kept = []
        for i in sorted(range(size), key=lambda i: -scores[i]):
            if all(slow_iou(boxes[i], boxes[k]) <= threshold for k in kept):
                kept.append(i)
        found = non_max_suppression(boxes, scores, threshold)
        assert found.dtype == np.int32
        assert found.tolist() == kept


def test_suppression_at_its_edges():
    none = non_max_suppression(NONE, np.zeros(0), 0.5)
    assert (none.dtype, none.shape) == (np.int32, (0,))
    twins = np.array([[0, 0, 4, 4]] * 3)
    assert non_max_suppression(twins, np.array([0.5, 0.5, 0.5]), 0.5).tolist() == [2]
    # An IoU of exactly the threshold is kept; without area nothing overlaps.
    halves = np.array([[0, 0, 4, 4], [0, 0, 4, 2], [1, 1, 1, 1], [1, 1, 1, 1]])
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    assert non_max_suppression(halves, scores, 0.5).tolist() == [0, 1, 2, 3]
    assert non_max_suppression(halves, scores, 0.49).tolist() == [0, 2, 3]
    # Scores that are equal in float32 only.
    close = np.array([1.0 + 1e-12, 1.0, 1.0 - 1e-12])
    assert non_max_suppression(twins, close, 0.5).tolist() == [0]
    with pytest.raises(ValueError, match=r"threshold is 50"):
        non_max_suppression(twins, scores[:3], 50)


def test_deltas_by_hand():
    box, target = np.array([[0, 0, 10, 20]]), np.array([[5, 10, 25, 30]])
    deltas = box_refinement(box, target)
    assert deltas.dtype == np.float32
    # Centre (5, 10) to (15, 20): 10 / 10 and 10 / 20; heights 10 to 20, widths equal.
    np.testing.assert_allclose(deltas, [[1.0, 0.5, np.log(2), 0.0]], rtol=1e-6)
    moved = apply_box_deltas(box, deltas)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, target, rtol=1e-6)


def test_deltas_there_and_back_without_a_limit(rng):
    boxes, targets = random_boxes(rng, 500), random_boxes(rng, 500)
    again = apply_box_deltas(boxes, box_refinement(boxes, targets))
    np.testing.assert_allclose(again, targets, atol=1e-2)
    growth = np.log(np.array([[1.0, 1.0, 1000.0, 500.0]]))
    (y1, x1, y2, x2) = apply_box_deltas(np.array([[0, 0, 1, 2]]), growth)[0]
    np.testing.assert_allclose([y2 - y1, x2 - x1], [1000, 1000], rtol=1e-5)


def test_deltas_of_no_boxes_and_of_boxes_without_area():
    assert box_refinement(NONE, NONE).shape == (0, 4)
    assert apply_box_deltas(NONE, NONE).shape == (0, 4)
    assert np.isfinite(box_refinement(np.zeros((1, 4)), np.ones((1, 4)))).all()


def test_deltas_of_tensors(rng):
    boxes, targets = random_boxes(rng, 9, np.int32), random_boxes(rng, 9, np.int32)
    found = box_refinement_graph(
        ops.convert_to_tensor(boxes), ops.convert_to_tensor(targets)
    )
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    expected = box_refinement(boxes, targets)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)
    symbolic = box_refinement_graph(
        keras.KerasTensor((None, 4)), keras.KerasTensor((None, 4))
    )
    assert symbolic.shape == (None, 4)


def test_normalised_boxes_by_hand():
    boxes = np.array([[0, 0, 128, 256], [1, 2, 2, 3]])
    found = norm_boxes(boxes, (128, 256))
    assert found.dtype == np.float32
    expected = [[0, 0, 1, 1], [1 / 127, 2 / 255, 1 / 127, 2 / 255]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    again = denorm_boxes(found, (128, 256))
    assert again.dtype == np.int32
    np.testing.assert_array_equal(again, boxes)


def test_normalised_boxes_come_back_to_the_pixel(rng):
    corners = np.sort(rng.integers(0, 1025, (1000, 2, 2)), axis=1).reshape(-1, 4)
    again = denorm_boxes(norm_boxes(corners, (1024, 1024)), (1024, 1024))
    np.testing.assert_array_equal(again, corners)
    assert denorm_boxes(norm_boxes(NONE, (5, 5)), (5, 5)).shape == (0, 4)


def test_halves_go_to_the_even_pixel_and_one_pixel_is_an_image():
    # 0.5 and 1.5 pixels, in an image of 3 x 3.
    assert denorm_boxes([[0.25, 0.75, 0.25, 0.75]], (3, 3)).tolist() == [[0, 2, 2, 2]]
    assert norm_boxes([[0, 0, 1, 1]], (1, 1)).tolist() == [[0, 0, 0, 0]]
    assert denorm_boxes([[0, 0, 0, 0]], (1, 1)).tolist() == [[0, 0, 1, 1]]


def test_anchors_by_hand():
    found = generate_anchors(32, [0.25, 1, 4], (1, 2), 16, 1)
    assert found.dtype == np.float64
    # Ratio 0.25 is 64 high and 16 wide; centres (0, 0) and (0, 16).
    first = [[-32, -8, 32, 8], [-16, -16, 16, 16], [-8, -32, 8, 32]]
    second = [[y1, x1 + 16, y2, x2 + 16] for y1, x1, y2, x2 in first]
    np.testing.assert_allclose(found, first + second)


def test_anchors_row_by_row_and_every_other_cell():
    found = generate_anchors([8], [1], (3, 4), 10, 2)
    centres = (found[:, :2] + found[:, 2:]) / 2
    assert centres.tolist() == [[0, 0], [0, 20], [20, 0], [20, 20]]


def test_several_scales_vary_fastest():
    found = generate_anchors([8, 16], [1, 4], (2, 2), 4, 1)
    sides = (found[:, 2:] - found[:, :2])[:4]
    np.testing.assert_allclose(sides, [[8, 8], [16, 16], [4, 16], [8, 32]])
    assert len(found) == 4 * 4


def test_pyramid_anchors_level_by_level():
    shapes, strides = [(32, 32), (16, 16), (8, 8)], [4, 8, 16]
    found = generate_pyramid_anchors((8, 16, 32), [0.5, 1, 2], shapes, strides, 1)
    assert found.shape == (3 * (1024 + 256 + 64), 4)
    areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
    np.testing.assert_allclose(areas, np.repeat([64, 256, 1024], [3072, 768, 192]))
    np.testing.assert_array_equal(
        found[3072 : 3072 + 768], generate_anchors(16, [0.5, 1, 2], (16, 16), 8, 1)
    )
    with pytest.raises(ValueError, match="shorter"):
        generate_pyramid_anchors((8, 16), [1], shapes[:1], strides, 1)
