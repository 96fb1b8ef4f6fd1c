"""Pictures whose pixels are numbers of objects, in 8 or 16 bits or by a palette."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from mrcnn.data import deep
from mrcnn.data.file_kinds import kind_of
from mrcnn.data.orientation import turned_shape
from mrcnn.data.pictures import header
from mrcnn.data.readers.drawn import measure

GREY = ("1", "L", "P", "I;16", "I;16B", "I;16L", "I")
"""Pillow's modes whose pixels are numbers."""


def read_numbers(path: Path, *, colours: bool = False) -> np.ndarray:
    """Return the numbers of a file as they are stored, int64 (h, w).

    Those of a palette are its places. `colours` says that RGB stands for places of
    Pascal VOC's palette.

    Raises ValueError for JPEG, which changes numbers, for colours and fractions.
    """
    with open(path, "rb") as file:
        tiff = file.read(4) in deep.TIFF_STARTS
    try:
        if tiff:
            numbers = tifffile.imread(path)
        else:
            with Image.open(path) as picture:
                kind, mode = picture.format, picture.mode
                whole = mode in GREY or (colours and mode in ("RGB", "RGBA"))
                numbers = np.array(picture) if whole and kind != "JPEG" else None
    except Exception as error:  # Decoders raise errors of many kinds.
        why = kind_of(path) or error
        raise ValueError(
            f"mask {path} cannot be read ({why}): restore it or remove its picture."
        ) from None
    if not tiff and numbers is None:
        what = "JPEG changes numbers" if kind == "JPEG" else f"has colours ({mode})"
        raise ValueError(
            f"mask {path}: {what}; save the numbers of the objects as grey PNG or TIFF."
        )
    if colours and numbers.ndim == 3:
        numbers = voc_places(numbers[..., :3])
    if numbers.ndim != 2 or numbers.dtype.kind not in "uib":
        raise ValueError(
            f"mask {path} holds {numbers.dtype} of shape {numbers.shape}: expected one "
            "whole number for each pixel, as grey PNG or TIFF."
        )
    numbers = numbers.astype(np.int64)
    if numbers.min() < 0:
        raise ValueError(f"mask {path} has numbers below 0: 0 is the background.")
    return numbers


def voc_places(colours: np.ndarray) -> np.ndarray:
    """Return the places of colours uint8 (..., 3) in Pascal VOC's palette, int64 (...).

    The bits of a place go in turn to red, green and blue, the lowest to the highest bit
    of each. See VOClabelcolormap of the VOC development kit.
    """
    places = np.zeros(colours.shape[:-1], np.int64)
    for i in range(8):
        bit = colours[..., i % 3] >> (7 - i // 3) & 1
        places |= bit.astype(np.int64) << i
    return places


def frame_of_size(
    picture: Path, mask: Path
) -> tuple[tuple[int, int], str, tuple[int, int, int]]:
    """Return height and width of a mask, and the frame in which its picture has them.

    The third is what `measure` says of the picture.

    Raises ValueError if the picture has them neither stored nor turned.
    """
    *size, tag = measure(picture)
    # Of a mask that is no picture, as one of 64 bits, Pillow knows nothing.
    shape = (header(mask) or read_numbers(mask, colours=True).shape)[:2]
    if shape == turned_shape(size, tag):
        frame = "turned"
    elif shape == tuple(size):
        frame = "stored"
    else:
        raise ValueError(
            f"mask {mask} has {shape[0]} x {shape[1]} pixels (height x width), its "
            f"picture {size[0]} x {size[1]}: save it in the picture's size."
        )
    return shape, frame, (*size, tag)
