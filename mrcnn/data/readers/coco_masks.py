"""The field `segmentation` of a COCO annotation, checked before pycocotools sees it.

pycocotools 2.0.11 raises errors of its own on some faults, takes an odd number of
coordinates, and decodes runs that do not fill the picture to whatever memory held.
"""

from typing import Any

import numpy as np

from mrcnn.data import rle
from mrcnn.data.via import FARTHEST
from mrcnn.notices import quoted

Mask = list[np.ndarray] | dict[str, Any]
"""A mask as it is kept: polygons (2 m,) each, or a run-length code."""
NO_MASK = (
    "it has a box alone, and no outline: export as instance segmentation, or draw it."
)


def checked_mask(
    annotation: dict[str, Any], where: str, size: tuple[int, int] | None
) -> Mask:
    """Return the mask of an annotation.

    Args:
        annotation: with its field "segmentation".
        where: names it in messages.
        size: (h, w) of its image, if that is known.

    Raises ValueError that names what is wrong.
    """
    mask = annotation.get("segmentation")
    where += ": field 'segmentation'"
    if mask is None or mask == [] or mask == {} or mask == [[]]:
        raise ValueError(f"{where} is missing or empty: {NO_MASK}")
    if isinstance(mask, dict):
        return _code(mask, where, size)
    if not isinstance(mask, list):
        raise ValueError(
            f"{where} is {quoted(mask)}: expected polygons or run lengths."
        )
    if not isinstance(mask[0], list):  # some write a polygon without the list around
        mask = [mask]
    return [_polygon(part, f"{where}, part {i}") for i, part in enumerate(mask)]


def _polygon(part: Any, where: str) -> np.ndarray:
    """Return the coordinates x, y, x, y ... of a polygon, float64 (2 m,)."""
    if not isinstance(part, list) or not set(map(type, part)) <= {int, float}:
        raise ValueError(f"{where} is {quoted(part)}: expected numbers x, y, x, y ...")
    try:
        numbers = np.array(part, np.float64)
    except OverflowError:  # of a whole number beyond floats
        numbers = np.array([np.inf])
    if not (abs(numbers) <= FARTHEST).all():  # NaN is not, either
        raise ValueError(f"{where} holds numbers that are no pixels: draw it again.")
    if len(part) % 2:
        raise ValueError(f"{where} has {len(part)} numbers: x and y come in pairs.")
    if len(part) < 6:
        kind = {4: ", a line or a box,", 2: ", a point,"}.get(len(part), "")
        raise ValueError(
            f"{where} has {len(part)} numbers{kind} where a polygon has at least 6: "
            "draw it again or remove it."
        )
    return numbers


def _code(
    mask: dict[str, Any], where: str, size: tuple[int, int] | None
) -> dict[str, Any]:
    """Return a run-length code, compressed, whose runs fill its picture."""
    shape = mask.get("size")
    sound = isinstance(shape, list) and len(shape) == 2
    if not sound or not all(type(v) is int and 0 < v <= FARTHEST for v in shape):
        raise ValueError(f"{where}: 'size' is {quoted(shape)}: it is [height, width].")
    if shape[0] * shape[1] >= 1 << 32:  # pycocotools counts in 32 bits
        raise ValueError(f"{where}: 'size' is {shape}, of too many pixels.")
    if size is not None and tuple(shape) != size:
        raise ValueError(
            f"{where}: 'size' is {shape}, that of the image {list(size)}: export it "
            "again."
        )
    counts = mask.get("counts")
    if isinstance(counts, list):
        if not all(type(v) is int and 0 <= v <= FARTHEST**2 for v in counts):
            raise ValueError(f"{where}: 'counts' must be a list of lengths of runs.")
        runs = np.array(counts, np.int64)
    elif isinstance(counts, str):
        try:
            runs = rle.runs_of(counts)
        except ValueError as error:
            raise ValueError(f"{where}: 'counts' {error}: export it again.") from None
    else:
        raise ValueError(f"{where}: 'counts' is {quoted(counts)}: a list or a text.")
    filled, pixels = int(runs.sum()), shape[0] * shape[1]
    if filled != pixels or (runs < 0).any():
        raise ValueError(
            f"{where}: the runs of 'counts' fill {filled} pixels, the picture has "
            f"{pixels}: export it again."
        )
    return rle.of_runs(runs, *shape)


def code_of(mask: Mask, height: int, width: int) -> dict[str, Any]:
    """Return a mask as a run-length code of a picture (height, width)."""
    return mask if isinstance(mask, dict) else rle.of_polygons(mask, height, width)
