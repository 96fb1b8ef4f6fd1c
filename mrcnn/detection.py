"""Detect objects: original pixels in, instances in original pixels out."""

from collections.abc import Iterator, Sequence

import numpy as np

from mrcnn.data.transforms import (
    Geometry,
    boxes_to_original,
    check_image,
    place_image,
    plan_geometry,
    subtract_mean,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import paste_masks
from mrcnn.structures import Detection, Stages


def prepare(
    model: MaskRCNN, images: Sequence[np.ndarray], *, first: int = 0
) -> tuple[dict[str, np.ndarray], list[Geometry]]:
    """Return images as a model's inputs, and where each lies in its padded one.

    Args:
        model: gives the preprocessing.
        images: each (h, w, 3) uint8, or grey, or with alpha, or floats in [0, 255].
        first: number of the first image, for errors.

    Returns:
        `images` (B, H, W, 3) float32 and `windows` (B, 4) normalised, and geometries.

    Raises:
        ValueError: names the image that is none, or holds NaN; or if padded sizes
            differ, as modes "none" and "pad64" may have it.
    """
    channels = model.backbone.input_shape[-1]
    checked = [
        check_image(im, f"image {i}", channels) for i, im in enumerate(images, first)
    ]
    geometries = [plan_geometry(im.shape[:2], model.preprocessing) for im in checked]
    if len({geometry.padded_shape for geometry in geometries}) > 1:
        raise ValueError("Images of different padded sizes cannot share a batch.")
    placed = [place_image(im, g) for im, g in zip(checked, geometries, strict=True)]
    windows = [
        box_ops.normalise(g.window, g.padded_shape, xp=np).astype(np.float32)
        for g in geometries
    ]
    inputs = {
        "images": subtract_mean(np.stack(placed), model.preprocessing),
        "windows": np.stack(windows),
    }
    return inputs, geometries


def run(
    model: MaskRCNN, images: Sequence[np.ndarray], *, batch_size: int = 1
) -> Iterator[tuple[Stages, int, Geometry]]:
    """Yield each image's stages: a batch's arrays, the image's row, its geometry.

    Images of different padded sizes go in batches of their own, in the given order.
    """
    start = 0
    while start < len(images):
        stop = start + 1
        shape = _padded_shape(model, images[start])
        while (
            stop < min(start + batch_size, len(images))
            and _padded_shape(model, images[stop]) == shape
        ):
            stop += 1
        inputs, geometries = prepare(model, images[start:stop], first=start)
        stages = model.predict_on_batch(inputs)
        for row, geometry in enumerate(geometries):
            yield stages, row, geometry
        start = stop


def _padded_shape(model: MaskRCNN, image: np.ndarray) -> tuple[int, int]:
    return plan_geometry(np.shape(image)[:2], model.preprocessing).padded_shape


def detect(
    model: MaskRCNN, images: Sequence[np.ndarray], *, batch_size: int = 1
) -> list[Detection]:
    """Find the objects in any number of images of any sizes.

    Args:
        model: trained.
        images: each (h, w, 3) uint8; see `prepare` for what else is taken.
        batch_size: images that run through the network at once.

    Returns:
        For each image its detections, best first, in its own pixels.

    Raises:
        ValueError: as `prepare`.
    """
    return [unmold(*found) for found in run(model, images, batch_size=batch_size)]


def unmold(stages: Stages, row: int, geometry: Geometry) -> Detection:
    """Return the detections of one image of a batch, in its original pixels."""
    slots = stages.detections
    valid = np.asarray(slots.valid[row])
    boxes, class_ids, scores, masks = (
        np.asarray(array[row])[valid]
        for array in (slots.boxes, slots.class_ids, slots.scores, stages.masks)
    )
    return in_original_pixels(boxes, class_ids, scores, masks, geometry)


def in_original_pixels(
    boxes: np.ndarray,
    class_ids: np.ndarray,
    scores: np.ndarray,
    masks: np.ndarray,
    geometry: Geometry,
) -> Detection:
    """Return detections in the pixels of the original image.

    Boxes that have no pixel left there are dropped.

    Args:
        boxes: (n, 4) normalised in the padded image.
        class_ids: (n,).
        scores: (n,).
        masks: (n, M, M) probabilities inside the boxes.
        geometry: of the image.
    """
    rois = np.rint(boxes_to_original(boxes, geometry)).astype(np.int32)
    # The side of an image that has shrunk to one pixel leaves a box no scale.
    rois = np.clip(rois, 0, np.tile(geometry.original_shape, 2).astype(np.int32))
    # A box may lose its last pixel when it shrinks to the original's grid.
    kept = (rois[:, 2] > rois[:, 0]) & (rois[:, 3] > rois[:, 1])
    return Detection(
        rois=rois[kept],
        class_ids=class_ids[kept].astype(np.int32),
        scores=scores[kept].astype(np.float32),
        masks=paste_masks(masks[kept], rois[kept], geometry.original_shape),
    )


def unmold_proposals(stages: Stages, row: int, geometry: Geometry) -> np.ndarray:
    """Return the proposals (p, 4) of one image of a batch, float32 original pixels.

    Best first.
    """
    proposals = stages.proposals
    boxes = np.asarray(proposals.boxes[row])[np.asarray(proposals.valid[row])]
    return boxes_to_original(boxes, geometry).astype(np.float32)
