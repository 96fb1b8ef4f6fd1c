"""Detect objects: original pixels in, instances in original pixels out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import numpy as np

from mrcnn.data.given import check_batch_size, checked_images
from mrcnn.data.transforms import (
    Geometry,
    boxes_to_original,
    place_image,
    plan_geometry,
    subtract_mean,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import paste_masks
from mrcnn.structures import Detection, Stages


def prepare(
    model: Any, images: Iterable[np.ndarray], *, first: int = 0
) -> tuple[dict[str, np.ndarray], list[Geometry]]:
    """Return images as a model's inputs, and where each lies in its padded one.

    Args:
        model: gives the preprocessing.
        images: each (h, w, 3) uint8, or grey, or with alpha, or floats in [0, 255].
        first: number of the first image, for errors.

    Returns:
        `images` (B, H, W, 3) float32 and `windows` (B, 4) normalised, and geometries.

    Raises:
        ValueError: names each image that is none, or holds NaN; or if there is none, or
            padded sizes differ, as modes "none" and "pad64" may have it.
        TypeError: if `images` is one image or a path, or `model` no model.
    """
    model = native(model)
    checked = list(checked_images(images, _channels(model), first=first))
    if not checked:
        raise ValueError("images is empty: give one image or more.")
    geometries = [plan_geometry(im.shape[:2], model.preprocessing) for im in checked]
    sizes = sorted({geometry.padded_shape for geometry in geometries})
    if len(sizes) > 1:
        raise ValueError(
            "Images of different padded sizes cannot share a batch: "
            f"{', '.join(f'{h} x {w}' for h, w in sizes)}. Give them one by one."
        )
    return _inputs(model, checked, geometries), geometries


def _channels(model: MaskRCNN) -> int:
    return model.backbone.input_shape[-1]


def _inputs(
    model: MaskRCNN, images: Sequence[np.ndarray], geometries: Sequence[Geometry]
) -> dict[str, np.ndarray]:
    """Return checked images of one padded size as a model's inputs."""
    placed = [place_image(im, g) for im, g in zip(images, geometries, strict=True)]
    windows = [
        box_ops.normalise(g.window, g.padded_shape, xp=np).astype(np.float32)
        for g in geometries
    ]
    return {
        "images": subtract_mean(np.stack(placed), model.preprocessing),
        "windows": np.stack(windows),
    }


def run(
    model: Any, images: Iterable[np.ndarray], *, batch_size: int = 1
) -> Iterator[tuple[Stages, int, Geometry]]:
    """Yield each image's stages: a batch's arrays, the image's row, its geometry.

    Images of different padded sizes go in batches of their own, in the given order. A
    list is checked whole before anything is detected; a generator gives its images as
    they are needed. See `detect` for arguments and errors.
    """
    check_batch_size(batch_size)
    model = native(model)
    checked = checked_images(images, _channels(model))
    planned = ((im, plan_geometry(im.shape[:2], model.preprocessing)) for im in checked)
    for _, same_size in groupby(planned, key=lambda pair: pair[1].padded_shape):
        while batch := list(islice(same_size, batch_size)):
            found, geometries = zip(*batch, strict=True)
            stages = model.predict_on_batch(_inputs(model, found, geometries))
            for row, geometry in enumerate(geometries):
                yield stages, row, geometry


def detect(
    model: Any, images: Iterable[np.ndarray], *, batch_size: int = 1
) -> list[Detection]:
    """Find the objects in any number of images of any sizes.

    Threads may share a model, but not while one of them loads weights or trains.

    Args:
        model: trained; that of `mrcnn.build.model`, or Matterport's object around it.
        images: a list, an array (n, h, w, C) or a generator of images, each (h, w, 3)
            uint8; see `prepare` for what else is taken.
        batch_size: images that run through the network at once.

    Returns:
        For each image its detections, best first, in its own pixels.

    Raises:
        ValueError: names each image that is none, or holds NaN; or the batch size.
        TypeError: if `images` is one image or a path, or `model` no model.
    """
    return [unmold(*found) for found in run(model, images, batch_size=batch_size)]


def unmold(
    stages: Stages,
    row: int,
    geometry: Geometry,
    to_original: Callable[[np.ndarray, Geometry], np.ndarray] = boxes_to_original,
) -> Detection:
    """Return the detections of one image of a batch, in its original pixels.

    `to_original` brings boxes there; Matterport's facade has a way of its own.
    """
    slots = stages.detections
    valid = np.asarray(slots.valid[row])
    boxes, class_ids, scores, masks = (
        np.asarray(array[row])[valid]
        for array in (slots.boxes, slots.class_ids, slots.scores, stages.masks)
    )
    boxes = to_original(boxes, geometry)
    return as_detection(boxes, class_ids, scores, masks, geometry.original_shape)


def as_detection(
    boxes: np.ndarray,
    class_ids: np.ndarray,
    scores: np.ndarray,
    masks: np.ndarray,
    shape: tuple[int, int],
) -> Detection:
    """Return detections in whole pixels of an image, with their masks in it.

    Boxes that have no pixel left there are dropped.

    Args:
        boxes: (n, 4) pixels of the image, not rounded.
        class_ids: (n,).
        scores: (n,).
        masks: (n, M, M) probabilities inside the boxes.
        shape: (h, w) of the image.
    """
    # A window of a user's own may leave the image, and so may Matterport's way back.
    rois = np.clip(np.rint(boxes), 0, np.tile(shape, 2)).astype(np.int32)
    # A box may lose its last pixel when it shrinks to the original's grid.
    kept = (rois[:, 2] > rois[:, 0]) & (rois[:, 3] > rois[:, 1])
    return Detection(
        rois=rois[kept],
        class_ids=class_ids[kept].astype(np.int32),
        scores=scores[kept].astype(np.float32),
        masks=paste_masks(masks[kept], rois[kept], shape),
    )


def unmold_proposals(stages: Stages, row: int, geometry: Geometry) -> np.ndarray:
    """Return the proposals (p, 4) of one image of a batch, float32 original pixels.

    Best first.
    """
    proposals = stages.proposals
    boxes = np.asarray(proposals.boxes[row])[np.asarray(proposals.valid[row])]
    return boxes_to_original(boxes, geometry)
