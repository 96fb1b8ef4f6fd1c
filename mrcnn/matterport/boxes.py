"""Matterport's `utils` for boxes (y1, x1, y2, x2) and anchors, over `ops`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import level_anchors
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.structures import Tensor

UNIT = (1.0, 1.0, 1.0, 1.0)


def extract_bboxes(mask: np.ndarray) -> np.ndarray:
    """Return the tight boxes (n, 4) int32 of masks (h, w, n); zeros for empty ones."""
    return boxes_of_masks(np.asarray(mask) > 0)


def compute_iou(
    box: np.ndarray, boxes: np.ndarray, box_area: float, boxes_area: np.ndarray
) -> np.ndarray:
    """Return the IoU (n,) of a box (4,) with boxes (n, 4). Areas are not needed."""
    return compute_overlaps(np.asarray(box)[None], boxes)[0]


def compute_overlaps(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """Return the IoU (n, m) float64 of boxes (n, 4) and (m, 4) of any one frame."""
    first, second = (np.asarray(b, np.float64).reshape(-1, 4) for b in (boxes1, boxes2))
    return box_ops.iou(first, second, xp=np)


def non_max_suppression(
    boxes: np.ndarray, scores: np.ndarray, threshold: float
) -> np.ndarray:
    """Return which boxes (n, 4) to keep, int32, best score first.

    A box goes if its IoU with a better one that stays is above the threshold. Without
    boxes, nothing is returned; Matterport's refused.
    """
    overlaps = compute_overlaps(boxes, boxes)
    left = np.argsort(-np.asarray(scores), kind="stable")
    kept = []
    while left.size:
        kept.append(left[0])
        left = left[1:][overlaps[left[0], left[1:]] <= threshold]
    return np.array(kept, np.int32)


def apply_box_deltas(boxes: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) moved and scaled by deltas (n, 4) in units of 1."""
    boxes = np.asarray(boxes, np.float32)
    return box_ops.decode_deltas(boxes, deltas, std_dev=UNIT, xp=np)


def box_refinement(box: np.ndarray, gt_box: np.ndarray) -> np.ndarray:
    """Return the deltas (n, 4), in units of 1, from boxes (n, 4) to others (n, 4)."""
    box, gt_box = np.asarray(box, np.float32), np.asarray(gt_box, np.float32)
    return box_ops.encode_deltas(box, gt_box, std_dev=UNIT, xp=np)


def box_refinement_graph(box: Tensor, gt_box: Tensor) -> Tensor:
    """Return the deltas as `box_refinement` does, of tensors."""
    box, gt_box = ops.cast(box, "float32"), ops.cast(gt_box, "float32")
    return box_ops.encode_deltas(box, gt_box, std_dev=UNIT)


def norm_boxes(boxes: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return pixel boxes (..., 4) of an image (H, W) as normalised float32 boxes."""
    boxes = np.asarray(boxes, np.float32)
    return box_ops.normalise(boxes, (int(shape[0]), int(shape[1])), xp=np)


def denorm_boxes(boxes: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return normalised boxes (..., 4) as whole pixels, int32, of an image (H, W)."""
    boxes = np.asarray(boxes, np.float32)
    pixels = box_ops.denormalise(boxes, (int(shape[0]), int(shape[1])), xp=np)
    return np.around(pixels).astype(np.int32)


def generate_anchors(
    scales: float | Sequence[float],
    ratios: Sequence[float],
    shape: Sequence[int],
    feature_stride: int,
    anchor_stride: int,
) -> np.ndarray:
    """Return anchors (n, 4) float64 of one level, in pixels of the image.

    Several scales follow each other within a cell, ratio by ratio.

    Args:
        scales: side of a square anchor, pixels; one or several.
        ratios: widths over heights.
        shape: rows and columns of the level.
        feature_stride: pixels of the image from cell to cell.
        anchor_stride: cells from anchor to anchor.
    """
    place = (int(shape[0]), int(shape[1])), feature_stride, anchor_stride
    each = [level_anchors(s, ratios, *place) for s in np.atleast_1d(scales)]
    by_cell = [anchors.reshape(-1, len(ratios), 1, 4) for anchors in each]
    return np.concatenate(by_cell, axis=2).reshape(-1, 4)


def generate_pyramid_anchors(
    scales: Sequence[float],
    ratios: Sequence[float],
    feature_shapes: Sequence[Sequence[int]],
    feature_strides: Sequence[int],
    anchor_stride: int,
) -> np.ndarray:
    """Return the anchors (A, 4) float64 of all levels, in pixels of the image."""
    levels = zip(scales, feature_shapes, feature_strides, strict=True)
    return np.concatenate(
        [
            generate_anchors(scale, ratios, shape, stride, anchor_stride)
            for scale, shape, stride in levels
        ]
    )


def trim_zeros(x: np.ndarray) -> np.ndarray:
    """Return the rows of (n, ...) that are not all zero."""
    x = np.asarray(x)
    return x[(x != 0).any(axis=tuple(range(1, x.ndim)))]


def batch_slice(
    inputs: Any,
    graph_fn: Callable[..., Any],
    batch_size: int,
    names: Sequence[str] | None = None,
) -> Any:
    """Call a function of one image on each image of a batch, and stack what it returns.

    Args:
        inputs: tensors (B, ...), one or a list.
        graph_fn: takes one slice of each, returns one tensor or several.
        batch_size: B.
        names: not needed.
    """
    inputs = inputs if isinstance(inputs, list | tuple) else [inputs]
    rows = [graph_fn(*(x[i] for x in inputs)) for i in range(batch_size)]
    if not isinstance(rows[0], list | tuple):
        return ops.stack(rows, axis=0)
    return [ops.stack(column, axis=0) for column in zip(*rows, strict=True)]
