"""Boxes and anchors under Matterport's names, as NumPy arrays.

Boxes are (y1, x1, y2, x2); pixel boxes end before y2 and x2.
"""

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import level_anchors
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.nms import nms
from mrcnn.structures import Tensor

PAIRS = 1 << 14
"""Pairs of boxes that are compared at once: few enough to stay in a processor's cache,
and an image of 1024 pixels has 26 million pairs of anchors and objects."""
PLAIN = (1.0, 1.0, 1.0, 1.0)
"""Matterport's callers divide and multiply by the standard deviations themselves."""


def _boxes(values: np.ndarray) -> np.ndarray:
    """Return the boxes (n, 4) of an array (n, 4 or more) as floats, also if n is 0."""
    values = np.asarray(values)
    if not values.size:
        return np.zeros((0, 4))
    floats = np.issubdtype(values.dtype, np.floating)
    return values[:, :4] if floats else values[:, :4].astype(np.float64)


def extract_bboxes(mask: np.ndarray) -> np.ndarray:
    """Return the tight boxes (n, 4) int32 of masks (h, w, n), in pixels of the masks.

    A mask without pixels has the box (0, 0, 0, 0).
    """
    return boxes_of_masks(np.asarray(mask))


def compute_iou(
    box: np.ndarray, boxes: np.ndarray, box_area: float, boxes_area: np.ndarray
) -> np.ndarray:
    """Return the IoUs (n,) of one box (4,) with boxes (n, 4) of known areas.

    Where Matterport divides 0 by 0, for two boxes without area, the IoU is 0.

    Args:
        box: in any frame.
        boxes: in the same frame.
        box_area: of `box`.
        boxes_area: (n,) of `boxes`.
    """
    areas = np.asarray([box_area]), np.asarray(boxes_area)
    return box_ops.iou_of_areas(_boxes([box]), _boxes(boxes), *areas, xp=np)[0]


