"""What the balloons of one varied scene share: light, rubber, and habits."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from mrcnn.data.balloon_art import ALBEDO
from mrcnn.data.drawing.canvas import image_of, picture_of
from mrcnn.data.drawing.rubber import Lamps


class Mood(NamedTuple):
    """What the balloons of one scene share."""

    lamps: Lamps
    albedos: np.ndarray  # RGB, (n, 3).
    opacity: float
    sheen: float
    gloss: float
    upright: float  # Deviation of turns, radians.
    printed: float  # Share with a print.
    foil: float  # Share that is foil.
    string: np.ndarray  # RGB.


def mood(picture: np.ndarray, rng: np.random.Generator) -> Mood:
    """Choose light and rubber for a background, float32 RGB (H, W, 3) in 0..1."""
    lamps = _lamps(picture, rng)
    albedos = ALBEDO[rng.choice(len(ALBEDO), size=rng.integers(1, 9))]
    opacities = rng.uniform(0.88, 1), rng.uniform(0.6, 0.88)
    return Mood(
        lamps,
        albedos,
        opacity=rng.choice(opacities, p=(0.75, 0.25)),
        sheen=rng.choice((0.0, rng.uniform(0.1, 0.6)), p=(0.6, 0.4)),
        gloss=rng.uniform(0.3, 1.2),
        upright=rng.choice((0.2, 2.0), p=(0.75, 0.25)),
        printed=rng.choice((0, 0.3, 1), p=(0.72, 0.14, 0.14)),
        foil=rng.choice((0, 0.2, 1), p=(0.9, 0.07, 0.03)),
        string=rng.choice((np.ones(3) * rng.random(), rng.random(3))),
    )


def _lamps(picture: np.ndarray, rng: np.random.Generator) -> Lamps:
    """Choose light about as bright as the picture, and coloured like it."""
    middle = picture.shape[0] // 2
    level = np.clip(0.6 + 0.6 * float(picture.mean()), 0.6, 1.1)
    tint = level * rng.uniform(0.85, 1.2) * rng.uniform(0.92, 1.08, 3)
    soft = rng.uniform(0.2, 0.6)
    sky, ground = (
        soft * tint * (0.75 * share + 0.25 * mean / max(mean.mean(), 0.05))
        for mean, share in (
            (picture[:middle].mean(axis=(0, 1)), 1.15),
            (picture[middle:].mean(axis=(0, 1)), 0.75),
        )
    )
    flash = rng.random() < 0.25
    direction = np.array([rng.normal(0, 0.5), rng.uniform(0.2, 1), rng.uniform(0.2, 1)])
    if flash:
        direction = np.array([rng.normal(0, 0.08), rng.normal(0.1, 0.1), 1])
    direction /= np.linalg.norm(direction)
    half = direction + np.array([0, 0, 1])
    more = rng.uniform(-0.75, 0.75, (rng.integers(0, 4), 2)) * (1, 0.9)
    places = np.array([half[:2] / np.linalg.norm(half), *more])
    panes = np.zeros_like(places)
    if rng.random() < 0.4 and not flash:
        some = rng.random(len(places)) < 0.6
        panes[some] = rng.uniform(0.05, 0.22, (int(some.sum()), 2))
    parts = direction, (1.2 - soft) * tint, sky, ground, places, panes
    around = picture_of(image_of(picture).resize((32, 32), Image.BOX))
    single = (np.asarray(part, np.float32) for part in parts)
    return Lamps(*single, sharp=rng.uniform(5, 22), around=around)
