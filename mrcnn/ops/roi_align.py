"""Cutting regions of interest (RoIs) out of a feature pyramid, all to one size."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.portable import crops_by_kernel
from mrcnn.structures import Tensor

CANONICAL_SIDE, CANONICAL_LEVEL = 224.0, 4
"""A region of 224 pixels, the side of ImageNet's crops, belongs to level 4 (eq. 1)."""


def assign_levels(
    boxes: Tensor, image_shape: tuple[int, int], *, lowest: int = 2, highest: int = 5
) -> Tensor:
    """Return the pyramid level (...,) int32 of normalised boxes (..., 4).

    FPN, arXiv:1612.03144, eq. 1, with Matterport's `round` where the paper has a floor.
    """
    side = ops.sqrt(ops.maximum(box_ops.area(boxes), 1e-12))
    canonical = CANONICAL_SIDE / float(image_shape[0] * image_shape[1]) ** 0.5
    level = CANONICAL_LEVEL + ops.round(ops.log(side / canonical) / ops.log(2.0))
    return ops.cast(ops.clip(level, lowest, highest), "int32")


def crop_and_resize(
    images: Tensor,
    boxes: Tensor,
    indices: Tensor,
    size: tuple[int, int],
    *,
    averaged: int = 1,
) -> Tensor:
    """Sample `size` points bilinearly from corner to corner of each box.

    Row i of n lies at y1 + i (y2 - y1) / (n - 1), or in the middle for n = 1, where
    0 and 1 are the centres of the first and last row of the image. Points outside the
    image are 0. These are the semantics of TensorFlow's `tf.image.crop_and_resize`,
    which Matterport's weights were trained with; its kernel is used where it runs.

    Args:
        images: (N, H, W, C).
        boxes: (n, 4) normalised, not differentiated.
        indices: (n,) int32, the image of each box.
        size: rows and columns of points, which `averaged` divides.
        averaged: rows and columns of points whose mean is one of the result.

    Returns:
        (n, size[0] / averaged, size[1] / averaged, C) float32.
    """
    images = ops.cast(images, "float32")
    boxes = ops.stop_gradient(boxes)
    if keras.backend.backend() == "tensorflow" and crops_by_kernel():
        import tensorflow as tf

        crops = tf.image.crop_and_resize(images, boxes, indices, size)
        return ops.average_pool(crops, averaged, averaged) if averaged > 1 else crops
    return _bilinear_crops(images, boxes, indices, size, averaged)


