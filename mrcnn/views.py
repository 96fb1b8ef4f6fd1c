"""Test-time augmentation: a picture is seen mirrored and at several sizes.

As in Mask R-CNN (arXiv:1703.06870, appendix B) and in Detectron2's
`GeneralizedRCNNWithTTA`, boxes of all views go back to the picture, where the best of
those that overlap is kept, by the model's own suppression. Masks of what is kept are
then predicted in every view, and averaged.

Each view takes a run of the network for boxes, and a second one, without proposals, for
masks: two views take about three times as long as one look. Between both, a batch is
kept as it is in all views.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from mrcnn.checks.kinds import FLAG, Kind, is_count, sequence
from mrcnn.data.transforms import (
    Geometry,
    boxes_to_original,
    boxes_to_padded,
    network_inputs,
    plan_geometry,
)
from mrcnn.notices import all_of, quoted
from mrcnn.ops.nms import class_nms, nms
from mrcnn.structures import DetectionSlots, Preprocessing, Stages

SIDE = Kind("a multiple of 64", lambda value: is_count(value, 64) and value % 64 == 0)


class Views(NamedTuple):
    """In which ways a picture is looked at. Their order makes no difference."""

    flip: bool = False
    """Whether each view is seen from left to right and mirrored."""
    sides: Sequence[int] = ()
    """Squares of how many pixels the picture is fitted into, grown or shrunk, each for
    a view; with none it is resized as the model always does."""

    def preprocessings(self, own: Preprocessing) -> list[Preprocessing]:
        """Return how a picture becomes the inputs of a model, the largest ones first.

        `own` is what the model does without views.
        """
        if not len(self.sides):
            return [own]
        return [
            own._replace(mode="square", min_dim=side, max_dim=side)
            for side in sorted(set(map(int, self.sides)), reverse=True)
        ]


def check_views(views: Any, tile: Any = None) -> None:
    """Raise ValueError unless views are None, or `Views` that there can be.

    Args:
        views: as a user asks for them.
        tile: the same of tiles.
    """
    if views is None:
        return
    if not isinstance(views, Views):
        raise ValueError(
            f"views is {quoted(views)}; it must be None or mrcnn.views.Views, such as "
            "Views(flip=True)."
        )
    faults = [FLAG.fault("views.flip", views.flip)]
    if not isinstance(views.sides, Sequence | np.ndarray) or len(views.sides):
        faults.append(sequence(SIDE).fault("views.sides", views.sides))
    if tile is not None:
        faults.append("tile is given too: a picture is seen in tiles or in views.")
    if faults := list(filter(None, faults)):
        raise ValueError(all_of(faults, "What was given"))


class _Look:
    """A batch of images of one padded size, seen in one way."""

    def __init__(
        self,
        images: Sequence[np.ndarray],
        geometries: Sequence[Geometry],
        preprocessing: Preprocessing,
        mirrored: bool,
    ) -> None:
        if mirrored:
            images = [image[:, ::-1] for image in images]
        self.inputs = network_inputs(images, geometries, preprocessing)
        self.geometries, self.mirrored = geometries, mirrored

    def to_original(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes (B, n, 4) of this view in pixels of the images."""
        pairs = list(zip(boxes, self.geometries, strict=True))
        return self._turned([boxes_to_original(*pair) for pair in pairs])

    def to_padded(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes (B, n, 4) in pixels of the images as this view has them."""
        pairs = zip(self._turned(boxes), self.geometries, strict=True)
        return np.stack([boxes_to_padded(*pair) for pair in pairs])

    def masks(self, model: Any, found: DetectionSlots) -> np.ndarray:
        """Return masks (B, D, M, M) of what is found, in pixels of the images."""
        low, high = np.split(self.to_padded(found.boxes), 2, axis=-1)
        # From centre to centre of its pixels, a box that is thinner than one is turned
        # inside out: what a larger view has found may be so here.
        boxes = np.concatenate([np.minimum(low, high), np.maximum(low, high)], axis=-1)
        masks = model.predict_masks(
            self.inputs["images"], boxes, found.class_ids, found.valid
        )
        return masks[..., ::-1] if self.mirrored else masks

    def _turned(self, boxes: Sequence[np.ndarray]) -> np.ndarray:
        """Return boxes (B, n, 4) in pixels of the images from or to mirrored ones."""
        boxes = np.stack(boxes)
        if self.mirrored:
            widths = [geometry.original_shape[1] for geometry in self.geometries]
            widths = np.array(widths, np.float32)[:, None, None]
            boxes[..., 1::2] = widths - boxes[..., 3::-2]
        return boxes


def look(
    model: Any, images: Iterable[np.ndarray], views: Views, batch_size: int
) -> Iterator[tuple[Stages, int, Geometry]]:
    """Yield the stages of checked images as `mrcnn.detection.run` does.

    They are those of the first view, the largest and not mirrored, but for
    `detections` and `masks`: what all views found, in the frame of the first.

    Args:
        model: the network.
        images: each (h, w, C) uint8.
        views: checked.
        batch_size: images that run through the network at once.
    """
    ways = views.preprocessings(model.preprocessing)
    planned = ((im, [plan_geometry(im.shape[:2], w) for w in ways]) for im in images)
    for _, same in groupby(planned, lambda pair: [g.padded_shape for g in pair[1]]):
        while batch := list(islice(same, batch_size)):
            some, plans = zip(*batch, strict=True)
            looks = [
                _Look(some, geometries, model.preprocessing, mirrored)
                for geometries in zip(*plans, strict=True)
                for mirrored in (False, True)[: 1 + bool(views.flip)]
            ]
            stages = _stages(model, looks)
            for row, geometry in enumerate(looks[0].geometries):
                yield stages, row, geometry


def _stages(model: Any, looks: Sequence[_Look]) -> Stages:
    """Return the first look's stages with what all looks find."""
    first = model.predict_on_batch(looks[0].inputs)
    others = (model.predict_on_batch(one.inputs).detections for one in looks[1:])
    each = [
        slots._replace(boxes=one.to_original(slots.boxes))
        for one, slots in zip(looks, [first.detections, *others], strict=True)
    ]
    found = _merged(model, looks[0], each)
    masks = np.zeros_like(first.masks)
    if found.valid.any():
        masks = np.mean([one.masks(model, found) for one in looks], axis=0)
    boxes = np.where(found.valid[..., None], looks[0].to_padded(found.boxes), 0)
    return first._replace(detections=found._replace(boxes=boxes), masks=masks)


def _merged(model: Any, frame: _Look, each: Sequence[DetectionSlots]) -> DetectionSlots:
    """Return the best of what each view found, in as many slots as one view has.

    Args:
        model: whose suppression is used.
        frame: in which boxes are compared.
        each: what was found in each view, in pixels of the images.
    """
    boxes, class_ids, scores, valid = (
        np.concatenate(arrays, axis=1) for arrays in zip(*each, strict=True)
    )
    options = {
        "iou_threshold": model.settings.detection_iou,
        "slots": each[0].boxes.shape[1],
    }
    arrays = (frame.to_padded(boxes), scores, class_ids, valid)
    compared, ranks, kinds, real = map(ops.convert_to_tensor, arrays)
    if model.settings.across_classes:
        kept = nms(compared, ranks, real, **options)
    else:
        kept = class_nms(compared, ranks, kinds, real, **options)
    indices, found = map(ops.convert_to_numpy, kept)
    class_ids, scores = (
        np.where(found, np.take_along_axis(array, indices, axis=1), 0)
        for array in (class_ids, scores)
    )
    boxes = np.take_along_axis(boxes, indices[..., None], axis=1)
    return DetectionSlots(boxes, class_ids, scores, found)
