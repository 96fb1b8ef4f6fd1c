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
    images: Tensor, boxes: Tensor, indices: Tensor, size: tuple[int, int]
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
        size: rows and columns of the result.

    Returns:
        (n, *size, C) float32.
    """
    images = ops.cast(images, "float32")
    boxes = ops.stop_gradient(boxes)
    if keras.backend.backend() == "tensorflow" and crops_by_kernel():
        import tensorflow as tf

        return tf.image.crop_and_resize(images, boxes, indices, size)
    return _bilinear_crops(images, boxes, indices, size)


def _sample_points(
    low: Tensor, high: Tensor, count: int, extent: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return lower and upper neighbours of points (n, count), fractions, and inside."""
    steps = ops.arange(count, dtype="float32") / max(count - 1, 1) if count > 1 else 0.5
    points = (low[:, None] + (high - low)[:, None] * steps) * (extent - 1)
    points = ops.reshape(points, (-1, count))
    inside = (points >= 0) & (points <= extent - 1)
    floor = ops.floor(ops.clip(points, 0, extent - 1))
    lower = ops.cast(floor, "int32")
    return lower, ops.minimum(lower + 1, extent - 1), points - floor, inside


def _bilinear_crops(
    images: Tensor, boxes: Tensor, indices: Tensor, size: tuple[int, int]
) -> Tensor:
    """Gather the four neighbours of every point and blend them."""
    height, width, channels = images.shape[1:]
    top, bottom, fy, inside_y = _sample_points(
        boxes[:, 0], boxes[:, 2], size[0], height
    )
    left, right, fx, inside_x = _sample_points(boxes[:, 1], boxes[:, 3], size[1], width)
    flat = ops.reshape(images, (-1, channels))
    first = ops.cast(indices, "int32")[:, None, None] * (height * width)

    def corner(rows: Tensor, columns: Tensor) -> Tensor:
        return ops.take(
            flat, first + rows[:, :, None] * width + columns[:, None, :], axis=0
        )

    fy, fx = fy[:, :, None, None], fx[:, None, :, None]
    upper = corner(top, left) * (1 - fx) + corner(top, right) * fx
    lower = corner(bottom, left) * (1 - fx) + corner(bottom, right) * fx
    inside = inside_y[:, :, None, None] & inside_x[:, None, :, None]
    return ops.where(inside, upper * (1 - fy) + lower * fy, 0.0)


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
    samples = 2 * size if aligned else size
    points = _sampling_grid(canvas, boxes, samples, image_shape, aligned)
    count = boxes.shape[1]
    images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype="int32"), count)
    points = ops.reshape(points, (-1, 4))
    crops = crop_and_resize(canvas.image, points, images, (samples, samples))
    if aligned:
        crops = ops.average_pool(crops, 2, 2)
    return ops.reshape(crops, (-1, count, size, size, canvas.image.shape[-1]))
