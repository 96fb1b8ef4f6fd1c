"""How far outlines are from the truth: AP by their boundaries, and pixels between them.

The larger an object, the less its edge counts in the IoU of masks; both measures here
look at the edge alone. What lies beyond the picture is outside of every mask, as for
the authors of boundary IoU: where an object is cut off, its outline is the picture's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pycocotools.mask import area
from scipy.ndimage import minimum_filter1d

from mrcnn.checks.kinds import number
from mrcnn.evaluation.candidates import CandidateEval
from mrcnn.evaluation.coco import AveragePrecision, average_precision
from mrcnn.evaluation.matching import MATCH_IOU, SHOWN_SCORE
from mrcnn.evaluation.scenes import Scene
from mrcnn.ops.overlaps import greedy_match
from mrcnn.ops.rle import Code, bounds, cut, ious

RIM = 0.02
"""Width of a boundary as a share of the image's diagonal, as in arXiv:2103.16562."""


class BoundaryEval(CandidateEval):
    """COCO's evaluation where a pair overlaps no more than its boundaries do."""

    def __init__(self, *arguments: Any, rim: float = RIM) -> None:
        """Take what `COCOeval` takes, and the width of boundaries."""
        super().__init__(*arguments)
        self.rim = rim

    def computeIoU(self, imgId: int, catId: int) -> np.ndarray:
        """Return the lesser IoU (n, m) of masks and boundaries, of a class in an image.

        Pairs whose masks do not match anyway keep the IoU of these, and so do crowds.

        Args:
            imgId: the image.
            catId: the class.
        """
        overlaps = np.array(super().computeIoU(imgId, catId))
        truth = self._gts[imgId, catId]
        found = sorted(self._dts[imgId, catId], key=lambda entry: -entry["score"])
        for i, j in np.argwhere(overlaps >= self.params.iouThrs.min()):
            if not truth[j]["iscrowd"]:
                pair = found[i]["segmentation"], truth[j]["segmentation"]
                overlaps[i, j] = min(overlaps[i, j], boundary_iou(*pair, self.rim))
        return overlaps


def boundary_ap(
    scenes: Sequence[Scene], class_names: Sequence[str], *, rim: float = RIM
) -> AveragePrecision:
    """Return mask AP where the overlap of a pair is the lesser of two IoUs.

    The one is that of the masks, the other that of their boundaries (Cheng et al.,
    arXiv:2103.16562), which sees how well the edge of a large object is met. All else
    is as in `coco.average_precision`; a crowd is matched by its mask alone.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        class_names: of all classes, background first.
        rim: width of a boundary as a share of the image's diagonal.

    Raises:
        ValueError: if `rim` is no positive number, or a class has no name.
    """
    if fault := number(0, above=True).fault("rim", rim):
        raise ValueError(fault)
    evaluation = partial(BoundaryEval, rim=rim)
    return average_precision(scenes, class_names, "mask", evaluation)


def boundary_iou(a: Code, b: Code, rim: float = RIM) -> float:
    """Return intersection over union of two masks' boundaries; 0 if both are empty.

    Args:
        a: a mask of an image.
        b: another of the same image.
        rim: as in `boundary_ap`; the width in pixels is rounded, and 1 at least.
    """
    width = max(1, round(rim * math.hypot(*a["size"])))
    first, second = np.array([bounds(a), bounds(b)])
    box = (*np.minimum(first, second)[:2], *np.maximum(first, second)[2:])
    first, second = (_boundary(cut(code, box), width) for code in (a, b))
    either = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / max(1, either)


def _boundary(mask: np.ndarray, width: int) -> np.ndarray:
    """Return a mask's pixels that are at most `width` from one outside, (h, w) bool.

    A step to any of eight neighbours is 1, as for the authors' code; beyond the array
    is outside.
    """
    inner = mask.view(np.uint8)
    for axis in (0, 1):
        inner = minimum_filter1d(inner, 2 * width + 1, axis, mode="constant")
    return mask & (inner == 0)


