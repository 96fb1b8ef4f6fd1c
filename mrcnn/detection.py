"""Detect objects: original pixels in, instances in original pixels out."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice
from typing import Any

import numpy as np

from mrcnn import tiling
from mrcnn.checks.kinds import one_of
from mrcnn.data.given import check_batch_size, checked_images
from mrcnn.data.transforms import (
    Geometry,
    boxes_to_original,
    network_inputs,
    plan_geometry,
    scaled_shape,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.ops.masks import paste_masks
from mrcnn.ops.rle import decode, encode_masks
from mrcnn.structures import Detection, Stages
from mrcnn.views import Views, check_views, look

Draw = Callable[[np.ndarray, np.ndarray, tuple[int, int]], Any]
"""Makes masks of an image from those in boxes: `paste_masks` or `encode_masks`."""

FORMS: dict[str, Draw] = {"array": paste_masks, "rle": encode_masks}
"""How masks can be asked for."""


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
    return network_inputs(checked, geometries, model.preprocessing), geometries


def _channels(model: MaskRCNN) -> int:
    return model.backbone.input_shape[-1]


def run(
    model: Any,
    images: Iterable[np.ndarray],
    *,
    batch_size: int = 1,
    views: Views | None = None,
) -> Iterator[tuple[Stages, int, Geometry]]:
    """Yield each image's stages: a batch's arrays, the image's row, its geometry.

    Images of different padded sizes go in batches of their own, in the given order. A
    list is checked whole before anything is detected; a generator gives its images as
    they are needed. See `detect` for arguments and errors, and `mrcnn.views.look` for
    what the stages of several views are.
    """
    check_batch_size(batch_size)
    check_views(views)
    model = native(model)
    checked = checked_images(images, _channels(model))
    if views is not None:
        return look(model, checked, views, batch_size)
    planned = ((im, plan_geometry(im.shape[:2], model.preprocessing)) for im in checked)
    return _stages(model, planned, batch_size)


def _stages(
    model: MaskRCNN,
    planned: Iterable[tuple[np.ndarray, Geometry]],
    batch_size: int,
) -> Iterator[tuple[Stages, int, Geometry]]:
    """Yield the stages of checked images and their geometries, as `run` does."""
    for _, same_size in groupby(planned, key=lambda pair: pair[1].padded_shape):
        while batch := list(islice(same_size, batch_size)):
            found, geometries = zip(*batch, strict=True)
            stages = model.predict_on_batch(
                network_inputs(found, geometries, model.preprocessing)
            )
            for row, geometry in enumerate(geometries):
                yield stages, row, geometry


def detect(
    model: Any,
    images: Iterable[np.ndarray],
    *,
    batch_size: int = 1,
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    masks: str = "array",
    views: Views | None = None,
) -> list[Detection]:
    """Find the objects in any number of images of any sizes.

    Threads may share a model, but not while one of them loads weights or trains.

    Args:
        model: trained; that of `mrcnn.build.model`, or Matterport's object around it.
        images: a list, an array (n, h, w, C) or a generator of images, each (h, w, 3)
            uint8; see `prepare` for what else is taken.
        batch_size: images, or tiles of one, that run through the network at once.
        tile: side, or height and width, in pixels of an image. What is larger is looked
            at in tiles of this size, each at the network's full resolution, and once
            as a whole; see `mrcnn.tiling` for how that is joined. By default every
            image is looked at as a whole.
        overlap: pixels that neighbouring tiles share, at least. Objects up to this
            length are whole on some tile. A quarter of the tile's side by default.
        masks: "array" for (h, w, n) bool, "rle" for pycocotools' compressed run
            lengths, a list of n: what fits into memory where images are large.
        views: test-time augmentation, such as `mrcnn.views.Views(flip=True)`; see there
            for what it costs. By default every image is seen once. Not with `tile`.

    Returns:
        For each image its detections, best first, in its own pixels.

    Raises:
        ValueError: names each image that is none, or holds NaN; or the batch size, what
            is wrong with tiles or views, or another form of masks.
        TypeError: if `images` is one image or a path, or `model` no model.
    """
    if fault := one_of(*FORMS).fault("masks", masks):
        raise ValueError(fault)
    tiles = tiling.asked(tile, overlap)
    check_views(views, tile)
    if tiles is None:
        found = run(model, images, batch_size=batch_size, views=views)
        return [unmold(*one, draw=FORMS[masks]) for one in found]
    found = run_tiled(model, images, tiles, batch_size=batch_size, masks=masks)
    return [detection for detection, _ in found]


def run_tiled(
    model: Any,
    images: Iterable[np.ndarray],
    tiles: tiling.Tiling,
    *,
    batch_size: int = 1,
    masks: str = "rle",
) -> Iterator[tuple[Detection, np.ndarray]]:
    """Yield each image's detections, and the proposals (p, 4) for it as a whole.

    What fits into one tile goes the ordinary way. See `detect` for arguments and
    errors.
    """
    check_batch_size(batch_size)
    model = native(model)
    checked = checked_images(images, _channels(model))
    for fits, same in groupby(checked, key=lambda im: tiles.covers(im.shape[:2])):
        if fits:
            for found in run(model, same, batch_size=batch_size):
                yield unmold(*found, draw=FORMS[masks]), unmold_proposals(*found)
            continue
        for image in same:
            detection, proposals = _in_tiles(model, image, tiles, batch_size)
            if masks == "array":
                detection["masks"] = decode(detection["masks"], image.shape[:2])
            yield detection, proposals


def _in_tiles(
    model: MaskRCNN, image: np.ndarray, tiles: tiling.Tiling, batch_size: int
) -> tuple[Detection, np.ndarray]:
    """Return what is in a checked image larger than a tile, with masks as codes."""
    shape = image.shape[:2]
    boxes = tiling.plan(shape, tiles)
    geometry = plan_geometry(
        tuple((boxes[0, 2:] - boxes[0, :2]).tolist()), model.preprocessing
    )
    views = ((image[y1:y2, x1:x2], geometry) for y1, x1, y2, x2 in boxes)
    planned = chain([(image, at_once(shape, geometry))], views)
    found = _stages(model, planned, batch_size)
    first = next(found)
    whole, proposals = unmold(*first, draw=encode_masks), unmold_proposals(*first)
    seen = [
        (box, _moved(one, box[:2], shape))
        for box, one in zip(boxes, found, strict=True)
    ]
    return tiling.merge(seen, whole, shape, tiles.overlap), proposals


def at_once(shape: tuple[int, int], tile: Geometry) -> Geometry:
    """Return how an image (h, w) as a whole takes the place of one of its tiles.

    It is shrunk until it fits into the tile's padded image, whatever the mode, so that
    one compiled function sees both; and never drawn larger than its tiles are.
    """
    fits = np.divide(tile.padded_shape, shape).min()
    drawn = np.divide(tile.resized_shape, tile.original_shape).min()
    resized = scaled_shape(shape, float(min(fits, drawn)))
    spare = np.subtract(tile.padded_shape, resized) // 2
    return Geometry(shape, resized, tuple(spare.tolist()), tile.padded_shape)


def _moved(
    found: tuple[Stages, int, Geometry], corner: np.ndarray, shape: tuple[int, int]
) -> Detection:
    """Return a tile's detections in the image (h, w) in which it begins at `corner`."""
    by = np.tile(corner, 2).astype(np.int32)
    detection = unmold(
        *found, draw=lambda m, rois, _: encode_masks(m, rois + by, shape)
    )
    detection["rois"] = detection["rois"] + by
    return detection


