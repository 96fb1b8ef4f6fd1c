"""From the numbers of a deep picture to eight bits: which is black, and which white.

A file says how many bits it has, not how many of them its camera filled: 12 bits in a
file of 16 are common, and would become sixteen grey levels. To look at each picture's
own largest value would change the brightness from picture to picture. So the range is
stated (`levels`), and taken from the type only where the picture fills it.
"""

import numpy as np

from mrcnn.notices import once

Levels = tuple[float, float]
"""The value that becomes 0, and the one that becomes 255; what lies beyond is cut."""
USUAL_BITS = (8, 10, 12, 14, 16, 24, 32)
DIM = 4
"""Whole numbers that stay below 1 / DIM of their type's range are not taken for it."""
FLAT = 16
"""Nor are those whose least and largest value are within 1 / FLAT of it."""
FEW = 16
"""Values that stay below are all black in any usual number of bits: of floats that pass
1 by a little, of pictures whose values number objects or classes."""


class PictureError(ValueError):
    """A picture that can be decoded and not be understood; says what would help."""


def check_levels(levels: Levels) -> Levels:
    """Return `levels` as two floats; ValueError if they are no range."""
    try:
        low, high = (float(value) for value in levels)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"levels is {levels!r}: give the values that become black and white, such "
            "as levels=(0, 4095)."
        )
    return low, high


def to_bytes(
    pixels: np.ndarray, levels: Levels | None, name: str, white: int | None = None
) -> np.ndarray:
    """Return pixels of any type as uint8; uint8 is returned as it is, True is 255.

    Args:
        pixels: of any shape.
        levels: black and white; None takes 0..1 of floats, and the whole range of the
            type of whole numbers, where the picture fills it. Said once.
        name: of the picture, for errors.
        white: the largest value that the file itself states.

    Raises:
        PictureError: names the picture, its values and the `levels` to state, if they
            are needed; or if values are not finite or no numbers.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return pixels * np.uint8(255)
    if pixels.dtype.kind not in "uif":
        raise PictureError(f"{name} holds {pixels.dtype}, which is no brightness.")
    if not np.isfinite(pixels).all():
        raise PictureError(
            f"{name} holds NaN or infinite pixels: mend it, or leave it out."
        )
    if levels is None:
        levels = _whole_range(pixels, name, white)
    low, high = check_levels(levels)
    scaled = (pixels.astype(np.float64) - low) * 255 / (high - low)
    return np.rint(np.clip(scaled, 0, 255, out=scaled)).astype(np.uint8)


def _whole_range(pixels: np.ndarray, name: str, white: int | None) -> Levels:
    """Return the range of the pixels' type; PictureError if they do not fill it."""
    kind, least, most = pixels.dtype, pixels.min().item(), pixels.max().item()
    if white is not None and least >= 0 and most <= white:
        return 0, white
    if kind.kind == "f":
        if least < 0 or most > 1:
            guess = (0, 255 if FEW <= most <= 255 else most) if least >= 0 else ()
            _refuse(name, least, most, "floats beyond 0..1", guess)
        once("Pictures of floats: 0..1 becomes 0..255 (else state levels).")
        return 0, 1
    bits, full = 8 * kind.itemsize, int(np.iinfo(kind).max)
    if least < 0:
        _refuse(name, least, most, "numbers with a sign", ())
    if 0 < most < FEW:
        what = f"{bits} bits; perhaps it numbers objects"
        _refuse(name, least, most, what, (0, most))
    if 0 < most < full / DIM:
        guess = next(2**b - 1 for b in USUAL_BITS if most < 2**b)
        _refuse(name, least, most, f"{bits} bits, of which it fills few", (0, guess))
    if 0 < most - least < full / FLAT:
        _refuse(name, least, most, f"{bits} bits, of which it fills few", ())
    once(f"Pictures of {bits} bits: 0..{full} becomes 0..255 (else state levels).")
    return 0, full


def _refuse(
    name: str, least: float, most: float, what: str, guess: Levels | tuple[()]
) -> None:
    low, high = guess or (least, max(most, 0) if least == most else most)
    raise PictureError(
        f"{name} holds values from {least:.10g} to {most:.10g} ({what}): state the "
        f"values that are black and white in all your pictures, such as "
        f"levels=({low:.10g}, {high:.10g}), in `read_image` or as an attribute of the "
        "data set."
    )
