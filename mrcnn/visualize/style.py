"""One look for every figure: colours, sizes, and how a figure comes to be.

Colours are those of Okabe and Ito, told apart with every kind of colour vision
(https://jfly.uni-koeln.de/color/); they are never the only sign: instances carry
numbers, curves carry line styles.
"""

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import matplotlib.figure
import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.path import Path
from matplotlib.patheffects import AbstractPathEffect
from matplotlib.transforms import Transform

OKABE_ITO = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
)
FILE_BACKENDS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
"""Matplotlib's backends that only write files."""
INK, MUTED, FAINT, GRID = "#222222", "#6B6B6B", "#B0B0B0", "#DDDDDD"
GOOD, BAD = OKABE_ITO[2], OKABE_ITO[3]

LOOK = {
    "axes.edgecolor": MUTED,
    "axes.axisbelow": True,
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.prop_cycle": cycler(color=OKABE_ITO),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.size": 11,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.facecolor": "white",
    "xtick.color": MUTED,
    "xtick.labelsize": 10,
    "ytick.color": MUTED,
    "ytick.labelsize": 10,
}


class Figure(matplotlib.figure.Figure):
    """A figure that a notebook shows once, be it returned by the last line or not.

    pyplot shows every open figure at the end of a cell; one that is the cell's result
    as well would be shown twice.
    """

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        plt.close(self)  # it is being shown now
        return {}


class Rim(AbstractPathEffect):
    """A white line under a line, so much wider than it that it shows on any ground.

    It follows the width of its line, which changes where a figure is scaled for print.
    """

    WIDER = 1.8

    def draw_path(
        self,
        renderer: RendererBase,
        gc: GraphicsContextBase,
        tpath: Path,
        affine: Transform,
        rgbFace: Any = None,
    ) -> None:
        """Draw the white line, as Matplotlib asks every effect to do."""
        under = renderer.new_gc()
        under.copy_properties(gc)
        under.set_linewidth(self.WIDER * gc.get_linewidth())
        under.set_foreground("white")
        renderer.draw_path(under, tpath, affine, None)
        under.restore()


@contextmanager
def look() -> Iterator[None]:
    """Draw in this package's style inside the block, or the decorated function."""
    # Loads the backend, unless it is there. Inline, it sets options for good, such as
    # to show figures at the end of a cell; inside the block they would be forgotten.
    plt.draw_if_interactive()
    with matplotlib.rc_context(LOOK):
        yield


@look()
def new_figure(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float], **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure of `size` inches (width, height) and its axes (rows, columns)."""
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=size,
        squeeze=False,
        layout="constrained",
        FigureClass=Figure,
        **options,
    )
    for ax in axes.flat:  # ticks are made later, when the look is gone
        ax.tick_params(colors=MUTED, labelsize=LOOK["xtick.labelsize"])
    return figure, axes


def chart_axes(
    ax: Axes | None, size: tuple[float, float] = (6.4, 4.2)
) -> tuple[Axes, Axes | Figure]:
    """Return axes for a chart, and what to return: the given axes or a new figure."""
    if ax is not None:
        return ax, ax
    figure, axes = new_figure(size=size)
    return axes[0, 0], figure


def image_axes(
    ax: Axes | None, shape: tuple[int, ...], figsize: tuple[float, float] | None = None
) -> tuple[Axes, Axes | Figure]:
    """Return axes for an image (h, w, ...), and what to return, as `chart_axes`.

    A new figure is 8 inches on its longer side, however few pixels the image has.
    """
    if ax is not None:
        return ax, ax
    longest = max(shape[:2])
    height, width = (8 * side / longest for side in shape[:2])
    return chart_axes(None, figsize or (max(width, 3), max(height, 3)))


def ipython() -> Any:
    """Return the IPython shell that this code runs in, None outside of one."""
    module = sys.modules.get("IPython")
    return module and module.get_ipython()


def presented(drawn_on: Axes | Figure) -> Axes | Figure:
    """Open the window of a new figure in a script, as Matterport's `display_*` did.

    Axes that were given are the caller's to show, a notebook shows figures by itself,
    and a backend that only writes files has no windows.

    Args:
        drawn_on: what a function is about to return; returned as it is.
    """
    notebook = hasattr(ipython(), "kernel")
    files_only = matplotlib.get_backend().lower() in FILE_BACKENDS
    if isinstance(drawn_on, Figure) and not notebook and not files_only:
        plt.show()
    return drawn_on


def show_image(ax: Axes, image: np.ndarray, title: str = "", **options: Any) -> None:
    """Draw an image with the exact extent of its pixels, and no axis."""
    # Few pixels stay crisp squares; many are averaged into a smooth picture.
    ax.imshow(
        image,
        interpolation="nearest" if max(image.shape) <= 256 else "antialiased",
        **options,
    )
    ax.set_axis_off()
    ax.autoscale(False)
    if title:
        ax.set_title(title, fontsize=11)


def widen(
    ax: Axes, shape: tuple[int, ...], boxes: Sequence[np.ndarray], most: float = np.inf
) -> None:
    """Let the axes of an image (h, w, ..) show boxes that leave it.

    Args:
        ax: where the image is drawn.
        shape: of the image.
        boxes: (n, 4) pixels.
        most: pixels beyond the image, at each side.
    """
    height, width = shape[:2]
    around = np.array([(0, 0, height, width), *boxes], float)
    top, left = around[:, :2].min(axis=0)
    bottom, right = around[:, 2:].max(axis=0)
    line = 2  # pixels, for what is drawn outside of an edge
    ax.set_xlim(
        max(left - line * (left < 0), -most) - 0.5,
        min(right + line * (right > width), width + most) - 0.5,
    )
    ax.set_ylim(
        min(bottom + line * (bottom > height), height + most) - 0.5,
        max(top - line * (top < 0), -most) - 0.5,
    )


def palette(count: int) -> list[tuple[float, float, float]]:
    """Return `count` colours as RGB in [0, 1]: Okabe and Ito's, then paler ones."""
    base = [np.array(matplotlib.colors.to_rgb(colour)) for colour in OKABE_ITO]
    paleness = itertools.cycle([0.0, 0.35, 0.6])
    rounds = ([tuple((c + (1 - c) * pale).tolist()) for c in base] for pale in paleness)
    return list(itertools.islice(itertools.chain.from_iterable(rounds), count))


def text_colour(background: tuple[float, float, float]) -> str:
    """Return dark or white, whichever is easier to read on a colour (WCAG)."""
    channels = np.array(background[:3])
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    # At a luminance of 0.19 white and INK stand out equally.
    return "white" if linear @ np.array([0.2126, 0.7152, 0.0722]) < 0.19 else INK
