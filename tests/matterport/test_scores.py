"""Matches, AP and recall of one image, by hand."""

import math

import numpy as np
import pytest

from mrcnn import utils

BOXES = np.array([[0, 0, 10, 10], [0, 20, 10, 30], [20, 0, 30, 10]])
CLASSES = np.array([1, 2, 1])


def drawn(boxes):
    """Return full masks of boxes, in 40 x 40 pixels."""
    masks = np.zeros((40, 40, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


@pytest.fixture
def found():
    """Return detections in no order: right, poor, a second find, and a wrong class."""
    boxes = np.array([[0, 0, 10, 6], [0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 28]])
    return boxes, np.array([1, 1, 2, 2]), np.array([0.5, 0.9, 0.8, 0.7]), drawn(boxes)


def truth():
    """Return three objects."""
    return BOXES, CLASSES, drawn(BOXES)


def test_matches_by_hand(found):
    gt_match, pred_match, overlaps = utils.compute_matches(*truth(), *found)
    # Best score first: right; the third, called 2 for 1; the fourth; the second find.
    assert pred_match.tolist() == [0, -1, 1, -1]
    assert gt_match.tolist() == [0, 2, -1]
    expected = [[1, 0, 0], [0, 0, 1], [0, 0.8, 0], [0.6, 0, 0]]
    np.testing.assert_allclose(overlaps, expected, atol=1e-6)
    strict = utils.compute_matches(*truth(), *found, iou_threshold=0.9)
    assert strict[1].tolist() == [0, -1, -1, -1]
    looked_at = utils.compute_matches(*truth(), *found, score_threshold=0.85)
    assert looked_at[1].tolist() == [0, -1, -1, -1]


def test_ap_by_hand(found):
    ap, precisions, recalls, _ = utils.compute_ap(*truth(), *found)
    # Hits at ranks 1 and 3 of 3 objects: 1/3 at precision 1, 1/3 at 2/3.
    assert ap == pytest.approx(1 / 3 + 2 / 9)
    np.testing.assert_allclose(precisions, [1, 1, 2 / 3, 2 / 3, 1 / 2, 0])
    np.testing.assert_allclose(recalls, [0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1], rtol=1e-6)


def test_padding_is_no_object(found):
    boxes, classes, masks = truth()
    padded = (
        np.concatenate([boxes, np.zeros((2, 4), int)]),
        np.append(classes, [0, 0]),
        np.concatenate([masks, np.zeros((40, 40, 2), bool)], axis=-1),
    )
    assert utils.compute_ap(*padded, *found)[0] == utils.compute_ap(*truth(), *found)[0]


def test_nothing_there_and_nothing_found(found):
    nothing = np.zeros((0, 4)), np.zeros(0, int), np.zeros((40, 40, 0), bool)
    none = nothing[0], nothing[1], np.zeros(0), nothing[2]
    assert utils.compute_ap(*truth(), *none)[0] == 0
    assert math.isnan(utils.compute_ap(*nothing, *found)[0])
    assert math.isnan(utils.compute_ap(*nothing, *none)[0])
    assert utils.compute_overlaps_masks(nothing[2], drawn(BOXES)).shape == (0, 3)


def test_ap_over_thresholds(found, capsys):
    # The fourth detection has an IoU of 0.8: a hit up to that threshold.
    hit, missed = 1 / 3 + 2 / 9, 1 / 3
    thresholds = [0.5, 0.6, 0.7, 0.79, 0.85]
    mean = utils.compute_ap_range(*truth(), *found, iou_thresholds=thresholds)
    assert mean == pytest.approx((4 * hit + missed) / 5)
    assert "AP @0.50-0.85:\t 0.511" in capsys.readouterr().out
    utils.compute_ap_range(*truth(), *found, verbose=0)
    assert capsys.readouterr().out == ""


def test_half_is_no_part_of_a_mask():
    grey = np.full((2, 2, 1), 0.5)
    assert utils.compute_overlaps_masks(grey, np.ones((2, 2, 1)))[0, 0] == 0
    assert utils.compute_overlaps_masks(grey + 0.01, np.ones((2, 2, 1)))[0, 0] == 1


def test_recall_of_boxes():
    boxes = np.array([[0, 0, 10, 9], [0, 1, 10, 10], [30, 30, 40, 40], [20, 0, 24, 10]])
    recall, positive = utils.compute_recall(boxes, BOXES, 0.5)
    assert recall == pytest.approx(1 / 3)
    assert positive.tolist() == [0, 1]
    assert utils.compute_recall(boxes[:0], BOXES, 0.5)[0] == 0
    assert utils.compute_recall(boxes, BOXES[:0], 0.5)[0] == 0
