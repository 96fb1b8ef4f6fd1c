"""Overlaps of masks and greedy matching, by hand."""

import numpy as np

from mrcnn.ops.overlaps import greedy_match, mask_iou


def test_mask_iou_counts_pixels() -> None:
    a = np.zeros((4, 4, 2), bool)
    a[:2, :, 0] = True  # 8 pixels; the second mask is empty
    b = np.zeros((4, 4, 1), bool)
    b[1:3, :, 0] = True
    np.testing.assert_allclose(mask_iou(a, b), [[4 / 12], [0]], rtol=1e-6)


def test_mask_iou_of_no_masks_is_an_empty_table() -> None:
    assert mask_iou(np.zeros((3, 3, 0), bool), np.ones((3, 3, 2), bool)).shape == (0, 2)


def test_best_score_chooses_first_and_an_object_is_found_once() -> None:
    overlaps = np.array([[0.9, 0.6], [0.95, 0.0], [0.55, 0.5]])
    matches = greedy_match(overlaps, np.array([0.8, 0.7, 0.9]))
    # The third is the most confident and takes object 0, which it overlaps most.
    assert matches.tolist() == [1, -1, 0]


def test_threshold_is_inclusive() -> None:
    assert greedy_match(np.array([[0.5]]), np.array([1.0])).tolist() == [0]
    assert greedy_match(np.array([[0.499]]), np.array([1.0])).tolist() == [-1]


def test_equal_scores_keep_their_order() -> None:
    overlaps = np.array([[0.6], [0.9]])
    assert greedy_match(overlaps, np.array([0.5, 0.5])).tolist() == [0, -1]


def test_a_threshold_of_zero_still_gives_an_object_once() -> None:
    matches = greedy_match(np.array([[0.0], [0.0]]), np.ones(2), threshold=0.0)
    assert matches.tolist() == [0, -1]
    assert greedy_match(np.array([[-1.0]]), np.ones(1), threshold=0.0).tolist() == [-1]


def test_nothing_to_match() -> None:
    assert greedy_match(np.zeros((0, 3)), np.zeros(0)).shape == (0,)
    assert greedy_match(np.zeros((2, 0)), np.ones(2)).tolist() == [-1, -1]
