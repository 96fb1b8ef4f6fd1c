"""Squares, circles and triangles on a plain ground: a set that needs no files.

The recipe is that of Matterport's `samples/shapes/shapes.py`; the drawing is NumPy's
alone, so that image i of a seed has the same pixels on every machine.
"""

import math
from typing import NamedTuple

import numpy as np

from mrcnn.data.dataset import Dataset

CLASS_NAMES = ("square", "circle", "triangle")
MAX_OVERLAP = 0.3
"""Of two shapes whose boxes have a larger IoU, only the later one is drawn."""
MIN_SIDE = 32
"""Smallest height and width, pixels; the sizes below it would be a few pixels."""
SIN_60 = math.sqrt(3) / 2


class Shape(NamedTuple):
    """One shape, in pixels: centre, half-side or radius, and turn in radians."""

    class_id: int
    colour: tuple[int, int, int]
    y: int
    x: int
    size: int
    angle: float


class ShapesDataset(Dataset):
    """`count` images drawn on demand; classes square 1, circle 2, triangle 3.

    Image i depends on (seed, i, height, width, harder) only, not on `count`, and shows
    1 to 4 shapes of half-side 20 to height // 4 on a plain ground. With `harder` it
    shows 2 to 8 turned shapes from half-side 6 on, little darker or brighter than a
    ground of clouds and noise. Later shapes hide earlier ones; masks are what is seen.
    """

    def __init__(
        self,
        count: int,
        *,
        height: int = 128,
        width: int = 128,
        seed: int = 0,
        harder: bool = False,
    ) -> None:
        """Prepare `count` images; ValueError if it is negative or a side below 32."""
        super().__init__()
        if count < 0:
            raise ValueError(f"count is {count}: give 0 or more images.")
        if min(height, width) < MIN_SIDE:
            raise ValueError(
                f"height {height} and width {width} must be at least {MIN_SIDE} pixels."
            )
        self.seed, self.harder = seed, harder
        for class_id, name in enumerate(CLASS_NAMES, start=1):
            self.add_class("shapes", class_id, name)
        for i in range(count):
            self.add_image(
                "shapes",
                i,
                None,
                height=height,
                width=width,
                seed=seed,
                harder=harder,
            )
        self.prepare()

    def image_reference(self, image_id: int) -> str:
        """Name the image by what it is drawn from."""
        return f"shapes image {image_id} (seed {self.seed})"

    def load_image(self, image_id: int) -> np.ndarray:
        """Draw the image, uint8 RGB (h, w, 3)."""
        ground, shapes, rng = self._scene(image_id)
        height, width = self._size(image_id)
        image = np.empty((height, width, 3), np.int16)
        image[:] = _clouds(height, width, rng) + ground if self.harder else ground
        for shape in shapes:
            window, inside = _outline(shape, height, width)
            image[window][inside] = shape.colour
        if self.harder:
            image += rng.integers(-12, 13, image.shape, dtype=np.int16)
        return np.clip(image, 0, 255).astype(np.uint8)

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the visible pixels, bool (h, w, n), and classes, int32 (n,)."""
        _, shapes, _ = self._scene(image_id)
        height, width = self._size(image_id)
        # Each pixel belongs to the shape drawn last on it; 0 is the ground.
        owner = np.zeros((height, width), np.int8)
        for number, shape in enumerate(shapes, start=1):
            window, inside = _outline(shape, height, width)
            owner[window][inside] = number
        masks = owner[..., None] == np.arange(1, len(shapes) + 1, dtype=np.int8)
        seen = masks.any(axis=(0, 1))
        class_ids = np.array([shape.class_id for shape in shapes], np.int32)
        return masks[..., seen], class_ids[seen]

    def _size(self, image_id: int) -> tuple[int, int]:
        info = self.image_info[image_id]
        return info["height"], info["width"]

    def _scene(
        self, image_id: int
    ) -> tuple[np.ndarray, list[Shape], np.random.Generator]:
        """Return the ground colour, the shapes in drawing order, and the generator."""
        height, width = self._size(image_id)
        rng = np.random.default_rng([self.seed, int(image_id)])
        ground = rng.integers(0, 256, 3)
        least, most = (2, 8) if self.harder else (1, 4)
        count = int(rng.integers(least, most + 1))
        shapes = [
            _random_shape(rng, height, width, ground, self.harder) for _ in range(count)
        ]
        return ground, _thinned(shapes), rng


def _random_shape(
    rng: np.random.Generator,
    height: int,
    width: int,
    ground: np.ndarray,
    harder: bool,
) -> Shape:
    """Draw class, place, size, turn and colour; centres keep off the borders."""
    # Matterport's 20 pixels suit sides from 80 on; smaller images shrink it.
    margin = min(20, height // 4, width // 4)
    class_id = int(rng.integers(1, len(CLASS_NAMES) + 1))
    y = int(rng.integers(margin, height - margin))
    x = int(rng.integers(margin, width - margin))
    smallest = min(6, margin) if harder else margin
    size = int(rng.integers(smallest, max(height // 4, smallest) + 1))
    if not harder:
        return Shape(class_id, tuple(rng.integers(0, 256, 3).tolist()), y, x, size, 0.0)
    # Every channel 24 to 63 off the ground, towards the side that has room.
    offset = rng.integers(24, 64, 3) * np.where(ground < 128, 1, -1)
    angle = rng.random() * 2 * math.pi
    return Shape(class_id, tuple((ground + offset).tolist()), y, x, size, angle)


def _thinned(shapes: list[Shape]) -> list[Shape]:
    """Drop every shape that a later kept one overlaps too much, keeping the order."""
    kept: list[Shape] = []
    for shape in reversed(shapes):
        if all(_iou(shape, other) <= MAX_OVERLAP for other in kept):
            kept.append(shape)
    return kept[::-1]


def _iou(a: Shape, b: Shape) -> float:
    """IoU of two shapes' upright boxes, centre +- size."""
    rows = min(a.y + a.size, b.y + b.size) - max(a.y - a.size, b.y - b.size)
    columns = min(a.x + a.size, b.x + b.size) - max(a.x - a.size, b.x - b.size)
    overlap = max(rows, 0) * max(columns, 0)
    return overlap / (4 * a.size**2 + 4 * b.size**2 - overlap)


