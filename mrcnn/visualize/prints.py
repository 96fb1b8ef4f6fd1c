"""Figures as journals want them: a column wide, lines and letters as such, not pixels.

Publishers differ in little: a figure is one column of 85 to 90 mm wide or two of 170 to
180, its letters have 6 to 8 points, and photographs 300 dots an inch.
"""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.figure
import numpy as np
from matplotlib.text import Text
from PIL import Image

from mrcnn.checks.kinds import one_of
from mrcnn.files import atomic_path
from mrcnn.visualize.labels import LabelLayer

SINGLE_COLUMN, DOUBLE_COLUMN = 88.0, 176.0
"""Widths in mm, which most journals take."""
LETTERS = (6.0, 8.0)
"""Least and largest size of letters, in points."""
THINNEST = 0.5
"""Of lines, in points; thinner ones are lost in print."""
DOTS_PER_INCH = 300
JPEG_QUALITY = 92
MM = 1 / 25.4
"""In inches."""

# Same figure, same bytes: no date, and names inside that are not drawn by lot.
METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
STYLE = {
    "pdf.fonttype": 42,  # letters stay text, with their font
    "savefig.bbox": "standard",  # else the width would be another
    "svg.fonttype": "none",
    "svg.hashsalt": "mrcnn",
}
PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


class Print(NamedTuple):
    """A figure that was written."""

    path: Path
    width: float  # mm
    height: float  # mm
    bytes: int

    def __str__(self) -> str:
        """Return name, size on paper and size of the file."""
        size = f"{self.width:.0f} x {self.height:.0f} mm"
        return f"{self.path.name:28} {size:>13} {self.bytes / 1e3:8,.0f} kB"


def save_print(
    figure: matplotlib.figure.Figure,
    path: str | Path,
    *,
    width: float = SINGLE_COLUMN,
) -> Print:
    """Write a figure of any size as one for print: SVG or PDF, by the suffix.

    Outlines and text lie as vectors over the photographs, which have 300 dots an inch
    and are JPEG in SVG. Lines shrink with the figure, letters have 6 to 8 points. The
    same figure gives the same bytes; it is itself left as it was.

    Args:
        figure: any of Matplotlib's, such as the functions of this package return.
        path: of the file; its folder is made.
        width: mm.

    Raises:
        ValueError: another suffix, or a width of no size.
    """
    path = Path(path)
    if fault := one_of(*METADATA).fault("the suffix", path.suffix.lower()):
        raise ValueError(f"{path}: {fault}")
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"width is {width} mm: give one above 0, such as 88 or 176.")
    with _of_width(figure, width * MM), matplotlib.rc_context(STYLE):
        content = io.BytesIO()
        suffix = path.suffix.lower()
        figure.savefig(
            content, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=METADATA[suffix]
        )
        _, height = figure.get_size_inches() / MM
    written = content.getvalue()
    if suffix == ".svg":
        written = PICTURE.sub(_as_jpeg, written.decode()).encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(written)
    return Print(path, float(width), float(height), len(written))


@contextmanager
def _of_width(figure: matplotlib.figure.Figure, width: float) -> Iterator[None]:
    """Let a figure be `width` inches wide inside the block, and its lines thinner."""
    before = figure.get_size_inches().copy()
    factor = width / before[0]
    figure.set_size_inches(factor * before)
    figure.draw_without_rendering()  # an axis makes the ticks for its new size
    texts = [(text, text.get_fontsize()) for text in figure.findobj(Text)]
    lines = [
        (line, line.get_linewidth())
        for line in figure.findobj(lambda artist: hasattr(artist, "set_linewidth"))
    ]
    layers = [(layer, layer.most) for layer in figure.findobj(LabelLayer)]
    try:
        for text, size in texts:
            text.set_fontsize(float(np.clip(factor * size, *LETTERS)))
        for line, thick in lines:
            thick = np.asarray(thick)
            thin = np.maximum(factor * thick, np.minimum(thick, THINNEST))
            line.set_linewidth(thin.tolist())
        for layer, _ in layers:
            layer.most = LETTERS[1]
        yield
    finally:
        for text, size in texts:
            text.set_fontsize(size)
        for line, thick in lines:
            line.set_linewidth(thick)
        for layer, most in layers:
            layer.most = most
        figure.set_size_inches(before)


def _as_jpeg(found: re.Match[str]) -> str:
    """Return a PNG of an SVG as JPEG, which of a photograph has a tenth of the bytes.

    One with transparent parts stays as it is.
    """
    picture = Image.open(io.BytesIO(base64.b64decode(found[1])))
    if picture.convert("RGBA").getchannel("A").getextrema()[0] < 255:
        return found[0]
    buffer = io.BytesIO()
    options = {"quality": JPEG_QUALITY, "subsampling": 0, "optimize": True}
    picture.convert("RGB").save(buffer, "JPEG", dpi=(DOTS_PER_INCH,) * 2, **options)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
