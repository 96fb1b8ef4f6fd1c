"""Two taken for one, and one for two: what missed objects and false alarms may be."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np

from mrcnn.evaluation.matching import SHOWN_SCORE, Failure, FailureKind
from mrcnn.evaluation.scenes import Scene
from mrcnn.ops.rle import shares

MOST = 0.5
"""An object is covered by a detection that holds this share of its pixels; a detection
is a part of an object if it has this share of its own in it."""


class Merge(StrEnum):
    """What went wrong between several objects or detections."""

    TWO_AS_ONE = "two as one"
    ONE_AS_TWO = "one as two"


def with_merges(
    failures: Sequence[Failure],
    scenes: Iterable[Scene],
    *,
    min_score: float = SHOWN_SCORE,
) -> list[Failure]:
    """Return failures in their order, those between neighbours by names of their own.

    A missed object is "two as one" if a detection covers it together with another, and
    a false alarm "one as two" if it is one of several parts of an object. What is so
    told already, such as a false alarm that lies on two missed objects, is left out.

    Args:
        failures: as `mrcnn.evaluation.failures` lists them.
        scenes: those that they come from.
        min_score: the one that they were listed with.
    """
    named: dict[int, list[Failure]] = {}
    for scene in scenes:
        own = [f for f in failures if f.image_id == scene.image_id]
        named[scene.image_id] = _named(own, scene, min_score) if own else []
    turns = {image_id: iter(found) for image_id, found in named.items()}
    told = (next(turns[f.image_id]) for f in failures)
    return [failure for failure in told if failure is not None]


def _named(
    failures: Sequence[Failure], scene: Scene, min_score: float
) -> list[Failure | None]:
    """Return an image's failures by their names, None for each that others tell."""
    shown = scene.found.scores >= min_score
    found, truth = scene.found.encoded, scene.truth.encoded
    single = ~scene.truth.crowd
    covers = (shares(truth, found).T >= MOST) & shown[:, None] & single  # (n, m)
    parts = (shares(found, truth) >= MOST) & shown[:, None] & single
    # Of each object its cover, of each detection its whole; -1 without one.
    over = _first(covers & (covers.sum(axis=1, keepdims=True) > 1), axis=0)
    whole = _first(parts & (parts.sum(axis=0, keepdims=True) > 1), axis=1)
    named = [_merged(f, over, whole, scene.found.scores) for f in failures]
    told_found = {f.found for f in named if f.kind == Merge.TWO_AS_ONE}
    told_truth = {f.truth for f in named if f.kind == Merge.ONE_AS_TWO}
    return [
        None
        if (f.kind == FailureKind.FALSE_ALARM and f.found in told_found)
        or (f.kind == FailureKind.MISSED and f.truth in told_truth)
        else f
        for f in named
    ]


def _first(table: np.ndarray, axis: int) -> np.ndarray:
    """Return the index of the first True along an axis, -1 where there is none."""
    if not table.size:
        return np.full(table.shape[1 - axis], -1)
    return np.where(table.any(axis=axis), table.argmax(axis=axis), -1)


def _merged(
    failure: Failure, over: np.ndarray, whole: np.ndarray, scores: np.ndarray
) -> Failure:
    """Return a failure with both its object and its detection, if it is a merge."""
    if failure.kind == FailureKind.MISSED and (i := int(over[failure.truth])) >= 0:
        score = float(scores[i])
        return replace(failure, kind=Merge.TWO_AS_ONE, found=i, score=score)
    if (
        failure.kind == FailureKind.FALSE_ALARM
        and (j := int(whole[failure.found])) >= 0
    ):
        return replace(failure, kind=Merge.ONE_AS_TWO, truth=j)
    return failure
