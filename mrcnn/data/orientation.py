"""Orientation tags: how a camera was held, and so which way a picture is shown.

A file keeps the rows as the sensor gave them, the stored frame; a tag (EXIF 274, 1 to
8) says how to turn them, the turned frame, which browsers and annotation tools show
since about 2020. Libraries differ: OpenCV turns, scikit-image and Matplotlib do not,
and Pillow turns TIFF files only.
"""

import numpy as np
from PIL import Image

ORIENTATION = 274
"""The number of the tag in EXIF and in TIFF."""
STEPS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""From the stored to the turned frame, in this order: whether rows and columns change
places, whether the order of rows is reversed, and that of columns (EXIF 2.32)."""
BACK = {tag: {6: 8, 8: 6}.get(tag, tag) for tag in STEPS}
"""The tag that undoes a tag."""
CHOICES = ("auto", "stored", "turned")


def check_orientation(orientation: str, choices: tuple[str, ...] = CHOICES) -> str:
    """Return `orientation`; ValueError if it is none of `choices`."""
    if orientation not in choices:
        raise ValueError(
            f"orientation is {orientation!r}; it must be one of {', '.join(choices)}."
        )
    return orientation


def turn(image: np.ndarray, tag: int) -> np.ndarray:
    """Return an image (h, w, ...) of the stored frame in the turned one, contiguous."""
    swap, rows, columns = STEPS[tag]
    if swap:
        image = image.swapaxes(0, 1)
    if rows:
        image = image[::-1]
    if columns:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def turned_shape(shape: tuple[int, int], tag: int) -> tuple[int, int]:
    """Return height and width in the turned frame of a picture stored as (h, w)."""
    return (shape[1], shape[0]) if STEPS[tag][0] else (shape[0], shape[1])


def known(tag: object) -> int:
    """Return a tag as it was found, or 1 for 0, which is none, and for anything odd."""
    return tag if isinstance(tag, int) and tag in STEPS else 1


def tag_of(picture: Image.Image) -> int:
    """Return the tag of an open picture, 1 if it has none that can be read."""
    try:
        return known(picture.getexif().get(ORIENTATION))
    except Exception:  # Parsers of broken EXIF data raise errors of many kinds.
        return 1
