"""What a camera adds: blur, a colour cast, exposure, dark corners, noise, and JPEG."""

import io

import numpy as np
from PIL import Image, ImageFilter
from scipy.ndimage import uniform_filter1d


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Return float32 RGB (H, W, 3) in 0..1 out of focus by `sigma` pixels."""
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    return (
        np.asarray(image.filter(ImageFilter.GaussianBlur(float(sigma))), np.float32)
        / 255
    )


def photographed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera stores of float32 RGB (H, W, 3): uint8, once compressed."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    if rng.random() < 0.15:
        picture = blurred(picture, longer * rng.uniform(0.0005, 0.002))
    elif rng.random() < 0.05:  # Moved.
        length = int(longer * rng.uniform(0.004, 0.015)) + 1
        picture = uniform_filter1d(picture, length, axis=int(rng.integers(2)))
    cast = rng.uniform(0.93, 1.07, 3)
    if rng.random() < 0.25:  # Bulbs, or a cold evening.
        cast = np.array([1.15, 1.0, 0.75]) ** rng.uniform(-0.3, 1)
    picture = _exposed(picture * cast.astype(np.float32), rng)
    if rng.random() < 0.35:
        y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
        dark = 1 - rng.uniform(0.1, 0.45) * (x**2 + y**2) / 2
        picture = picture * dark[..., None].astype(np.float32)
    noise = rng.standard_normal(picture.shape, np.float32)
    picture = picture + np.float32(rng.exponential(0.008)) * noise
    stored = Image.fromarray((picture * 255 + 0.5).clip(0, 255).astype(np.uint8))
    if rng.random() < 0.6:  # As cameras and scaling do.
        percent = int(rng.uniform(10, 90))
        stored = stored.filter(ImageFilter.UnsharpMask(1, percent, 0))
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", quality=int(rng.integers(50, 96)))
    return np.asarray(Image.open(buffer))


def _exposed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Set saturation, the darkest and brightest, and the curve between them."""
    grey = picture.mean(axis=2, keepdims=True)
    low, high = np.percentile(grey[::4, ::4], (2, 97))
    picture = grey + (picture - grey) * np.float32(rng.uniform(0.65, 1.15))
    part = rng.uniform(0.3, 1.1)
    low, high = part * (low - 0.02), 1 + part * (max(high, low + 0.4) - 1)
    picture = np.clip((picture - np.float32(low)) / np.float32(high - low), 0, 1)
    curve = np.float32(rng.uniform(0, 0.9))  # Deeper darks, brighter lights.
    picture = picture + curve * (picture * picture * (3 - 2 * picture) - picture)
    return picture ** np.float32(rng.uniform(0.75, 1.35))
