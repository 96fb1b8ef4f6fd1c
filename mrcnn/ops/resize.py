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


def _blend(
    array: np.ndarray, target: int, axis: int, part: slice = slice(None)
) -> np.ndarray:
    """Resize one axis, or make a part of it: each output blends the nearest inputs."""
    source = array.shape[axis]
    if source == target:
        return array if part == slice(None) else array[(slice(None),) * axis + (part,)]
    lower, upper, low, high = (found[part] for found in _neighbours(source, target))
    shape = [1] * array.ndim
    shape[axis] = len(low)
    # Only what is taken becomes float: a large picture shrinks in little memory.
    resized = array.take(lower, axis).astype(np.float32, copy=False)
    resized = resized * low.reshape(shape)
    other = array.take(upper, axis).astype(np.float32, copy=False)
    resized += other * high.reshape(shape)
    return resized


def resize_bilinear(
    array: np.ndarray, shape: tuple[int, int], columns: slice = slice(None)
) -> np.ndarray:
    """Return an array (h, w, ...) resized to (*shape, ...) float32.

    Pixel centres are aligned, the outside counts as 0, and the result is clipped to the
    range of the input, so that a mask without holes keeps its corners: what
    scikit-image's `resize` does with order 1, mode "constant" and no anti-aliasing.
    Where not all `columns` of the result are wanted, the others are not made.
    """
    array = np.asarray(array)
    # The axis that shrinks most first: less is left for the other.
    if shape[0] * array.shape[1] <= shape[1] * array.shape[0]:
        resized = _blend(_blend(array, shape[0], 0), shape[1], 1, columns)
    else:
        resized = _blend(_blend(array, shape[1], 1, columns), shape[0], 0)
    resized = resized.astype(np.float32, copy=False)
    if array.size and array.shape[:2] != tuple(shape):
        low, high = np.float32(array.min()), np.float32(array.max())
        np.clip(resized, low, high, out=resized)
    return resized
