"""Arrays that are to be images: their channels, their type and their range."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from mrcnn.notices import once, quoted

READ = "read it with mrcnn.data.dataset.read_image"
BLACK = 2
"""Floats below it that are no whole numbers are parts of one: in 0..255 an image whose
brightest pixel is as dark shows nothing."""
OVERSHOOT = 0.1
"""By how many parts of white resizing with splines goes beyond black and white."""
USUAL_BITS = (10, 12, 14, 16, 32)


def no_array(image: Any) -> str | None:
    """Say what stands in the place of an image, and the way out; None if it may be."""
    if image is None:
        return (
            "None, which is what cv2.imread returns for a file that it cannot read; "
            "check the path and give the pixels"
        )
    if isinstance(image, bytes | bytearray | memoryview) or hasattr(image, "read"):
        return (
            "an encoded picture or an open file; decode it, "
            "np.asarray(PIL.Image.open(file).convert('RGB')) where file is "
            "io.BytesIO(data), and give the pixels"
        )
    if isinstance(image, str | PathLike):
        return f"the path {quoted(image)} and no picture; {READ}, and give the pixels"
    if type(image).__module__.startswith("PIL."):
        return "a Pillow image; give np.asarray(image.convert('RGB'))"
    return None


def check_image(image: Any, name: str, channels: int = 3) -> np.ndarray:
    """Return an image as (h, w, channels) uint8.

    Whole numbers and floats in 0..255 are taken, the latter rounded. For channels see
    `fit_channels`.

    Args:
        image: (h, w), (h, w, 1), (h, w, 3), (h, w, 4) or (h, w, channels).
        name: of the image, for errors.
        channels: of the model.

    Raises:
        ValueError: names the image if it is none, and how to make it one: another
            shape or type, no pixels, NaN, numbers of another range.
    """
    if getattr(image, "mode", "RGB") in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        raise ValueError(
            f"{name}: a Pillow image of mode {image.mode}, whose numbers are no levels "
            'of grey or RGB: pass image.convert("RGB").'
        )
    is_picture = type(image).__module__.startswith("PIL.")
    if not is_picture and (fault := no_array(image)):
        raise ValueError(f"{name} is {fault}.")
    if isinstance(image, list | tuple | Mapping):
        raise ValueError(
            f"{name} is a {type(image).__name__}; give an array (h, w, {channels})."
        )
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(
            f"{name}: shape {image.shape} is not that of an image (h, w, C)."
        )
    image = fit_channels(image, channels, name)
    if image.dtype != np.uint8:
        _check_range(image, name)
        image = np.rint(image).astype(np.uint8)
    if image.max() == 1:
        once(
            "An image has no pixel above 1, and is as good as black: the model takes "
            "0..255. (image / 255).astype(np.uint8), say, leaves no more."
        )
    return image


def fit_channels(image: np.ndarray, channels: int, name: str) -> np.ndarray:
    """Return an image (h, w, C) with the channels that a model takes.

    Grey is repeated for a model of 3 channels, alpha is dropped for one of 3 or 1, and
    grey that was stored three times is taken once for one of 1. One channel more than
    four or more is taken for alpha too, and said.

    Raises:
        ValueError: names the image, both numbers, and what would help.
    """
    count = image.shape[-1]
    if count == channels:
        return image
    if (count, channels) == (1, 3):
        return np.repeat(image, 3, axis=-1)
    if (count, channels) in ((4, 3), (2, 1)):
        return image[..., :channels]
    if count == channels + 1 and channels > 3:
        once(
            f"Images of {count} channels for a model of {channels}: the last is taken "
            f"for alpha and left out (IMAGE_CHANNEL_COUNT = {count} keeps it)."
        )
        return image[..., :channels]
    if channels == 1 and count in (3, 4):
        if (image[..., :1] == image[..., 1:3]).all():
            return image[..., :1]
        advice = "make it grey"
    elif image.shape[0] in {channels, 1, 3, 4} and count not in (1, 2, 3, 4):
        advice = "channels come last: pass np.moveaxis(image, 0, -1)"
    else:
        advice = (
            f"pass (h, w, {channels}); `read_image(path, channels={channels})` reads "
            "files that have as many"
        )
    raise ValueError(
        f"{name}: {count} channels, but the model takes {channels} "
        f"(IMAGE_CHANNEL_COUNT): {advice}."
    )


def _check_range(image: np.ndarray, name: str) -> None:
    """Raise ValueError if numbers are not those of an image in 0..255."""
    if image.dtype == bool:
        raise ValueError(
            f"{name}: True and False instead of brightness; pass "
            "image.astype(np.uint8) * 255."
        )
    if image.dtype.kind not in "uif":
        raise ValueError(
            f"{name}: {image.dtype} instead of numbers; pass uint8 in 0..255."
        )
    if not np.isfinite(image).all():
        raise ValueError(
            f"{name}: {int((~np.isfinite(image)).sum())} pixel values are NaN or "
            "infinite; mend the image or leave it out."
        )
    low, high = image.min().item(), image.max().item()
    found = f"{name}: pixels from {low:g} to {high:g}"
    real = image.dtype.kind == "f"
    white, scaled = (1, " * 255") if real and high < BLACK else (255, "")
    if (low < 0 or high > white) and max(-low, high - white) <= OVERSHOOT * white:
        raise ValueError(
            f"{found} go a little beyond 0..{white}, as resizing leaves them; pass "
            f"np.clip(image, 0, {white}){scaled}."
        )
    if low < 0 and real and high <= 255:
        raise ValueError(
            f"{found}: an image less its mean, such as `mold_image` returns, or "
            "normalised otherwise. Pass the original image in 0..255: the model "
            "subtracts the mean itself."
        )
    if low < 0 or high > 255:
        full = next((2**b - 1 for b in USUAL_BITS if high < 2**b), None)
        way = f"image * (255 / {full})"
        if low < 0 or full is None:
            way = (
                "np.clip((image.astype(float) - low) * (255 / (high - low)), 0, 255), "
                "where low and high are black and white in all of them"
            )
        raise ValueError(
            f"{found}; scale them to 0..255, all images by the same numbers, such as "
            f"{way}."
        )
    if real and high < BLACK and (image != np.rint(image)).any():
        way = "image" if high <= 1 else "np.clip(image, 0, 1)"
        raise ValueError(
            f"{found} are parts of one, and would be black; pass {way} * 255."
        )
