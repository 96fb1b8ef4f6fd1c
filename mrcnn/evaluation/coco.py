"""Average precision as COCO defines it, computed by pycocotools in memory.

`pycocotools.cocoeval.COCOeval` is the reference implementation
(https://github.com/cocodataset/cocoapi). It matches per class and IoU threshold, and
averages precision over 101 recalls. Of each image and class the best 100 detections
count, as in COCO's headline number; where a model has slots for more and fills them,
all do.

Sizes are areas in pixels of the original image: an object's is that of its mask, for
boxes too; a detection's is that of its mask when masks are scored, of its box when
boxes are. So does pycocotools with a results file of masks alone or boxes alone; with
both in one file it takes the box's area for either. Where no object has a size,
pycocotools says -1 and we say NaN.
"""

import contextlib
import copy
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.evaluation.candidates import CandidateEval
from mrcnn.evaluation.scenes import Objects, Scene, check_names

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
IOU_TYPES = {"box": "bbox", "mask": "segm"}
EVERY_SIZE = (0, 1e10)
SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
"""COCO's ranges of areas; both ends belong to a range, so 32**2 to two of them."""
RECALL_LIMITS = (1, 10, 100)
MAX_DETECTIONS = 100
"""COCO's; an image in which more was found counts them all."""


def _unknown(keys: Iterable[Any]) -> dict[str, float]:
    return dict.fromkeys(map(str, keys), float("nan"))


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """AP of one task; NaN where no object of any class, or of that class, exists."""

    ap: float  # mean over IoU 0.50, 0.55 .. 0.95 and over classes
    ap50: float
    ap75: float
    recall: float  # largest recall, mean over the same thresholds and classes
    per_class: dict[str, float]  # ap of each class by name
    precision: np.ndarray  # (10, 101) at IOU_THRESHOLDS and RECALLS, mean over classes
    by_size: dict[str, float] = field(  # ap of the objects of each of SIZES
        default_factory=partial(_unknown, SIZES)
    )
    recall_by_size: dict[str, float] = field(  # recall of them
        default_factory=partial(_unknown, SIZES)
    )
    recall_at: dict[str, float] = field(  # of the best 1, 10, 100 of image and class
        default_factory=partial(_unknown, RECALL_LIMITS)
    )


def average_precision(
    scenes: Sequence[Scene],
    class_names: Sequence[str],
    task: str,
    evaluation: Callable[..., COCOeval] = CandidateEval,
) -> AveragePrecision:
    """Score the detections of `scenes` against their ground truth.

    Args:
        scenes: the images, as `mrcnn.evaluation.collect` returns them.
        class_names: of all classes, background first.
        task: "box" or "mask", whose overlap counts.
        evaluation: what makes pycocotools' evaluation, and so measures overlaps.
    """
    areas = [EVERY_SIZE, *SIZES.values()]
    run = _matched(scenes, class_names, task, areas, evaluation)
    precision, recall = _accumulated(run, areas, run.params.maxDets[-1:])
    _, limited = _accumulated(run, [EVERY_SIZE], RECALL_LIMITS)
    return replace(
        _averages(precision[..., 0, 0], recall[..., 0, 0], class_names),
        by_size=_means(precision[..., 1:, 0], SIZES),
        recall_by_size=_means(recall[..., 1:, 0], SIZES),
        recall_at=_means(limited[..., 0, :], RECALL_LIMITS),
    )


def overall(
    scenes: Sequence[Scene], class_names: Sequence[str], task: str
) -> AveragePrecision:
    """Return `average_precision`, but nothing by size or limit, in less time.

    Those are NaN. Objects are matched once, whatever their areas.
    """
    run = _matched(scenes, class_names, task, [EVERY_SIZE])
    return _overall(run, class_names)


def resampled_ap(
    scenes: Sequence[Scene],
    class_names: Sequence[str],
    task: str,
    samples: np.ndarray,
) -> np.ndarray:
    """Return the AP (r,) of each of r samples of the images.

    Objects and detections are matched once; only the averages are taken anew.

    Args:
        scenes: the n images.
        class_names: of all classes, background first.
        task: "box" or "mask".
        samples: (r, n) places in `scenes`, some of them several times.
    """
    run = _matched(scenes, class_names, task, [EVERY_SIZE])
    by_class = np.array(run.evalImgs, dtype=object).reshape(-1, len(scenes))
    found = []
    for sample in samples:
        run.evalImgs = by_class[:, sample].ravel().tolist()
        found.append(_overall(run, class_names).ap)
    return np.array(found)


