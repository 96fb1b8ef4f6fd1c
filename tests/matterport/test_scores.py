"""Matches, AP and recall of one image: tables worked by hand, and a slow matcher."""

import math

import numpy as np
import pytest

from mrcnn.matterport.scores import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_overlaps_masks,
    compute_recall,
    trim_zeros,
)

WIDTH = 60


def instances(*spans: tuple[int, int, int], pad: int = 0):
    """Return boxes, class ids and masks of (class, first, end) on one row of pixels.

    Boxes and class ids get `pad` rows of zeros, as Matterport's batches have them.
    """
    boxes = np.zeros((len(spans) + pad, 4), np.int32)
    class_ids = np.zeros(len(spans) + pad, np.int32)
    masks = np.zeros((1, WIDTH, len(spans)), bool)
    for i, (class_id, first, end) in enumerate(spans):
        boxes[i], class_ids[i] = (0, first, 1, end), class_id
        masks[0, first:end, i] = True
    return boxes, class_ids, masks


def together(truth, found, scores):
    """Return the seven arguments of the scores."""
    boxes, class_ids, masks = found
    return (*truth, boxes, class_ids, np.array(scores, np.float64), masks)


def test_rows_of_zeros_are_padding():
    rows = np.array([[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 0, 0]])
    assert trim_zeros(rows).tolist() == [[1, 0, 0, 2], [0, 3, 0, 0]]
    assert trim_zeros(np.zeros((3, 4))).shape == (0, 4)
    assert trim_zeros(np.zeros((0, 4))).shape == (0, 4)
    with pytest.raises(ValueError, match=r"not shape \(4,\)"):
        trim_zeros(np.zeros(4))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_overlaps_of_masks_by_hand(dtype):
    *_, a = instances((1, 0, 8), (1, 0, 0))
    *_, b = instances((1, 4, 12), (1, 20, 24), (1, 0, 0))
    found = compute_overlaps_masks(a.astype(dtype), b.astype(dtype))
    np.testing.assert_allclose(found, [[4 / 12, 0, 0], [0, 0, 0]], rtol=1e-6)


def test_pixels_above_one_half_belong_to_a_mask():
    a, b = np.full((1, 2, 1), 0.5), np.full((1, 2, 1), 0.51)
    assert compute_overlaps_masks(a, b) == 0
    assert compute_overlaps_masks(b, b) == 1


def test_overlaps_of_no_masks():
    none, two = np.zeros((1, 5, 0), bool), np.ones((1, 5, 2), bool)
    assert compute_overlaps_masks(none, two).shape == (0, 2)
    assert compute_overlaps_masks(two, none).shape == (2, 0)
    # What Matterport's Dataset.load_mask returns without annotations.
    assert compute_overlaps_masks(np.empty((0, 0, 0)), two).shape == (0, 2)
    with pytest.raises(ValueError, match=r"\(1, 5\) and of \(2, 5\) pixels"):
        compute_overlaps_masks(two, np.ones((2, 5, 2)))


def test_matches_by_hand():
    truth = instances((1, 0, 10), (2, 20, 30), (1, 40, 50), pad=2)
    found = instances(
        (2, 40, 50),  # the third object, called 2
        (1, 0, 8),  # IoU 0.8 with the first object
        (1, 0, 10),  # IoU 1 with it, but less confident
        (2, 20, 25),  # IoU 0.5 with the second
        pad=1,
    )
    gt_match, pred_match, overlaps = compute_matches(
        *together(truth, found, [0.5, 0.9, 0.8, 0.7, 0])
    )
    # By score: (1, 0, 8), (1, 0, 10), (2, 20, 25), (2, 40, 50).
    assert gt_match.tolist() == [0, 2, -1]
    assert pred_match.tolist() == [0, -1, 1, -1]
    assert gt_match.dtype == pred_match.dtype == np.float64
    np.testing.assert_allclose(
        overlaps, [[0.8, 0, 0], [1, 0, 0], [0, 0.5, 0], [0, 0, 1]], rtol=1e-6
    )


def test_thresholds_are_inclusive_and_both_are_ious():
    args = together(instances((1, 0, 10)), instances((1, 0, 5)), [0.1])
    assert compute_matches(*args, 0.5)[1].tolist() == [0]
    assert compute_matches(*args, 0.51)[1].tolist() == [-1]
    assert compute_matches(*args, score_threshold=0.5)[1].tolist() == [0]
    assert compute_matches(*args, score_threshold=0.51)[1].tolist() == [-1]


def test_a_threshold_of_zero_matches_what_does_not_touch_but_no_other_class():
    found = instances((1, 20, 30), (1, 20, 30), (2, 20, 30))
    args = together(instances((1, 0, 10)), found, [0.9, 0.8, 0.7])
    gt_match, pred_match, _ = compute_matches(*args, 0.0)
    assert (gt_match.tolist(), pred_match.tolist()) == ([0], [0, -1, -1])


def test_of_equal_scores_the_later_one_chooses_first():
    found = instances((1, 0, 8), (1, 0, 10))
    args = together(instances((1, 0, 10)), found, [0.5, 0.5])
    _, pred_match, overlaps = compute_matches(*args)
    assert pred_match.tolist() == [0, -1]
    np.testing.assert_allclose(overlaps, [[1.0], [0.8]], rtol=1e-6)