def compute_overlaps(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """Return the IoUs (n, m) float64 of boxes (n, 4) with boxes (m, 4) of one frame.

    No boxes on either side give an empty table, and boxes without area an IoU of 0
    where Matterport has NaN.
    """
    boxes1, boxes2 = _boxes(boxes1), _boxes(boxes2)
    overlaps = np.zeros((len(boxes1), len(boxes2)))
    rows = max(1, PAIRS // max(1, len(boxes2)))
    for start in range(0, len(boxes1), rows):
        block = slice(start, start + rows)
        overlaps[block] = box_ops.iou(boxes1[block], boxes2, xp=np)
    return overlaps


def non_max_suppression(
    boxes: np.ndarray, scores: np.ndarray, threshold: float
) -> np.ndarray:
    """Return the indices (k,) int32 of the boxes that are kept, best first.

    A box goes when its IoU with a better one that is kept is above the threshold. Of
    equal scores the later one is taken first: Matterport's sort leaves it open. No
    boxes give no indices, where Matterport fails an assertion. IoUs are in float32.

    Args:
        boxes: (n, 4) in any one frame.
        scores: (n,).
        threshold: from 0 to 1.

    Raises:
        ValueError: if the threshold is no IoU.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; an IoU lies between 0 and 1.")
    order = np.argsort(np.asarray(scores), kind="stable")[::-1]
    if not len(order):
        return np.zeros(0, np.int32)
    best_first = _boxes(boxes)[order].astype(np.float32)
    # Ranks instead of scores: scores that differ may be equal in float32.
    ranks = np.arange(len(order), 0, -1, dtype=np.float32)
    indices, valid = nms(
        ops.convert_to_tensor(best_first[None]),
        ops.convert_to_tensor(ranks[None]),
        ops.ones((1, len(order)), "bool"),
        iou_threshold=threshold,
        slots=len(order),
    )
    kept = ops.convert_to_numpy(indices)[0][ops.convert_to_numpy(valid)[0]]
    return order[kept].astype(np.int32)


def apply_box_deltas(boxes: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) float32 moved by deltas (n, 4), in the frame of the boxes.

    Deltas are (dy, dx, log(dh), log(dw)), already multiplied by their standard
    deviations. Unlike in the network, growth has no limit, as in Matterport.
    """
    moved = box_ops.decode_deltas(
        np.asarray(boxes, np.float32),
        np.asarray(deltas),
        std_dev=PLAIN,
        max_log_scale=math.inf,
        xp=np,
    )
    return moved.astype(np.float32)


def box_refinement(box: np.ndarray, gt_box: np.ndarray) -> np.ndarray:
    """Return the deltas (n, 4) float32 that move boxes (n, 4) onto `gt_box` (n, 4).

    (dy, dx, log(dh), log(dw)), not divided by any standard deviation. Sides below 1e-6
    count as that, where Matterport divides by zero; so boxes are best in pixels.
    """
    box, gt_box = np.asarray(box, np.float32), np.asarray(gt_box, np.float32)
    return box_ops.encode_deltas(box, gt_box, std_dev=PLAIN, xp=np)


def box_refinement_graph(box: Tensor, gt_box: Tensor) -> Tensor:
    """As `box_refinement`, for tensors of the Keras backend, symbolic ones too."""
    box, gt_box = ops.cast(box, "float32"), ops.cast(gt_box, "float32")
    return box_ops.encode_deltas(box, gt_box, std_dev=PLAIN)


def norm_boxes(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return pixel boxes (..., 4) of an image (h, w) as normalised float32 boxes.

    (box - [0, 0, 1, 1]) / [h-1, w-1, h-1, w-1]: y2 and x2, outside in pixels, are
    inside when normalised. A side of one pixel is divided by 1, not by 0.
    """
    boxes = np.asarray(boxes, np.float64)
    return box_ops.normalise(boxes, shape, xp=np).astype(np.float32)


def denorm_boxes(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return normalised boxes (..., 4) as int32 pixel boxes of an image (h, w).

    Undoes `norm_boxes`; a half is rounded to the even number.
    """
    boxes = np.asarray(boxes, np.float64)
    return np.rint(box_ops.denormalise(boxes, shape, xp=np)).astype(np.int32)


def generate_anchors(
    scales: float | Sequence[float],
    ratios: Sequence[float],
    shape: tuple[int, int],
    feature_stride: int,
    anchor_stride: int,
) -> np.ndarray:
    """Return the anchors (a, 4) of one feature map, float64 pixels of the image.

    Row by row, column by column, ratio by ratio, and scale by scale if there are more
    than one. Centres lie on whole multiples of the stride.

    Args:
        scales: sides in pixels of the anchors of ratio 1; a number, or several.
        ratios: width / height.
        shape: rows and columns of the feature map.
        feature_stride: pixels of the image between two cells of the map.
        anchor_stride: 2 takes every other cell.
    """
    ratios = np.atleast_1d(ratios)
    by_scale = [
        level_anchors(scale, ratios, shape, feature_stride, anchor_stride)
        for scale in np.atleast_1d(scales)
    ]
    cells = [anchors.reshape(-1, len(ratios), 4) for anchors in by_scale]
    return np.stack(cells, axis=2).reshape(-1, 4)


def generate_pyramid_anchors(
    scales: Sequence[float | Sequence[float]],
    ratios: Sequence[float],
    feature_shapes: Sequence[tuple[int, int]],
    feature_strides: Sequence[int],
    anchor_stride: int,
) -> np.ndarray:
    """Return the anchors (a, 4) of all levels in the order of `scales`, float64 pixels.

    Args:
        scales: for each level; see `generate_anchors`.
        ratios: width / height, the same on all levels.
        feature_shapes: rows and columns of each level's map.
        feature_strides: of each level.
        anchor_stride: 2 takes every other cell.

    Raises:
        ValueError: if there are fewer shapes or strides than scales.
    """
    levels = zip(
        scales,
        feature_shapes[: len(scales)],
        feature_strides[: len(scales)],
        strict=True,
    )
    return np.concatenate(
        [
            generate_anchors(scale, ratios, shape, stride, anchor_stride)
            for scale, shape, stride in levels
        ]
    )