def unmold(
    stages: Stages,
    row: int,
    geometry: Geometry,
    to_original: Callable[[np.ndarray, Geometry], np.ndarray] = boxes_to_original,
    draw: Draw = paste_masks,
) -> Detection:
    """Return the detections of one image of a batch, in its original pixels.

    `to_original` brings boxes there; Matterport's facade has a way of its own. `draw`
    makes its masks.
    """
    slots = stages.detections
    valid = np.asarray(slots.valid[row])
    boxes, class_ids, scores, masks = (
        np.asarray(array[row])[valid]
        for array in (slots.boxes, slots.class_ids, slots.scores, stages.masks)
    )
    boxes = to_original(boxes, geometry)
    return as_detection(boxes, class_ids, scores, masks, geometry.original_shape, draw)


def as_detection(
    boxes: np.ndarray,
    class_ids: np.ndarray,
    scores: np.ndarray,
    masks: np.ndarray,
    shape: tuple[int, int],
    draw: Draw = paste_masks,
) -> Detection:
    """Return detections in whole pixels of an image, with their masks in it.

    Boxes that have no pixel left there are dropped.

    Args:
        boxes: (n, 4) pixels of the image, not rounded.
        class_ids: (n,).
        scores: (n,).
        masks: (n, M, M) probabilities inside the boxes.
        shape: (h, w) of the image.
        draw: what makes its masks of these.
    """
    # A window of a user's own may leave the image, and so may Matterport's way back.
    rois = np.clip(np.rint(boxes), 0, np.tile(shape, 2)).astype(np.int32)
    # A box may lose its last pixel when it shrinks to the original's grid.
    kept = (rois[:, 2] > rois[:, 0]) & (rois[:, 3] > rois[:, 1])
    return Detection(
        rois=rois[kept],
        class_ids=class_ids[kept].astype(np.int32),
        scores=scores[kept].astype(np.float32),
        masks=draw(masks[kept], rois[kept], shape),
    )


def unmold_proposals(stages: Stages, row: int, geometry: Geometry) -> np.ndarray:
    """Return the proposals (p, 4) of one image of a batch, float32 original pixels.

    Best first.
    """
    proposals = stages.proposals
    boxes = np.asarray(proposals.boxes[row])[np.asarray(proposals.valid[row])]
    return boxes_to_original(boxes, geometry)
