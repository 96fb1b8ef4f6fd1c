"""Bilinear resizing of arrays outside the network."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=256)  # the sides of small objects and of padded images repeat
def _neighbours(
    source: int, target: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the two inputs that each output blends, and how much of each (target,)."""
    centres = (np.arange(target) + 0.5) * (source / target) - 0.5
    lower = np.floor(centres).astype(np.intp)
    upper = lower + 1
    fraction = (centres - lower).astype(np.float32)
    # What lies outside counts as 0.
    low = np.where(lower >= 0, 1 - fraction, 0).astype(np.float32)
    high = np.where(upper < source, fraction, 0).astype(np.float32)
    found = lower.clip(0), upper.clip(max=source - 1), low, high
    for array in found:
        array.flags.writeable = False  # all callers share them
    return found


def _blend(array: np.ndarray, target: int, axis: int) -> np.ndarray:
    """Resize one axis: each output is a blend of the two nearest inputs."""
    source = array.shape[axis]
    if source == target:
        return array
    lower, upper, low, high = _neighbours(source, target)
    shape = [1] * array.ndim
    shape[axis] = target
    resized = array.take(lower, axis) * low.reshape(shape)
    resized += array.take(upper, axis) * high.reshape(shape)
    return resized


def resize_bilinear(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an array (h, w, ...) resized to (*shape, ...) float32.

    Pixel centres are aligned, the outside counts as 0, and the result is clipped to the
    range of the input, so that a mask without holes keeps its corners: what
    scikit-image's `resize` does with order 1, mode "constant" and no anti-aliasing.
    """
    array = np.asarray(array)
    if array.dtype != np.float32:
        array = array.astype(np.float32)
    # The axis that shrinks most first: less is left for the other.
    if shape[0] * array.shape[1] <= shape[1] * array.shape[0]:
        resized = _blend(_blend(array, shape[0], 0), shape[1], 1)
    else:
        resized = _blend(_blend(array, shape[1], 1), shape[0], 0)
    if array.size and resized is not array:
        np.clip(resized, array.min(), array.max(), out=resized)
    return resized
