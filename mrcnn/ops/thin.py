"""Thin objects in masks that shrink: a wire is kept, as thin as the new grid can be.

Sampling keeps one pixel of many, so that a wire of one pixel vanishes or is left as
dots, and the string of a balloon is cut off. Everything wider keeps its sampled pixels.
"""

import numpy as np
import scipy.ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def keep_thin(mask: np.ndarray, shrunk: np.ndarray) -> np.ndarray:
    """Return a shrunk mask and the thin parts that it has lost.

    An object is thin where it covers less than half of the cells that it touches, and
    broken where nothing is left of it, or more pieces than it had: then it becomes the
    cells that it touches. Else those are added that lie beyond the neighbours of what
    is left, and what joins them to it. An object that covers half of the grid and
    reaches all of its edges is left as it is.

    Args:
        mask: (h, w) bool.
        shrunk: (r, c) bool, the same part of the image sampled more coarsely.
    """
    if shrunk.shape[0] >= mask.shape[0] and shrunk.shape[1] >= mask.shape[1]:
        return shrunk
    covered = np.count_nonzero(mask) * (shrunk.size / mask.size)  # in cells
    if 2 * covered >= shrunk.size and reaches(shrunk, (0, 0, *shrunk.shape)):
        return shrunk
    mask = np.ascontiguousarray(mask)
    cells = touched(mask, shrunk.shape)
    thin = 2 * covered < np.count_nonzero(cells)
    if thin and not (shrunk.any() and _pieces(shrunk) <= _pieces(mask)):
        return cells
    rows, columns = (_extent(cells.any(axis=axis)) for axis in (1, 0))
    cells, left = cells[rows, columns], shrunk[rows, columns]
    lost = cells & ~_grown(left)
    if lost.any():
        shrunk = shrunk.copy()
        shrunk[rows, columns] |= cells & _grown(lost)
    return shrunk


def reaches(shrunk: np.ndarray, box: np.ndarray) -> bool:
    """Tell whether a shrunk mask has pixels within two cells of each side of a box.

    One that does not has lost more than a cell there; sampling alone costs half of one.

    Args:
        shrunk: (r, c) bool.
        box: (4,) int, whole cells that hold the box of the whole mask.
    """
    y1, x1, y2, x2 = box
    part = shrunk[y1:y2, x1:x2]
    edges = part[:2], part[-2:], part[:, :2], part[:, -2:]
    return all(edge.any() for edge in edges)


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


def _grown(mask: np.ndarray) -> np.ndarray:
    """Return a mask with the neighbours of its pixels, corners included."""
    tall = mask.copy("C")
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def _extent(line: np.ndarray) -> slice:
    """Return from where to where a line (n,) has pixels; nothing if it has none."""
    found = np.flatnonzero(line)
    return slice(found[0], found[-1] + 1) if len(found) else slice(0)


def _pieces(mask: np.ndarray) -> int:
    """Count the parts of a mask that do not touch, corners included."""
    mask = mask[_extent(mask.any(axis=1)), _extent(mask.any(axis=0))]
    return int(scipy.ndimage.label(mask, EIGHT_NEIGHBOURS)[1])
