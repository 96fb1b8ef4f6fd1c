"""From original images to padded network inputs, and back."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mrcnn.data.arrays import check_image as check_image
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.resize import resize_bilinear
from mrcnn.ops.thin import keep_thin, reaches
from mrcnn.structures import Preprocessing


class Geometry(NamedTuple):
    """Where an original image lies in the padded one."""

    original_shape: tuple[int, int]  # (h, w)
    resized_shape: tuple[int, int]  # before padding
    offset: tuple[int, int]  # row and column of its first pixel; negative if cropped
    padded_shape: tuple[int, int]  # (H, W)

    @property
    def window(self) -> np.ndarray:
        """Return the part (y1, x1, y2, x2) of the padded image that is no padding."""
        start = np.maximum(self.offset, 0)
        end = np.minimum(np.add(self.offset, self.resized_shape), self.padded_shape)
        return np.concatenate([start, end]).astype(np.float32)


def scale_factor(shape: tuple[int, int], preprocessing: Preprocessing) -> float:
    """Return by how much an image (h, w) grows or shrinks; see `plan_geometry`."""
    mode, min_dim, max_dim, min_scale, _ = preprocessing
    if mode == "none":
        return 1.0
    scale = max(1.0, min_dim / min(shape)) if min_dim else 1.0
    scale = max(scale, min_scale)
    if mode == "square" and round(max(shape) * scale) > max_dim:
        scale = max_dim / max(shape)
    return float(scale)


def scaled_shape(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return rows and columns of a scaled image: whole pixels, one at least."""
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def plan_geometry(
    shape: tuple[int, int],
    preprocessing: Preprocessing,
    rng: np.random.Generator | None = None,
) -> Geometry:
    """Return how an image (h, w) is scaled and placed (Matterport's `resize_image`).

    The short side grows to `min_dim`, at least by `min_scale`; images never shrink,
    except that in mode "square" the long side stays within `max_dim`. Then "square"
    centres the image on max_dim x max_dim, "pad64" on the next multiples of 64, "crop"
    cuts min_dim x min_dim out of it (in the middle, or where `rng` says), and "none"
    leaves size and place alone.

    Raises:
        ValueError: in mode "none", if a side does not divide by 64.
    """
    mode, min_dim, max_dim = preprocessing[:3]
    height, width = shape
    if mode == "none":
        if height % 64 or width % 64:
            raise ValueError(
                f"An image of {height} x {width} pixels does not divide by 64, and "
                'IMAGE_RESIZE_MODE is "none": take "square" or "pad64".'
            )
        return Geometry(shape, shape, (0, 0), shape)
    resized = scaled_shape(shape, scale_factor(shape, preprocessing))
    if mode == "square":
        padded = (max_dim, max_dim)
    elif mode == "pad64":
        padded = tuple(-(-side // 64) * 64 for side in resized)
    else:
        padded = (min_dim, min_dim)
    if mode == "crop":
        spare = [side - min_dim for side in resized]
        offset = [
            -(s // 2) if rng is None else -int(rng.integers(s + 1)) for s in spare
        ]
    else:
        offset = [(p - r) // 2 for p, r in zip(padded, resized, strict=True)]
    return Geometry(shape, resized, (offset[0], offset[1]), padded)


def place(array: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return an array (rows, columns, ...) of the resized image, padded or cropped."""
    y1, x1, y2, x2 = geometry.window.astype(int)
    top, left = geometry.offset
    part = array[y1 - top : y2 - top, x1 - left : x2 - left]
    if part.shape[:2] == geometry.padded_shape:
        return part
    placed = np.zeros((*geometry.padded_shape, *array.shape[2:]), array.dtype)
    placed[y1:y2, x1:x2] = part
    return placed


def place_image(image: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return an image (h, w, C) uint8 as (H, W, C) uint8: resized and padded."""
    if image.shape[:2] != geometry.resized_shape:
        image = resize_bilinear(image, geometry.resized_shape)
        image = np.rint(image).astype(np.uint8)
    return place(image, geometry)


def place_masks(masks: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return masks (h, w, n) bool as (H, W, n) bool, each pixel its nearest one.

    Thin objects that would vanish or break where masks shrink are kept, and so are thin
    parts of others, such as a string; see `mrcnn.ops.thin`.
    """
    source, target = geometry.original_shape, geometry.resized_shape
    if source != target:
        rows, columns = (
            ((np.arange(t) + 0.5) * (s / t)).astype(np.intp)
            for s, t in zip(source, target, strict=True)
        )
        whole, masks = masks, masks[rows][:, columns]
        if target < source:
            cell = source[0] / target[0], source[1] / target[1]
            for i in _maybe_thin(whole, masks, cell):
                masks[..., i] = keep_thin(whole[..., i], masks[..., i])
    return place(masks, geometry)


def _maybe_thin(
    masks: np.ndarray, shrunk: np.ndarray, cell: tuple[float, float]
) -> Iterator[int]:
    """Yield which masks (h, w, n) may lose thin parts on a grid of cells of h x w.

    They are narrower than two cells, fill less than half of their boxes, or leave cells
    at the sides of these empty.
    """
    for i, box in enumerate(boxes_of_masks(masks)):
        y1, x1, y2, x2 = box
        part = masks[y1:y2, x1:x2, i]
        if not part.size:
            continue
        start, end = np.floor(box[:2] / cell), np.ceil(box[2:] / cell)
        cells = np.concatenate([start, end]).astype(int)
        narrow = min(part.shape) < 2 * cell[0] or not reaches(shrunk[..., i], cells)
        if narrow or 2 * np.count_nonzero(np.ascontiguousarray(part)) < part.size:
            yield i


def subtract_mean(
    image: np.ndarray, preprocessing: Preprocessing, dtype: type = np.float32
) -> np.ndarray:
    """Return an image (..., C) as `dtype` with the mean pixel taken off."""
    # Row by row: NumPy is slow where it subtracts three numbers at a time.
    row = np.resize(np.asarray(preprocessing.mean_pixel, dtype), image.shape[-2:])
    molded = image.astype(dtype)
    molded -= row
    return molded


def network_inputs(
    images: Sequence[np.ndarray],
    geometries: Sequence[Geometry],
    preprocessing: Preprocessing,
) -> dict[str, np.ndarray]:
    """Return images (h, w, C) uint8 of one padded size as a network's inputs.

    `images` (B, H, W, C) float32, and `windows` (B, 4) float32, normalised.
    """
    placed = [place_image(im, g) for im, g in zip(images, geometries, strict=True)]
    windows = [
        box_ops.normalise(g.window, g.padded_shape, xp=np).astype(np.float32)
        for g in geometries
    ]
    return {
        "images": subtract_mean(np.stack(placed), preprocessing),
        "windows": np.stack(windows),
    }


def add_mean(image: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Return an image (..., C) without a mean as uint8; undoes `subtract_mean`."""
    image = np.asarray(image, np.float64) + preprocessing.mean_pixel
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _frame(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Return the first padded pixel (4,) of the image, and its pixels in each (4,)."""
    scale = np.divide(geometry.original_shape, geometry.resized_shape)
    return np.tile(geometry.offset, 2), np.tile(scale, 2).astype(np.float32)


def boxes_to_original(boxes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return boxes (n, 4), normalised in the padded image, in original pixels.

    Float32; y2 and x2 are exclusive. Edges move as pixels do when an image is resized,
    by the scale: Matterport's way back (`mrcnn.matterport.molding`) is another.
    """
    offset, scale = _frame(geometry)
    pixels = box_ops.denormalise(boxes, geometry.padded_shape, xp=np)
    return ((pixels - offset) * scale).astype(np.float32)


def boxes_to_padded(boxes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return boxes (n, 4) in original pixels, normalised in the padded image.

    The inverse of `boxes_to_original`, clipped to the padded image; float32.
    """
    offset, scale = _frame(geometry)
    pixels = boxes / scale + offset
    boxes = box_ops.normalise(pixels, geometry.padded_shape, xp=np)
    return np.clip(boxes, 0, 1).astype(np.float32)
