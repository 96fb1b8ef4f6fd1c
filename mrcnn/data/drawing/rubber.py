"""How balloons of varied scenes look: many outlines, and what they are made of.

Directions are (right, up, towards the viewer); colours RGB in 0..1.
"""

from typing import NamedTuple

import numpy as np

from mrcnn.data.drawing.layers import Layer, box, grid
from mrcnn.data.drawing.prints import printed, star

ANGLES = np.linspace(-np.pi, np.pi, 361, dtype=np.float32)
"""From straight down round by the left, up (0) and the right."""


class Rubber(NamedTuple):
    """What a balloon is made of."""

    albedo: np.ndarray
    opacity: float  # In the middle; the rim hides more.
    sheen: float  # How much of a wide, soft highlight, as of pearl; foil has most.
    gloss: float  # Brightness of the mirrored lamps.
    mirror: float  # How much of the surroundings is mirrored.
    print: np.ndarray | None  # Colour of the ink.
    flat: bool  # Of foil: two sheets rather than a ball.


class Shape(NamedTuple):
    """Place and outline of a balloon; lengths in pixels."""

    y: float
    x: float
    radius: float
    outline: np.ndarray  # Distance of the rim over `radius`, at `ANGLES`.
    knot: float  # Where the knot begins below the centre, over `radius`; 0 for none.
    turn: float  # Radians, 0 with the knot down.


class Lamps(NamedTuple):
    """What lights all balloons of a scene."""

    direction: np.ndarray  # Unit vector to the main lamp.
    colour: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    places: (
        np.ndarray
    )  # Where lamps are mirrored, as (right, up) of the normal, (n, 2).
    panes: np.ndarray  # Half width and height of each, (n, 2); 0 for a round lamp.
    sharp: float
    around: np.ndarray  # The surroundings, small, float32 (h, w, 3).


