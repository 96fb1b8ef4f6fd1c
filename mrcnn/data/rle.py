"""Codes (`mrcnn.ops.rle`) of what COCO's files hold: polygons, and lengths of runs.

Those lie there as a list ("uncompressed") or as text, six bits a character
(https://github.com/cocodataset/cocoapi, common/maskApi.c).
"""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco

from mrcnn.ops.rle import Code


def of_polygons(parts: Sequence[np.ndarray], height: int, width: int) -> Code:
    """Return the code of polygons (2 m,) of x, y, x, y ... that are one object.

    Filled as pycocotools does: a corner is a point, so that a square of side 10 has 100
    pixels. What two parts share belongs to the object.
    """
    return coco.merge(
        coco.frPyObjects([part.tolist() for part in parts], height, width)
    )


def of_runs(runs: np.ndarray, height: int, width: int) -> Code:
    """Return the code of runs (m,) that fill (height, width), see `runs_of`."""
    code = {"size": [height, width], "counts": runs.tolist()}
    return coco.frPyObjects(code, height, width)


def runs_of(counts: str | bytes) -> np.ndarray:
    """Return the lengths of runs, int64 (m,), of counts as text.

    pycocotools believes them, and reads on behind the end of those that are cut off.

    Raises ValueError if it is no such text.
    """
    text = counts.encode() if isinstance(counts, str) else counts
    bits = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if not len(bits):
        raise ValueError("is empty")
    if (bits < 0).any() or (bits > 63).any():
        raise ValueError("has characters that are none of a run-length code")
    last = (bits & 32) == 0
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if not last[-1] or (ends - starts).max() > 6:
        raise ValueError("is cut off")
    place = np.arange(len(bits)) - np.repeat(starts, ends - starts + 1)
    numbers = np.add.reduceat((bits & 31) << (5 * place), starts)
    negative = (bits[ends] & 16) != 0
    numbers[negative] -= 1 << (5 * (ends - starts + 1))[negative]
    # From the fourth on each is the difference to the last but one.
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
