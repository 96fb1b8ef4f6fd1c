"""Pictures computed from an image and its masks, as arrays: no figure yet."""

from collections.abc import Sequence

import numpy as np

GREY_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
"""Luminance of linear RGB by ITU-R BT.709; used on gamma-coded pixels, as is usual."""


def apply_mask(
    image: np.ndarray,
    mask: np.ndarray,
    color: Sequence[float],
    alpha: float = 0.5,
) -> np.ndarray:
    """Blend a colour into the masked pixels of an image, in place, and return it.

    Args:
        image: (h, w, 3) or with more bands, 0 to 255; changed.
        mask: (h, w), non-zero where the colour goes.
        color: RGB in [0, 1].
        alpha: 0 leaves the image, 1 covers it.
    """
    inside = np.asarray(mask, bool)
    colours = image[..., :3]  # a view: alpha and further bands stay as they are
    blend = colours[inside] * (1 - alpha) + alpha * np.asarray(color[:3]) * 255
    colours[inside] = blend.astype(image.dtype)
    return image


def rgb(image: np.ndarray) -> np.ndarray:
    """Return an image as a new array (h, w, 3) uint8, fit to be drawn on.

    Grey is repeated, and of more than three bands the first three are shown. Floats are
    in [0, 255], as everywhere in this package, or in [0, 1] if none is larger; what
    lies outside is cut.

    Raises:
        ValueError: if the array is not (h, w) or (h, w, bands), or has no pixels.
    """
    image = np.asarray(image)
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or not pixels.size:
        raise ValueError(
            f"shape {image.shape} is not that of an image: give (h, w) or (h, w, 3)."
        )
    pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., [0, 0, 0]]
    if pixels.dtype == np.uint8:
        return pixels.copy()
    pixels = np.nan_to_num(pixels.astype(np.float32))
    scale = 1 if image.dtype.kind in "iu" or pixels.max() > 1 else 255
    return np.clip(np.rint(scale * pixels), 0, 255).astype(np.uint8)


def colour_splash(image: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return an image (h, w, 3) uint8 grey, but in colour on masks (h, w, n).

    The masks are bool, or how much of each pixel an object covers: `soft_edges`.
    """
    image = rgb(image)
    grey = (image @ GREY_WEIGHTS).round()[..., None]
    covered = masks.max(axis=-1, keepdims=True, initial=0)
    return np.rint(grey + (image - grey) * covered).astype(np.uint8)


def class_map(
    masks: np.ndarray, class_ids: np.ndarray, scores: np.ndarray | None = None
) -> np.ndarray:
    """Return the class (h, w) int of each pixel, 0 where no mask (h, w, n) is.

    Where masks overlap, the highest score wins, without scores the smallest object:
    what covers another is mostly the smaller.
    """
    order = -masks.sum(axis=(0, 1)) if scores is None else np.asarray(scores)
    labels = np.zeros(masks.shape[:2], np.int32)
    for i in np.argsort(order, kind="stable"):
        labels[masks[..., i].astype(bool)] = class_ids[i]
    return labels
