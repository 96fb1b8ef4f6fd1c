"""Detections painted on their picture as pixels: what a film needs, without figures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mrcnn.ops.rle import decode
from mrcnn.structures import Detection
from mrcnn.visualize.instances import FILL, Colour, random_colors
from mrcnn.visualize.masks import apply_mask, rgb
from mrcnn.visualize.names import names_of
from mrcnn.visualize.style import text_colour


def paint(
    image: np.ndarray, detection: Detection, class_names: Sequence[str]
) -> np.ndarray:
    """Return an image as (h, w, 3) uint8 with masks, class and score of what was found.

    A class has one colour, in every picture of a film; the best is on top. What is
    narrower than its label has none.

    Args:
        image: (h, w, 3) uint8; see `masks.rgb` for what else is taken.
        detection: what `detect` found in it; masks in either form.
        class_names: of all classes, background first.

    Raises:
        ValueError: a class has no name, or the image no pixels.
    """
    shown = rgb(image)
    classes = np.abs(np.asarray(detection["class_ids"], int))
    names = names_of(detection["class_ids"], class_names)
    colours = random_colors(max(1, len(class_names) - 1))
    boxes, masks = np.asarray(detection["rois"]), detection["masks"]
    worst_first = range(len(names))[::-1]
    for i in worst_first:
        apart = not isinstance(masks, np.ndarray)
        mask = decode([masks[i]], shown.shape[:2])[..., 0] if apart else masks[..., i]
        y1, x1, y2, x2 = boxes[i]
        part = slice(y1, y2), slice(x1, x2)
        _fill(shown[part], mask[part], colours[classes[i] - 1])
    picture = Image.fromarray(shown)
    font = ImageFont.load_default(max(10, min(shown.shape[:2]) // 40))
    for i in worst_first:
        text = f"{names[i]} {detection['scores'][i]:.2f}"
        _label(picture, boxes[i], text, colours[classes[i] - 1], font)
    return np.array(picture)


def _fill(image: np.ndarray, mask: np.ndarray, colour: Colour) -> None:
    """Tint a mask (h, w) of a part of an image, in place, and draw its border."""
    apply_mask(image, mask, colour, FILL)
    around = np.pad(mask, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    apply_mask(image, mask & ~inner, colour, 1.0)


def _label(
    picture: Image.Image,
    box: np.ndarray,
    text: str,
    colour: Colour,
    font: ImageFont.FreeTypeFont,
) -> None:
    """Write a line above a box, or inside where there is no room, in place.

    Not over things that are narrower than it: of many, nothing would be seen.
    """
    draw = ImageDraw.Draw(picture)
    *_, width, height = draw.textbbox((0, 0), text, font)
    y1, x1, _, x2 = map(int, box)
    if width > x2 - x1:
        return
    top = y1 - height - 2 if y1 > height + 1 else y1
    ground = tuple(round(255 * part) for part in colour)
    draw.rectangle((x1, top, x1 + width + 3, top + height + 1), ground)
    draw.text((x1 + 2, top), text, text_colour(colour), font)
