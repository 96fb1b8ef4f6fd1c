"""Matches, average precision and recall of one image, under Matterport's names.

They score one image at a time. COCO's numbers, which rank the detections of all images
together and per class, are `mrcnn.evaluation`'s.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mrcnn.evaluation.coco import IOU_THRESHOLDS
from mrcnn.matterport.boxes import compute_overlaps
from mrcnn.ops.overlaps import greedy_match, mask_iou


class _Pairs(NamedTuple):
    """Detections, best first, beside objects."""

    overlaps: np.ndarray  # (n, m) IoUs of masks
    same_class: np.ndarray  # (n, m) bool


def trim_zeros(x: np.ndarray) -> np.ndarray:
    """Return the rows of a table (n, c) that are not all zeros: padding taken off.

    Raises:
        ValueError: if it is no table.
    """
    x = np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"trim_zeros takes (rows, columns), not shape {x.shape}.")
    return x[(x != 0).any(axis=1)]


def compute_overlaps_masks(masks1: np.ndarray, masks2: np.ndarray) -> np.ndarray:
    """Return the IoUs (n, m) of masks (h, w, n) with masks (h, w, m).

    Pixels above 0.5 belong to a mask. Two empty masks have an IoU of 0, where
    Matterport has NaN.

    Raises:
        ValueError: if the masks are of different sizes.
    """
    masks1, masks2 = np.asarray(masks1), np.asarray(masks2)
    counts = masks1.shape[-1], masks2.shape[-1]
    if 0 in counts:
        return np.zeros(counts)
    if masks1.shape[:-1] != masks2.shape[:-1]:
        raise ValueError(
            f"Masks of {masks1.shape[:-1]} and of {masks2.shape[:-1]} pixels cannot be "
            "compared: bring both to one image's size."
        )
    return mask_iou(masks1 > 0.5, masks2 > 0.5)


def compute_matches(
    gt_boxes: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_masks: np.ndarray,
    pred_boxes: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    pred_masks: np.ndarray,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match detections with objects of their class by the IoU of their masks.

    The most confident detection chooses first: of the free objects, the one that it
    overlaps most. Rows of zeros at the end of the boxes are padding.

    Args:
        gt_boxes: (m, 4) in any frame; only tells how many objects there are.
        gt_class_ids: (m,).
        gt_masks: (h, w, m).
        pred_boxes: (n, 4) in any frame; only tells how many detections there are.
        pred_class_ids: (n,).
        pred_scores: (n,).
        pred_masks: (h, w, n).
        iou_threshold: least IoU of a match.
        score_threshold: another least IoU, in spite of its name (Matterport's code
            compares it with the IoU, and so does this one).

    Returns:
        Each object's detection or -1, (m,); each detection's object or -1, (n,), best
        score first, both float64; and the IoUs (n, m), best score first. Detections are
        numbered by rank, not in the order in which they were given.
    """
    pairs = _pairs(
        gt_boxes,
        gt_class_ids,
        gt_masks,
        pred_boxes,
        pred_class_ids,
        pred_scores,
        pred_masks,
    )
    gt_match, pred_match = _match(pairs, max(iou_threshold, score_threshold))
    return gt_match, pred_match, pairs.overlaps