@dataclass(frozen=True, eq=False)
class OutlineDistances:
    """How far the outlines of found objects are from the truth, pair by pair.

    An object that was not found is in no pair: read `missed` beside the distances.
    """

    pixels: np.ndarray  # (n,) of the image
    relative: np.ndarray  # (n,) shares of the square root of the object's area
    missed: int  # objects in no pair, crowds aside

    @property
    def pairs(self) -> int:
        """How many objects were found."""
        return len(self.pixels)

    @property
    def mean(self) -> float:
        """Mean distance in pixels; NaN without pairs."""
        return _over_pairs(np.mean, self.pixels)

    @property
    def median(self) -> float:
        """Median distance in pixels; NaN without pairs."""
        return _over_pairs(np.median, self.pixels)

    @property
    def mean_relative(self) -> float:
        """Mean distance by the size of the object; NaN without pairs."""
        return _over_pairs(np.mean, self.relative)

    @property
    def median_relative(self) -> float:
        """Median distance by the size of the object; NaN without pairs."""
        return _over_pairs(np.median, self.relative)

    def __str__(self) -> str:
        """Return all of it in a line."""
        return (
            f"{self.pairs} objects found, {self.missed} missed; outlines off by "
            f"{self.mean:.2f} pixels (median {self.median:.2f}), "
            f"{self.mean_relative:.1%} of an object's size "
            f"(median {self.median_relative:.1%})"
        )


def _over_pairs(average: Any, values: np.ndarray) -> float:
    return float(average(values)) if values.size else float("nan")


def outline_distance(
    scenes: Sequence[Scene], *, min_score: float = SHOWN_SCORE
) -> OutlineDistances:
    """Measure how far outlines are from those of the objects that were found.

    Detections take objects at a mask IoU of at least 0.5, best score first, whatever
    their classes; crowds are left out. The distance of a pair is the average symmetric
    surface distance, see `distance`.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        min_score: detections below it are taken as not made.
    """
    rows, missed = [np.zeros((0, 2))], 0
    for scene in scenes:
        truth = scene.truth.select(~scene.truth.crowd)
        found = scene.found.select(scene.found.scores >= min_score)
        overlaps = ious(found.encoded, truth.encoded)
        matches = greedy_match(overlaps, found.scores, threshold=MATCH_IOU)
        hits = np.flatnonzero(matches >= 0)
        missed += len(truth) - len(hits)
        for i in hits:
            code = truth.encoded[matches[i]]
            pixels = distance(found.encoded[i], code)
            rows.append([[pixels, pixels / math.sqrt(area(code))]])
    return OutlineDistances(*np.concatenate(rows).T, missed)


def distance(a: Code, b: Code) -> float:
    """Return the average symmetric surface distance of two masks, pixels of the image.

    From each pixel of an outline to the nearest of the other, straight and between
    centres: the mean over the one outline and that over the other, and the mean of the
    two, so that both outlines count alike however long they are. Neither is empty.

    Args:
        a: a mask of an image.
        b: another of the same image.
    """
    # Not with the module: it takes a tenth as long to load as TensorFlow does.
    from scipy.spatial import KDTree

    first, second = (KDTree(_outline(code)) for code in (a, b))
    there, back = first.query(second.data)[0], second.query(first.data)[0]
    return float(there.mean() + back.mean()) / 2


def _outline(code: Code) -> np.ndarray:
    """Return where (n, 2) a mask has pixels with one of four neighbours outside it."""
    box = bounds(code)
    mask = cut(code, box)
    framed = np.pad(mask, 1)
    above, below = framed[:-2, 1:-1], framed[2:, 1:-1]
    left, right = framed[1:-1, :-2], framed[1:-1, 2:]
    return np.argwhere(mask & ~(above & below & left & right)) + box[:2]
