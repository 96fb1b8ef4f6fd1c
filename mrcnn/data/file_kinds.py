"""What lies in the place of a picture: other files, by how they begin."""

import re
import zlib
from pathlib import Path

from mrcnn.data.annotation_text import BYTES, TEXTS

HEAD = 1024
"""Bytes that are looked at."""
SAVE = "save it as PNG, TIFF or JPEG"
ARRAY = "load it in a `load_image` of your own, or " + SAVE
STARTS = {
    b"\x93NUMPY": f"an array of NumPy; {ARRAY}",
    b"NRRD000": f"an NRRD file; {ARRAY}",
    b"ObjectType =": f"a MetaImage file; {ARRAY}",
    b"SIMPLE  =": f"a FITS file; {ARRAY}",
    b"ZISRAWFILE": f"a CZI file of a microscope; {ARRAY}",
    b"\x89HDF": f"an HDF5 file; {ARRAY}",
    b"v/1\x01": f"an OpenEXR picture; {SAVE}",
    b"FUJIFILMCCD-RAW": f"a camera's raw file; {SAVE}",
    b"\xff\x0a": f"a JPEG XL picture; {SAVE}",
    b"\0\0\0\x0cJXL ": f"a JPEG XL picture; {SAVE}",
    b"\0\x05\x16\x07": "what macOS keeps beside a file of nearly this name; remove it",
    b"\x1a\x45\xdf\xa3": "a film; save the frames that are meant",
}
"""What a file is that begins so, and the way out."""
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture"),
    b"crx ": "a camera's raw file",
}
"""Kinds of files of boxes, by what follows "ftyp"; any other is a film."""
INSIDE = {
    (128, b"DICM"): "a DICOM file",
    (344, b"n+1\0"): "a NIfTI file",
    (344, b"ni1\0"): "the header of a NIfTI file",
}
"""Kinds of files, by what stands at a place."""


def kind_of(path: str | Path) -> str | None:
    """Return what a file is that is no picture, and the way out; None if not known."""
    with open(path, "rb") as file:
        data = file.read(HEAD)
    if not data.strip(b"\0"):
        return "empty or zeros alone; fetch it again"
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(31).decompress(data, HEAD)
        except zlib.error:
            return "a broken compressed file; fetch it again"
        inner = next((kind for place, kind in INSIDE.items() if _at(data, *place)), "")
        return (
            f"{inner or 'a file'} that is compressed; {ARRAY if inner else 'unpack it'}"
        )
    if data[4:8] == b"ftyp":
        kind = BRANDS.get(data[8:12])
        return f"{kind}; {SAVE}" if kind else "a film; save the frames that are meant"
    for place, kind in INSIDE.items():
        if _at(data, *place):
            return f"{kind}; {ARRAY}"
    for start, kind in STARTS.items():
        if data.startswith(start):
            return kind
    for start, kind in BYTES.items():
        if data.startswith(start):
            return None if kind == "a picture" else f"{kind}; {SAVE}"
    return _text_kind(data)


def _at(data: bytes, offset: int, sign: bytes) -> bool:
    return data[offset : offset + len(sign)] == sign


def _text_kind(data: bytes) -> str | None:
    """Return which text stands in the place of a picture; None if it is none."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if re.search(r"<svg\b", text):
        return f"an SVG drawing; {SAVE}"
    if text.startswith(("{", "[")):
        return "a JSON file; fetch the picture again"
    for kind, sign in TEXTS.items():
        if re.match(sign, text, re.IGNORECASE | re.DOTALL):
            return kind if "git lfs" in kind else f"{kind}; fetch the picture again"
    return None