def _outline(
    shape: Shape, height: int, width: int
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the window of the image round a shape, and its pixels there, bool."""
    # The triangle's lower corners are the farthest points: sqrt(7 / 3) = 1.53 sizes.
    reach = math.ceil(1.53 * shape.size)
    top, left = max(shape.y - reach, 0), max(shape.x - reach, 0)
    bottom, right = min(shape.y + reach + 1, height), min(shape.x + reach + 1, width)
    dy = np.arange(top - shape.y, bottom - shape.y)[:, None]
    dx = np.arange(left - shape.x, right - shape.x)[None, :]
    if shape.angle:
        cos, sin = math.cos(shape.angle), math.sin(shape.angle)
        dy, dx = dy * cos - dx * sin, dy * sin + dx * cos
    window = slice(top, bottom), slice(left, right)
    return window, _inside(CLASS_NAMES[shape.class_id - 1], dy, dx, shape.size)


def _inside(name: str, dy: np.ndarray, dx: np.ndarray, size: int) -> np.ndarray:
    """Tell which offsets (down, right) from the centre lie in the shape, border too."""
    if name == "square":
        return (abs(dy) <= size) & (abs(dx) <= size)
    if name == "circle":
        return dy * dy + dx * dx <= size * size
    # Apex at (-size, 0), base at dy = size from -size / sin 60 to +size / sin 60.
    return (dy <= size) & (2 * SIN_60 * abs(dx) <= dy + size)


def _clouds(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return soft random brightness, int16 (h, w, 3) in -20..20, from an 8 x 8 grid."""
    # Element by element rather than by matrix products, whose rounding depends on
    # the machine.
    values = rng.integers(-20, 21, (8, 8, 3)).astype(np.float64)
    for axis, side in enumerate((height, width)):
        place = np.arange(side) * 7 / side
        low = place.astype(int)
        part = (place - low).reshape([-1 if a == axis else 1 for a in range(3)])
        values = values.take(low, axis) * (1 - part) + values.take(low + 1, axis) * part
    return values.astype(np.int16)
