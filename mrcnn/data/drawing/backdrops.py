"""Backgrounds of varied scenes, and the light and grain on them.

Pictures are float32 RGB (H, W, 3) in 0..1.
"""

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import ImageFilter

from mrcnn.data import scenery
from mrcnn.data.drawing.buildings import ground, room, street
from mrcnn.data.drawing.canvas import Canvas, byte, tone
from mrcnn.data.drawing.things import thing


def backdrop(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a scene without balloons."""
    kinds: dict[Callable, float] = {
        _collage: 0.27,
        room: 0.17,
        street: 0.14,
        _garden: 0.12,
        _sky: 0.09,
        _wall: 0.1,
        _bokeh: 0.06,
        _studio: 0.05,
    }
    kind = list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))]
    picture = kind(height, width, rng)
    if kind not in (_sky, _studio, _bokeh):
        canvas = Canvas(picture)
        for _ in range(rng.integers(0, 9)):
            thing(canvas, rng)
        picture = canvas.picture()
        picture = _weathered(picture, rng)
    return picture


def _weathered(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add uneven light, and the grain of surfaces as photographs have it."""
    height, width = picture.shape[:2]
    shade = 1 + rng.uniform(0, 0.7) * (scenery.clouds(height, width, rng) - 0.5)
    if rng.random() < 0.6:
        grain = scenery.patch(height, width, rng).mean(axis=2)
        shade *= 1 + rng.uniform(0.1, 0.7) * (grain - grain.mean())
    return np.clip(picture * shade[..., None], 0, 1)


def _collage(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return photographs in new colours, one or some beside and over each other."""
    picture = scenery.patch(height, width, rng).copy()
    for _ in range(rng.choice((0, 1, 2, 5), p=(0.45, 0.2, 0.15, 0.2))):
        tall, wide = (int(rng.uniform(0.2, 0.9) * side) for side in (height, width))
        top, left = rng.integers(0, height - tall), rng.integers(0, width - wide)
        other = scenery.patch(tall, wide, rng)
        soft = np.clip(scenery.clouds(tall, wide, rng) * 14 - 6, 0, 1)[..., None]
        region = picture[top : top + tall, left : left + wide]
        region += (other - region) * soft
    return picture


def _leaves(
    canvas: Canvas, rng: np.random.Generator, colours: np.ndarray, box: tuple
) -> None:
    """Fill a box (top, left, bottom, right) with leaves."""
    top, left, bottom, right = box
    largest = rng.uniform(0.006, 0.03) * max(canvas.height, canvas.width)
    count = int(np.clip(2 * (bottom - top) * (right - left) / largest**2, 50, 2500))
    middles = np.stack(
        [rng.uniform(left, right, count), rng.uniform(top, bottom, count)]
    )
    radii = (
        largest * rng.uniform(0.4, 1.5, (count, 1)) * rng.uniform(0.4, 1, (count, 4))
    )
    angles = rng.uniform(0, 6, (count, 1)) + np.array([0, 1.2, 3.1, 4.4])
    corners = np.stack([np.cos(angles), np.sin(angles)], -1) * radii[..., None]
    corners += middles.T[:, None]
    light = rng.uniform(0.4, 1.4, (count, 1)) * colours[np.arange(count) % len(colours)]
    for leaf, colour in zip(corners, light, strict=True):
        canvas.polygon(leaf, byte(colour))


def _greens(rng: np.random.Generator, count: int = 6) -> np.ndarray:
    hues, light = rng.uniform(0.17, 0.38, count), rng.uniform(0.15, 0.7)
    return np.array(
        [
            colorsys.hsv_to_rgb(h, rng.uniform(0.2, 0.8), light * rng.uniform(0.5, 1.4))
            for h in hues
        ]
    ).clip(0, 1)


def _garden(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return lawn, bushes and trunks below some sky."""
    edge = int(height * rng.uniform(0.3, 0.9))
    picture = scenery.sky(height, width, rng)
    picture[edge:] = ground(height - edge, width, rng, scenery.GRASS)
    canvas = Canvas(picture)
    top = edge - height * rng.uniform(0.2, 0.9)
    back = tone(rng) * 0.4
    canvas.block(0, top + height * 0.1, width, edge, byte(back))
    _leaves(canvas, rng, _greens(rng), (top, 0, edge, width))
    for _ in range(rng.integers(0, 5)):
        x, half = rng.uniform(0, width), width * rng.uniform(0.005, 0.03)
        canvas.block(x - half, top, x + half, edge + half, byte(tone(rng) * 0.6))
    return canvas.picture()


def _sky(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return sky, above hills, sea, roofs or nothing."""
    picture = scenery.sky(height, width, rng)
    if rng.random() < 0.4:
        return picture
    canvas = Canvas(picture)
    for _ in range(rng.integers(1, 4)):
        x = np.linspace(0, width, 40)
        base = height * rng.uniform(0.65, 1)
        rough = rng.choice((1, 4))
        walk = np.cumsum(rng.normal(0, rough * height / 100, 40))
        line = np.stack([x, base - walk], 1)
        corners = [*line, (width, height), (0, height)]
        canvas.polygon(np.array(corners), byte(tone(rng) * rng.uniform(0.2, 0.9)))
    if rng.random() < 0.3:
        x = width * rng.choice((0, 1))
        _leaves(
            canvas,
            rng,
            _greens(rng),
            (height * 0.4, x - width * 0.2, height, x + width * 0.2),
        )
    return canvas.picture()


def _wall(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return bricks, planks, tiles, water or cloth."""
    kind = rng.choice(("texture", "planks", "bricks", "waves"))
    if kind == "texture":
        return scenery.textured(height, width, rng)
    base = tone(rng, 0.6) * 0.8 + 0.1
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = base
    if kind == "waves":
        y = np.linspace(0, rng.uniform(4, 40), height, dtype=np.float32)[:, None]
        wave = np.sin(2 * np.pi * (y + 2 * scenery.clouds(height, width, rng)))
        picture *= (1 + rng.uniform(0.1, 0.4) * wave)[..., None]
        return picture
    canvas = Canvas(picture)
    tall = height / rng.integers(5, 30)
    wide = tall * (rng.uniform(1.5, 4) if kind == "bricks" else 40)
    joint = byte(base * rng.choice((0.4, 1.4)))
    gap = max(tall * 0.04, 0.5)
    for i, y in enumerate(np.arange(0, height, tall)):
        for x in np.arange(-(i % 2) * wide / 2, width, wide):
            colour = byte(base * rng.uniform(0.75, 1.2))
            canvas.block(x, y, x + wide, y + tall, joint)
            canvas.block(x + gap, y + gap, x + wide - gap, y + tall - gap, colour)
    picture = canvas.picture()
    return picture


def _bokeh(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return lights and leaves far out of focus."""
    base = tone(rng, 0.7) * rng.choice((0.15, 0.7))
    canvas = Canvas(np.broadcast_to(base, (height, width, 3)))
    colours = (
        _greens(rng)
        if rng.random() < 0.4
        else np.array([tone(rng, 0.8) for _ in range(6)])
    )
    for i in range(rng.integers(30, 120)):
        radius = max(height, width) * rng.uniform(0.01, 0.12)
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        colour = colours[i % 6] * rng.uniform(0.6, 1.3)
        canvas.disc(y, x, radius, radius * rng.uniform(0.6, 1.2), byte(colour))
    radius = float(max(height, width) * rng.uniform(0.01, 0.05))
    canvas.image = canvas.image.filter(ImageFilter.BoxBlur(2 * radius))
    return canvas.picture()


def _studio(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a plain ground, white, black or coloured, lit from somewhere."""
    base = rng.choice(([0.98] * 3, [0.04] * 3, tone(rng, 0.6)))
    far = base * rng.uniform(0.55, 1.05)
    picture = scenery.ramp(height, width, base, far)
    return picture