def _matched(
    scenes: Sequence[Scene],
    class_names: Sequence[str],
    task: str,
    areas: Sequence[tuple[float, float]],
    evaluation: Callable[..., COCOeval] = CandidateEval,
) -> COCOeval:
    """Return the evaluation with objects and detections matched in ranges of areas."""
    check_names(scenes, len(class_names))
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports by print
        run = evaluation(
            _coco([s.truth for s in scenes], len(class_names), "mask"),
            _coco([s.found for s in scenes], len(class_names), task),
            IOU_TYPES[task],
        )
        most = max((len(scene.found) for scene in scenes), default=0)
        run.params.maxDets = sorted({*RECALL_LIMITS, max(MAX_DETECTIONS, most)})
        run.params.areaRng = areas
        run.evaluate()
    return run


def _accumulated(
    run: COCOeval, areas: Sequence[tuple[float, float]], limits: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return precision (10, 101, K-1, a, m) and recall (10, K-1, a, m) of what matched.

    Args:
        run: as `_matched` returns it.
        areas: the first a of its ranges.
        limits: numbers of detections of an image and class, m of its `maxDets`.
    """
    chosen = copy.copy(run.params)
    chosen.areaRng, chosen.maxDets = areas, limits
    with contextlib.redirect_stdout(io.StringIO()):
        run.accumulate(chosen)
    # pycocotools writes -1 for classes without objects.
    precision, recall = (
        np.where(run.eval[name] < 0, np.nan, run.eval[name])
        for name in ("precision", "recall")
    )
    return precision, recall


def _overall(run: COCOeval, class_names: Sequence[str]) -> AveragePrecision:
    """Return the averages over objects of every area, see `overall`."""
    precision, recall = _accumulated(run, [EVERY_SIZE], run.params.maxDets[-1:])
    return _averages(precision[..., 0, 0], recall[..., 0, 0], class_names)


def _averages(
    precision: np.ndarray, recall: np.ndarray, class_names: Sequence[str]
) -> AveragePrecision:
    """Return the averages of precision (10, 101, K-1) and recall (10, K-1)."""
    present = ~np.isnan(precision).all(axis=(0, 1))
    precision, recall = precision[..., present], recall[..., present]
    curves = _mean(precision, axis=-1)  # (10, 101)
    scored = dict(zip(np.flatnonzero(present), precision.mean((0, 1)), strict=True))
    return AveragePrecision(
        ap=float(curves.mean()),
        ap50=float(curves[0].mean()),
        ap75=float(curves[5].mean()),
        recall=float(_mean(recall, axis=-1).mean()),
        per_class={
            name: float(scored.get(i, np.nan)) for i, name in enumerate(class_names[1:])
        },
        precision=curves,
    )


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean over an axis, NaN without a warning where it has no entries."""
    if values.shape[axis]:
        return values.mean(axis)
    return np.full(np.delete(values.shape, axis), np.nan)


def _means(values: np.ndarray, keys: Iterable[Any]) -> dict[str, float]:
    """Return the means of values (..., K-1, n) by n keys, absent classes aside."""
    known = [column[~np.isnan(column)] for column in np.moveaxis(values, -1, 0)]
    means = [float(_mean(column, axis=0)) for column in known]
    return dict(zip(map(str, keys), means, strict=True))


def _coco(images: Sequence[Objects], classes: int, areas: str) -> COCO:
    """Return the objects of images, numbered by place, as an indexed COCO set.

    Their areas are those of "box" or "mask".
    """
    annotations = [
        annotation
        for i, objects in enumerate(images)
        for annotation in _entries(i, objects, areas)
    ]
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number  # from 1: to pycocotools a match with 0 is no match
    coco = COCO()
    coco.dataset = {
        "images": [
            {"id": i, "height": o.image_shape[0], "width": o.image_shape[1]}
            for i, o in enumerate(images)
        ],
        "categories": [{"id": i, "name": str(i)} for i in range(1, classes)],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco


def _entries(image: int, objects: Objects, areas: str) -> list[dict[str, Any]]:
    y1, x1, y2, x2 = objects.boxes.astype(float).T
    corners = np.stack([x1, y1, x2 - x1, y2 - y1], axis=-1)  # COCO: x, y, width, height
    sizes = corners[:, 2:].prod(axis=1)
    if areas == "mask":  # one by one: pycocotools 2.0.11 counts up to 255 in one call
        sizes = [rle.area(code) for code in objects.encoded]
    return [
        {
            "image_id": image,
            "category_id": int(objects.class_ids[i]),
            "bbox": corners[i].tolist(),
            "area": float(sizes[i]),
            "score": float(objects.scores[i]),
            "iscrowd": int(objects.crowd[i]),
            "segmentation": objects.encoded[i],
        }
        for i in range(len(objects))
    ]
