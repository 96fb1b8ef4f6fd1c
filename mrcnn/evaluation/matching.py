"""Which detections are right, whatever class they were given: confusions and failures.

Matching is by box IoU and ignores classes, so that "found, but called by another name"
is told apart from "not found".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mrcnn.evaluation.coco import IOU_THRESHOLDS
from mrcnn.evaluation.scenes import Objects, Scene, check_names
from mrcnn.ops.boxes import area, iou
from mrcnn.ops.overlaps import greedy_match, mask_iou

MATCH_IOU = 0.5
SHOWN_SCORE = 0.5
"""Detections from this score on are those that a user would be shown."""


class FailureKind(StrEnum):
    """What went wrong with one object or detection."""

    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    WRONG_CLASS = "wrong class"
    POOR_MASK = "poor mask"


@dataclass(frozen=True)
class Failure:
    """One failure, with what a picture of it needs; indices are into the scene."""

    kind: StrEnum  # a `FailureKind`, or a `merges.Merge`
    image_id: int
    truth: int | None  # index into scene.truth
    found: int | None  # index into scene.found
    iou: float  # of the masks if both exist, else of the nearest box
    score: float  # of the detection; NaN if there is none


@dataclass(frozen=True, eq=False)
class ObjectQuality:
    """How well each annotated object was found, crowds left out; 0 where it was not."""

    sides: np.ndarray  # (n,) square roots of the visible areas, pixels
    box_iou: np.ndarray  # (n,)
    mask_iou: np.ndarray  # (n,)


def match(truth: Objects, found: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Match detections with objects at box IoU >= 0.5, best score first.

    Returns:
        Each detection's object or -1, (n,) int; and which detections count, (n,) bool:
        an unmatched one that lies half inside a crowd is neither right nor wrong.
    """
    overlaps = iou(found.boxes.astype(float), truth.boxes.astype(float), xp=np)
    crowds = truth.boxes[truth.crowd].astype(float)
    matches = greedy_match(
        np.where(truth.crowd, 0, overlaps), found.scores, threshold=MATCH_IOU
    )
    return matches, (matches >= 0) | ~_half_inside(found.boxes.astype(float), crowds)


def _half_inside(boxes: np.ndarray, crowds: np.ndarray) -> np.ndarray:
    """Tell which boxes (n, 4) have half of their area or more in one of `crowds`."""
    low = np.maximum(boxes[:, None, :2], crowds[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], crowds[None, :, 2:])
    shared = area(np.concatenate([low, high], axis=-1), xp=np)  # (n, m)
    return (shared >= 0.5 * np.maximum(area(boxes, xp=np), 1)[:, None]).any(axis=1)


def confusion_matrix(
    scenes: Sequence[Scene], num_classes: int, *, min_score: float = 0.0
) -> np.ndarray:
    """Count detections by true class (rows) and given class (columns), int (K, K).

    Row 0 holds false alarms, column 0 missed objects; [0, 0] has no meaning and is 0.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        num_classes: K, background included.
        min_score: detections below it are taken as not made.
    """
    check_names(scenes, num_classes)
    table = np.zeros((num_classes, num_classes), int)
    for scene in scenes:
        found = scene.found.select(scene.found.scores >= min_score)
        matches, counts = match(scene.truth, found)
        # A further entry for -1, the background.
        classes = np.append(scene.truth.class_ids, 0)
        np.add.at(table, (classes[matches[counts]], found.class_ids[counts]), 1)
        missed = _missed(scene.truth, matches)
        np.add.at(table, (scene.truth.class_ids[missed], 0), 1)
    return table


def class_accuracy(confusion: np.ndarray) -> float:
    """Return the share of found objects that were given the right class.

    0 if there are objects and none was found, since a detector that finds nothing names
    nothing; NaN if there are no objects.
    """
    found = confusion[1:, 1:].sum()
    if found:
        return float(np.trace(confusion[1:, 1:]) / found)
    return 0.0 if confusion[1:].sum() else float("nan")


def object_quality(
    scenes: Sequence[Scene], *, min_score: float = SHOWN_SCORE
) -> ObjectQuality:
    """Return size and overlap of every object with its detection, whatever its class.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        min_score: detections below it are taken as not made.
    """
    rows = [np.zeros((0, 3))]
    for scene in scenes:
        truth = scene.truth
        found = scene.found.select(scene.found.scores >= min_score)
        matches, _ = match(truth, found)
        hits = np.flatnonzero(matches >= 0)
        masks = truth.masks()
        table = np.zeros((len(truth), 3))
        table[:, 0] = np.sqrt(masks.sum(axis=(0, 1)))
        objects = matches[hits]
        boxes = iou(found.boxes.astype(float), truth.boxes.astype(float), xp=np)
        table[objects, 1] = boxes[hits, objects]
        table[objects, 2] = mask_iou(found.masks(), masks)[hits, objects]
        rows.append(table[~truth.crowd])
    return ObjectQuality(*np.concatenate(rows).T)


def pixel_iou(scenes: Sequence[Scene], *, min_score: float = SHOWN_SCORE) -> np.ndarray:
    """Return, for each image, how well the pixels of all objects together are found.

    That is the semantic view: instances and classes do not count. Pixels of crowds are
    left out, and an image with neither objects nor detections has 1.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        min_score: detections below it are taken as not made.
    """
    values = []
    for scene in scenes:
        truth, found = scene.truth, scene.found
        masks = truth.masks()
        counted = ~masks[..., truth.crowd].any(axis=-1)
        there = masks.any(axis=-1) & counted
        seen = found.select(found.scores >= min_score).masks().any(axis=-1) & counted
        union = np.count_nonzero(there | seen)
        values.append(np.count_nonzero(there & seen) / union if union else 1.0)
    return np.array(values)


