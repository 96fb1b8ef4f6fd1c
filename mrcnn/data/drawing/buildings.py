"""Rooms and streets: walls, windows, furniture, houses and cars."""

from pathlib import Path

import numpy as np

from mrcnn.data import scenery
from mrcnn.data.drawing.canvas import Canvas, byte, image_of, picture_of, tone


def room(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a wall with windows, pictures and furniture, and perhaps a floor."""
    wall, floor = 0.15 + 0.8 * tone(rng), tone(rng) * 0.8
    left, right = wall * rng.uniform(0.5, 1, (2, 1))
    ramp = scenery.ramp(width, height, left, right).transpose(1, 0, 2)
    canvas = Canvas(ramp)
    edge = height * rng.uniform(0.6, 1.3)
    canvas.block(0, edge, width, height, byte(floor))
    for x in np.arange(0, 3 * width, width * rng.uniform(0.05, 0.2)):
        ends = np.array(
            [[x - width, height * 1.2], [width / 2 + (x - width * 1.5) * 0.3, edge]]
        )
        if edge < height:
            canvas.line(ends, 1, byte(floor * 0.7))
    for _ in range(rng.integers(0, 4)):
        _window(canvas, rng)
    for _ in range(rng.integers(1, 7)):
        _furniture(canvas, edge, rng)
    if rng.random() < 0.3:
        _curtain(canvas, rng)
    return canvas.picture()


def _window(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a window or a picture on a wall, with something in it."""
    tall, wide = rng.uniform(0.1, 0.6, 2) * (canvas.height, canvas.width)
    y, x = rng.uniform(0, canvas.height - tall), rng.uniform(-wide / 2, canvas.width)
    frame = max(2.0, 0.04 * wide)
    canvas.block(
        x - frame, y - frame, x + wide + frame, y + tall + frame, byte(tone(rng))
    )
    canvas.block(x, y, x + wide, y + tall, byte(rng.uniform(0.7, 1.1) * np.ones(3)))
    if rng.random() < 0.6:
        inner = scenery.patch(max(int(tall), 4), max(int(wide), 4), rng) * rng.uniform(
            0.7, 1.4
        )
        pasted = image_of(inner)
        size = (max(int(2 * wide), 4), max(int(2 * tall), 4))
        canvas.image.paste(pasted.resize(size), (int(2 * x), int(2 * y)))
    if rng.random() < 0.6:
        for part in np.arange(1, rng.integers(2, 5)) / rng.integers(2, 5):
            canvas.block(
                x + part * wide,
                y,
                x + part * wide + frame / 2,
                y + tall,
                byte(tone(rng)),
            )
            canvas.block(
                x,
                y + part * tall,
                x + wide,
                y + part * tall + frame / 2,
                byte(tone(rng)),
            )


def _furniture(canvas: Canvas, edge: float, rng: np.random.Generator) -> None:
    """Draw a cupboard, a table or a shelf that stands on the floor."""
    tall, wide = (
        rng.uniform(0.1, 0.6) * canvas.height,
        rng.uniform(0.1, 0.4) * canvas.width,
    )
    x, low = (
        rng.uniform(-wide / 2, canvas.width),
        edge + rng.uniform(0, 0.2) * canvas.height,
    )
    colour = tone(rng, 0.6) * 0.8
    if rng.random() < 0.4:  # Table: a board on legs.
        thick = tall * 0.08
        canvas.block(x, low - tall, x + wide, low - tall + thick, byte(colour))
        for leg in (0.03, 0.9):
            canvas.block(
                x + leg * wide,
                low - tall,
                x + (leg + 0.05) * wide,
                low,
                byte(colour * 0.7),
            )
        return
    canvas.block(x, low - tall, x + wide, low, byte(colour))
    rows = int(rng.integers(1, 5))
    for row in range(rows):
        top = low - tall + (row + 0.08) * tall / rows
        inside = byte(colour * rng.uniform(0.4, 1.2))
        canvas.block(
            x + 0.04 * wide, top, x + 0.96 * wide, top + 0.84 * tall / rows, inside
        )
        for _ in range(rng.integers(0, 8)):
            at, thick = (
                x + rng.uniform(0.05, 0.85) * wide,
                rng.uniform(0.02, 0.1) * wide,
            )
            high = rng.uniform(0.3, 0.8) * tall / rows
            shelf = top + 0.84 * tall / rows
            canvas.block(at, shelf - high, at + thick, shelf, byte(tone(rng, 0.9)))


def _curtain(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw cloth in folds at a side."""
    wide = canvas.width * rng.uniform(0.1, 0.5)
    start = rng.choice((0.0, canvas.width - wide))
    colour, fold = tone(rng, 0.7), wide / rng.uniform(3, 12)
    for x in np.arange(0, wide, max(fold / 8, 1)):
        light = 0.75 + 0.3 * np.sin(2 * np.pi * x / fold)
        canvas.block(
            start + x, 0, start + x + fold / 8, canvas.height, byte(colour * light)
        )


def street(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return houses with windows, shop signs and cars on a road."""
    edge = height * rng.uniform(0.5, 0.85)
    picture = scenery.sky(height, width, rng)
    picture[int(edge) :] = ground(height - int(edge), width, rng)
    canvas = Canvas(picture)
    x = -width * rng.uniform(0, 0.2)
    while x < width:
        wide, tall = width * rng.uniform(0.12, 0.6), edge * rng.uniform(0.3, 1.3)
        _house(canvas, x, edge - tall, x + wide, edge, rng)
        x += wide * rng.uniform(0.9, 1.3)
    for _ in range(rng.integers(0, 4)):
        _car(canvas, edge, rng)
    return canvas.picture()


def _house(
    canvas: Canvas,
    left: float,
    top: float,
    right: float,
    low: float,
    rng: np.random.Generator,
) -> None:
    """Draw a front with rows of windows."""
    wall = tone(rng) * 0.8 + 0.08
    canvas.block(left, top, right, low, byte(wall))
    rows, columns = rng.integers(1, 7, 2)
    glass, frame = tone(rng, 0.3) * rng.uniform(0.2, 1), wall * rng.uniform(0.5, 1.5)
    tall, wide = (low - top) / rows, (right - left) / columns
    part = rng.uniform(0.3, 0.85, 2)
    for row in range(rows):
        for column in range(columns):
            y, x = top + (row + 0.5) * tall, left + (column + 0.5) * wide
            half = 0.5 * part * (tall, wide)
            canvas.block(
                x - half[1] - 1,
                y - half[0] - 1,
                x + half[1] + 1,
                y + half[0] + 1,
                byte(frame),
            )
            pane = byte(glass * rng.uniform(0.6, 1.4))
            canvas.block(x - half[1], y - half[0], x + half[1], y + half[0], pane)
    if rng.random() < 0.4:
        at = low - rng.uniform(0.3, 0.6) * (low - top) / rows
        canvas.block(left, at, right, at + 0.15 * tall, byte(tone(rng, 1)))


def _car(canvas: Canvas, edge: float, rng: np.random.Generator) -> None:
    """Draw a car from its side."""
    long = canvas.width * rng.uniform(0.12, 0.5)
    x, y, colour = (
        rng.uniform(-long / 2, canvas.width),
        edge + long * rng.uniform(0, 0.15),
        tone(rng, 1),
    )
    high = long * rng.uniform(0.15, 0.25)
    roof = np.array([(0.2, -1.8), (0.7, -1.8), (0.85, -1), (0.08, -1)])
    canvas.polygon(roof * (long, high) + (x, y), byte(colour))
    canvas.polygon(
        (roof - (0.45, -1.4)) * (0.85, 0.7) * (long, high)
        + (x + 0.45 * long, y - 1.4 * high),
        byte(tone(rng) * 0.4),
    )
    canvas.block(x, y - high, x + long, y - 0.1 * high, byte(colour * 0.9))
    for part in (0.2, 0.8):
        canvas.disc(y, x + part * long, 0.5 * high, 0.5 * high, (25, 25, 28))
        canvas.disc(y, x + part * long, 0.25 * high, 0.25 * high, byte(tone(rng)))


def ground(
    height: int, width: int, rng: np.random.Generator, path: Path | None = None
) -> np.ndarray:
    """Return grass or paving that becomes finer and paler towards the horizon."""
    near = scenery.textured(2 * height, width, rng, path)
    if path is None:
        near = near.mean(axis=2, keepdims=True) * (0.6 + 0.5 * tone(rng, 0.2))
    small = np.tile(picture_of(image_of(near).reduce((3, 3))), (1, 3, 1))[:, :width]
    part = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** 0.5
    far = small[np.linspace(0, len(small) - 1, height).astype(int)]
    mean = far.mean(axis=(0, 1))
    return mean + ((1 - part) * far + part * near[:height] - mean) * (0.25 + 0.6 * part)
