"""What Pillow would cut: 16-bit colours, TIFF files of many bands, and deep PNM files.

Pillow keeps 8 bits of each colour, and four bands at most. These readers return a
file's own numbers in its stored frame, and leave all other files to Pillow.
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from mrcnn.data.levels import PictureError
from mrcnn.data.orientation import ORIENTATION, known
from mrcnn.notices import once

MAX_PAGES = 1000
"""More pages of a TIFF file are not counted: they may go round in a circle."""
BANDS = 4
"""Bands of 8 bits that Pillow's limit of pixels is made for."""
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
OTHER_BYTE = {
    "16B": "16L",
    "16L": "16B",
    "16N": "16B" if sys.byteorder == "little" else "16L",
}
"""Pillow's raw modes of 16-bit colours, each of which keeps the high byte of a number,
and the one that keeps the other byte of the same file."""
SINGLE = ("uint16", "int32", "float32")
"""Types of one band that Pillow keeps as they are, beside uint8 and bool."""


def read_tiff(path: str | Path, channels: int | None) -> tuple[np.ndarray, int] | None:
    """Return bands (h, w[, C]) and orientation tag of a TIFF file; None: Pillow can.

    Args:
        path: of the file.
        channels: as many pages, or as long a last side, are taken for the channels.

    Raises:
        PictureError: if there are several pages, or colours that are no brightness.
        DecompressionBombError: if it is larger than Pillow would read.
    """
    with tifffile.TiffFile(path) as file:
        found = list(islice(file.pages, MAX_PAGES + 1))
        if len(found) > MAX_PAGES:
            raise PictureError(
                f"image file {path} has more than {MAX_PAGES} pages, or they go round "
                "in a circle: save the one that is meant as a file of its own."
            )
        pages = [page for page in found if not page.is_reduced] or found[:1]
        _check_size(sum(page.size for page in pages))
        page = pages[0]
        tag = known(getattr(page.tags.get(ORIENTATION), "value", 1))
        if len(pages) > 1:
            return _from_pages(path, file, len(pages), channels), tag
        if page.index == 0 and _pillow_reads(page, path, channels):
            return None
        if page.photometric.name not in ("MINISBLACK", "MINISWHITE", "RGB"):
            raise PictureError(
                f"image file {path} has {page.photometric.name} colours of "
                f"{page.dtype}: save it as grey or RGB."
            )
        pixels = page.asarray()
        if page.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric.name == "MINISWHITE" and pixels.dtype.kind == "u":
            pixels = np.iinfo(pixels.dtype).max - pixels
        return pixels, tag


def _check_size(numbers: int) -> None:
    """Raise what Pillow raises if a picture holds more numbers than it would read."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit and numbers > 2 * BANDS * limit:
        raise Image.DecompressionBombError(
            f"Image size ({numbers} numbers) exceeds limit of {2 * BANDS * limit}."
        )


def _pillow_reads(
    page: tifffile.TiffPage, path: str | Path, channels: int | None
) -> bool:
    """Tell whether Pillow keeps everything that is in the only page of a TIFF file."""
    spare = [int(kind) for kind in page.extrasamples].count(0)  # no alpha
    kind, samples = np.dtype(page.dtype or "V").name, page.samplesperpixel
    colour = page.photometric.name == "RGB"
    if spare == 1 and samples == 4 and colour and channels in (None, 3):
        once(
            f"TIFF files such as {path} have a fourth band that is not marked as "
            "alpha: it is left out, as alpha is (channels=4 keeps it)."
        )
        spare = 0
    if spare:
        return False
    if samples == 1 and kind in SINGLE and page.photometric.name != "MINISWHITE":
        return True
    together = page.planarconfig == 1  # and not each band by itself
    deep = kind == "uint16" and colour and together and samples < 5
    return deep or kind in ("uint8", "bool")


def _from_pages(
    path: str | Path, file: tifffile.TiffFile, count: int, channels: int | None
) -> np.ndarray:
    """Return the pages of a TIFF file as the channels of one picture (h, w, C)."""
    series = file.series[0]
    if series.axes == "CYX" and series.shape[0] == channels:
        return np.moveaxis(series.asarray(), 0, -1)
    if len(series.shape) == 3 and channels not in (None, 1, 3):
        # An array (h, w, C) that was saved without saying so is h pages of w x C.
        if series.kind == "shaped" and series.shape[-1] == channels:
            return series.asarray()
        if series.shape[0] == count == channels:
            return np.moveaxis(series.asarray(), 0, -1)
    wanted = "" if channels is None else f", and not {channels} channels"
    raise PictureError(
        f"image file {path} has {count} pages, {series.shape} in all{wanted}: save the "
        "one that is meant as a file of its own."
    )


def read_sixteen(path: str | Path, picture: Image.Image) -> np.ndarray | None:
    """Return 16-bit colours (h, w, C) uint16 of an opened file; None if it has none.

    Pillow keeps the high byte of each. Read a second time in the other order of bytes,
    the file gives the low ones.
    """
    swapped = [_swapped(tile) for tile in picture.tile]
    if picture.mode not in ("RGB", "RGBA", "LA") or not swapped or None in swapped:
        return None
    if picture.mode == "LA":
        raise PictureError(
            f"image file {path} is grey of 16 bits and alpha; Pillow would read 8: "
            "save it without alpha."
        )
    high = np.array(picture).astype(np.uint16)
    with Image.open(path) as again:
        again.tile = swapped
        again.load()
        return high << 8 | np.array(again)


def _swapped(tile: tuple) -> tuple | None:
    """Return a tile of a picture with its bytes in the other order; None: it has 8."""
    codec, extents, offset, args = tile
    raw, *rest = args if isinstance(args, tuple) else (args,)
    start, _, order = str(raw).partition(";")
    if order not in OTHER_BYTE:
        return None
    raw = f"{start};{OTHER_BYTE[order]}"
    args = (raw, *rest) if isinstance(args, tuple) else raw
    if hasattr(tile, "_replace"):  # Pillow 11 and later
        return tile._replace(args=args)
    return codec, extents, offset, args


def read_pnm(
    path: str | Path, picture: Image.Image
) -> tuple[np.ndarray, int | None] | None:
    """Return the numbers of a deep PGM or PPM file, and the white that it states.

    None if the file is not deep. Its white is None where it is 65535, which programs
    write whatever the picture holds.
    """
    codec, _, offset, args = picture.tile[0]
    if isinstance(args, tuple) and isinstance(args[-1], int) and codec != "raw":
        white = args[-1]
    else:
        white = 65535 if args == "I;16B" else 255
    if white < 256:
        return None
    shape = (picture.height, picture.width, len(picture.getbands()))
    if codec == "ppm_plain":
        pixels = np.array(Path(path).read_bytes()[offset:].split(), np.uint16)
    else:
        data = Path(path).read_bytes()  # fromfile takes memory for all that is claimed
        pixels = np.frombuffer(data, ">u2", int(np.prod(shape)), offset)
    return pixels.reshape(shape), None if white == 65535 else white
