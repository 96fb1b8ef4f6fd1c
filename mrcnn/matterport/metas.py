"""What Matterport's `mrcnn.model` calls image metas, and images without their mean.

A meta is one row of 12 + K numbers about an image and how it was padded. FIELDS says
what they are; all functions here go by it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from mrcnn.build import preprocessing
from mrcnn.config import Config
from mrcnn.data.transforms import add_mean, subtract_mean
from mrcnn.structures import Tensor

FIELDS: dict[str, int | slice] = {
    "image_id": 0,
    "original_image_shape": slice(1, 4),  # (h, w, C)
    "image_shape": slice(4, 7),  # (H, W, C)
    "window": slice(7, 11),  # (y1, x1, y2, x2), pixels of the padded image
    "scale": 11,
    "active_class_ids": slice(12, None),  # 1 for the K classes of the image's source
}
"""Which columns of a meta hold what."""


def compose_image_meta(
    image_id: int,
    original_image_shape: Sequence[int],
    image_shape: Sequence[int],
    window: Sequence[int],
    scale: float,
    active_class_ids: Sequence[int],
) -> np.ndarray:
    """Return the meta (12 + K,) float64 of an image.

    Args:
        image_id: internal id of the image.
        original_image_shape: (h, w, C).
        image_shape: (H, W, C), after resizing and padding.
        window: (y1, x1, y2, x2), the part of the padded image that is no padding.
        scale: by how much the image was enlarged.
        active_class_ids: (K,), 1 for the classes that the image's source annotates.

    Raises:
        ValueError: if a shape or the window has another length.
    """
    for name, value, length in (
        ("original_image_shape", original_image_shape, 3),
        ("image_shape", image_shape, 3),
        ("window", window, 4),
    ):
        if len(value) != length:
            raise ValueError(
                f"compose_image_meta: {name} is {tuple(value)}; give {length} numbers."
            )
    parts = [image_id], original_image_shape, image_shape, window, [scale]
    return np.concatenate([*parts, active_class_ids]).astype(np.float64)


def parse_image_meta(meta: np.ndarray) -> dict[str, np.ndarray]:
    """Return what metas (B, 12 + K) say, by name, as int32; `scale` as float32.

    Names and shapes are those of FIELDS, each with B in front.
    """
    kinds = dict.fromkeys(FIELDS, np.int32) | {"scale": np.float32}
    return {
        name: np.asarray(value).astype(kinds[name])
        for name, value in _fields(np.asarray(meta)).items()
    }


def parse_image_meta_graph(meta: Tensor) -> dict[str, Tensor]:
    """Return what metas (B, 12 + K) say, by name, as float32 tensors.

    Like `parse_image_meta`, for tensors, symbolic ones too.
    """
    return _fields(ops.cast(meta, "float32"))


def _fields(meta: Any) -> dict[str, Any]:
    return {name: meta[..., columns] for name, columns in FIELDS.items()}


def mold_image(images: np.ndarray, config: Config) -> np.ndarray:
    """Return images (..., C), RGB in 0..255, without MEAN_PIXEL, float64."""
    return subtract_mean(np.asarray(images), preprocessing(config), np.float64)


def unmold_image(normalized_images: np.ndarray, config: Config) -> np.ndarray:
    """Return images (..., C) uint8 with MEAN_PIXEL again; undoes `mold_image`.

    Rounded to the nearest level, where Matterport cuts decimals off and so makes some
    pixels darker by one, and limited to 0..255, where it starts again from 0.
    """
    return add_mean(normalized_images, preprocessing(config))
