"""Picture files of every kind as uint8: bits, bands, palettes and orientation."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mrcnn.data import deep
from mrcnn.data.arrays import fit_channels
from mrcnn.data.file_kinds import kind_of
from mrcnn.data.levels import Levels, PictureError, to_bytes
from mrcnn.data.orientation import BACK, check_orientation, tag_of, turn
from mrcnn.paths import as_path

AS_RGB = dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV", "P", "PA"), "RGB")
"""Pillow's modes whose numbers are no grey or RGB levels, and what they are read as."""
PLAIN_ALPHA = {"La": "LA", "RGBa": "RGBA"}
"""Modes whose colours are multiplied by their alpha, and those where they are not."""
FIRST_IS_MEANT = ("MPO", "PSD", "TIFF")
"""Formats of several frames whose first is the picture: previews and layers follow.
Those that follow in a TIFF file were looked at before (`deep.read_tiff`)."""

# Pillow warns above its limit of pixels and refuses above twice that. The error names
# the limit (`_decoded`); the warning would say the same of files that are read well.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_image(
    path: str | Path,
    channels: int = 3,
    *,
    orientation: str = "turned",
    levels: Levels | None = None,
) -> np.ndarray:
    """Read a picture as uint8 (h, w, channels).

    For 3 channels grey is repeated and alpha dropped; 1 takes grey pictures, 4 those
    with alpha, and more are the bands of a TIFF file.

    Args:
        path: of the file.
        channels: of the result.
        orientation: "turned" follows the file's orientation tag, as viewers and
            browsers do; "stored" does not, as scikit-image does not.
        levels: of a picture of more than 8 bits, the values that become 0 and 255; see
            `levels.to_bytes` for what is done without.

    Raises:
        FileNotFoundError: if `path` is missing.
        ValueError: names the file if it cannot be decoded, or be understood
            (`levels.PictureError`): several frames, other channels, unstated levels.
    """
    check_orientation(orientation, ("stored", "turned"))
    image, tag = read_stored(path, channels, levels)
    return turn(image, tag) if orientation == "turned" else image


def read_stored(
    path: str | Path, channels: int | None = 3, levels: Levels | None = None
) -> tuple[np.ndarray, int]:
    """Return a picture in its stored frame, and its orientation tag, 1 if it has none.

    As `read_image`, but that `channels` may be None: as in the file, (h, w[, C]).
    """
    pixels, tag, white = _decoded(path, channels)
    image = to_bytes(pixels, levels, f"image file {path}", white)
    if channels is not None:
        if image.ndim == 2:
            image = image[..., None]
        image = fit_channels(image, channels, f"image file {path}")
    return np.ascontiguousarray(image), tag


def examine(path: str | Path, levels: Levels | None = None) -> tuple[int, int, int]:
    """Return height and width as stored, and orientation tag, of a file that is whole.

    Raises as `read_image`. A JPEG decoded at an eighth of its size costs little and
    still shows whether the file is cut short; others are read.
    """
    if _start(path)[:2] != b"\xff\xd8":
        image, tag = read_stored(path, None, levels)
        return image.shape[0], image.shape[1], tag
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            picture.draft("L", (width // 8, height // 8))
            picture.load()
            return height, width, tag_of(picture)
    except Exception as error:
        raise _unreadable(path, error) from error


def header(path: str | Path) -> tuple[int, int, int] | None:
    """Return height and width as stored, and orientation tag; None if not a picture.

    Nothing is decoded; a PNG file whose tag stands behind its pixels has none.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if picture.format == "TIFF":  # Pillow's size is that of the turned frame.
                width, height = picture.tag_v2[256], picture.tag_v2[257]
            bare = picture.format == "PNG" and "exif" not in picture.info
            return height, width, 1 if bare else tag_of(picture)
    except Exception:
        return None


def _start(path: str | Path) -> bytes:
    """Return the first bytes of a file, by which formats are known."""
    if not as_path(path, "an image file").is_file():
        raise FileNotFoundError(
            f"image file {path} is missing: restore it or remove it from the dataset."
        )
    with open(path, "rb") as file:
        return file.read(4)


def _decoded(
    path: str | Path, channels: int | None
) -> tuple[np.ndarray, int, int | None]:
    """Return a file's own numbers, its orientation tag, and the white that it states.

    The numbers are (h, w) or (h, w, C), in the stored frame.
    """
    is_tiff = _start(path) in deep.TIFF_STARTS
    try:
        if is_tiff and (found := deep.read_tiff(path, channels)):
            return *found, None
        # From an open file: of a path, Pillow maps plain TIFF files into memory, and
        # mixes up the rows and columns of those that it turns.
        with open(path, "rb") as file, Image.open(file) as picture:
            return _pixels(path, picture, channels)
    except PictureError:
        raise
    except Exception as error:  # Decoders raise errors of many kinds.
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: Exception) -> ValueError:
    """Return the error to raise where a decoder has failed."""
    limits = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    if isinstance(error, limits):
        return PictureError(
            f"image file {path} is larger than Pillow reads unasked ({error}) If you "
            "trust it, raise PIL.Image.MAX_IMAGE_PIXELS, now "
            f"{Image.MAX_IMAGE_PIXELS}, or set it to None; or cut it into tiles."
        )
    if kind := kind_of(path):
        return ValueError(f"image file {path} cannot be read: it is {kind}.")
    why = str(error)
    if isinstance(error, UnidentifiedImageError):  # Its text names an object, no file.
        why = f"Pillow knows no picture that begins with {_start(path)!r}"
    return ValueError(
        f"image file {path} cannot be read ({why}): replace it or remove it from the "
        "dataset."
    )


def _pixels(
    path: str | Path, picture: Image.Image, channels: int | None
) -> tuple[np.ndarray, int, int | None]:
    """Return what `_decoded` returns, of an open file."""
    kind = picture.format
    if kind not in FIRST_IS_MEANT and getattr(picture, "is_animated", False):
        raise PictureError(
            f"image file {path} has {picture.n_frames} frames: save the one that is "
            "meant as a file of its own."
        )
    if kind == "PPM" and (found := deep.read_pnm(path, picture)):
        return found[0], 1, found[1]
    # Pillow turns TIFF files as it loads them, and drops the tag; others are whole, and
    # have all their tags, once they are loaded.
    tag = tag_of(picture) if kind == "TIFF" else 1
    pixels = deep.read_sixteen(path, picture) if kind in ("PNG", "TIFF") else None
    if kind != "TIFF":
        picture.load()
        tag = tag_of(picture)
    if pixels is None:
        pixels = _array(picture, channels)
    if kind == "TIFF" and tag != 1 and tag_of(picture) == 1:
        pixels = turn(pixels, BACK[tag])
    return pixels, tag, None


def _array(picture: Image.Image, channels: int | None) -> np.ndarray:
    """Return the numbers of a picture that Pillow reads whole, colours as grey or RGB.

    A copy: Pillow's own array is read-only, and users draw into images.
    """
    mode = PLAIN_ALPHA.get(picture.mode) or AS_RGB.get(picture.mode) or picture.mode
    if picture.has_transparency_data and (channels == 4 or picture.mode in ("P", "PA")):
        mode = "RGBA"  # of palettes as well: Pillow warns where they become RGB
    pixels = np.array(picture if mode == picture.mode else picture.convert(mode))
    if mode == "I" and picture.format == "PNG":  # before Pillow 11
        return pixels.astype(np.uint16)
    return pixels[..., 0] if mode == "LA" and channels != 2 else pixels
