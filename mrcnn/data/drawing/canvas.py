"""A picture that shapes are drawn on, and colours as photographs have them.

Pictures are float32 RGB (H, W, 3) in 0..1.
"""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]


def image_of(picture: np.ndarray) -> Image.Image:
    """Return float32 RGB (H, W, 3) as an image of Pillow's."""
    return Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))


def picture_of(image: Image.Image) -> np.ndarray:
    """Return an image of Pillow's as float32, (H, W, 3) or (H, W)."""
    return np.asarray(image, np.float32) / 255


class Canvas:
    """A picture; shapes on it are drawn twice as large, then reduced."""

    def __init__(self, picture: np.ndarray) -> None:
        """Begin with float32 RGB (H, W, 3)."""
        self.height, self.width = picture.shape[:2]
        small = image_of(picture)
        self.image = small.resize((2 * self.width, 2 * self.height), Image.BILINEAR)
        self.draw = ImageDraw.Draw(self.image)

    def picture(self) -> np.ndarray:
        """Return what is drawn, float32 RGB (H, W, 3)."""
        return picture_of(self.image.reduce(2))

    def polygon(self, corners: np.ndarray, colour: Colour) -> None:
        """Fill a polygon with (x, y) corners in pixels of the picture."""
        self.draw.polygon((2 * np.asarray(corners)).ravel().tolist(), fill=colour)

    def block(
        self, left: float, top: float, right: float, low: float, colour: Colour
    ) -> None:
        """Fill a rectangle."""
        if right > left and low > top:
            self.draw.rectangle((2 * left, 2 * top, 2 * right, 2 * low), fill=colour)

    def disc(self, y: float, x: float, ry: float, rx: float, colour: Colour) -> None:
        """Fill an upright ellipse."""
        x, y, rx, ry = 2 * x, 2 * y, 2 * rx, 2 * ry
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=colour)

    def line(self, points: np.ndarray, width: float, colour: Colour) -> None:
        """Draw a line through (x, y) points."""
        flat = (2 * np.asarray(points)).ravel().tolist()
        self.draw.line(flat, fill=colour, width=max(int(2 * width), 1), joint="curve")


def tone(rng: np.random.Generator, vivid: float = 0.35) -> np.ndarray:
    """Return a random colour, of saturation up to `vivid` mostly; some are strong."""
    most = 1.0 if rng.random() < 0.08 else vivid
    hue = rng.choice((rng.random(), rng.normal(0.08, 0.04) % 1))  # Brown is common.
    return np.array(
        colorsys.hsv_to_rgb(hue, most * rng.random(), rng.beta(1.2, 1.2)), np.float32
    )


def byte(colour: np.ndarray) -> Colour:
    """Return RGB in 0..1 as Pillow takes it."""
    r, g, b = (np.clip(colour, 0, 1) * 255).astype(int).tolist()
    return r, g, b
