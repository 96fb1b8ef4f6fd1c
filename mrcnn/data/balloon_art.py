"""How a balloon looks: its outline, its rubber, its string and what covers it.

Pictures are float32 RGB (H, W, 3) in 0..1; `owner` is int (H, W), which balloon each
pixel shows, 0 for none. Both are drawn on in place.
"""

from typing import NamedTuple

import numpy as np

from mrcnn.data.scenery import blob, patch

SHOWN = 0.25
"""Least share of a balloon, of what lies in the image, that others leave in view."""
ALBEDO = (
    np.array(
        [
            *((224, 16, 32), (224, 16, 32), (208, 40, 72), (240, 57, 156)),
            *((255, 156, 200), (255, 255, 255), (244, 240, 232), (255, 212, 0)),
            *((255, 232, 96), (255, 122, 16), (232, 90, 16), (16, 160, 64)),
            *((144, 216, 32), (40, 184, 160), (24, 160, 232), (20, 80, 208)),
            *((16, 40, 136), (112, 40, 176), (176, 128, 224), (32, 28, 34)),
            *((200, 152, 56), (192, 196, 204)),
        ]
    )
    / 255
)
"""Colours of rubber, RGB in 0..1; red is the commonest."""


class Balloon(NamedTuple):
    """Place, form and rubber of one balloon; lengths in pixels of the drawing."""

    y: float
    x: float
    radius: float
    length: float  # Half the height over half the width.
    taper: float  # How much narrower the lower end is, 0..1.
    turn: float  # Radians, 0 with the knot down.
    colour: np.ndarray
    opacity: float


class Light(NamedTuple):
    """What all balloons of an image share."""

    direction: np.ndarray  # Unit vector (right, up, towards the viewer).
    tint: np.ndarray  # RGB.
    ambient: float
    gloss: float


def form(
    balloon: Balloon, shape: tuple[int, ...]
) -> tuple[np.ndarray, tuple[slice, slice], np.ndarray]:
    """Return the balloon's pixels in a window, the window, and its unit normals.

    Normals are those of a sphere laid over the outline: (right, up, front), (h, w, 3).
    """
    reach = balloon.radius * balloon.length * 1.2
    top, left = (max(int(v - reach), 0) for v in (balloon.y, balloon.x))
    bottom = max(min(int(balloon.y + reach) + 2, shape[0]), top)
    right = max(min(int(balloon.x + reach) + 2, shape[1]), left)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    dy = (balloon.y - rows) / balloon.radius
    dx = (columns - balloon.x) / balloon.radius
    cos, sin = np.cos(balloon.turn), np.sin(balloon.turn)
    across, along = dx * cos - dy * sin, dx * sin + dy * cos
    up = along / balloon.length
    width = 1 - balloon.taper * np.clip(0.5 - 0.5 * up, 0, 1) ** 2
    side = across / width
    front = 1 - up**2 - side**2
    below = -up - 0.96  # The knot flares below the body.
    knot = (below > 0) & (below < 0.13) & (abs(across) < 0.06 + 0.6 * below)
    normals = np.stack([side * cos + up * sin, up * cos - side * sin], axis=-1)
    front = np.sqrt(np.clip(front, 0, 1))
    window = slice(top, bottom), slice(left, right)
    return (front > 0) | knot, window, np.dstack([normals, front])


