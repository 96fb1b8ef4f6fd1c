"""People, roughly: bodies in clothes, heads with hair, arms that hold or hide.

All are lists of layers, from the back to the front, in pixels of the picture.
"""

from typing import NamedTuple

import numpy as np

from mrcnn.data import scenery
from mrcnn.data.drawing.canvas import tone
from mrcnn.data.drawing.layers import Layer, box, grid
from mrcnn.data.drawing.rubber import Lamps

SKIN = np.array([(238, 200, 175), (224, 172, 140), (190, 132, 98), (120, 78, 54)]) / 255
HAIR = np.array([(30, 24, 22), (70, 45, 28), (120, 80, 45), (200, 165, 105)]) / 255
Point = np.ndarray
"""(y, x) in pixels, float (2,)."""


class Stage(NamedTuple):
    """Where people stand: the light, and the size of the picture."""

    lamps: Lamps
    size: tuple[int, ...]


class Person(NamedTuple):
    """How somebody looks; lengths are pixels."""

    height: float
    skin: np.ndarray
    hair: np.ndarray
    shirt: np.ndarray
    trousers: np.ndarray
    stripes: float  # Bands along a limb; 0 for plain cloth.
    pattern: np.ndarray | None  # Part of a photograph, printed on the shirt.
    child: bool


def somebody(height: float, rng: np.random.Generator) -> Person:
    """Return a random person `height` pixels tall."""
    return Person(
        height,
        skin=SKIN[rng.choice(4, p=(0.4, 0.3, 0.15, 0.15))] * rng.uniform(0.85, 1.08, 3),
        hair=HAIR[rng.integers(4)] * rng.uniform(0.7, 1.2),
        shirt=tone(rng, 0.8),
        trousers=tone(rng, 0.5) * 0.7,
        stripes=rng.uniform(3, 12) if rng.random() < 0.25 else 0,
        pattern=scenery.patch(64, 64, rng) if rng.random() < 0.3 else None,
        child=bool(rng.random() < 0.4),
    )


def limb(
    ends: tuple[Point, Point],
    radii: tuple[float, float],
    colour: np.ndarray,
    stage: Stage,
    clothed: Person | None = None,
) -> Layer:
    """Return a rounded, tapering piece between two points, in somebody's cloth."""
    (y0, x0), (y1, x1) = ends
    reach = (abs(y1 - y0) / 2 + max(radii) + 2, abs(x1 - x0) / 2 + max(radii) + 2)
    window = box(((y0 + y1) / 2, (x0 + x1) / 2), reach, stage.size)
    rows, columns = grid(window)
    length = max(np.hypot(y1 - y0, x1 - x0), 1e-3)
    down, right = (y1 - y0) / length, (x1 - x0) / length
    along = np.clip(((rows - y0) * down + (columns - x0) * right) / length, 0, 1)
    radius = radii[0] + (radii[1] - radii[0]) * along
    dy, dx = rows - y0 - along * length * down, columns - x0 - along * length * right
    far = np.hypot(dy, dx)
    cover = np.clip(radius - far + 0.5, 0, 1)
    flesh = np.asarray(colour, np.float32)
    if clothed is not None and clothed.stripes:
        bands = np.clip(6 * np.sin(2 * np.pi * clothed.stripes * along), -1, 1)
        flesh = flesh + 0.3 * bands[..., None] * (1 - 2 * flesh)
    if clothed is not None and clothed.pattern is not None:
        at = (along * 63).astype(int), ((dx / radius * 0.45 + 0.5) * 63).astype(int)
        flesh = clothed.pattern[at[0], at[1].clip(0, 63)]
    part = 1 / np.maximum(radius, 1)
    painted = flesh * light(dx * part, -dy * part, stage.lamps)
    return Layer(window, cover, painted.clip(0, 1))


def light(right: np.ndarray, up: np.ndarray, lamps: Lamps) -> np.ndarray:
    """Return the light that falls on matter whose normal is (right, up), RGB."""
    x, y, z = lamps.direction
    front = np.sqrt(np.clip(1 - right**2 - up**2, 0, 1))
    lit = np.clip((right * x + up * y + front * z + 0.3) / 1.3, 0, 1)[..., None]
    return (lamps.sky + lamps.ground) * 0.5 + lamps.colour * lit


def head(
    centre: Point, radius: float, who: Person, stage: Stage, rng: np.random.Generator
) -> list[Layer]:
    """Return a head: long or short hair, and before it a face or more hair."""
    window = box(tuple(centre), radius * 1.7 + 2, stage.size)
    rows, columns = grid(window)
    lean, turned = rng.normal(0, 0.2), rng.choice((0.0, 0.5, -0.5, 3.0))
    y, x = (rows - centre[0]) / radius, (columns - centre[1]) / radius
    x, y = x * np.cos(lean) + y * np.sin(lean), y * np.cos(lean) - x * np.sin(lean)
    cover = (1 - np.hypot(x / 0.8, y / (1.05 - 0.05 * y))) * radius * 0.85 + 0.5
    strands = 1 + 0.25 * np.sin(14 * x + 5 * np.sin(4 * y))[..., None]
    edge = -0.35 - 0.25 * x**2 if turned != 3.0 else 2.0
    top = np.clip((edge - y) * radius, 0, 1)[..., None]
    flesh = _face(x - turned * 0.5, y, x, who)
    flesh += (who.hair * strands - flesh) * top
    long = rng.choice((0.0, 0.4, 1.3), p=(0.4, 0.3, 0.3))
    low = np.where(y > 0, y / (0.1 + long), y / 1.05)
    shell = (1.12 - np.hypot(x / 0.95, low)) * radius
    lit = light(x * 0.9, -y * 0.9, stage.lamps)
    hair = np.clip(who.hair * strands * lit * 0.8, 0, 1)
    return [
        Layer(window, np.clip(shell, 0, 1).astype(np.float32), hair),
        Layer(window, np.clip(cover, 0, 1), np.clip(flesh * lit, 0, 1)),
    ]


