"""Anchors: the boxes of fixed size that the proposal network classifies and refines."""

import math
from collections.abc import Sequence

import numpy as np


def feature_shapes(
    image_shape: tuple[int, int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """Return rows and columns of each pyramid level for an image (H, W) in pixels."""
    return [
        (math.ceil(image_shape[0] / stride), math.ceil(image_shape[1] / stride))
        for stride in strides
    ]


def level_anchors(
    scale: float,
    ratios: Sequence[float],
    feature_shape: tuple[int, int],
    feature_stride: int,
    anchor_stride: int = 1,
) -> np.ndarray:
    """Return the anchors (rows * columns * ratios, 4) of one level, in image pixels.

    Centres lie on whole multiples of the stride (no half-cell offset) and run row by
    row, ratios innermost; an anchor of ratio width / height = r has height
    scale / sqrt(r) and width scale * sqrt(r) (Matterport's convention).
    """
    roots = np.sqrt(np.asarray(ratios, np.float64))
    sides = np.stack([scale / roots, scale * roots], axis=-1)
    rows, columns = (
        np.arange(0, extent, anchor_stride) * feature_stride for extent in feature_shape
    )
    centres = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    centres = centres[:, :, None, :]
    corners = [centres - 0.5 * sides, centres + 0.5 * sides]
    return np.concatenate(corners, axis=-1).reshape(-1, 4)


def pyramid_anchors(
    scales: Sequence[float],
    ratios: Sequence[float],
    image_shape: tuple[int, int],
    feature_strides: Sequence[int],
    anchor_stride: int = 1,
) -> np.ndarray:
    """Return the anchors (A, 4) of all levels in order, float64 pixels of the image.

    One scale a level, as in FPN (arXiv:1612.03144, section 4.1).
    """
    shapes = feature_shapes(image_shape, feature_strides)
    return np.concatenate(
        [
            level_anchors(scale, ratios, shape, stride, anchor_stride)
            for scale, shape, stride in zip(
                scales, shapes, feature_strides, strict=True
            )
        ]
    )


def best_overlaps(
    boxes: np.ndarray,
    scales: Sequence[float],
    ratios: Sequence[float],
    image_shape: np.ndarray | tuple[int, int],
    feature_strides: Sequence[int],
    anchor_stride: int = 1,
) -> np.ndarray:
    """Return the IoU (n,) of each box with the anchor of a pyramid it overlaps most.

    Of all anchors of one size, the one with the nearest centre shares most with a box,
    along either axis by itself: so one is looked at, not thousands.

    Args:
        boxes: (n, 4) in pixels of the padded image.
        scales: as of `pyramid_anchors`, and so are the others.
        ratios: width / height.
        image_shape: (H, W) in pixels of all images, or (n, 2) of that of each box.
        feature_strides: of the levels.
        anchor_stride: cells from one anchor to the next.
    """
    boxes = np.asarray(boxes, np.float64)
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    best = np.zeros(len(boxes))
    for scale, stride in zip(scales, feature_strides, strict=True):
        last = (-(-np.asarray(image_shape) // stride) - 1) // anchor_stride
        step = stride * anchor_stride
        far = abs(centres - step * np.clip(np.rint(centres / step), 0, last))
        for root in np.sqrt(ratios):
            anchor = np.array([scale / root, scale * root])
            reach = np.minimum(np.minimum(anchor, sides), (anchor + sides) / 2 - far)
            shared = np.maximum(reach, 0).prod(axis=-1)
            union = anchor.prod() + sides.prod(axis=-1) - shared
            best = np.maximum(best, shared / union)
    return best


def level_maps(
    values: np.ndarray, shapes: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
    """Return what is said of all anchors as a map (rows, columns, ratios, ...) a level.

    Args:
        values: (A, ...), for each of the anchors that `pyramid_anchors` lists.
        shapes: rows and columns of each level, see `feature_shapes`.

    Raises:
        ValueError: if the anchors are no multiple of the cells.
    """
    cells = [rows * columns for rows, columns in shapes]
    if len(values) % sum(cells):
        raise ValueError(
            f"{len(values)} values do not spread over {sum(cells)} cells evenly: give "
            "the shapes of the levels that the values are of."
        )
    ratios = len(values) // sum(cells)
    ends = np.cumsum(cells)[:-1] * ratios
    levels = zip(np.split(values, ends), shapes, strict=True)
    return [v.reshape(*shape, ratios, *v.shape[1:]) for v, shape in levels]
