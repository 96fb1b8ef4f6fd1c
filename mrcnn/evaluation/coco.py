"""Average precision as COCO defines it, computed by pycocotools in memory.

`pycocotools.cocoeval.COCOeval` is the reference implementation
(https://github.com/cocodataset/cocoapi). It matches per class and IoU threshold, and
averages precision over 101 recalls. Only objects of all sizes together are scored. Of
each image and class the best 100 detections count, as in COCO's headline number; where
a model has slots for more and fills them, all do.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.evaluation.scenes import Objects, Scene, check_names

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
IOU_TYPES = {"box": "bbox", "mask": "segm"}
EVERY_SIZE = [0, 1e10]
MAX_DETECTIONS = 100
"""COCO's; an image in which more was found counts them all."""


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """AP of one task; NaN where no object of any class, or of that class, exists."""

    ap: float  # mean over IoU 0.50, 0.55 .. 0.95 and over classes
    ap50: float
    ap75: float
    recall: float  # largest recall, mean over the same thresholds and classes
    per_class: dict[str, float]  # ap of each class by name
    precision: np.ndarray  # (10, 101) at IOU_THRESHOLDS and RECALLS, mean over classes


def average_precision(
    scenes: Sequence[Scene], class_names: Sequence[str], task: str
) -> AveragePrecision:
    """Score the detections of `scenes` against their ground truth.

    Args:
        scenes: the images, as `mrcnn.evaluation.collect` returns them.
        class_names: of all classes, background first.
        task: "box" or "mask", whose overlap counts.
    """
    return _accumulate(_matched(scenes, class_names, task), class_names)


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
    run = _matched(scenes, class_names, task)
    by_class = np.array(run.evalImgs, dtype=object).reshape(-1, len(scenes))
    found = []
    for sample in samples:
        run.evalImgs = by_class[:, sample].ravel().tolist()
        found.append(_accumulate(run, class_names).ap)
    return np.array(found)


def _matched(
    scenes: Sequence[Scene], class_names: Sequence[str], task: str
) -> COCOeval:
    """Return pycocotools' evaluation with objects and detections matched."""
    check_names(scenes, len(class_names))
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports by print
        run = COCOeval(
            _coco([s.truth for s in scenes], len(class_names)),
            _coco([s.found for s in scenes], len(class_names)),
            IOU_TYPES[task],
        )
        most = max((len(scene.found) for scene in scenes), default=0)
        run.params.maxDets = [max(MAX_DETECTIONS, most)]
        run.params.areaRng, run.params.areaRngLbl = [EVERY_SIZE], ["all"]
        run.evaluate()
    return run


def _accumulate(run: COCOeval, class_names: Sequence[str]) -> AveragePrecision:
    """Return the averages over what is matched."""
    with contextlib.redirect_stdout(io.StringIO()):
        run.accumulate()
    # (10, 101, K-1) and (10, K-1); pycocotools writes -1 for classes without objects.
    precision, recall = (
        np.where(run.eval[name] < 0, np.nan, run.eval[name])[..., 0, 0]
        for name in ("precision", "recall")
    )
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


def _coco(images: Sequence[Objects], classes: int) -> COCO:
    """Return the objects of images, numbered by place, as an indexed COCO set."""
    annotations = [
        annotation
        for i, objects in enumerate(images)
        for annotation in _entries(i, objects)
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


def _entries(image: int, objects: Objects) -> list[dict[str, Any]]:
    y1, x1, y2, x2 = objects.boxes.astype(float).T
    corners = np.stack([x1, y1, x2 - x1, y2 - y1], axis=-1)  # COCO: x, y, width, height
    return [
        {
            "image_id": image,
            "category_id": int(objects.class_ids[i]),
            "bbox": corners[i].tolist(),
            "area": float(corners[i, 2] * corners[i, 3]),
            "score": float(objects.scores[i]),
            "iscrowd": int(objects.crowd[i]),
            "segmentation": objects.encoded[i],
        }
        for i in range(len(objects))
    ]