def _face(x: np.ndarray, y: np.ndarray, across: np.ndarray, who: Person) -> np.ndarray:
    """Return skin with eyes, brows, a mouth and a nose, RGB (h, w, 3).

    `x` and `y` count from the middle of the face, `across` from that of the head, in
    radii of the head.
    """
    flesh = np.empty((*x.shape, 3), np.float32)
    flesh[:] = who.skin
    for side in (-0.33, 0.33):
        eye = np.hypot((x - side) / 0.13, (y + 0.05) / 0.07)
        flesh *= 1 - 0.75 * np.clip(1.5 - eye, 0, 1)[..., None]
        brow = np.hypot((x - side) / 0.2, (y + 0.24) / 0.04)
        flesh *= 1 - 0.4 * np.clip(1.5 - brow, 0, 1)[..., None]
    mouth = np.hypot(x / 0.26, (y - 0.5 - 0.3 * across**2) / 0.07)
    red = np.clip(1.4 - mouth, 0, 1)[..., None]
    flesh += (who.skin * (0.75, 0.4, 0.4) - flesh) * red
    nose = np.exp(-(((x - 0.07) / 0.07) ** 2 + ((y - 0.2) / 0.14) ** 2))
    return flesh * (1 - 0.25 * nose[..., None])


def hand(
    at: Point, radius: float, who: Person, stage: Stage, rng: np.random.Generator
) -> list[Layer]:
    """Return a hand with four fingers and a thumb; small ones have no fingers."""
    turn = rng.uniform(0, 2 * np.pi)
    palm = at, at + radius * 0.5 * np.array([np.sin(turn), np.cos(turn)])
    layers = [limb(palm, (radius, radius * 0.9), who.skin, stage)]
    if radius > 3:
        for k in (-3, -1.5, -0.5, 0.5, 1.5):
            angle = turn + 0.25 * k
            tip = at + radius * 2.3 * np.array([np.sin(angle), np.cos(angle)])
            skin = who.skin * rng.uniform(0.85, 1)
            layers.append(limb((at, tip), (radius * 0.35, radius * 0.27), skin, stage))
    return layers


def arm(
    shoulder: Point, wrist: Point, who: Person, stage: Stage, rng: np.random.Generator
) -> list[Layer]:
    """Return an arm from shoulder to wrist, bent at the elbow, and its hand."""
    thick = who.height * (0.033 if who.child else 0.026)
    away = wrist - shoulder
    bend = rng.choice((-1, 1)) * 0.25 * np.array([away[1], -away[0]])
    elbow = shoulder + away / 2 + bend + np.array([0.1 * abs(away).max(), 0])
    sleeve = (who.shirt, stage, who) if rng.random() < 0.6 else (who.skin, stage)
    return [
        limb((shoulder, elbow), (thick * 1.4, thick), who.shirt, stage, who),
        limb((elbow, wrist), (thick, thick * 0.75), *sleeve),
        *hand(wrist, thick * 0.9, who, stage, rng),
    ]


def body(
    foot: Point, who: Person, stage: Stage, rng: np.random.Generator
) -> tuple[list[Layer], Point, Point]:
    """Return somebody without arms, and where the shoulders are."""
    tall = who.height
    wide, skull = (0.11, 0.1) if who.child else (0.1, 0.07)
    hips, chest = 0.47, 0.78 if not who.child else 0.72

    def at(up: float, right: float) -> Point:
        return foot + tall * np.array([-up, right])

    layers = []
    for side, step in zip((-1, 1), rng.uniform(0, 0.08, 2), strict=True):
        leg = at(hips, side * 0.05), at(0.02, side * (0.05 + step))
        layers.append(limb(leg, (tall * 0.055, tall * 0.035), who.trousers, stage))
    neck = at(chest + 0.1, 0), at(chest, 0)
    layers.append(limb(neck, (tall * 0.035, tall * 0.04), who.skin * 0.85, stage))
    if rng.random() < 0.3:
        skirt = at(hips + 0.1, 0), at(0.25, 0)
        layers.append(limb(skirt, (tall * 0.07, tall * 0.13), who.shirt, stage, who))
    for side in (-0.5, 0.5):
        half = at(chest - 0.03, side * wide), at(hips, side * wide * 0.7)
        radii = tall * wide * 0.62, tall * wide * 0.55
        layers.append(limb(half, radii, who.shirt, stage, who))
    layers += head(at(1 - skull, 0), tall * skull, who, stage, rng)
    return layers, at(chest, -wide), at(chest, wide)
