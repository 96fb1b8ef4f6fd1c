"""What the scripts that draw the book's pictures share: files, numbers, diagrams."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from mrcnn.files import atomic_path
from mrcnn.visualize.style import INK, MUTED

BOOK = Path(__file__).resolve().parent
DPI, COLOURS = 90, 128
Point = tuple[float, float]


def save(figure: Any, path: Path, dpi: int = DPI) -> None:
    """Write a figure, or the figure of axes, as a small PNG."""
    figure = getattr(figure, "figure", figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    buffer.seek(0)
    with atomic_path(path) as temporary, Image.open(buffer) as picture:
        picture.convert("RGB").quantize(COLOURS).save(temporary, "PNG", optimize=True)


# --- Numbers that a page's text shows


def numbers_of(page: Path) -> dict[str, str]:
    """Return the numbers in a page's first lines, as they are shown, by name."""
    head, _ = _parted(page.read_text())
    return yaml.safe_load(head)["myst"]["substitutions"] if head else {}


def write_numbers(page: Path, numbers: Mapping[str, str], script: str) -> None:
    """Put numbers into a page's first lines; its text shows them by name.

    Args:
        page: a MyST file, in which `{{ name }}` stands for a number.
        numbers: as they are to be shown.
        script: that computed them, for who reads the file.
    """
    _, text = _parted(page.read_text())
    fields = {"myst": {"substitutions": dict(numbers)}}
    head = yaml.dump(fields, Dumper=_Readable, sort_keys=False, allow_unicode=True)
    with atomic_path(page) as temporary:
        temporary.write_text(f"---\n# Written by {script}\n{head}---\n{text}")


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines, such as tables, line by line."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def _parted(text: str) -> tuple[str, str]:
    """Return what stands between the two first lines of dashes, and what follows."""
    if not text.startswith("---\n"):
        return "", "\n" + text
    head, _, rest = text.removeprefix("---\n").partition("\n---\n")
    return head + "\n", rest


# --- Diagrams


def block(
    ax: Axes,
    place: tuple[float, float, float, float],
    text: str = "",
    *,
    colour: str = MUTED,
    fill: float = 0.14,
    size: float = 10,
    **options: Any,
) -> None:
    """Draw a rounded box with a text in its middle.

    Args:
        ax: where to draw.
        place: x and y of the lower left corner, width and height.
        text: inside.
        colour: of the border, and paler of the ground.
        fill: opacity of the ground.
        size: of the text, in points.
        options: of the text.
    """
    x, y, width, height = place
    shape = {"boxstyle": "round,pad=0,rounding_size=0.12", "linewidth": 1.4}
    for ground in (True, False):
        patch = FancyBboxPatch((x, y), width, height, **shape)
        patch.set(
            facecolor=colour if ground else "none",
            edgecolor="none" if ground else colour,
            alpha=fill if ground else 1,
        )
        ax.add_patch(patch)
    style = {"ha": "center", "va": "center", "color": INK, "fontsize": size}
    ax.text(x + width / 2, y + height / 2, text, **(style | options))


def arrow(ax: Axes, start: Point, end: Point, colour: str = MUTED) -> None:
    """Draw an arrow between two points."""
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3}
    style |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
    ax.annotate("", end, start, arrowprops=style)


def canvas(ax: Axes, width: float, height: float) -> None:
    """Make axes a blank sheet with a unit of its own."""
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
