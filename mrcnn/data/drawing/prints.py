"""What is printed on rubber: dots, stars, words, faces, stripes and marble."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import map_coordinates

from mrcnn.data.drawing.canvas import picture_of
from mrcnn.data.scenery import clouds

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
WORDS = ("HAPPY BIRTHDAY", "PARTY", "2026", "HELLO", "30", "LOVE", "OPEN DAY", "WOW")
SIDE = 160
"""Pixels of a texture that is laid round the half of a balloon that is seen."""


def printed(normals: np.ndarray, turn: float, rng: np.random.Generator) -> np.ndarray:
    """Return how much ink there is at each unit normal (h, w, 3), 0..1 float32 (h, w).

    `turn` is that of the balloon, radians; its print may stand anyhow upon it.
    """
    kind = rng.choice(("dots", "stars", "words", "face", "stripes", "marble"))
    texture = {
        "dots": _dots,
        "stars": _stars,
        "words": _words,
        "face": _face,
        "stripes": _stripes,
        "marble": _marble,
    }[kind](rng)
    angle = turn + (
        rng.normal(0, 0.3) if kind in ("words", "face") else rng.uniform(0, 6)
    )
    cos, sin = np.cos(angle), np.sin(angle)
    right = normals[..., 0] * cos - normals[..., 1] * sin
    up = normals[..., 0] * sin + normals[..., 1] * cos
    shift = rng.normal(0, 0.15, 2)
    # Longitude and latitude, so that the print narrows towards the rim.
    places = [
        (0.5 + v) * SIDE
        for v in (
            shift[0] - np.arcsin(np.clip(up, -1, 1)) / np.pi,
            shift[1] + np.arcsin(np.clip(right, -1, 1)) / np.pi,
        )
    ]
    return map_coordinates(texture, places, order=1, mode="grid-wrap")


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (2 * SIDE, 2 * SIDE))
    return image, ImageDraw.Draw(image)


def _done(image: Image.Image) -> np.ndarray:
    return picture_of(image.reduce(2))


def _dots(rng: np.random.Generator) -> np.ndarray:
    image, draw = _canvas()
    step = int(rng.integers(24, 64))
    radius = step * rng.uniform(0.12, 0.33)
    for row, y in enumerate(range(0, 2 * SIDE, step)):
        for x in range(0, 2 * SIDE, step):
            draw.circle((x + step // 2 * (row % 2), y), radius, 255)
    return _done(image)


def star(y: float, x: float, radius: float, turn: float) -> list[tuple[float, float]]:
    """Return the ten corners of a star, as (x, y)."""
    angles = turn + np.arange(10) * np.pi / 5
    radii = radius * np.where(np.arange(10) % 2, 0.42, 1)
    return list(
        zip(x + radii * np.sin(angles), y - radii * np.cos(angles), strict=True)
    )


def _stars(rng: np.random.Generator) -> np.ndarray:
    image, draw = _canvas()
    largest = rng.uniform(10, 26)
    for _ in range(rng.integers(15, 70)):
        y, x = rng.uniform(0, 2 * SIDE, 2)
        radius = largest * rng.uniform(0.3, 1)
        draw.polygon(star(y, x, radius, rng.uniform(0, 6)), fill=255)
    return _done(image)


def _words(rng: np.random.Generator) -> np.ndarray:
    image, draw = _canvas()
    words = str(rng.choice(WORDS)).split()
    size = 560 / max(len(word) for word in words) * rng.uniform(0.3, 0.55)
    font = _font(bool(rng.random() < 0.7), int(min(size, 120)))
    for i, word in enumerate(words):
        y = SIDE + (i - len(words) / 2 + 0.5) * size * 1.05
        draw.text((SIDE, y), word, fill=255, font=font, anchor="mm")
    return _done(image)


@cache
def _font(bold: bool, size: int) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSerif.ttf"
    return ImageFont.truetype(FONTS / name, size)


def _face(rng: np.random.Generator) -> np.ndarray:
    image, draw = _canvas()
    apart, high, thick = (
        rng.uniform(22, 42),
        rng.uniform(15, 40),
        int(rng.integers(4, 12)),
    )
    for side in (-1, 1):
        x, y = SIDE + side * apart, SIDE - high
        draw.ellipse((x - 9, y - 16, x + 9, y + 16), fill=255)
    wide = apart * rng.uniform(1.2, 1.9)
    mouth = (SIDE - wide, SIDE - wide * 0.6, SIDE + wide, SIDE + wide)
    draw.arc(mouth, 20, 160, fill=255, width=thick)
    return _done(image)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    phase = np.linspace(0, 2 * np.pi * rng.integers(4, 10), SIDE, dtype=np.float32)
    wave = phase[:, None] + 5 * (clouds(SIDE, SIDE, rng) - 0.5) * rng.choice((0, 1))
    return np.clip(0.5 + 6 * (np.sin(wave) - rng.uniform(-0.3, 0.5)), 0, 1)


def _marble(rng: np.random.Generator) -> np.ndarray:
    veins = np.sin(18 * clouds(SIDE, SIDE, rng) + 4 * clouds(SIDE, SIDE, rng))
    return np.clip(0.5 + rng.uniform(1, 4) * veins, 0, 1).astype(np.float32)
