"""COCO's matching of detections with objects, from the few pairs that overlap enough.

pycocotools compares every detection with every object, once for each threshold and
range of areas. In a crowded image hardly any of these pairs overlap; the others are
left out here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval


class CandidateEval(COCOeval):
    """pycocotools' evaluation, faster; every number is the same."""

    def evaluateImg(
        self, imgId: int, catId: int, aRng: tuple[float, float], maxDet: int
    ) -> dict[str, Any] | None:
        """Match the objects and detections of a class in an image.

        Args:
            imgId: the image.
            catId: the class.
            aRng: least and largest area, pixels, both included. Objects of other areas
                are ignored as crowds are, and so are unmatched detections of others.
            maxDet: how many detections count, best first.

        Returns:
            What `accumulate` reads; None if there is neither object nor detection.
        """
        truth, found = self._gts[imgId, catId], self._dts[imgId, catId]
        if not truth and not found:
            return None
        found = sorted(found, key=lambda entry: -entry["score"])[:maxDet]
        ignored = [bool(g["ignore"]) or _outside(g, aRng) for g in truth]
        matches = match_all(
            np.reshape(self.ious[imgId, catId], (len(found), len(truth))),
            ignored,
            [bool(g["iscrowd"]) for g in truth],
            self.params.iouThrs,
        )
        matched = matches >= 0
        # A further entry for -1, no object.
        of_ignored = np.array([*ignored, False])[matches]
        outside = [_outside(entry, aRng) for entry in found]
        return {
            "dtScores": [entry["score"] for entry in found],
            "dtMatches": matched,
            "dtIgnore": np.where(matched, of_ignored, outside),
            "gtIgnore": np.array(ignored, bool),
        }


def _outside(entry: dict[str, Any], areas: tuple[float, float]) -> bool:
    """Tell whether an entry's area is out of a range, whose ends belong to it."""
    return not areas[0] <= entry["area"] <= areas[1]


def match_all(
    overlaps: np.ndarray,
    ignored: Sequence[bool],
    crowd: Sequence[bool],
    thresholds: np.ndarray,
) -> np.ndarray:
    """Give each detection the free object that it overlaps most, one that counts first.

    Args:
        overlaps: IoUs (n, m) of n detections, best first, with m objects.
        ignored: m, which objects do not count: crowds, or of another size.
        crowd: m, which objects take any number of detections.
        thresholds: (t,) least IoUs, positive.

    Returns:
        (t, n) int: each detection's object, or -1. Of equal overlaps the last is taken.
    """
    rows, columns = np.nonzero(overlaps >= thresholds.min())
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    candidates = sorted((i, ignored[j], -overlaps[i, j], -j) for i, j in pairs)
    matches = np.full((len(thresholds), len(overlaps)), -1)
    for t, threshold in enumerate(thresholds.tolist()):
        taken, last = set(), -1
        for i, _, minus_overlap, minus_j in candidates:
            if -minus_overlap >= threshold and i != last and -minus_j not in taken:
                matches[t, i], last = -minus_j, i
                if not crowd[-minus_j]:
                    taken.add(-minus_j)
    return matches
