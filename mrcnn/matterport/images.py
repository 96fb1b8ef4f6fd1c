"""Matterport's `utils` for images and masks, over `data.transforms` and `ops`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import skimage.transform

from mrcnn.data.transforms import Geometry, place_image, place_masks, plan_geometry
from mrcnn.ops.masks import mini_mask, paste_masks
from mrcnn.structures import Preprocessing

Padding = list[tuple[int, int]]
Crop = tuple[int, int, int, int] | None


def resize(
    image: np.ndarray,
    output_shape: Sequence[int],
    order: int = 1,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool = False,
    anti_aliasing_sigma: float | None = None,
) -> np.ndarray:
    """Resize as `skimage.transform.resize`, without anti-aliasing unless asked for.

    Bool images, which scikit-image refuses to interpolate, count as 0 and 1.
    """
    image = np.asarray(image)
    if image.dtype == bool:
        image = image.astype(np.float64)
    return skimage.transform.resize(
        image,
        output_shape,
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
        anti_aliasing=anti_aliasing,
        anti_aliasing_sigma=anti_aliasing_sigma,
    )


def resize_image(
    image: np.ndarray,
    min_dim: int | None = None,
    max_dim: int | None = None,
    min_scale: float | None = None,
    mode: str = "square",
) -> tuple[np.ndarray, tuple[int, int, int, int], float, Padding, Crop]:
    """Return an image as the network sees it, and how it came to be so.

    Args:
        image: (h, w, C) uint8.
        min_dim: least short side.
        max_dim: most long side, in mode "square".
        min_scale: least factor.
        mode: "square", "pad64", "crop" (cut out at random) or "none".

    Returns:
        Image (H, W, C); window (y1, x1, y2, x2) in its pixels, no padding inside; the
        factor; padding before and after on each axis; and the crop (y, x, h, w) of the
        resized image, None unless mode is "crop".

    Raises:
        ValueError: in mode "none", if a side does not divide by 64.
    """
    if mode == "none":  # Matterport leaves images of any size alone here
        height, width = image.shape[:2]
        return image, (0, 0, height, width), 1.0, [(0, 0)] * 3, None
    preprocessing = Preprocessing(
        mode, min_dim or 0, max_dim or max(image.shape[:2]), min_scale or 0, ()
    )
    rng = np.random.default_rng(np.random.randint(2**31))
    geometry = plan_geometry(image.shape[:2], preprocessing, rng)
    scale = geometry.resized_shape[0] / geometry.original_shape[0]
    (top, left), (rows, columns) = geometry.offset, geometry.resized_shape
    padding: Padding = [(0, 0), (0, 0), (0, 0)]
    crop: Crop = None
    if mode == "crop":
        crop = (-top, -left, *geometry.padded_shape)
    else:
        height, width = geometry.padded_shape
        padding[0] = (top, height - rows - top)
        padding[1] = (left, width - columns - left)
    placed = place_image(image, geometry).astype(image.dtype)
    window = tuple(int(edge) for edge in geometry.window)
    return placed, window, scale, padding, crop


def resize_mask(
    mask: np.ndarray,
    scale: float,
    padding: Sequence[tuple[int, int]],
    crop: Crop = None,
) -> np.ndarray:
    """Return masks (h, w, n) as `resize_image` placed their image.

    Args:
        mask: (h, w, n).
        scale: of `resize_image`, like the rest.
        padding: on each axis.
        crop: (y, x, h, w) of the resized mask.
    """
    shape = mask.shape[:2]
    resized = tuple(max(1, round(side * scale)) for side in shape)
    if crop is not None:
        offset, padded = (-crop[0], -crop[1]), (crop[2], crop[3])
    else:
        offset = (padding[0][0], padding[1][0])
        padded = tuple(r + sum(p) for r, p in zip(resized, padding, strict=False))
    return place_masks(mask, Geometry(shape, resized, offset, padded))


def minimize_mask(
    bbox: np.ndarray, mask: np.ndarray, mini_shape: Sequence[int]
) -> np.ndarray:
    """Return masks (H, W, n) cut to boxes (n, 4) and resized, (*mini_shape, n) bool.

    Raises:
        ValueError: if a box is empty.
    """
    shape = (int(mini_shape[0]), int(mini_shape[1]))
    small = [mini_mask(mask[..., i] > 0, box, shape) for i, box in enumerate(bbox)]
    return np.stack(small, axis=-1) if small else np.zeros((*shape, 0), bool)


def expand_mask(
    bbox: np.ndarray, mini_mask: np.ndarray, image_shape: Sequence[int]
) -> np.ndarray:
    """Return mini masks (., ., n) in their boxes (n, 4): (H, W, n) bool."""
    masks = np.moveaxis(np.asarray(mini_mask, np.float32), -1, 0)
    return paste_masks(masks, bbox, (int(image_shape[0]), int(image_shape[1])))


def unmold_mask(
    mask: np.ndarray, bbox: Sequence[int], image_shape: Sequence[int]
) -> np.ndarray:
    """Return a mask (M, M) of probabilities in its box (4,): (H, W) bool."""
    shape = (int(image_shape[0]), int(image_shape[1]))
    return paste_masks(np.asarray(mask)[None], np.asarray(bbox)[None], shape)[..., 0]


def mold_mask(mask: Any, config: Any) -> None:
    """Do nothing, as in Matterport's code, where it was never written."""