def compute_ap(
    gt_boxes: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_masks: np.ndarray,
    pred_boxes: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    pred_masks: np.ndarray,
    iou_threshold: float = 0.5,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the average precision of one image, all classes ranked together.

    The area under precision against recall as PASCAL VOC computes it since 2010, with
    each precision raised to the best of a higher recall. An image without objects has
    an AP of 0, with or without false alarms (with them, Matterport has NaN).

    Args:
        gt_boxes: as in `compute_matches`, as are the next six.
        gt_class_ids: (m,).
        gt_masks: (h, w, m).
        pred_boxes: (n, 4).
        pred_class_ids: (n,).
        pred_scores: (n,).
        pred_masks: (h, w, n).
        iou_threshold: least IoU of a match.

    Returns:
        The AP; precisions (n + 2,) and recalls (n + 2,) after each detection, between
        the ends at recall 0 and 1; and the IoUs (n, m), best score first.
    """
    pairs = _pairs(
        gt_boxes,
        gt_class_ids,
        gt_masks,
        pred_boxes,
        pred_class_ids,
        pred_scores,
        pred_masks,
    )
    return *_average_precision(pairs, iou_threshold), pairs.overlaps


def compute_ap_range(
    gt_box: np.ndarray,
    gt_class_id: np.ndarray,
    gt_mask: np.ndarray,
    pred_box: np.ndarray,
    pred_class_id: np.ndarray,
    pred_score: np.ndarray,
    pred_mask: np.ndarray,
    iou_thresholds: Sequence[float] | None = None,
    verbose: int = 1,
) -> float:
    """Return the mean of `compute_ap` over IoU thresholds.

    Args:
        gt_box: as in `compute_matches`, as are the next six.
        gt_class_id: (m,).
        gt_mask: (h, w, m).
        pred_box: (n, 4).
        pred_class_id: (n,).
        pred_score: (n,).
        pred_mask: (h, w, n).
        iou_thresholds: a list or an array; 0.50, 0.55 .. 0.95 by default.
        verbose: if not 0, print the AP at each threshold and the mean.
    """
    pairs = _pairs(
        gt_box, gt_class_id, gt_mask, pred_box, pred_class_id, pred_score, pred_mask
    )
    given = iou_thresholds is not None and len(iou_thresholds) > 0
    thresholds = iou_thresholds if given else IOU_THRESHOLDS
    values = [_average_precision(pairs, threshold)[0] for threshold in thresholds]
    mean = np.mean(values)
    if verbose:
        for threshold, value in zip(thresholds, values, strict=True):
            print(f"AP @{threshold:.2f}:\t {value:.3f}")
        print(f"AP @{thresholds[0]:.2f}-{thresholds[-1]:.2f}:\t {mean:.3f}")
    return mean


def compute_recall(
    pred_boxes: np.ndarray, gt_boxes: np.ndarray, iou: float
) -> tuple[float, np.ndarray]:
    """Return the share of objects that some box finds, by the IoU of boxes.

    Each box counts for the object that it overlaps most.

    Args:
        pred_boxes: (n, 4), such as proposals.
        gt_boxes: (m, 4) in the same frame.
        iou: from here on a box finds its object.

    Returns:
        The recall, NaN if there are no objects; and the indices of the boxes that find
        one.
    """
    if not len(gt_boxes):
        return float("nan"), np.zeros(0, np.intp)
    overlaps = compute_overlaps(pred_boxes, gt_boxes)
    positive_ids = np.flatnonzero(overlaps.max(axis=1) >= iou)
    found = np.unique(overlaps[positive_ids].argmax(axis=1))
    return len(found) / len(gt_boxes), positive_ids


def _pairs(
    gt_boxes: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_masks: np.ndarray,
    pred_boxes: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    pred_masks: np.ndarray,
) -> _Pairs:
    """Take padding off, rank the detections, and compare them with the objects."""
    objects, detections = len(trim_zeros(gt_boxes)), len(trim_zeros(pred_boxes))
    # Of equal scores the later one comes first; Matterport's sort leaves it open.
    order = np.argsort(pred_scores[:detections], kind="stable")[::-1]
    return _Pairs(
        compute_overlaps_masks(pred_masks[..., order], gt_masks[..., :objects]),
        pred_class_ids[order][:, None] == gt_class_ids[:objects][None, :],
    )


def _match(pairs: _Pairs, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each object's detection and each detection's object, float64, -1 if none.

    Of objects that it overlaps equally, a detection takes the last, hence the reversed
    columns; Matterport's sort leaves it open.
    """
    ranks, objects = pairs.overlaps.shape
    allowed = np.where(pairs.same_class, pairs.overlaps, -1)
    reversed_match = greedy_match(
        allowed[:, ::-1], -np.arange(ranks), threshold=threshold
    )
    found = np.flatnonzero(reversed_match >= 0)
    gt_match, pred_match = np.full(objects, -1.0), np.full(ranks, -1.0)
    pred_match[found] = objects - 1 - reversed_match[found]
    gt_match[objects - 1 - reversed_match[found]] = found
    return gt_match, pred_match


def _average_precision(
    pairs: _Pairs, threshold: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the AP of ranked detections, and its precisions and recalls."""
    gt_match, pred_match = _match(pairs, threshold)
    hits = np.cumsum(pred_match > -1)
    precisions = np.concatenate([[0], hits / np.arange(1, len(hits) + 1), [0]])
    recalls = np.concatenate([[0], hits / max(1, len(gt_match)), [1]])
    # Each precision becomes the best one at its own recall or a higher one.
    precisions = np.maximum.accumulate(precisions[::-1])[::-1]
    return np.sum(np.diff(recalls) * precisions[1:]), precisions, recalls