def egg(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return the outline of a latex balloon and where its knot begins."""
    length, taper = rng.uniform(0.95, 1.3), rng.uniform(0, 0.3)
    t = np.linspace(0, np.pi, 200)
    low = 0.5 - 0.5 * np.cos(t)
    wide = np.sin(t) * (1 - taper * low**2)
    neck = rng.uniform(0, 0.22)
    high = length * np.cos(t) - neck * low ** rng.uniform(7, 18)
    radii = np.interp(abs(ANGLES), np.arctan2(wide, high), np.hypot(wide, high))
    for k in (2, 3):
        radii *= 1 + rng.normal(0, 0.012) * np.cos(k * ANGLES + rng.uniform(0, 6))
    return radii.astype(np.float32), length + neck


def foil(rng: np.random.Generator) -> np.ndarray:
    """Return the outline of a foil balloon: round, heart or star."""
    kind = rng.choice(("round", "heart", "star"), p=(0.45, 0.35, 0.2))
    if kind == "round":
        return np.ones_like(ANGLES)
    t = np.linspace(-np.pi, np.pi, 400)
    if kind == "heart":
        x = 16 * np.sin(t) ** 3
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        x, y = x / 15, y / 15
    else:
        corners = np.array(star(0, 0, 1.1, np.pi))
        steps = np.linspace(0, 10, 400)
        x, y = (np.interp(steps, np.arange(11), [*v, v[0]]) for v in corners.T)
        y = -y
    radii = np.interp(ANGLES, np.arctan2(x, y), np.hypot(x, y), period=2 * np.pi)
    kernel = np.hanning(17)
    padded = np.concatenate([radii[-9:-1], radii, radii[1:9]])
    return np.convolve(padded, kernel / kernel.sum(), "valid").astype(np.float32)


def form(
    shape: Shape, size: tuple[int, ...], *, flat: bool = False
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray, np.ndarray]:
    """Return window, cover, unit normals (h, w, 3) and depth inside the rim, pixels.

    The depth is negative outside, where the window has a margin for shadows.
    """
    reach = shape.radius * max(float(shape.outline.max()), shape.knot + 0.15)
    window = box((shape.y, shape.x), reach + 0.2 * shape.radius + 2, size)
    rows, columns = grid(window)
    dx, dy = (columns - shape.x) / shape.radius, (shape.y - rows) / shape.radius
    cos, sin = np.cos(shape.turn), np.sin(shape.turn)
    across, along = dx * cos - dy * sin, dx * sin + dy * cos
    place = (np.arctan2(across, along) + np.pi) * (180 / np.pi)
    slope = np.gradient(shape.outline, ANGLES[1] - ANGLES[0])
    steep = np.hypot(shape.outline, slope)
    # The outward normal of the rim, in the balloon's own frame.
    out = np.stack(
        [
            (shape.outline * np.sin(ANGLES) - slope * np.cos(ANGLES)) / steep,
            (shape.outline * np.cos(ANGLES) + slope * np.sin(ANGLES)) / steep,
            shape.outline,
            shape.outline / steep,
        ]
    )
    low = place.astype(np.int32).clip(0, 359)
    part = (place - low)[None]
    right, up, rim, cosine = out[:, low] * (1 - part) + out[:, low + 1] * part
    radius = np.hypot(across, along)
    depth = (rim - radius) * cosine * shape.radius
    cover = np.clip(0.5 + depth, 0, 1)
    if shape.knot:
        below = -along - shape.knot + 0.04
        flare = np.minimum(0.03 + 0.6 * below - abs(across), 0.16 - below)
        cover = np.maximum(cover, np.clip(0.5 + flare * shape.radius, 0, 1))
    part = np.clip(radius / rim, 0, 1) ** (3 if flat else 1)
    right, up = right * part, up * part
    front = np.sqrt(np.clip(1 - part**2, 0, 1))
    normals = np.stack([right * cos + up * sin, up * cos - right * sin, front], -1)
    return window, cover, normals.astype(np.float32), depth


def drawn(
    shape: Shape,
    rubber: Rubber,
    lamps: Lamps,
    size: tuple[int, ...],
    rng: np.random.Generator,
) -> tuple[Layer, np.ndarray]:
    """Return the balloon as a layer, and the shadow that it casts close round it."""
    window, cover, normals, depth = form(shape, size, flat=rubber.flat)
    front = normals[..., 2:]
    if rubber.flat:  # Crinkles along the seam.
        rim = np.clip(1 - depth / (0.25 * shape.radius), 0, 1)
        waves = np.sin(
            depth / shape.radius * 9 + 14 * normals[..., 0] * normals[..., 1]
        )
        normals = normals + (0.25 * rim * waves)[..., None] * normals[..., [1, 0, 2]]
    tone = 1 + 0.8 * (1 - front) ** 2 if not rubber.flat else 1.0
    body = np.clip(rubber.albedo, 0.01, 1) ** tone
    if rubber.print is not None:
        ink = printed(normals, shape.turn, rng)[..., None]
        body = body + (rubber.print - body) * ink
    colour = body * _lit(normals, rubber, lamps)
    colour = colour + _mirrored(normals, front, rubber, lamps)
    # A thin edge of darker or brighter light, as the film grows thick in perspective.
    opacity = rubber.opacity + (1 - rubber.opacity) * (1 - front[..., 0]) ** 2
    shadow = np.exp(np.minimum(depth, 0) / (0.09 * shape.radius))
    return Layer(window, cover, np.clip(colour, 0, 1), opacity), shadow


def _lit(normals: np.ndarray, rubber: Rubber, lamps: Lamps) -> np.ndarray:
    """Return the light that rubber sends back, RGB (h, w, 3)."""
    up = 0.5 + 0.5 * normals[..., 1:2]
    around = lamps.ground + (lamps.sky - lamps.ground) * up
    towards = (normals @ lamps.direction)[..., None]
    wrapped = np.clip((towards + 0.45) / 1.45, 0, 1)
    # Light through the far side makes the side away from the lamp glow.
    through = np.clip(-(normals @ (lamps.direction * (1, 1, -0.6))), 0, 1)[..., None]
    glow = through**1.5 * (0.25 + 1.5 * (1 - rubber.opacity))
    sheen = rubber.sheen * np.clip(towards, 0, 1) ** 3
    return around + lamps.colour * (wrapped + glow + sheen)


def _mirrored(
    normals: np.ndarray, front: np.ndarray, rubber: Rubber, lamps: Lamps
) -> np.ndarray:
    """Return what the skin mirrors: the surroundings and the lamps, RGB (h, w, 3)."""
    rows, columns = lamps.around.shape[:2]
    row = ((0.5 - 0.49 * normals[..., 1]) * rows).astype(int)
    column = ((0.5 + 0.49 * normals[..., 0]) * columns).astype(int)
    strength = rubber.mirror + (1 - rubber.mirror) * 0.5 * (1 - front) ** 4
    shine = strength * lamps.around[row.clip(0, rows - 1), column.clip(0, columns - 1)]
    white = np.zeros(front.shape[:2], np.float32)
    for place, pane in zip(lamps.places, lamps.panes, strict=True):
        offset = normals[..., :2] - place
        if pane.any():
            edge = 1 - (abs(offset) / pane).max(axis=-1)
            bars = (abs(offset) > 0.06 * pane).all(axis=-1)
            white += np.clip(edge * lamps.sharp, 0, 1) * bars
        else:
            white += np.exp(-(offset**2).sum(axis=-1) * lamps.sharp**2)
    seen = (front[..., 0] > 0.1) * rubber.gloss
    return shine + lamps.colour * (white * seen)[..., None]
