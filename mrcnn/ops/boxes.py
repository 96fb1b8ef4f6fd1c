"""Boxes (y1, x1, y2, x2): areas, overlaps, clipping, and deltas between two boxes."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from keras import ops

from mrcnn.structures import Tensor

MAX_LOG_SCALE = 4.135
"""Largest log(side ratio) that is decoded: log(1000 / 16), a 16 pixel anchor grown to
1000 pixels. Matterport has no such clamp and overflows to infinity instead."""

THINNEST = 0.5
"""Least normalised side, in pixels, of an object that is taught. One pixel thin, it
would have none, as the corners of its box are pixel centres, and so no area to overlap.
Half a pixel more than it has goes again where detections are rounded to whole pixels.
"""


def area(boxes: Tensor, *, xp: ModuleType | Any = ops) -> Tensor:
    """Return the areas (...,) of boxes (..., 4); 0 for boxes turned inside out."""
    sides = xp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def _intersection(a: Tensor, b: Tensor, xp: ModuleType | Any) -> Tensor:
    """Return the shared area (..., n, m) of each of a (..., n, 4) with each of b."""
    a, b = xp.expand_dims(a, -2), xp.expand_dims(b, -3)
    corners = xp.maximum(a[..., :2], b[..., :2]), xp.minimum(a[..., 2:], b[..., 2:])
    sides = xp.maximum(corners[1] - corners[0], 0)
    return sides[..., 0] * sides[..., 1]


def iou(a: Tensor, b: Tensor, *, xp: ModuleType | Any = ops) -> Tensor:
    """Return intersection over union (..., n, m) of a (..., n, 4) and b (..., m, 4).

    Both may be in any one frame. Boxes without area overlap nothing: their IoU is 0.
    """
    return iou_of_areas(a, b, area(a, xp=xp), area(b, xp=xp), xp=xp)


def iou_of_areas(
    a: Tensor,
    b: Tensor,
    area_a: Tensor,
    area_b: Tensor,
    *,
    xp: ModuleType | Any = ops,
) -> Tensor:
    """As `iou`, for a caller who knows the areas (..., n) of a and (..., m) of b."""
    shared = _intersection(a, b, xp)
    union = xp.expand_dims(area_a, -1) + xp.expand_dims(area_b, -2) - shared
    return xp.where(union > 0, shared / xp.where(union > 0, union, 1), 0)


def clip(boxes: Tensor, window: Tensor, *, xp: ModuleType | Any = ops) -> Tensor:
    """Return boxes (..., n, 4) moved inside a window (..., 4) of the same frame."""
    window = xp.expand_dims(window, -2)
    low = xp.concatenate([window[..., :2], window[..., :2]], axis=-1)
    high = xp.concatenate([window[..., 2:], window[..., 2:]], axis=-1)
    return xp.minimum(xp.maximum(boxes, low), high)


def _centres_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    sides = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + 0.5 * sides, sides


def encode_deltas(
    boxes: Tensor,
    targets: Tensor,
    *,
    std_dev: Sequence[float],
    xp: ModuleType | Any = ops,
) -> Tensor:
    """Return the deltas (..., 4) that move boxes (..., 4) onto targets (..., 4).

    (dy, dx) are shifts of the centre in units of the box, (dh, dw) logarithms of the
    ratio of sides; each is divided by its `std_dev` (4,). R-CNN, arXiv:1311.2524 eqs.
    6-9. Boxes without area, as empty slots hold, count as sides of 1e-6 so that nothing
    becomes infinite.
    """
    centres, sides = _centres_and_sides(boxes)
    target_centres, target_sides = _centres_and_sides(targets)
    sides, target_sides = xp.maximum(sides, 1e-6), xp.maximum(target_sides, 1e-6)
    deltas = [(target_centres - centres) / sides, xp.log(target_sides / sides)]
    return xp.concatenate(deltas, axis=-1) / xp.array(std_dev, dtype="float32")


def decode_deltas(
    boxes: Tensor,
    deltas: Tensor,
    *,
    std_dev: Sequence[float],
    max_log_scale: float = MAX_LOG_SCALE,
    xp: ModuleType | Any = ops,
) -> Tensor:
    """Return boxes (..., 4) moved by deltas (..., 4); undoes `encode_deltas`.

    A logarithm above `max_log_scale` counts as that; infinity lifts the limit.
    """
    deltas = deltas * xp.array(std_dev, dtype="float32")
    centres, sides = _centres_and_sides(boxes)
    centres = centres + deltas[..., :2] * sides
    sides = sides * xp.exp(xp.minimum(deltas[..., 2:], max_log_scale))
    corner = centres - 0.5 * sides
    return xp.concatenate([corner, corner + sides], axis=-1)


def _scale_and_shift(
    image_shape: tuple[int, int], xp: ModuleType | Any
) -> tuple[Tensor, Tensor]:
    height, width = image_shape
    scale = xp.array([height - 1, width - 1, height - 1, width - 1], dtype="float32")
    # An image of one row or column has no extent to normalise by.
    return xp.maximum(scale, 1), xp.array([0, 0, 1, 1], dtype="float32")


def normalise(
    boxes: Tensor, image_shape: tuple[int, int], *, xp: ModuleType | Any = ops
) -> Tensor:
    """Return pixel boxes (..., 4) of an image (H, W) as normalised float32 boxes."""
    scale, shift = _scale_and_shift(image_shape, xp)
    return (boxes - shift) / scale


def denormalise(
    boxes: Tensor, image_shape: tuple[int, int], *, xp: ModuleType | Any = ops
) -> Tensor:
    """Return normalised boxes (..., 4) as float32 pixel boxes of an image (H, W).

    Not rounded; Matterport rounds to whole pixels, which `detection` does at the end.
    """
    scale, shift = _scale_and_shift(image_shape, xp)
    return boxes * scale + shift


def with_area(boxes: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Return normalised boxes (n, 4) with sides of `THINNEST` pixels at least.

    Thin ones grow about their centres as far as the image (H, W) goes; all others stay
    what they are. NumPy.
    """
    scale, _ = _scale_and_shift(image_shape, np)
    low, high, least = boxes[..., :2], boxes[..., 2:], THINNEST / scale[:2]
    thin, centres = high - low < least, (low + high) / 2
    low = np.where(thin, np.maximum(centres - least / 2, 0), low)
    high = np.where(thin, np.minimum(centres + least / 2, 1), high)
    return np.concatenate([low, high], axis=-1)
