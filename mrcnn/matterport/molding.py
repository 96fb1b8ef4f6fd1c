"""Between original images and the network, in Matterport's terms: metas and windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mrcnn import detection
from mrcnn.data.transforms import Geometry
from mrcnn.matterport.metas import FIELDS, compose_image_meta, parse_image_meta
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops import boxes as box_ops
from mrcnn.structures import Detection


def mold(
    model: MaskRCNN, images: Sequence[np.ndarray], num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images as the network takes them, their metas, and their windows.

    Args:
        model: gives the preprocessing.
        images: each (h, w, C) uint8, all of one padded size.
        num_classes: K.

    Returns:
        (B, H, W, C) float32 less the mean pixel; (B, 12 + K) metas with image id 0 and
        no active classes; (B, 4) int32 windows in pixels of the padded images.
    """
    inputs, geometries = detection.prepare(model, images)
    windows = np.stack([g.window for g in geometries]).astype(np.int32)
    metas = [
        compose_image_meta(
            0,
            (*geometry.original_shape, inputs["images"].shape[-1]),
            inputs["images"].shape[1:],
            window,
            geometry.resized_shape[0] / geometry.original_shape[0],
            np.zeros(num_classes, np.int32),
        )
        for window, geometry in zip(windows, geometries, strict=True)
    ]
    return inputs["images"], np.stack(metas), windows


def molded_inputs(
    images: np.ndarray, metas: np.ndarray
) -> tuple[dict[str, np.ndarray], list[Geometry]]:
    """Return molded images (B, H, W, C) as a network's inputs, and their geometries.

    Raises:
        ValueError: if the images are not molded, or the metas are not theirs.
    """
    images, metas = _array(images, "images"), _array(metas, "metas")
    if fault := _fault(images, metas):
        raise ValueError(
            f"{fault}: take both as mold_inputs returns them, or give detect the "
            "original images."
        )
    parsed = parse_image_meta(metas)
    images = images.astype(np.float32, copy=False)
    shape = images.shape[1:3]
    windows = box_ops.normalise(parsed["window"].astype(np.float32), shape, xp=np)
    geometries = [
        _geometry(original, shape, window)
        for original, window in zip(
            parsed["original_image_shape"], parsed["window"], strict=True
        )
    ]
    return {"images": images, "windows": windows.astype(np.float32)}, geometries


def _array(values: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # a list of different sizes
        raise ValueError(
            f"molded {name} differ in size and are no one array; mold_inputs makes one "
            "of images that share a padded size."
        ) from error


def _fault(images: np.ndarray, metas: np.ndarray) -> str | None:
    """Say what keeps molded images and metas from belonging together."""
    if images.ndim != 4:
        return f"molded images are of the shape {images.shape} and not (B, H, W, C)"
    if images.dtype.kind != "f":
        return f"molded images are {images.dtype}, and so have their mean still"
    least = FIELDS["active_class_ids"].start
    if metas.ndim != 2 or metas.shape[1] <= least or metas.dtype.kind not in "uif":
        return f"metas are of the shape {metas.shape} and not (B, {least} + K)"
    if len(images) != len(metas):
        return f"there are {len(images)} molded images and {len(metas)} metas"
    shapes = metas[:, FIELDS["image_shape"]]
    for i, shape in enumerate(shapes.astype(int).tolist()):
        if tuple(shape) != images.shape[1:]:
            return (
                f"molded image {i} is of the shape {images.shape[1:]}, its meta says "
                f"{tuple(shape)}"
            )
    return None


def unmold(
    detections: np.ndarray,
    masks: np.ndarray,
    original_shape: Sequence[int],
    image_shape: Sequence[int],
    window: Sequence[float],
) -> Detection:
    """Return one image's detections in its original pixels.

    Args:
        detections: (D, 6) normalised box, class and score; class 0 ends the list.
        masks: (D, M, M, K) of every class.
        original_shape: (h, w, C).
        image_shape: (H, W, C) of the padded image.
        window: (y1, x1, y2, x2), pixels of the padded image.
    """
    detections = np.asarray(detections)
    class_ids = detections[:, 4].astype(np.int32)
    count = np.argmin(np.append(class_ids > 0, False))
    class_ids = class_ids[:count]
    geometry = _geometry(original_shape, image_shape, window)
    return detection.as_detection(
        boxes_to_original(detections[:count, :4], geometry),
        class_ids,
        detections[:count, 5],
        np.asarray(masks)[np.arange(count), :, :, class_ids],
        geometry.original_shape,
    )


def boxes_to_original(boxes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return boxes (n, 4), normalised in the padded image, in original pixels.

    Float32, as Matterport's `unmold_detections`: a box grows from the centres of its
    first to that of its last pixel, by (h - 1) / (h_r - 1), where the image has shrunk
    by h / h_r. In an image shrunk to a third, boxes are up to two pixels too small;
    `mrcnn.data.transforms.boxes_to_original` goes by the scale.
    """
    top, left = geometry.offset
    height, width = geometry.resized_shape
    whole = np.array([top, left, top + height, left + width], np.float32)
    whole = box_ops.normalise(whole, geometry.padded_shape, xp=np)
    origin, sides = np.tile(whole[:2], 2), np.tile(whole[2:] - whole[:2], 2)
    boxes = (boxes - origin) / np.where(sides > 0, sides, 1)
    return box_ops.denormalise(boxes, geometry.original_shape, xp=np)


def _geometry(
    original: Sequence[int], padded: Sequence[int], window: Sequence[float]
) -> Geometry:
    top, left, bottom, right = (round(float(edge)) for edge in window)
    return Geometry(
        (int(original[0]), int(original[1])),
        (bottom - top, right - left),
        (top, left),
        (int(padded[0]), int(padded[1])),
    )
