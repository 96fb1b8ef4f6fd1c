"""Backgrounds and clutter for synthetic photographs.

Made of gradients, noise, and free photographs that scikit-image and matplotlib carry
inside their wheels, so that nothing is fetched.
Pictures here are float32 RGB (H, W, 3) in 0..1, drawn on in place.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import skimage.data
import skimage.draw
from PIL import Image
from scipy.ndimage import gaussian_filter

from mrcnn.data.pictures import read_image

SCIKIT_IMAGE = Path(skimage.data.__file__).parent
MATPLOTLIB = Path(matplotlib.get_data_path()) / "sample_data"
PHOTOGRAPHS = (
    *(SCIKIT_IMAGE / name for name in ("astronaut.png", "chelsea.png", "coffee.png")),
    *(SCIKIT_IMAGE / name for name in ("camera.png", "rocket.jpg", "coins.png")),
    SCIKIT_IMAGE / "clock_motion.png",
    MATPLOTLIB / "grace_hopper.jpg",
)
"""In the public domain, under CC0, or with no known copyright, all of them."""
GRASS = SCIKIT_IMAGE / "grass.png"
TEXTURES = (SCIKIT_IMAGE / "brick.png", GRASS, SCIKIT_IMAGE / "gravel.png")


def background(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random scene without balloons, cluttered more or less."""
    kinds = (_photograph, _outdoors, sky, _wall, textured)
    kind = kinds[rng.choice(len(kinds), p=(0.42, 0.2, 0.12, 0.16, 0.1))]
    picture = kind(height, width, rng)
    if kind is not sky:
        for _ in range(rng.integers(0, 8)):
            _draw_clutter(picture, rng)
    if rng.random() < 0.55:  # Out of focus, as behind a near object.
        sigma = rng.uniform(0.5, 0.012 * max(height, width))
        picture = gaussian_filter(picture, (sigma, sigma, 0))
    if rng.random() < 0.12:
        picture = 0.85 * picture.mean(axis=2, keepdims=True) + 0.15 * picture
    return picture


