"""Shapes drawn on an image, and the pixels that they cover.

Coordinates are pixels of the original image, x to the right and y down. A pixel belongs
to a region if its (column, row) lies in it, which for polygons is what Matterport's
balloon sample does with `skimage.draw.polygon`. However large a region is, drawing it
takes little more memory than its image.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from skimage.measure import points_in_poly

BLOCK = 2**18
"""Pixels of a polygon that are looked at together; each takes some 50 bytes then."""


@dataclass(frozen=True)
class Region:
    """One annotated shape.

    `name` is a key of `via.FIELDS`; `numbers` holds each of its fields as float64 (m,),
    where m is 1 but for points; `attributes` are what the annotation says of it, such
    as a class; `where` names file, image and region for error messages; `outline` tells
    that a polyline goes round its object.
    """

    name: str
    numbers: dict[str, np.ndarray]
    attributes: dict[str, Any]
    where: str
    outline: bool = False

    def mask(self, height: int, width: int) -> np.ndarray:
        """Return the region's pixels, bool (height, width), cut at the borders.

        Polygons, rects, circles, ellipses and outlines are filled. Any other polyline
        is the one-pixel line itself, and a point one pixel: nothing says how wide they
        are, and guessing would be worse.

        Raises ValueError if no pixel of the image is in the region.
        """
        mask = np.zeros((height, width), bool)
        if self.name == "polygon" or self.outline:
            _fill(mask, *self.corners())
        elif self.name in ("polyline", "point"):
            points = np.rint(np.stack(self.corners()[::-1], axis=1)).astype(np.int64)
            for start, end in zip(points, [*points[1:], points[-1]], strict=True):
                _draw(mask, start, end)
        else:
            mask = self._inside(np.arange(height)[:, None], np.arange(width)[None, :])
        if not mask.any():
            raise ValueError(
                f"{self.where}: the {self.name} covers no pixel of its image of "
                f"{height} x {width} (height x width): {self._why(height, width)}."
            )
        return mask

    def check(self, height: int, width: int) -> None:
        """Raise ValueError as `mask` would; cheap where a corner lies on a pixel."""
        x, y = list(self.numbers.values())[:2]
        pixels = (x == np.rint(x)) & (y == np.rint(y))
        if not (pixels & _inside(x, y, height, width)).any():
            self.mask(height, width)

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the points that it was drawn by, float64 (m,) each.

        Those of a rect are its corners; of a circle or ellipse the ends of its axes.
        """
        n = self.numbers
        x, y = list(n.values())[:2]
        if self.name == "rect":
            right, bottom = x + n["width"], y + n["height"]
            return np.concatenate([x, right, right, x]), np.concatenate(
                [y, y, bottom, bottom]
            )
        if self.name in ("circle", "ellipse"):
            along, across = n.get("rx", n.get("r")), n.get("ry", n.get("r"))
            theta = n.get("theta", np.zeros(1))
            cos, sin = np.cos(theta), np.sin(theta)
            dx = np.concatenate([along * cos, -across * sin])
            dy = np.concatenate([along * sin, across * cos])
            return np.concatenate([x + dx, x - dx]), np.concatenate([y + dy, y - dy])
        return x, y

    def points_inside(self, height: int, width: int) -> np.ndarray:
        """Tell which of its `corners` lie in a frame, bool (m,), borders included."""
        x, y = self.corners()
        return (x >= 0) & (x <= width) & (y >= 0) & (y <= height)

    def beyond(self, height: int, width: int) -> float:
        """Return how far its `corners` lie outside a frame, pixels; 0 if none does."""
        x, y = self.corners()
        return max(
            0.0, *map(float, (-x.min(), -y.min(), x.max() - width, y.max() - height))
        )

    def _why(self, height: int, width: int) -> str:
        x, y = self.corners()
        if x.max() < 0 or y.max() < 0 or x.min() >= width or y.min() >= height:
            columns, rows = (f"{v.min():g} to {v.max():g}" for v in (x, y))
            return f"it lies outside, in columns {columns} and rows {rows}"
        return "it passes it by, or is so thin that it falls between the pixels"

    def _inside(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Tell which of rows y (h, 1) and columns x (1, w) are in the shape, (h, w)."""
        n = self.numbers
        if self.name == "rect":  # Half open, so that the area is width * height.
            left, top = x - n["x"], y - n["y"]
            rows = (top >= 0) & (top < n["height"])
            return rows & (left >= 0) & (left < n["width"])
        dx, dy = x - n["cx"], y - n["cy"]
        if self.name == "circle":
            return dx * dx + dy * dy <= n["r"] ** 2
        cos, sin = np.cos(n["theta"]), np.sin(n["theta"])  # Radians, x towards y.
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        return (along / n["rx"]) ** 2 + (across / n["ry"]) ** 2 <= 1


def on_one_line(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether points (m,) lie on one line, so that no polygon of them has area."""
    dx, dy = x - x[0], y - y[0]
    far = np.argmax(np.hypot(dx, dy))
    away = abs(dx * dy[far] - dy * dx[far])
    return bool((away <= 1e-9 * max(1.0, dx[far] ** 2 + dy[far] ** 2)).all())


def gap(x: np.ndarray, y: np.ndarray) -> float:
    """Return how far apart the ends of a polyline (m,) are, in parts of its length."""
    length = np.hypot(np.diff(x), np.diff(y)).sum()
    return float(np.hypot(x[-1] - x[0], y[-1] - y[0]) / length) if length else 0.0


def _inside(x: np.ndarray, y: np.ndarray, height: int, width: int) -> np.ndarray:
    return (x >= 0) & (x < width) & (y >= 0) & (y < height)


def _fill(mask: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Set the pixels in a polygon (m,), the same as those of `skimage.draw.polygon`.

    That one lists rows and columns as Python's numbers: 1 GB for 12 megapixels.
    """
    (top, bottom), (left, right) = (
        (max(int(np.floor(v.min())), 0), min(int(np.ceil(v.max())) + 1, side))
        for v, side in zip((y, x), mask.shape, strict=True)
    )
    rows = max(BLOCK // max(right - left, 1), 1)
    for start in range(top, bottom, rows):
        part = mask[start : min(start + rows, bottom), left:right]
        row, column = np.indices(part.shape)
        points = np.stack([column + left, row + start], axis=-1).reshape(-1, 2)
        part[:] = points_in_poly(points, np.stack([x, y], axis=1)).reshape(part.shape)


def _draw(mask: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """Set the pixels of a line between two places (row, column), int64, that are seen.

    The same as those of `skimage.draw.line`, which is Bresenham's: a step a pixel along
    the longer side, and across it the nearest pixel, of two the farther one.
    """
    lengths, signs = abs(end - start), np.where(end < start, -1, 1)
    along = 0 if lengths[0] > lengths[1] else 1
    across = 1 - along
    length, last = lengths[along], mask.shape[along] - 1
    enters, leaves = sorted(signs[along] * (np.array([0, last]) - start[along]))
    steps = np.arange(max(enters, 0), min(leaves, length) + 1)
    place = np.empty((2, len(steps)), np.int64)
    moved = (2 * lengths[across] * steps + length) // max(2 * length, 1)
    place[along] = start[along] + signs[along] * steps
    place[across] = start[across] + signs[across] * moved
    seen = (place[across] >= 0) & (place[across] < mask.shape[across])
    mask[tuple(place[:, seen])] = True
