"""Things that are no balloons, many of them round or bright."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mrcnn.data.drawing.canvas import Canvas, byte, tone
from mrcnn.data.drawing.prints import star


class Place(NamedTuple):
    """Where a thing lies, how large it is and of which colour, RGB in 0..1."""

    y: float
    x: float
    size: float
    colour: np.ndarray


def thing(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw one of them somewhere."""
    longer = max(canvas.height, canvas.width)
    size = longer * np.exp(rng.uniform(np.log(0.015), np.log(0.12)))
    y, x = rng.uniform(0, canvas.height), rng.uniform(0, canvas.width)
    colour = tone(rng, 0.9)
    kinds: tuple[Callable, ...] = (
        *(_box, _plate, _plate, _flower),
        *(_lamp, _pole, _flags, _pile),
    )
    kinds[rng.choice(8)](canvas, Place(y, x, size, colour), rng)


def _box(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, colour = at
    wide, tall = size * rng.uniform(0.4, 2, 2)
    canvas.block(x, y, x + wide, y + tall, byte(colour))
    lid = np.array([(0, 0), (1, 0), (0.8, -0.2), (0.2, -0.2)])
    canvas.polygon(np.array([x, y]) + lid * (wide, tall), byte(colour * 1.2))


def _plate(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, colour = at
    canvas.disc(y, x, size, size * rng.uniform(0.4, 1), byte(colour))
    canvas.disc(y, x, size * 0.8, size * 0.8 * rng.uniform(0.3, 1), byte(tone(rng)))


def _flower(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, colour = at
    petal = size * 0.3
    for angle in np.linspace(0, 2 * np.pi, rng.integers(5, 9))[1:]:
        down, right = 0.5 * size * np.sin(angle), 0.5 * size * np.cos(angle)
        canvas.disc(y + down, x + right, petal, petal, byte(colour))
    canvas.disc(y, x, petal, petal, byte(tone(rng, 1)))


def _lamp(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, colour = at
    for part in (1, 0.7, 0.4):
        radius = size * part * 0.4
        canvas.disc(y, x, radius, radius, byte(1.2 - part * (1 - colour) * 0.8))


def _pole(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    ends = rng.uniform(-0.2, 1.2, (2, 2)) * (canvas.width, canvas.height)
    canvas.line(ends, at.size * 0.15, byte(at.colour))


def _flags(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, _ = at
    flag = size * np.array([(0, 0), (0.8, 0), (0.4, 0.9)])
    for i in range(8):
        corner = np.array([x + i * size, y + 0.1 * size * (i - 4) ** 2])
        canvas.polygon(corner + flag, byte(tone(rng, 1)))


def _pile(canvas: Canvas, at: Place, rng: np.random.Generator) -> None:
    y, x, size, _ = at
    for _ in range(12):
        down, right = rng.normal(0, size), rng.normal(0, size)
        corners = star(y + down, x + right, size * 0.6, rng.uniform(0, 6))
        canvas.polygon(np.array(corners), byte(tone(rng, 0.8)))
