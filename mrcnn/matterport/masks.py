"""Masks resized, shrunk to their boxes and pasted back, under Matterport's names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.ndimage

from mrcnn.data.transforms import scaled_shape
from mrcnn.ops.masks import mini_mask as shrink
from mrcnn.ops.masks import paste_masks

ABOVE_HALF = np.nextafter(np.float32(0.5), np.float32(1))
"""Threshold of a rounding that takes one half to the even number, 0."""


def resize_mask(
    mask: np.ndarray,
    scale: float,
    padding: Sequence[tuple[int, int]],
    crop: tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """Scale masks (h, w, n), and pad or crop them, as `resize_image` did their image.

    Each pixel takes its nearest one, with corner pixels on corner pixels: SciPy's
    `zoom` of order 0. A mask (h, w) is taken as well.

    Args:
        mask: of any type, which is kept.
        scale: from `resize_image`.
        padding: from there, [(top, bottom), (left, right), (0, 0)].
        crop: from there, (y, x, height, width) of the scaled mask, or None.
    """
    mask = np.asarray(mask)
    rest = mask.shape[2:]
    target = scaled_shape(mask.shape[:2], scale)
    if mask.size:
        factors = target[0] / mask.shape[0], target[1] / mask.shape[1]
        mask = scipy.ndimage.zoom(mask, (*factors, *(1 for _ in rest)), order=0)
    else:
        mask = np.zeros((*target, *rest), mask.dtype)
    if crop is None:
        return np.pad(mask, padding[: mask.ndim])
    y, x, height, width = crop
    return mask[y : y + height, x : x + width]


def minimize_mask(
    bbox: np.ndarray, mask: np.ndarray, mini_shape: tuple[int, int]
) -> np.ndarray:
    """Cut masks (h, w, n) to their boxes and resize them, as (*mini_shape, n) bool.

    Bilinear, then rounded; one half becomes 0.

    Args:
        bbox: (n, 4) whole pixels of the masks.
        mask: anything but 0 belongs to the object.
        mini_shape: rows and columns of the result.

    Raises:
        ValueError: if a box is empty or outside.
    """
    mask = np.asarray(mask).astype(bool)
    mini = np.zeros((*mini_shape, mask.shape[-1]), bool)
    for i in range(mask.shape[-1]):
        mini[..., i] = shrink(mask[..., i], bbox[i][:4], tuple(mini_shape))
    return mini


def expand_mask(
    bbox: np.ndarray, mini_mask: np.ndarray, image_shape: tuple[int, ...]
) -> np.ndarray:
    """Resize mini masks (m, m, n) to their boxes in an image, as (h, w, n) bool.

    The way back from `minimize_mask`, but for what its resolution lost. A box that
    leaves the image is cut there, and an empty one stays empty.

    Args:
        bbox: (n, 4) whole pixels of the image.
        mini_mask: bool, or numbers from 0 to 1.
        image_shape: (h, w) or (h, w, C).
    """
    masks = np.moveaxis(np.asarray(mini_mask, np.float32), -1, 0)
    boxes = [box[:4] for box in bbox[: len(masks)]]
    return paste_masks(masks, boxes, tuple(image_shape[:2]), ABOVE_HALF)


def mold_mask(mask: np.ndarray, config: Any) -> None:
    """Do nothing, as in Matterport, whose code names this function without a body."""


def unmold_mask(
    mask: np.ndarray, bbox: np.ndarray, image_shape: tuple[int, ...]
) -> np.ndarray:
    """Resize a predicted mask (m, m) to its box in an image, as (h, w) bool.

    A pixel belongs to the object from one half on. A box that leaves the image is cut
    there, where Matterport fails.

    Args:
        mask: probabilities.
        bbox: (4,) whole pixels of the image.
        image_shape: (h, w) or (h, w, C).
    """
    masks = np.asarray(mask)[None]
    return paste_masks(masks, [bbox], tuple(image_shape[:2]))[..., 0]
