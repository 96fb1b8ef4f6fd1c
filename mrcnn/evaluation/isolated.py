"""Each task by itself, on regions given to it, so that no other task's failure shows.

- class: the head names exact ground-truth boxes;
- box: the head refines jittered ground-truth boxes, with the deltas of the true class;
- mask: the head outlines exact ground-truth boxes for their true class.

The proposal network, the score threshold and non-maximum suppression take no part.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, NamedTuple

import numpy as np

from mrcnn.data.dataset import Dataset, image_name, load_pixels
from mrcnn.data.given import check_batch_size
from mrcnn.data.transforms import (
    Geometry,
    boxes_to_original,
    boxes_to_padded,
    check_image,
    place_image,
    plan_geometry,
    subtract_mean,
)
from mrcnn.evaluation.scenes import Objects
from mrcnn.nn.native import native
from mrcnn.ops.boxes import iou, with_area
from mrcnn.ops.masks import paste_masks
from mrcnn.ops.overlaps import mask_iou
from mrcnn.tasks import Task

SLOTS = 8
"""Objects that go through the heads with an image; more take further turns."""
SHIFT = 0.15
"""A jittered box's centre is moved by up to this share of its height and width."""
GROWTH = 1.25
"""A jittered box's sides are multiplied by between 1 / GROWTH and GROWTH."""
JITTERED_IOU = 0.71
"""Mean IoU of a box with its jittered self, away from the image's borders."""


@dataclass(frozen=True)
class Isolated:
    """Isolated metrics, means over objects; NaN if there are no objects."""

    class_accuracy: float  # most probable class is the true one
    class_confidence: float  # probability given to the true class
    box_iou_before: float  # jittered box with the true one, what the head starts from
    box_iou: float  # refined box with the true one
    box_recall50: float  # share of refined boxes with IoU >= 0.50
    box_recall75: float
    mask_iou: float  # mask pasted into its box with the true one

    @property
    def headline(self) -> dict[Task, float]:
        """One metric a task: refined box IoU, class accuracy, mask IoU."""
        return {
            Task.BOX: self.box_iou,
            Task.CLASS: self.class_accuracy,
            Task.MASK: self.mask_iou,
        }


class _Chunk(NamedTuple):
    """Up to SLOTS objects of one image; what the model takes is padded with zeros."""

    image: np.ndarray  # (H, W, 3) float32, mean-subtracted
    boxes: np.ndarray  # (SLOTS, 4) exact, normalised
    jittered: np.ndarray  # (SLOTS, 4) normalised
    class_ids: np.ndarray  # (SLOTS,) int32
    start: np.ndarray  # (n, 4) jittered, pixels of the original image
    truth: Objects  # the n objects
    geometry: Geometry


def isolated_metrics(
    model: Any,
    dataset: Dataset,
    truths: Iterable[tuple[int, Objects]],
    *,
    batch_size: int = 1,
    seed: int = 0,
) -> Isolated:
    """Measure every task on ground-truth regions. Crowds are left out.

    Args:
        model: a `MaskRCNN` that `mrcnn.build.model` made.
        dataset: where the images are.
        truths: image ids with their annotated objects (`scenes.load_truth`).
        batch_size: chunks of objects that go through the model at once.
        seed: of the jitter, which depends on it and the image id alone; models are
            compared on the same boxes.
    """
    model = native(model)
    check_batch_size(batch_size)
    chunks = _chunks(model, dataset, truths, seed)
    rows = [np.zeros((0, 5))]  # one an object: right, confidence, before, after, mask
    # Images of modes other than "square" differ in size and cannot share a batch.
    for _, same_size in groupby(chunks, key=lambda chunk: chunk.image.shape):
        while batch := list(islice(same_size, batch_size)):
            rows.extend(_measure(model, batch, batch_size))
    table = np.concatenate(rows)
    if not len(table):
        return Isolated(*[float("nan")] * 7)
    right, confidence, before, after, mask = table.mean(axis=0).tolist()
    recalls = [float((table[:, 3] >= threshold).mean()) for threshold in (0.5, 0.75)]
    return Isolated(right, confidence, before, after, *recalls, mask)


