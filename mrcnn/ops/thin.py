"""Thin objects in masks that shrink: a wire is kept, as thin as the new grid can be.

Sampling keeps one pixel of many, so that a wire of one pixel vanishes or is left as
dots. Everything wider keeps its sampled pixels.
"""

import numpy as np
import scipy.ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def keep_thin(mask: np.ndarray, shrunk: np.ndarray) -> np.ndarray:
    """Return a shrunk mask, or of a thin object that it breaks the cells it touches.

    An object is thin where it covers less than half of the cells that it touches, and
    broken where nothing is left of it, or more pieces than it had.

    Args:
        mask: (h, w) bool.
        shrunk: (r, c) bool, the same part of the image sampled more coarsely.
    """
    if shrunk.shape[0] >= mask.shape[0] and shrunk.shape[1] >= mask.shape[1]:
        return shrunk
    covered = np.count_nonzero(mask) * (shrunk.size / mask.size)  # in cells
    if 2 * covered >= shrunk.size:
        return shrunk
    mask = np.ascontiguousarray(mask)
    cells = touched(mask, shrunk.shape)
    if 2 * covered >= np.count_nonzero(cells):
        return shrunk
    if shrunk.any() and _pieces(shrunk) <= _pieces(mask):
        return shrunk
    return cells


def touched(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return which cells of a grid hold the centre of a mask's pixel, (*shape,) bool.

    Along an axis that does not shrink a cell is its nearest pixel.
    """
    for axis, target in enumerate(shape):
        source = mask.shape[axis]
        if target < source:
            starts = np.ceil(np.arange(target) * (source / target) - 0.5)
            mask = np.logical_or.reduceat(mask, starts.astype(np.intp), axis)
        elif target > source:
            nearest = (np.arange(target) + 0.5) * (source / target)
            mask = mask.take(nearest.astype(np.intp), axis)
    return mask


def blurred(mask: np.ndarray, mini: np.ndarray) -> bool:
    """Tell whether an object's share of its box has doubled or halved in a mini mask.

    Args:
        mask: (h, w) bool, cut to the box.
        mini: (r, c) bool, the same on the grid of mini masks.
    """
    before = np.count_nonzero(mask) * mini.size
    after = np.count_nonzero(mini) * mask.size
    return after > 2 * before or before > 2 * after


def _pieces(mask: np.ndarray) -> int:
    """Count the parts of a mask that do not touch, corners included."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return int(scipy.ndimage.label(mask, EIGHT_NEIGHBOURS)[1])
