"""Bilinear resizing of arrays outside the network."""

import numpy as np


def _blend(array: np.ndarray, target: int, axis: int) -> np.ndarray:
    """Resize one axis: each output is a blend of the two nearest inputs."""
    source = array.shape[axis]
    if source == target:
        return array
    centres = (np.arange(target) + 0.5) * (source / target) - 0.5
    lower = np.floor(centres).astype(np.intp)
    upper = lower + 1
    fraction = (centres - lower).astype(np.float32)
    shape = [1] * array.ndim
    shape[axis] = target
    # What lies outside counts as 0.
    low = np.where(lower >= 0, 1 - fraction, 0).astype(np.float32).reshape(shape)
    high = np.where(upper < source, fraction, 0).astype(np.float32).reshape(shape)
    below = np.take(array, lower.clip(0), axis=axis)
    above = np.take(array, upper.clip(max=source - 1), axis=axis)
    return below * low + above * high


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
