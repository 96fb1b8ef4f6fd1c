"""Drawing a picture layer by layer, and what is left to see of each balloon.

Edges are smooth: a layer says which share of each pixel it covers, and every balloon
below keeps the share that is left. Coordinates are (y, x) pixels, the middle of the
first pixel at (0, 0).
"""

from typing import NamedTuple

import numpy as np
import skimage.measure
from scipy.ndimage import gaussian_filter

from mrcnn.data.balloon_art import SHOWN

Window = tuple[slice, slice]
LEAST = 15
"""Pixels that a balloon covers at least, or else it is not drawn."""


class Layer(NamedTuple):
    """What is laid over a picture at a window."""

    window: Window
    cover: np.ndarray  # Share of each pixel, float32 (h, w).
    colour: np.ndarray  # RGB in 0..1, (h, w, 3) or (3,).
    opacity: np.ndarray | float = (
        1.0  # How much of what is below does not shine through.
    )


class Seen(NamedTuple):
    """What is to be seen of one balloon."""

    window: Window
    share: np.ndarray  # Of each pixel, float32 (h, w).
    whole: float  # Pixels that it would show if nothing were before it.


class Scene:
    """A picture, float32 RGB (H, W, 3) in 0..1, and its balloons from back to front."""

    def __init__(self, picture: np.ndarray) -> None:
        """Begin with a background, which is drawn on in place."""
        self.picture = picture
        self.seen: list[Seen] = []
        self.rubber = np.zeros(picture.shape[:2], np.float32)

    def put(
        self,
        layers: list[Layer],
        *,
        balloon: bool = False,
        shadow: np.ndarray | None = None,
    ) -> bool:
        """Lay something over the picture; tell whether it was.

        It is left out as a whole if less than `SHOWN` of a balloon stayed in view. A
        `balloon` has one layer, covers more than `LEAST` pixels, and may cast a
        `shadow`, (h, w) of its window, on the balloons below.
        """
        if balloon and layers[0].cover.sum() < LEAST:
            return False
        left = self.seen
        for layer in layers:
            left = [_below(seen, layer) for seen in left]
        if any(seen.share.sum() < SHOWN * seen.whole for seen in left):
            return False
        self.seen = left
        if shadow is not None:
            dark = shadow * self.rubber[layers[0].window]
            self.picture[layers[0].window] *= (1 - dark)[..., None]
        for layer in layers:
            self.mark(layer)
            below = self.rubber[layer.window]
            below += (float(balloon) - below) * layer.cover
        if balloon:
            window, cover = layers[0][:2]
            self.seen.append(Seen(window, cover, float(cover.sum())))
        return True

    def mark(self, layer: Layer) -> None:
        """Paint something as thin as a string: what is below counts as seen."""
        region = self.picture[layer.window]
        part = (layer.cover * layer.opacity)[..., None]
        region += (layer.colour - region) * part

    def owner(self) -> np.ndarray:
        """Return which balloon each pixel shows most of, int16 (H, W); 0 is none."""
        owner = np.zeros(self.picture.shape[:2], np.int16)
        most = np.full(owner.shape, 0.5, np.float32)
        for number, (window, share, _) in enumerate(self.seen, start=1):
            wins = share > most[window]
            owner[window][wins] = number
            most[window][wins] = share[wins]
        return owner

    def outlines(self) -> list[list[tuple[float, float]]]:
        """Return the outline of what is seen of each balloon, see `outline`."""
        found = []
        for (rows, columns), share, _ in self.seen:
            corners = outline(share, share.shape, 1)
            found.append([(x + columns.start, y + rows.start) for x, y in corners])
        return [corners for corners in found if corners]


def outline(
    seen: np.ndarray, shape: tuple[int, ...], scale: int
) -> list[tuple[float, float]]:
    """Return the outline of the largest piece of `seen`, as (x, y) pixel corners.

    Empty if nothing of it is wider than a pixel.

    Args:
        seen: share of each pixel or bool, (scale * h, scale * w).
        shape: of the image in whose pixels the corners are, (h, w, ...).
        scale: how much larger `seen` is.
    """
    contours = skimage.measure.find_contours(np.pad(seen, 1), 0.5)
    if not contours:
        return []
    corners = (max(contours, key=len) - 0.5) / scale - 0.5
    corners = skimage.measure.approximate_polygon(corners, 0.4)[:-1]
    corners = np.clip(corners, 0, (shape[0] - 1, shape[1] - 1)).round(1)
    if len(corners) < 3 or (np.ptp(corners, axis=0) < 1).any():
        return []
    return [(x, y) for y, x in corners.tolist()]


def box(
    centre: tuple[float, float], reach: tuple[float, float] | float, shape: tuple
) -> Window:
    """Return the window of an image of `shape` that lies within `reach` of a point."""
    down, right = reach if isinstance(reach, tuple) else (reach, reach)
    sides = []
    for middle, half, size in zip(centre, (down, right), shape, strict=False):
        start = min(max(int(middle - half), 0), size)
        sides.append(slice(start, max(min(int(middle + half) + 2, size), start)))
    return sides[0], sides[1]


def grid(window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return y (h, 1) and x (1, w) of a window's pixels, float32."""
    rows, columns = (np.arange(s.start, s.stop, dtype=np.float32) for s in window)
    return rows[:, None], columns[None]


def softened(layer: Layer, sigma: float) -> Layer:
    """Return a layer out of focus; its window should have room for the blur."""
    cover = gaussian_filter(layer.cover, sigma, truncate=2)
    return layer._replace(cover=cover)


def _below(seen: Seen, layer: Layer) -> Seen:
    """Return what is left of a balloon below a layer."""
    parts = []
    for ours, theirs in zip(seen.window, layer.window, strict=True):
        start, stop = max(ours.start, theirs.start), min(ours.stop, theirs.stop)
        if start >= stop:
            return seen
        parts.append([slice(start - s.start, stop - s.start) for s in (ours, theirs)])
    (rows, their_rows), (columns, their_columns) = parts
    share = seen.share.copy()
    share[rows, columns] *= 1 - layer.cover[their_rows, their_columns]
    return seen._replace(share=share)