def test_nothing_to_match():
    none, one = instances(), instances((1, 0, 10))
    for truth, found, scores, shape in (
        (none, one, [0.9], (1, 0)),
        (one, none, [], (0, 1)),
        (none, none, [], (0, 0)),
    ):
        gt_match, pred_match, overlaps = compute_matches(
            *together(truth, found, scores)
        )
        assert gt_match.tolist() == [-1] * shape[1]
        assert pred_match.tolist() == [-1] * shape[0]
        assert overlaps.shape == shape


def slow_matches(truth, found, scores, threshold: float) -> dict[int, int]:
    """Match spans by the words of the rule: {rank of a detection: object}."""
    taken: dict[int, int] = {}
    ranked = sorted(zip(scores, found, strict=True), key=lambda pair: -pair[0])
    for rank, (_, (class_id, first, end)) in enumerate(ranked):
        best, reached = None, threshold
        for j, (other, start, stop) in enumerate(truth):
            shared = max(0, min(end, stop) - max(first, start))
            overlap = shared / (end - first + stop - start - shared)
            if other == class_id and j not in taken.values() and overlap >= reached:
                best, reached = j, overlap
        if best is not None:
            taken[rank] = best
    return taken


def test_matches_are_those_of_a_slow_loop(rng):
    def spans(count):
        first = rng.integers(0, WIDTH - 20, count)
        ends = first + rng.integers(5, 20, count)
        return list(zip(rng.integers(1, 3, count), first, ends, strict=True))

    matched = 0
    for _ in range(200):
        truth, found = spans(rng.integers(0, 7)), spans(rng.integers(0, 9))
        scores = rng.permutation(len(found)) / 10
        expected = slow_matches(truth, found, scores, 0.4)
        gt_match, pred_match, _ = compute_matches(
            *together(instances(*truth), instances(*found), scores), 0.4
        )
        pairs = {i: int(j) for i, j in enumerate(pred_match) if j >= 0}
        assert pairs == expected
        assert {int(i): j for j, i in enumerate(gt_match) if i >= 0} == {
            i: j for i, j in pairs.items()
        }
        matched += len(pairs)
    assert matched > 100


def test_average_precision_by_hand():
    truth = instances((1, 0, 10), (1, 20, 30), (1, 40, 50), (1, 55, 60))
    found = instances((1, 0, 10), (1, 12, 18), (1, 20, 30), (1, 32, 38), (1, 40, 50))
    value, precisions, recalls, overlaps = compute_ap(
        *together(truth, found, [0.9, 0.8, 0.7, 0.6, 0.5])
    )
    # Hit, miss, hit, miss, hit; precision 1, 1/2, 2/3, 2/4, 3/5, each raised to the
    # best to its right.
    np.testing.assert_allclose(recalls, [0, 1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4, 1])
    np.testing.assert_allclose(precisions, [1, 1, 2 / 3, 2 / 3, 3 / 5, 3 / 5, 0])
    assert value == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert overlaps.shape == (5, 4)


def test_average_precision_ranks_by_score_and_asks_for_the_iou():
    truth, found = instances((1, 0, 10)), instances((1, 20, 30), (1, 0, 6))
    args = together(truth, found, [0.1, 0.9])
    assert compute_ap(*args)[0] == 1.0
    assert compute_ap(*args, iou_threshold=0.7)[0] == 0.0
    assert compute_ap(*together(truth, found, [0.9, 0.1]))[0] == 0.5


def test_average_precision_of_nothing():
    none, one = instances(), instances((1, 0, 10))
    for truth, found, scores, recalls in (
        (one, none, [], [0, 1]),
        (none, none, [], [0, 1]),
        (none, one, [0.9], [0, 0, 1]),
    ):
        value, precisions, found_recalls, _ = compute_ap(
            *together(truth, found, scores)
        )
        assert value == 0
        assert found_recalls.tolist() == recalls
        assert not precisions.any()


def test_average_over_thresholds(capsys):
    args = together(instances((1, 0, 20)), instances((1, 0, 15)), [0.9])  # IoU 0.75
    assert compute_ap_range(*args, verbose=0) == pytest.approx(0.6)
    assert capsys.readouterr().out == ""
    for thresholds in ([0.5, 0.9], np.array([0.5, 0.9]), (0.7, 0.8)):
        assert compute_ap_range(*args, thresholds, verbose=0) == 0.5
    compute_ap_range(*args, iou_thresholds=[0.5, 0.9])
    lines = ["AP @0.50:\t 1.000", "AP @0.90:\t 0.000", "AP @0.50-0.90:\t 0.500"]
    assert capsys.readouterr().out.splitlines() == lines
    assert compute_ap_range(*args, iou_thresholds=[]) == pytest.approx(0.6)
    assert len(capsys.readouterr().out.splitlines()) == 11


def test_recall_by_hand():
    objects = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60]])
    boxes = np.array(
        [
            [0, 0, 10, 10],
            [0, 0, 10, 8],  # IoU 0.8 with the same object
            [80, 80, 90, 90],
            [20, 20, 30, 25],  # IoU 0.5
        ]
    )
    recall, positive_ids = compute_recall(boxes, objects, 0.5)
    assert recall == pytest.approx(2 / 3)
    assert positive_ids.tolist() == [0, 1, 3]
    assert compute_recall(boxes, objects, 0.81)[0] == pytest.approx(1 / 3)


def test_recall_of_nothing():
    none, one = np.zeros((0, 4)), np.array([[0, 0, 10, 10]])
    recall, positive_ids = compute_recall(none, one, 0.5)
    assert (recall, positive_ids.tolist()) == (0, [])
    recall, positive_ids = compute_recall(one, none, 0.5)
    assert math.isnan(recall)
    assert positive_ids.tolist() == []