def patch(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random part of a random photograph, mirrored or not, in new colours."""
    path = PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))]
    return _toned(_crop(_load(path), height, width, rng), rng)


def blob(
    shape: tuple[int, int],
    centre: tuple[float, float],
    radii: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return a filled, slightly irregular turned ellipse, bool of `shape`."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = sum(
        rng.uniform(-0.1, 0.1) * np.cos(k * angles + rng.uniform(0, 6)) for k in (2, 3)
    )
    dy, dx = radii[0] * np.sin(angles), radii[1] * np.cos(angles) * (1 + waves)
    turn = rng.uniform(0, np.pi)
    rows = centre[0] + dy * np.cos(turn) + dx * np.sin(turn)
    columns = centre[1] - dy * np.sin(turn) + dx * np.cos(turn)
    return skimage.draw.polygon2mask(shape, np.stack([rows, columns], axis=1))


def clouds(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return fractal noise in 0..1, float32 (H, W)."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 7):
        cells = rng.random((2**octave, 2**octave), dtype=np.float32)
        total += _resized(cells, height, width) / 2**octave
    total -= total.min()
    return total / total.max()


@cache
def _load(path: Path) -> np.ndarray:
    """Read a photograph as uint8 RGB, once."""
    return read_image(path)


def _crop(
    image: np.ndarray, height: int, width: int, rng: np.random.Generator
) -> np.ndarray:
    """Cut a random window of the wanted proportions, and scale it to the size."""
    rows, columns = image.shape[:2]
    largest = min(rows / height, columns / width)
    scale = largest * rng.uniform(0.35, 1)
    top = rng.uniform(0, rows - scale * height)
    left = rng.uniform(0, columns - scale * width)
    box = (left, top, left + scale * width, top + scale * height)
    resized = Image.fromarray(image).resize((width, height), Image.BICUBIC, box)
    out = np.asarray(resized, np.float32) / 255
    return out[:, ::-1] if rng.random() < 0.5 else out


def _toned(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness curve, contrast, saturation and white balance."""
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * rng.uniform(0.3, 1.5)
    if rng.random() < 0.2:
        picture = picture[..., rng.permutation(3)]
    picture = np.clip(picture * rng.uniform(0.85, 1.15, 3), 0, 1)
    picture = picture ** rng.uniform(0.6, 1.8) * rng.uniform(0.6, 1.1)
    return np.clip(picture, 0, 1).astype(np.float32)


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale float32 (h, w) smoothly to (height, width)."""
    return np.asarray(Image.fromarray(values).resize((width, height), Image.BICUBIC))


def ramp(height: int, width: int, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return a gradient from `first` at the top to `last`, RGB."""
    part = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    colours = np.asarray(first, np.float32) * (1 - part) + np.asarray(last) * part
    return np.broadcast_to(colours, (height, width, 3)).astype(np.float32)


def _photograph(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    return patch(height, width, rng)


def textured(
    height: int, width: int, rng: np.random.Generator, path: Path | None = None
) -> np.ndarray:
    """Return bricks, grass or gravel in one colour, unevenly lit."""
    path = path or TEXTURES[rng.integers(len(TEXTURES))]
    grain = _crop(_load(path), height, width, rng)
    hue = rng.dirichlet((30, 30, 30)) * 3
    if path == GRASS:
        hue = np.array([0.85, 1.1, 0.5]) * rng.uniform(0.85, 1.15, 3)
    light = ramp(height, width, rng.uniform(0.5, 1.1, 1), rng.uniform(0.5, 1.1, 1))
    return np.clip(grain * hue * light * 1.2, 0, 1).astype(np.float32)


def sky(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a blue or grey gradient with or without clouds."""
    top = np.array([0.1, 0.3, 0.7]) * rng.uniform(0.6, 1.35, 3)
    if rng.random() < 0.3:
        top = np.full(3, rng.uniform(0.4, 0.85)) * rng.uniform(0.9, 1.1, 3)
    low = top + (0.95 - top) * rng.uniform(0, 0.7)
    picture = ramp(height, width, top, low)
    if rng.random() < 0.6:
        cover = np.clip((clouds(height, width, rng) - rng.uniform(0.35, 0.7)) * 3, 0, 1)
        picture += (rng.uniform(0.75, 1) - picture) * cover[..., None]
    return np.clip(picture, 0, 1)


def _wall(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return a lit wall above a floor, or the wall alone."""
    colour = np.clip(rng.uniform(0.05, 1) + rng.normal(0, 0.12, 3), 0.02, 1)
    picture = ramp(height, width, colour * rng.uniform(0.6, 1), colour)
    picture *= (0.75 + 0.35 * clouds(height, width, rng))[..., None]
    if rng.random() < 0.5:
        edge = int(height * rng.uniform(0.6, 0.9))
        picture[edge:] = textured(height - edge, width, rng)
    return np.clip(picture, 0, 1)


def _outdoors(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return sky over ground, with blocks and hedges on the horizon."""
    picture = sky(height, width, rng)
    edge = int(height * rng.uniform(0.35, 0.85))
    for _ in range(rng.integers(0, 6)):
        tall, wide = (int(rng.uniform(0.08, 0.45) * side) for side in (height, width))
        left, top = int(rng.integers(-wide // 2, width)), max(edge - tall, 0)
        left, right = max(left, 0), min(left + wide, width)
        if right - left > 4 and edge - top > 4:
            picture[top:edge, left:right] = patch(edge - top, right - left, rng)
    picture[edge:] = textured(height - edge, width, rng)
    return picture


def _draw_clutter(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Draw one thing that is no balloon: a block, patch, flat disc, pole or lamp."""
    height, width = picture.shape[:2]
    kind = rng.choice(
        ("patch", "block", "disc", "pole", "lamp"), p=(0.4, 0.2, 0.14, 0.14, 0.12)
    )
    centre = rng.uniform(0, height), rng.uniform(0, width)
    colour = 0.4 * picture.mean(axis=(0, 1)) + 0.6 * rng.random(3, dtype=np.float32)
    if kind == "pole":
        _draw_pole(picture, rng)
        return
    side = max(height, width) * rng.uniform(0.03, 0.16)
    radii = side * rng.uniform(0.5, 1.8), side * rng.uniform(0.5, 1.2)
    if kind == "lamp":
        rows, columns = np.ogrid[:height, :width]
        distance = np.hypot(rows - centre[0], columns - centre[1]) / (side * 0.5)
        glow = np.exp(-(distance**2))[..., None].astype(np.float32)
        picture += (np.clip(0.7 + 0.5 * colour, 0, 1) - picture) * glow
    elif kind == "disc":
        inside = blob((height, width), centre, (side * 0.6, side * 0.6), rng)
        picture[inside] = colour
    else:
        top, left = int(max(centre[0] - radii[0], 0)), int(max(centre[1] - radii[1], 0))
        bottom = int(min(centre[0] + radii[0] + 4, height))
        right = int(min(centre[1] + radii[1] + 4, width))
        filling = patch(bottom - top, right - left, rng) if kind == "patch" else colour
        picture[top:bottom, left:right] = filling


def _draw_pole(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Draw a straight bar across the picture."""
    height, width = picture.shape[:2]
    ends = rng.uniform(0, width, 2)
    half = rng.uniform(0.002, 0.015) * width
    rows = np.array([0, 0, height, height])
    columns = np.array([ends[0] - half, ends[0] + half, ends[1] + half, ends[1] - half])
    inside = skimage.draw.polygon(rows, columns, (height, width))
    picture[inside] = rng.random(3)
