"""What Matterport's code keeps beside an image, as one row of numbers."""

from collections.abc import Sequence

import numpy as np

from mrcnn.build import preprocessing
from mrcnn.config import Config
from mrcnn.data.transforms import subtract_mean
from mrcnn.structures import Tensor

_FIELDS = {
    "image_id": slice(0, 1),
    "original_image_shape": slice(1, 4),
    "image_shape": slice(4, 7),
    "window": slice(7, 11),
    "scale": slice(11, 12),
    "active_class_ids": slice(12, None),
}


def log(text: str, array: np.ndarray | None = None) -> None:
    """Print a text, and the shape, range and type of an array beside it."""
    if array is not None:
        array = np.asarray(array)
        low, high = (array.min(), array.max()) if array.size else (np.nan, np.nan)
        text = (
            f"{text:25} shape: {array.shape!s:20} min: {low:10.5f}  max: {high:10.5f}"
            f"  {array.dtype}"
        )
    print(text)


def compose_image_meta(
    image_id: int,
    original_image_shape: Sequence[int],
    image_shape: Sequence[int],
    window: Sequence[float],
    scale: float,
    active_class_ids: Sequence[int],
) -> np.ndarray:
    """Return one row (12 + K,) float64.

    Args:
        image_id: of the data set.
        original_image_shape: (h, w, C).
        image_shape: (H, W, C), padded.
        window: (y1, x1, y2, x2), the part that is no padding, padded pixels.
        scale: from original to padded pixels.
        active_class_ids: (K,), 1 for the classes that the image's source annotates.
    """
    original = [*original_image_shape, 1][:3]  # a grey image has no channel axis
    parts = ([image_id], original, image_shape, window, [scale], active_class_ids)
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def parse_image_meta(meta: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fields of rows (B, 12 + K) by name; see `compose_image_meta`.

    All are int32 but the scale, which is float32; ids and scales are (B,).
    """
    parsed = {name: meta[:, columns] for name, columns in _FIELDS.items()}
    found = {
        n: v.astype(np.float32 if n == "scale" else np.int32) for n, v in parsed.items()
    }
    for name in ("image_id", "scale"):
        found[name] = found[name][:, 0]
    return found


def parse_image_meta_graph(meta: Tensor) -> dict[str, Tensor]:
    """Return the fields of a tensor of rows (B, 12 + K), in its own type."""
    parsed = {name: meta[:, columns] for name, columns in _FIELDS.items()}
    return parsed | {name: parsed[name][:, 0] for name in ("image_id", "scale")}


def mold_image(images: np.ndarray, config: Config) -> np.ndarray:
    """Return images (..., C) as float32 less the mean pixel."""
    return subtract_mean(np.asarray(images), preprocessing(config))


def unmold_image(normalized_images: np.ndarray, config: Config) -> np.ndarray:
    """Return molded images (..., C) as uint8 again."""
    restored = normalized_images + np.asarray(preprocessing(config).mean_pixel)
    return np.clip(np.rint(restored), 0, 255).astype(np.uint8)
