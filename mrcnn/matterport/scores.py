"""Matterport's `utils` that measure one image: matches, AP and recall.

They average over images, if at all, outside; `mrcnn.evaluation` measures a data set as
COCO does.
"""

from collections.abc import Sequence

import numpy as np

from mrcnn.matterport.boxes import compute_overlaps, trim_zeros
from mrcnn.ops.overlaps import mask_iou

COCO_THRESHOLDS = np.arange(0.5, 1.0, 0.05)


def compute_overlaps_masks(masks1: np.ndarray, masks2: np.ndarray) -> np.ndarray:
    """Return the IoU (n, m) of masks (h, w, n) and (h, w, m); 0.5 parts them."""
    return mask_iou(np.asarray(masks1) > 0.5, np.asarray(masks2) > 0.5)


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
    """Match the detections of an image with its objects, by class and mask.

    The best score comes first, and takes the object of its class that it overlaps most
    among those that are still free.

    Args:
        gt_boxes: (n, 4); rows of zeros are no objects.
        gt_class_ids: (n,).
        gt_masks: (h, w, n).
        pred_boxes: (m, 4); rows of zeros are no detections.
        pred_class_ids: (m,).
        pred_scores: (m,).
        pred_masks: (h, w, m).
        iou_threshold: least IoU of a match.
        score_threshold: pairs with an IoU below it are not looked at (Matterport's
            name, and its meaning).

    Returns:
        Each object's detection or -1; each detection's object or -1, best score first;
        and the IoUs (m, n), also best score first.
    """
    count = len(trim_zeros(gt_boxes))
    found = len(trim_zeros(pred_boxes))
    order = np.argsort(np.asarray(pred_scores)[:found])[::-1]
    classes = np.asarray(pred_class_ids)[:found][order]
    overlaps = compute_overlaps_masks(
        pred_masks[..., :found][..., order], gt_masks[..., :count]
    )
    gt_match, pred_match = np.full(count, -1.0), np.full(found, -1.0)
    for i in range(found):
        for j in np.argsort(overlaps[i])[::-1]:
            if overlaps[i, j] < max(score_threshold, iou_threshold):
                break
            if gt_match[j] > -1:
                continue
            if classes[i] == gt_class_ids[j]:
                gt_match[j], pred_match[i] = i, j
                break
    return gt_match, pred_match, overlaps


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
    """Return AP, precisions, recalls and overlaps of one image, all classes together.

    Average precision as PASCAL VOC defines it: the area under the precision that no
    larger recall exceeds. Without objects it is NaN, as it was.
    """
    gt_match, pred_match, overlaps = compute_matches(
        gt_boxes,
        gt_class_ids,
        gt_masks,
        pred_boxes,
        pred_class_ids,
        pred_scores,
        pred_masks,
        iou_threshold,
    )
    hits = np.cumsum(pred_match > -1)
    precisions = hits / (np.arange(len(pred_match)) + 1)
    with np.errstate(invalid="ignore"):
        recalls = hits.astype(np.float32) / np.float32(len(gt_match))
    precisions = np.concatenate([[0], precisions, [0]])
    recalls = np.concatenate([[0], recalls, [1]])
    precisions = np.maximum.accumulate(precisions[::-1])[::-1]
    if not len(gt_match):
        return float("nan"), precisions, recalls, overlaps
    steps = np.flatnonzero(recalls[:-1] != recalls[1:]) + 1
    ap = float(np.sum((recalls[steps] - recalls[steps - 1]) * precisions[steps]))
    return ap, precisions, recalls, overlaps


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
    """Return the mean AP of one image over IoU thresholds, 0.5 to 0.95 by default."""
    thresholds = COCO_THRESHOLDS if iou_thresholds is None else iou_thresholds
    truth = gt_box, gt_class_id, gt_mask
    found = pred_box, pred_class_id, pred_score, pred_mask
    aps = [compute_ap(*truth, *found, iou_threshold=t)[0] for t in thresholds]
    mean = float(np.mean(aps))
    if verbose:
        for threshold, ap in zip(thresholds, aps, strict=True):
            print(f"AP @{threshold:.2f}:\t {ap:.3f}")
        print(f"AP @{thresholds[0]:.2f}-{thresholds[-1]:.2f}:\t {mean:.3f}")
    return mean


def compute_recall(
    pred_boxes: np.ndarray, gt_boxes: np.ndarray, iou: float
) -> tuple[float, np.ndarray]:
    """Return which part of the objects some box reaches, and which boxes reach one.

    Args:
        pred_boxes: (m, 4).
        gt_boxes: (n, 4).
        iou: least IoU of the boxes.
    """
    if not len(pred_boxes) or not len(gt_boxes):
        return 0.0, np.zeros(0, int)
    overlaps = compute_overlaps(pred_boxes, gt_boxes)
    reaching = np.flatnonzero(overlaps.max(axis=1) >= iou)
    objects = np.unique(overlaps.argmax(axis=1)[reaching])
    return len(objects) / len(gt_boxes), reaching
