"""Suppression against the plain greedy loop that defines it."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops import nms as nms_ops
from tests.tensors import on_tensors

KERNELS = ["neutral"]
if keras.backend.backend() == "tensorflow":
    KERNELS.append("native")


@pytest.fixture(params=KERNELS)
def kernel(request, monkeypatch):
    """Run a test with each kernel that the backend has."""
    if request.param == "neutral":
        monkeypatch.setattr(nms_ops.keras.backend, "backend", lambda: "any")
    return request.param


def greedy(boxes, scores, valid, threshold, slots) -> list[int]:
    """Return the kept indices, by the definition."""
    overlaps = box_ops.iou(boxes, boxes, xp=np)
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if valid[i] and all(overlaps[i, k] <= threshold for k in kept):
            kept.append(int(i))
    return kept[:slots]


def cases(rng, count: int, size: int):
    """Return random boxes, scores without ties, and who takes part."""
    corners = np.sort(rng.random((count, size, 2, 2)), axis=2)
    boxes = corners.reshape(count, size, 4).astype(np.float32)
    scores = np.stack([rng.permutation(size) for _ in range(count)]) / size
    return boxes, scores.astype(np.float32), rng.random((count, size)) < 0.9


def run(function, *args, **options):
    """Return indices and valid of a call as arrays."""
    return [ops.convert_to_numpy(x) for x in on_tensors(function)(*args, **options)]


@pytest.mark.parametrize("size", [1, 2, 7, 25])
def test_agrees_with_the_greedy_loop_on_thousands_of_cases(rng, kernel, size):
    boxes, scores, valid = cases(rng, 600, size)
    for threshold in (0.0, 0.3, 0.7):
        options = {"iou_threshold": threshold, "slots": 6}
        indices, found = run(nms_ops.nms, boxes, scores, valid, **options)
        for i in range(len(boxes)):
            expected = greedy(boxes[i], scores[i], valid[i], threshold, 6)
            assert indices[i][found[i]].tolist() == expected
            assert not indices[i][~found[i]].any()


@pytest.mark.parametrize(("size", "slots"), [(64, 64), (61, 64), (61, 9), (17, 30)])
def test_blocks_make_no_difference(rng, kernel, monkeypatch, size, slots):
    monkeypatch.setattr(nms_ops, "BLOCK", 16)
    boxes, scores, valid = cases(rng, 40, size)
    scores = np.round(scores, 1)  # of equal ones the first is better
    for threshold in (0.1, 0.6):
        options = {"iou_threshold": threshold, "slots": slots}
        indices, found = run(nms_ops.nms, boxes, scores, valid, **options)
        for i in range(len(boxes)):
            expected = greedy(boxes[i], scores[i], valid[i], threshold, slots)
            assert indices[i][found[i]].tolist() == expected
            assert found[i].tolist() == [k < len(expected) for k in range(slots)]


def test_a_chain_of_boxes_that_each_overlap_the_next(kernel, monkeypatch):
    # Every second is kept, the last by as many steps as there are boxes.
    monkeypatch.setattr(nms_ops, "BLOCK", 20)
    top = np.arange(50, dtype=np.float32)
    boxes = np.stack([top, 0 * top, top + 1.9, 0 * top + 1], axis=-1)[None]
    scores, valid = 1 - top[None] / 100, np.ones((1, 50), bool)
    options = {"iou_threshold": 0.3, "slots": 40}
    indices, found = run(nms_ops.nms, boxes, scores, valid, **options)
    assert indices[0][found[0]].tolist() == list(range(0, 50, 2))


def test_nobody_takes_part(rng, kernel):
    boxes, scores, _ = cases(rng, 2, 5)
    valid = np.zeros((2, 5), bool)
    indices, found = run(nms_ops.nms, boxes, scores, valid, iou_threshold=0.5, slots=3)
    assert not found.any() and not indices.any()


def test_a_second_pass_changes_nothing(rng, kernel):
    boxes, scores, valid = cases(rng, 20, 30)
    options = {"iou_threshold": 0.4, "slots": 30}
    indices, found = run(nms_ops.nms, boxes, scores, valid, **options)
    kept = np.take_along_axis(boxes, indices[..., None], 1)
    ranks = np.take_along_axis(scores, indices, 1)
    again, still = run(nms_ops.nms, kept, ranks, found, **options)
    np.testing.assert_array_equal(still, found)
    for order, row in zip(again, still, strict=True):
        assert order[row].tolist() == list(range(row.sum()))


def test_classes_do_not_suppress_each_other(kernel):
    boxes = np.tile(np.array([0.1, 0.1, 0.6, 0.6], np.float32), (1, 4, 1))
    scores = np.array([[0.9, 0.8, 0.7, 0.6]], np.float32)
    class_ids = np.array([[1, 2, 1, 80]])
    options = {"iou_threshold": 0.3, "slots": 4}
    valid = np.ones((1, 4), bool)
    args = (boxes, scores, class_ids, valid)
    indices, found = run(nms_ops.class_nms, *args, **options)
    assert indices[0][found[0]].tolist() == [0, 1, 3]


def test_boxes_without_area_suppress_nobody(kernel):
    boxes = np.zeros((1, 4, 4), np.float32)
    boxes[0, 2] = 0.1, 0.1, 0.6, 0.6
    scores = np.array([[0.6, 0.9, 0.7, 0.8]], np.float32)
    valid = np.array([[True, True, True, False]])
    indices, found = run(nms_ops.nms, boxes, scores, valid, iou_threshold=0.5, slots=4)
    assert indices[0][found[0]].tolist() == [1, 2, 0]