def _axis_weights(
    low: Tensor, high: Tensor, count: int, extent: int, averaged: int
) -> tuple[Tensor, Tensor]:
    """Return which pixels make each result along an axis, and by how much.

    Both are (n, count / averaged, 2 averaged): a point has a neighbour on each side.
    """
    steps = ops.arange(count, dtype="float32") / max(count - 1, 1) if count > 1 else 0.5
    points = (low[:, None] + (high - low)[:, None] * steps) * (extent - 1)
    points = ops.reshape(points, (-1, count))
    inside = (points >= 0) & (points <= extent - 1)
    floor = ops.floor(ops.clip(points, 0, extent - 1))
    lower = ops.cast(floor, "int32")
    pixels = ops.stack([lower, ops.minimum(lower + 1, extent - 1)], axis=-1)
    upper = points - floor
    weights = ops.stack([1 - upper, upper], axis=-1)
    weights = ops.where(inside[..., None], weights / averaged, 0.0)
    shape = (-1, count // averaged, 2 * averaged)
    return ops.reshape(pixels, shape), ops.reshape(weights, shape)


def _bilinear_crops(
    images: Tensor,
    boxes: Tensor,
    indices: Tensor,
    size: tuple[int, int],
    averaged: int = 1,
) -> Tensor:
    """Gather the pixels that make a result, and sum them by their weights.

    Those of one row at a time: what is gathered is many times the result, and large
    arrays cost more to come by than to fill. No product of matrices, which GPUs would
    round to fewer digits.
    """
    height, width, channels = images.shape[1:]
    top, bottom, left, right = boxes[:, 0], boxes[:, 2], boxes[:, 1], boxes[:, 3]
    rows, by_row = _axis_weights(top, bottom, size[0], height, averaged)
    columns, by_column = _axis_weights(left, right, size[1], width, averaged)
    rows += ops.cast(indices, "int32")[:, None, None] * height
    flat = ops.reshape(images, (-1, channels))

    def part(k: int) -> Tensor:
        pixels = rows[:, :, None, None, k] * width + columns[:, None]
        weights = by_row[:, :, None, None, k] * by_column[:, None]
        gathered = ops.take(flat, pixels, axis=0)  # (n, rows, columns, 2 averaged, C)
        return ops.sum(weights[..., None] * gathered, axis=3)

    return sum(map(part, range(1, 2 * averaged)), part(0))


class Canvas(NamedTuple):
    """The levels of a pyramid on one image, to crop from with static shapes."""

    image: Tensor  # (B, rows, columns, C) float32
    first_rows: tuple[int, ...]  # where each level starts
    shapes: tuple[tuple[int, int], ...]  # rows and columns of each level


def pack_pyramid(features: Sequence[Tensor]) -> Canvas:
    """Stack levels (B, h, w, C) below each other on one canvas.

    Each level carries a border that repeats its outermost pixels: a point up to one
    pixel outside a level, as half-pixel sampling asks for, reads the nearest pixel and
    never another level.
    """
    width = max(level.shape[2] for level in features)
    rows, first_rows, row = [], [], 0
    for level in features:
        level = ops.concatenate([level[:, :, :1], level, level[:, :, -1:]], axis=2)
        free = width + 2 - level.shape[2]
        level = ops.pad(level, ((0, 0), (0, 0), (0, free), (0, 0)))
        rows += [level[:, :1], level, level[:, -1:]]
        first_rows.append(row + 1)
        row += level.shape[1] + 2
    return Canvas(
        image=ops.cast(ops.concatenate(rows, axis=1), "float32"),
        first_rows=tuple(first_rows),
        shapes=tuple((level.shape[1], level.shape[2]) for level in features),
    )


def _sampling_grid(
    canvas: Canvas,
    boxes: Tensor,
    samples: int,
    image_shape: tuple[int, int],
    aligned: bool,
) -> Tensor:
    """Return the first and last sampled point (B, R, 4) of each box on the canvas."""
    level = assign_levels(boxes, image_shape) - 2

    def of_level(values: Sequence[float]) -> Tensor:
        return ops.take(ops.array(values, dtype="float32"), level, axis=0)[..., None]

    rows = of_level([shape[0] for shape in canvas.shapes])
    columns = of_level([shape[1] for shape in canvas.shapes])
    extent = ops.concatenate([rows, columns] * 2, axis=-1)
    if aligned:
        size = ops.array([*image_shape, *image_shape], dtype="float32")
        edges = box_ops.denormalise(boxes, image_shape) / size * extent
        half = 0.5 * (edges[..., 2:] - edges[..., :2]) / samples
        points = edges + ops.concatenate([half, -half], axis=-1) - 0.5
    else:
        points = boxes * (extent - 1)
    # Every level starts right of one border pixel.
    first_column = ops.ones_like(rows)
    start = ops.concatenate([of_level(canvas.first_rows), first_column] * 2, axis=-1)
    height, width = canvas.image.shape[1:3]
    return (points + start) / ops.array([height - 1, width - 1] * 2, dtype="float32")


def pyramid_roi_align(
    canvas: Canvas,
    boxes: Tensor,
    size: int,
    *,
    image_shape: tuple[int, int],
    aligned: bool = False,
) -> Tensor:
    """Cut each RoI from the pyramid level that fits its size (RoIAlign with FPN).

    Args:
        canvas: P2 to P5, packed.
        boxes: (B, R, 4) normalised, not differentiated.
        size: side of the result in bins.
        image_shape: (H, W) in pixels.
        aligned: False samples once a bin on the corner-aligned grid of
            `crop_and_resize` (Matterport). True averages 2 x 2 samples a bin on pixel
            centres (Mask R-CNN, arXiv:1703.06870, section 3, as Detectron2 aligns it).

    Returns:
        (B, R, size, size, C) float32.
    """
    boxes = ops.stop_gradient(boxes)
    averaged = 2 if aligned else 1
    samples = averaged * size
    points = _sampling_grid(canvas, boxes, samples, image_shape, aligned)
    count = boxes.shape[1]
    images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype="int32"), count)
    points = ops.reshape(points, (-1, 4))
    crops = crop_and_resize(
        canvas.image, points, images, (samples, samples), averaged=averaged
    )
    return ops.reshape(crops, (-1, count, size, size, canvas.image.shape[-1]))