def jitter(boxes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return boxes (n, 4) in pixels, each moved and scaled at random.

    Height and width draw independently: the centre moves by U(-SHIFT, SHIFT) of the
    side, then the side is multiplied by GROWTH ** U(-1, 1). The mean IoU with the
    original is JITTERED_IOU, between a bad proposal (0.5) and a good one (0.8).
    """
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    centres = centres + sides * rng.uniform(-SHIFT, SHIFT, sides.shape)
    sides = sides * GROWTH ** rng.uniform(-1, 1, sides.shape)
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def _chunks(
    model: Any, dataset: Dataset, truths: Iterable[tuple[int, Objects]], seed: int
) -> Iterator[_Chunk]:
    for image_id, truth in truths:
        truth = truth.select(~truth.crowd)
        if not len(truth):
            continue
        channels = len(model.preprocessing.mean_pixel)
        image = check_image(
            load_pixels(dataset, image_id, channels),
            image_name(dataset, image_id),
            channels,
        )
        geometry = plan_geometry(image.shape[:2], model.preprocessing)
        image = subtract_mean(place_image(image, geometry), model.preprocessing)
        rng = np.random.default_rng([seed, image_id])
        start = jitter(truth.boxes.astype(float), rng)
        start = np.clip(start, 0, np.tile(truth.image_shape, 2))
        for first in range(0, len(truth), SLOTS):
            part = truth.select(np.arange(first, min(first + SLOTS, len(truth))))
            moved = start[first : first + SLOTS]
            yield _Chunk(
                image,
                _padded(_regions(part.boxes, geometry)),
                _padded(_regions(moved, geometry)),
                _padded(part.class_ids),
                moved,
                part,
                geometry,
            )


def _regions(boxes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return boxes (n, 4) in original pixels as regions that the heads are taught."""
    return with_area(boxes_to_padded(boxes, geometry), geometry.padded_shape)


def _padded(rows: np.ndarray) -> np.ndarray:
    """Return rows (n, ...) with zeros up to SLOTS."""
    return np.pad(rows, [(0, SLOTS - len(rows))] + [(0, 0)] * (rows.ndim - 1))


def _measure(
    model: Any, chunks: Sequence[_Chunk], batch_size: int
) -> Iterator[np.ndarray]:
    """Yield (n, 5) of each chunk, see `isolated_metrics`.

    The last batch is filled up by repeating a chunk: one shape is one compiled program.
    """
    filled = [*chunks, *[chunks[0]] * (batch_size - len(chunks))]
    images, boxes, jittered, class_ids = (
        np.stack(column) for column in list(zip(*filled, strict=True))[:4]
    )
    # Both kinds of region share one pass through the backbone.
    probabilities, refined = model.predict_on_batch(
        {"images": images, "rois": np.concatenate([boxes, jittered], axis=1)}
    )
    masks = model.predict_on_batch(
        {"images": images, "boxes": boxes, "class_ids": class_ids}
    )
    for i, chunk in enumerate(chunks):
        objects = np.arange(len(chunk.truth))
        true_class = chunk.truth.class_ids
        named = probabilities[i, objects]  # (n, K)
        moved = refined[i, SLOTS + objects, true_class]  # (n, 4)
        yield np.stack(
            [
                named.argmax(axis=-1) == true_class,
                named[objects, true_class],
                _paired_iou(chunk.start, chunk.truth.boxes),
                _paired_iou(
                    boxes_to_original(moved, chunk.geometry), chunk.truth.boxes
                ),
                _mask_ious(masks[i, objects], chunk.truth),
            ],
            axis=-1,
        )


def _paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoU (n,) of each box of a (n, 4) with its partner in b."""
    return iou(a[:, None].astype(float), b[:, None].astype(float), xp=np)[:, 0, 0]


def _mask_ious(masks: np.ndarray, truth: Objects) -> list[float]:
    """Return the IoU of each predicted mask (n, M, M) with the true one in its box.

    A true mask has no pixel outside its box, and a pasted one neither.
    """
    ious = []
    for i, (y1, x1, y2, x2) in enumerate(truth.boxes.astype(int)):
        true = truth.select(np.array([i])).masks()[y1:y2, x1:x2]
        box = np.array([[0, 0, y2 - y1, x2 - x1]])
        pasted = paste_masks(masks[i : i + 1], box, true.shape[:2])
        ious.append(float(mask_iou(pasted, true)[0, 0]))
    return ious