def paint(
    region: np.ndarray,
    inside: np.ndarray,
    normals: np.ndarray,
    balloon: Balloon,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Shade the balloon's pixels into `region`, a view of the picture."""
    front = normals[..., 2:]
    lit = np.clip(normals @ light.direction, 0, 1)[..., None]
    # Rubber is seen through more of it at the rim: deeper in colour, less clear.
    depth = 1 + 1.4 * (1 - front) ** 2
    body = np.clip(balloon.colour, 0.02, 1) ** depth
    if rng.random() < 0.1:
        body = _printed(body, normals, rng)
    shade = light.ambient + (1.1 - light.ambient) * lit
    # Light that passed through the far side makes the side away from it glow.
    glow = (
        0.35
        * (1 - balloon.opacity + 0.2)
        * np.clip(-(normals @ (light.direction * (1, 1, -0.3))), 0, 1)
    )
    painted = body * (shade + glow[..., None]) * light.tint
    painted += _highlights(normals, light, rng)
    opacity = balloon.opacity + (1 - balloon.opacity) * (1 - front)
    mixed = painted * opacity + region * (1 - opacity)
    region[inside] = np.clip(mixed, 0, 1)[inside]


def _printed(
    body: np.ndarray, normals: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the rubber's colour with dots printed on it."""
    cells = normals[..., :2] * rng.uniform(2, 5)
    cells[..., 0] += 0.5 * np.floor(cells[..., 1])  # Every other row is shifted.
    dots = np.hypot(*np.moveaxis(cells % 1 - 0.5, -1, 0)) < rng.uniform(0.12, 0.3)
    return np.where(dots[..., None], rng.uniform(0.7, 1), body)


def _highlights(
    normals: np.ndarray, light: Light, rng: np.random.Generator
) -> np.ndarray:
    """Return the mirrored lamp, a window now and then, and the sky, (h, w, 1)."""
    half = light.direction + np.array([0, 0, 1])
    aligned = np.clip(normals @ (half / np.linalg.norm(half)), 0, 1)
    sharp = np.exp(rng.uniform(np.log(20), np.log(300)))
    shine = light.gloss * aligned**sharp + 0.15 * light.gloss * aligned**8
    if rng.random() < 0.35:
        place = rng.uniform(-0.6, 0.6), rng.uniform(0, 0.7)
        reach = rng.uniform(0.06, 0.2, 2)
        offsets = abs(normals[..., :2] - place) / reach
        pane = np.clip((1.15 - offsets.max(axis=-1)) * 6, 0, 1)
        shine = shine + pane * light.gloss * 0.6 * (normals[..., 2] > 0.2)
    return shine[..., None]


def cover(
    picture: np.ndarray,
    owner: np.ndarray,
    areas: list[int],
    rng: np.random.Generator,
) -> None:
    """Put something of a photograph before the balloons, in both arrays."""
    height, width = owner.shape
    rows, columns = np.nonzero(owner)
    chosen = rng.integers(len(rows))
    radii = rng.uniform(0.03, 0.14, 2) * max(height, width)
    inside = blob((height, width), (rows[chosen], columns[chosen]), tuple(radii), rng)
    left = np.bincount(owner[~inside], minlength=len(areas))
    if (left[1:] >= SHOWN * np.array(areas[1:])).all():
        picture[inside] = patch(height, width, rng)[inside]
        owner[inside] = 0


def draw_string(
    picture: np.ndarray, owner: np.ndarray, balloon: Balloon, rng: np.random.Generator
) -> None:
    """Hang a slightly bent string from the knot, behind every balloon drawn so far."""
    reach = 1.08 * balloon.radius * balloon.length
    start = np.array([np.cos(balloon.turn), -np.sin(balloon.turn)]) * reach
    start += balloon.y, balloon.x
    end = start + balloon.radius * np.array([rng.uniform(1, 7), rng.normal(0, 0.7)])
    bend = (start + end) / 2 + balloon.radius * np.array([0, rng.normal(0, 0.5)])
    t = np.linspace(0, 1, int(12 * balloon.radius) + 2)[:, None]
    points = start * (1 - t) ** 2 + 2 * bend * t * (1 - t) + end * t**2
    thick = 1 + int(balloon.radius > 60)
    rows, columns = (
        np.concatenate([points + np.array([0, k]) for k in range(thick)]).astype(int).T
    )
    height, width = owner.shape
    kept = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = rows[kept], columns[kept]
    free = owner[rows, columns] == 0
    colour = balloon.colour if rng.random() < 0.3 else np.full(3, rng.random())
    picture[rows[free], columns[free]] = colour
