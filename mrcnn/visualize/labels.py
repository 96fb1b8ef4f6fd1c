"""Labels that neither collide nor leave the image.

Where text fits is known only when it is drawn: sizes in pixels depend on the figure,
its resolution and its layout. So a layer of labels takes its places at every drawing.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from mrcnn.visualize.style import text_colour

GAP = 2.0
"""Least distance between two labels, and between a label and the border, in points."""


class Label(NamedTuple):
    """A text that belongs to a box; `short` stands in where `text` does not fit."""

    text: str
    short: str
    box: tuple[float, float, float, float]  # y1, x1, y2, x2 in data coordinates
    colour: tuple[float, float, float]


class LabelLayer(Artist):
    """Labels near their boxes, placed one after the other when the figure is drawn.

    The first label chooses first. A label that finds no place as it is takes its short
    form, and is left out if that finds none either. `texts` are the labels drawn, with
    their final places, after each drawing.
    """

    def __init__(self, ax: Axes, labels: Sequence[Label]) -> None:
        """Add the layer to `ax`."""
        super().__init__()
        self.labels = list(labels)
        self.texts: list[Text] = []
        self.most = 9.0
        """The largest letters in a picture of less than a foot, in points."""
        self.set_zorder(5)
        ax.add_artist(self)
        self.set_clip_on(False)

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        """Return the extent of the axes, which no label leaves."""
        return self.axes.get_window_extent(renderer)

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox:
        """Return the same; layout asks for it before anything is drawn."""
        return self.get_window_extent(renderer)

    def draw(self, renderer: RendererBase) -> None:
        """Place and draw the labels."""
        points = self.figure.get_dpi() / 72
        gap = GAP * points
        area = self.axes.get_window_extent(renderer)
        # Letters follow the size of the picture: 9 points from 5 inches to a foot.
        inches = area.width / points / 72
        size = float(np.clip(1.8 * inches, 6, max(self.most, 0.75 * inches)))
        taken: list[Bbox] = []
        self.texts = []
        for label in self.labels:
            target = self._target(label)
            for text in dict.fromkeys((label.text, label.short)):
                artist = self._text(text, label.colour, size)
                extent = artist.get_window_extent(renderer)
                pad = 2.5 * points
                width, height = extent.width + 2 * pad, extent.height + 2 * pad
                place = _free_place(target, width, height, area, taken, gap)
                if place is not None:
                    self._draw_label(renderer, artist, place, pad, target, label.colour)
                    taken.append(place)
                    break

    def _target(self, label: Label) -> Bbox:
        """Return the label's box in display pixels, cut at the borders of the axes."""
        y1, x1, y2, x2 = label.box
        corners = self.axes.transData.transform([(x1, y1), (x2, y2)])
        area = self.axes.bbox
        return Bbox.from_extents(
            *np.clip(corners.min(axis=0), area.min, area.max),
            *np.clip(corners.max(axis=0), area.min, area.max),
        )

    def _text(self, text: str, colour: tuple[float, float, float], size: float) -> Text:
        artist = Text(
            0,
            0,
            text,
            color=text_colour(colour),
            fontsize=size,
            fontweight="bold",
            va="bottom",
            ha="left",
            transform=IdentityTransform(),
        )
        artist.set_figure(self.figure)
        return artist

    def _draw_label(
        self,
        renderer: RendererBase,
        artist: Text,
        place: Bbox,
        pad: float,
        target: Bbox,
        colour: tuple[float, float, float],
    ) -> None:
        """Draw a text on a patch of its colour, and a line to a box farther off."""
        if not place.padded(3 * pad).overlaps(target):
            start = np.clip(_centre(target), place.min, place.max)
            end = np.clip(start, target.min, target.max)
            line = Line2D(*np.stack([start, end], axis=1), color=colour, linewidth=1.2)
            line.set_figure(self.figure)
            line.draw(renderer)
        artist.set_position((place.x0 + pad, place.y0 + pad))
        artist.set_bbox(
            {"facecolor": colour, "edgecolor": "none", "pad": 2.0, "alpha": 0.95}
        )
        artist.draw(renderer)
        self.texts.append(artist)


def _centre(box: Bbox) -> np.ndarray:
    return (box.min + box.max) / 2


def _free_place(
    target: Bbox,
    width: float,
    height: float,
    area: Bbox,
    taken: Sequence[Bbox],
    gap: float,
) -> Bbox | None:
    """Return the first place for a label inside `area` and clear of `taken`, if any."""
    room = area.padded(-gap)
    for x, y in _candidates(target, width, height, area):
        place = Bbox.from_bounds(
            min(max(x, room.x0), room.x1 - width),
            min(max(y, room.y0), room.y1 - height),
            width,
            height,
        )
        inside = place.x0 >= room.x0 and place.y0 >= room.y0
        if inside and not any(place.padded(gap).overlaps(other) for other in taken):
            return place
    return None


def _candidates(
    target: Bbox, width: float, height: float, area: Bbox
) -> Iterator[tuple[float, float]]:
    """Yield lower left corners for a label: at its box's edges, then ever farther."""
    left, right = target.x0, target.x1 - width
    yield left, target.y1  # on top of the box
    yield left, target.y1 - height  # inside it, at its top
    yield right, target.y1
    yield right, target.y1 - height
    yield left, target.y0 - height  # below it
    yield left, target.y0
    yield right, target.y0 - height
    yield right, target.y0
    columns = np.arange(area.x0, area.x1, width / 3)
    rows = np.arange(area.y0, area.y1, height / 2)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    centre = _centre(target) - np.array([width, height]) / 2
    yield from grid[np.argsort(np.hypot(*(grid - centre).T), kind="stable")].tolist()