def image_quality(
    scenes: Sequence[Scene], *, min_score: float = SHOWN_SCORE
) -> np.ndarray:
    """Return how well each image's objects are found, named and outlined, (n,) 0 to 1.

    The panoptic quality of the image: the IoUs of right masks, by the mean of the
    numbers of objects and detections (Kirillov et al., arXiv:1801.00868). A mask is
    right with an IoU above one half and the right class. NaN without objects and
    detections; crowds and what lies in them do not count.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        min_score: detections below it are taken as not made.
    """
    values = []
    for scene in scenes:
        truth = scene.truth
        found = scene.found.select(scene.found.scores >= min_score)
        matches, counts = match(truth, found)
        hits = np.flatnonzero(matches >= 0)
        objects = matches[hits]
        ious = mask_iou(found.masks(), truth.masks())[hits, objects]
        named = found.class_ids[hits] == truth.class_ids[objects]
        total = np.count_nonzero(~truth.crowd) + np.count_nonzero(counts)
        right = ious[named & (ious > MATCH_IOU)].sum()
        values.append(2 * right / total if total else np.nan)
    return np.array(values)


def failures(
    scenes: Sequence[Scene], *, min_score: float = SHOWN_SCORE, poor_iou: float = 0.75
) -> list[Failure]:
    """List what went wrong, in the order of `FailureKind`, the worst of a kind first.

    Worst are: the largest missed objects, the most confident false alarms and wrong
    classes, and the least IoU of masks of otherwise right detections below `poor_iou`.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        min_score: detections below it are taken as not made.
        poor_iou: a mask with a smaller IoU is a failure.
    """
    keyed = [
        pair for scene in scenes for pair in _scene_failures(scene, min_score, poor_iou)
    ]
    order = list(FailureKind)
    keyed.sort(key=lambda pair: (order.index(pair[1].kind), pair[0]))
    return [failure for _, failure in keyed]


def flawless(scenes: Sequence[Scene], **options: float) -> int:
    """Return in how many images nothing failed.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        options: of `failures`.
    """
    return len(scenes) - len({fault.image_id for fault in failures(scenes, **options)})


def _scene_failures(
    scene: Scene, min_score: float, poor_iou: float
) -> list[tuple[float, Failure]]:
    """Return the failures of an image, each with its rank in its kind (low = worse)."""
    kept = np.flatnonzero(scene.found.scores >= min_score)
    truth, found = scene.truth, scene.found.select(kept)
    matches, counts = match(truth, found)
    overlaps = iou(found.boxes.astype(float), truth.boxes.astype(float), xp=np)
    pairs = (
        _pair_failure(scene, int(matches[i]), int(kept[i]), poor_iou)
        for i in np.flatnonzero(matches >= 0)
    )
    listed = [entry for entry in pairs if entry]
    for i in np.flatnonzero(counts & (matches < 0)):
        nearest, score = float(overlaps[i].max(initial=0)), float(found.scores[i])
        kind = FailureKind.FALSE_ALARM
        failure = Failure(kind, scene.image_id, None, int(kept[i]), nearest, score)
        listed.append((-score, failure))
    sizes = area(truth.boxes.astype(float), xp=np)
    for j in np.flatnonzero(_missed(truth, matches)):
        nearest = float(overlaps[:, j].max(initial=0))
        kind = FailureKind.MISSED
        failure = Failure(kind, scene.image_id, int(j), None, nearest, float("nan"))
        listed.append((-float(sizes[j]), failure))
    return listed


def _missed(truth: Objects, matches: np.ndarray) -> np.ndarray:
    """Tell which objects (m,) no detection was matched with, crowds aside."""
    return ~truth.crowd & ~np.isin(np.arange(len(truth)), matches)


def _pair_failure(
    scene: Scene, j: int, i: int, poor_iou: float
) -> tuple[float, Failure] | None:
    """Return what is wrong with detection i of object j, with its rank, if anything."""
    shared = float(
        mask_iou(
            scene.found.select(np.array([i])).masks(),
            scene.truth.select(np.array([j])).masks(),
        )[0, 0]
    )
    score = float(scene.found.scores[i])
    if scene.found.class_ids[i] != scene.truth.class_ids[j]:
        kind, rank = FailureKind.WRONG_CLASS, -score
    elif shared < poor_iou:
        kind, rank = FailureKind.POOR_MASK, shared
    else:
        return None
    return rank, Failure(kind, scene.image_id, j, i, shared, score)


def proposal_recall(
    scenes: Sequence[Scene], *, limit: int = 100
) -> tuple[float, float]:
    """Return the recall of the best `limit` proposals of each image.

    Returns:
        The share of objects that some proposal reaches with IoU >= 0.5, and the mean of
        that share over IoU 0.50, 0.55 .. 0.95; NaN if there are no objects.
    """
    best = [
        iou(
            scene.truth.boxes[~scene.truth.crowd].astype(float),
            scene.proposals[:limit].astype(float),
            xp=np,
        ).max(axis=1, initial=0)
        for scene in scenes
    ]
    reached = np.concatenate([np.zeros(0), *best])
    if not reached.size:
        return float("nan"), float("nan")
    shares = (reached[:, None] >= IOU_THRESHOLDS).mean(axis=0)
    return float(shares[0]), float(shares.mean())
