"""How large objects are beside anchors and pictures, and which sizes suit them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mrcnn.data.transforms import boxes_to_padded, plan_geometry
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import best_overlaps
from mrcnn.ops.matching import POSITIVE_IOU
from mrcnn.structures import Preprocessing

SMALL, USUAL = 12, 32
"""Sides that a small object (a tenth are smaller) and the median are to have, in pixels
of the network's image: one cell of the finest level of the pyramid is 4 of these."""
LEAST, MOST = 128, 1024
"""Sides of an image between which one is suggested."""
SPANS = ((1, 99), (2, 98), (5, 95), (10, 90), (20, 80))
"""Percentiles of sizes between which scales are tried."""
CLOSEST = 1.25
"""The least ratio of a scale to the one before."""
FACTORS, ROUNDS = (0.7, 0.85, 0.95, 1.05, 1.2, 1.4), 3
"""By how much each scale is moved, and how often in turn."""
SAMPLE = 2000
"""Objects that scales are tried on."""


class Padded(NamedTuple):
    """Objects as the network sees them."""

    index: np.ndarray  # (n,) int, which of the objects: those that it sees
    boxes: np.ndarray  # (n, 4) float, pixels of the padded image
    shapes: np.ndarray  # (n, 2) int, (H, W) of that image

    def of(self, kept: np.ndarray) -> "Padded":
        """Return those that are kept, bool (n,)."""
        return Padded(*(values[kept] for values in self))


def sides_of(boxes: np.ndarray) -> np.ndarray:
    """Return the roots (n,) of the areas of boxes (n, 4), as anchors are measured."""
    return np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1))


def suggested_side(boxes: np.ndarray, shapes: np.ndarray) -> int:
    """Return the side of a square image in which objects can be seen, pixels.

    Large enough for `SMALL` and `USUAL`, at most twice as large as the pictures are.

    Args:
        boxes: (n, 4) in original pixels; one at least.
        shapes: (n, 2) of the image of each.
    """
    longest = shapes.max(axis=-1)
    small, usual = np.percentile(sides_of(boxes) / longest, (10, 50))
    most = min(MOST, _in_steps(2 * np.median(longest), 64))
    return int(min(max(LEAST, _in_steps(max(SMALL / small, USUAL / usual), 64)), most))


def suggested_scales(
    seen: Padded, ratios: Sequence[float], strides: Sequence[int], stride: int = 1
) -> tuple[int, ...]:
    """Return one scale a level, ascending, by which objects are matched well.

    What an object gains by an anchor that overlaps it more than a match needs does not
    count, so that scales reach for objects that are matched by none. Scales between two
    percentiles come first; then each is moved while that helps, because anchors of
    coarse levels lie far apart.

    Args:
        seen: the objects; one at least.
        ratios: of the anchors.
        strides: of the levels.
        stride: cells from one anchor to the next.
    """
    every = -(-len(seen.index) // SAMPLE)
    boxes, shapes = seen.boxes[::every], seen.shapes[::every]

    def gain(scales: tuple[int, ...]) -> float:
        overlaps = best_overlaps(boxes, scales, ratios, shapes, strides, stride)
        return float(np.minimum(overlaps, POSITIVE_IOU).mean())

    ends = np.percentile(sides_of(boxes), SPANS)
    best = max((_between(*span, len(strides)) for span in ends), key=gain)
    for _ in range(ROUNDS):
        for i in range(len(best)):
            moved = [
                (*best[:i], round(best[i] * factor), *best[i + 1 :])
                for factor in FACTORS
            ]
            best = max([best, *filter(_ascending, moved)], key=gain)
    return best


def _ascending(scales: tuple[int, ...]) -> bool:
    return scales[0] > 0 and all(a < b for a, b in pairwise(scales))


def _between(low: float, high: float, count: int) -> tuple[int, ...]:
    """Return ascending whole numbers from low to high, each so much larger."""
    step = max((high / low) ** (1 / (count - 1)), CLOSEST)
    start = math.sqrt(low * high) / step ** ((count - 1) / 2)
    scales: list[int] = []
    for i in range(count):
        scales.append(max(round(start * step**i), 4, *(s + 1 for s in scales)))
    return tuple(scales)


def suggested_slots(most: int) -> int:
    """Return slots for images of at most `most` objects, in whole eights."""
    return max(8, _in_steps(most, 8))


def _in_steps(value: float, step: int) -> int:
    """Return the next multiple of a step, from a value on."""
    return math.ceil(value / step - 1e-9) * step


def padded(
    boxes: np.ndarray, shapes: np.ndarray, preprocessing: Preprocessing
) -> Padded:
    """Return boxes (n, 4) in images of the shapes (n, 2), resized and padded.

    Left out are those that a crop leaves nothing of, and those in images that the mode
    does not take.
    """
    found = np.zeros((len(boxes), 4))
    sizes = np.ones((len(boxes), 2), np.int64)
    for shape in np.unique(shapes, axis=0):
        try:
            geometry = plan_geometry(tuple(shape.tolist()), preprocessing)
        except ValueError:
            continue
        here = (shapes == shape).all(axis=-1)
        normalised = boxes_to_padded(boxes[here], geometry)
        found[here] = box_ops.denormalise(normalised, geometry.padded_shape, xp=np)
        sizes[here] = geometry.padded_shape
    index = np.flatnonzero(sides_of(found) > 0)
    return Padded(index, found[index], sizes[index])
