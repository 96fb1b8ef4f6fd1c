"""Boxes: overlaps against a slow loop, deltas and frames against their inverses."""

import numpy as np
import pytest
from keras import ops

from mrcnn.ops import boxes as box_ops
from tests.tensors import on_tensors

STD_DEV = np.array([0.1, 0.1, 0.2, 0.2], np.float32)


def random_boxes(rng, count: int, side: float = 1.0) -> np.ndarray:
    """Return boxes with some area inside a square."""
    corners = np.sort(rng.random((count, 2, 2)), axis=1)
    corners[:, 1] += 0.01
    return (corners.reshape(count, 4) * side).astype(np.float32)


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Return one IoU in float64, written apart."""
    y1, x1 = max(a[0], b[0]), max(a[1], b[1])
    y2, x2 = min(a[2], b[2]), min(a[3], b[3])
    shared = max(0.0, float(y2) - float(y1)) * max(0.0, float(x2) - float(x1))
    areas = [(float(c[2]) - float(c[0])) * (float(c[3]) - float(c[1])) for c in (a, b)]
    union = sum(areas) - shared
    return shared / union if union > 0 else 0.0


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_iou_is_that_of_a_slow_loop(rng, xp):
    a, b = random_boxes(rng, 40), random_boxes(rng, 30)
    expected = [[slow_iou(p, q) for q in b] for p in a]
    found = ops.convert_to_numpy(box_ops.iou(a, b, xp=xp))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0 and found.max() <= 1


def test_iou_is_symmetric_and_one_with_itself(rng):
    a, b = random_boxes(rng, 20), random_boxes(rng, 20)
    np.testing.assert_allclose(
        box_ops.iou(a, b, xp=np), box_ops.iou(b, a, xp=np).T, atol=1e-7
    )
    np.testing.assert_allclose(np.diag(box_ops.iou(a, a, xp=np)), 1, atol=1e-6)


def test_boxes_without_area_overlap_nothing():
    nothing = np.zeros((1, 4), np.float32)
    line = np.array([[0.2, 0.2, 0.2, 0.9]], np.float32)
    whole = np.array([[0, 0, 1, 1]], np.float32)
    for box in (nothing, line):
        assert box_ops.iou(box, whole, xp=np) == 0
        assert box_ops.iou(box, box, xp=np) == 0
    assert box_ops.area(np.array([[3.0, 3, 1, 1]]), xp=np) == 0
    assert box_ops.iou(np.zeros((0, 4)), whole, xp=np).shape == (0, 1)


def test_decoding_undoes_encoding(rng):
    boxes, targets = random_boxes(rng, 1000), random_boxes(rng, 1000)
    ratio = (targets[:, 2:] - targets[:, :2]) / (boxes[:, 2:] - boxes[:, :2])
    usual = (np.log(ratio) < box_ops.MAX_LOG_SCALE).all(axis=1)
    deltas = box_ops.encode_deltas(boxes, targets, std_dev=STD_DEV, xp=np)
    again = box_ops.decode_deltas(boxes, deltas, std_dev=STD_DEV, xp=np)
    np.testing.assert_allclose(again[usual], targets[usual], atol=1e-5)
    assert usual.mean() > 0.9


def test_deltas_by_hand():
    boxes = np.array([[0.0, 0, 10, 20]], np.float32)
    targets = np.array([[5.0, 10, 25, 30]], np.float32)
    # Centre (5, 10) to (15, 20): 10 / 10 and 10 / 20; heights 10 to 20, widths equal.
    expected = np.array([[1.0, 0.5, np.log(2), 0.0]]) / STD_DEV
    found = on_tensors(box_ops.encode_deltas)(boxes, targets, std_dev=STD_DEV)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_huge_deltas_stay_finite():
    boxes = np.array([[0.0, 0, 16, 16]], np.float32)
    deltas = np.full((1, 4), 1e4, np.float32)
    moved = box_ops.decode_deltas(boxes, deltas, std_dev=STD_DEV, xp=np)
    assert np.isfinite(moved).all()
    assert moved[0, 2] - moved[0, 0] == pytest.approx(1000, rel=1e-2)


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_the_limit_on_growth_can_be_lifted(xp):
    boxes = np.array([[0.0, 0, 1, 1]], np.float32)
    deltas = np.array([[0, 0, np.log(500), np.log(2)]], np.float32)
    options = {"std_dev": (1, 1, 1, 1), "max_log_scale": np.inf, "xp": xp}
    moved = ops.convert_to_numpy(
        on_tensors(box_ops.decode_deltas)(boxes, deltas, **options)
    )
    np.testing.assert_allclose(moved[0, 2:] - moved[0, :2], [500, 2], rtol=1e-5)


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_known_areas_are_believed(xp):
    boxes = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3]], np.float32)
    areas = np.array([4.0, 6.0], np.float32)
    found = box_ops.iou_of_areas(boxes[:1], boxes, areas[:1], areas, xp=xp)
    np.testing.assert_allclose(ops.convert_to_numpy(found), [[1, 1 / 9]], rtol=1e-6)


def test_normalised_corners_are_pixel_centres():
    whole = np.array([[0, 0, 128, 256], [1, 2, 2, 3]], np.float32)
    expected = [[0, 0, 1, 1], [1 / 127, 2 / 255, 1 / 127, 2 / 255]]
    found = box_ops.normalise(whole, (128, 256), xp=np)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    again = ops.convert_to_numpy(on_tensors(box_ops.denormalise)(found, (128, 256)))
    np.testing.assert_allclose(again, whole, atol=1e-4)


def test_an_image_of_one_pixel_can_be_normalised():
    box = np.array([[0, 0, 1, 1]], np.float32)
    assert np.isfinite(box_ops.normalise(box, (1, 1), xp=np)).all()


def test_clipping_moves_inside_the_window():
    boxes = np.array([[-1, -1, 2, 2], [0.2, 0.3, 0.4, 0.5], [3, 3, 4, 4]], np.float32)
    window = np.array([0.1, 0.1, 0.9, 0.8], np.float32)
    found = ops.convert_to_numpy(box_ops.clip(boxes, window))
    expected = [[0.1, 0.1, 0.9, 0.8], [0.2, 0.3, 0.4, 0.5], [0.9, 0.8, 0.9, 0.8]]
    np.testing.assert_allclose(found, expected, atol=1e-7)
