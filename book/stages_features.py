"""Pictures of the way from pixels to proposals, and from these to crops of features."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from mrcnn import visualize
from mrcnn.visualize.instances import draw_box_outline, draw_outline
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.stages import PROBABILITY
from mrcnn.visualize.style import (
    INK,
    MUTED,
    OKABE_ITO,
    Figure,
    look,
    new_figure,
    palette,
    show_image,
)

from stages_walk import Walk

DASHED = (0, (4, 3))


class Hues(NamedTuple):
    """Three directions in which features vary most, as red, green and blue.

    Cells of similar features get similar colours.
    """

    middle: np.ndarray  # (C,)
    axes: np.ndarray  # (C, 3)
    low: np.ndarray  # (3,)
    high: np.ndarray  # (3,)

    def paint(self, features: np.ndarray) -> np.ndarray:
        """Return colours (h, w, 3) in [0, 1] of features (.., h, w, C)."""
        places = (features - self.middle) @ self.axes
        colours = np.clip((places - self.low) / (self.high - self.low), 0, 1)
        return colours.reshape(colours.shape[-3:])


def hues(features: np.ndarray) -> Hues:
    """Return the colours of one level's features (1, h, w, C): its main components."""
    cells = features.reshape(-1, features.shape[-1]).astype(np.float64)
    middle = cells.mean(axis=0)
    _, _, directions = np.linalg.svd(cells - middle, full_matrices=False)
    axes = directions[:3].T
    # A direction has no sign of its own: the strongest channel shall be bright.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])
    low, high = np.percentile((cells - middle) @ axes, (3, 97), axis=0)
    return Hues(middle, axes, low, np.maximum(high, low + 1e-6))


def caption(ax: Axes, text: str, size: float = 10.5) -> None:
    """Write a small title."""
    ax.set_title(text, fontsize=size)


def show_map(ax: Axes, values: np.ndarray, **options: Any) -> None:
    """Draw a map (h, w), or one that is painted (h, w, 3), cell by cell."""
    ax.imshow(values, cmap="viridis", interpolation="nearest", **options)
    ax.set_axis_off()


def over(walk: Walk) -> dict[str, tuple[float, float, float, float]]:
    """Return how a map is laid over the whole image."""
    height, width = walk.shape
    return {"extent": (-0.5, width - 0.5, height - 0.5, -0.5)}


def faint(walk: Walk) -> np.ndarray:
    """Return the image in pale grey, as a ground for boxes."""
    grey = visualize.colour_splash(walk.image, np.zeros((*walk.shape, 0), bool))
    return (128 + 0.5 * grey).astype(np.uint8)


@look()
def overview(walk: Walk) -> Figure:
    """Draw what there is of the image at nine points of the network."""
    figure, axes = new_figure(3, 3, size=(5.4, 6.2))
    panels = axes.flat
    c3, p2 = walk.backbone_maps[1], walk.pyramid_maps[0]
    soft = walk.soft_masks()[0, ..., walk.found["class_ids"][0]]
    sure = {"norm": PROBABILITY.norm}
    show_image(panels[0], walk.image)
    show_map(panels[1], hues(c3).paint(c3))
    show_map(panels[2], hues(p2).paint(p2))
    show_map(panels[3], walk.objectness_maps()[1], **sure)
    show_image(panels[4], faint(walk))
    for box in walk.proposals[:20]:
        draw_box_outline(panels[4], box, OKABE_ITO[0], alpha=0.8)
    crop = walk.crop(walk.proposals[0], walk.config.POOL_SIZE)
    show_map(panels[5], hues(p2).paint(crop))
    _found(panels[6], panels[8], walk)
    show_map(panels[7], soft, **sure)
    titles = (
        "pixels",
        f"backbone, {c3.shape[1]} x {c3.shape[2]}",
        f"pyramid, {p2.shape[1]} x {p2.shape[2]}",
        "objectness",
        "proposals",
        f"one of them, {len(crop)} x {len(crop)}",
        "classes and boxes",
        f"one mask, {len(soft)} x {len(soft)}",
        "instances",
    )
    for i, (ax, title) in enumerate(zip(panels, titles, strict=True), start=1):
        caption(ax, f"{i}  {title}")
    return figure


def _found(boxed: Axes, outlined: Axes, walk: Walk) -> None:
    """Draw the detections with their classes on one image, their masks on another."""
    boxes, colours = walk.found["rois"], palette(len(walk.found["rois"]))
    names = [walk.names[c] for c in walk.found["class_ids"]]
    show_image(boxed, faint(walk))
    show_image(outlined, walk.image)
    for i, (box, colour) in enumerate(zip(boxes, colours, strict=True)):
        draw_box_outline(boxed, box, colour, width=2)
        draw_outline(outlined, walk.found["masks"][..., i], colour, width=1.8)
    found = zip(names, boxes, colours, strict=True)
    LabelLayer(boxed, [Label(name, "", tuple(b), c) for name, b, c in found])


@look()
def pyramid(walk: Walk) -> Figure:
    """Draw the features of every level, of the backbone above those of the pyramid."""
    figure, axes = new_figure(2, 5, size=(5.8, 3.0))
    axes[0, 4].set_axis_off()
    rows = ("C", walk.backbone_maps), ("P", walk.pyramid_maps)
    for row, (letter, maps) in zip(axes, rows, strict=True):
        for ax, (level, features) in zip(row, enumerate(maps, start=2), strict=False):
            show_map(ax, hues(features).paint(features))
            _, height, width, channels = features.shape
            caption(ax, f"{letter}{level}\n{height} x {width} x {channels}", 8.5)
    return figure


@look()
def anchors(walk: Walk) -> Figure:
    """Draw the anchors of the middle cell of each level."""
    every, per_cell, start = [], len(walk.config.RPN_ANCHOR_RATIOS), 0
    for rows, columns in walk.shapes:
        cell = rows // 2 * columns + columns // 2
        first = start + cell * per_cell
        every.append(walk.anchors[first : first + per_cell])
        start += rows * columns * per_cell
    scales = walk.config.RPN_ANCHOR_SCALES
    names = [f"P{i}, {side} pixels" for i, side in enumerate(scales, start=2)]
    figure, axes = new_figure(size=(5.2, 5.5))
    ax = axes[0, 0]
    visualize.draw_anchors(faint(walk), every, names=names, ax=ax)
    ax.get_legend().remove()  # one row of keys is too wide for a page
    lines = [group[0] for group in np.array_split(ax.patches, len(every))]
    figure.legend(lines, names, loc="outside lower left", ncols=3)
    return figure


@look()
def objectness(walk: Walk) -> Figure:
    """Draw the probability of an object in each cell, level by level."""
    figure, axes = new_figure(2, 3, size=(5.8, 4.2))
    show_image(axes[0, 0], walk.image)
    caption(axes[0, 0], "image")
    for ax, (level, values) in zip(
        axes.flat[1:], enumerate(walk.objectness_maps(), start=2), strict=True
    ):
        show_map(ax, values, norm=PROBABILITY.norm, **over(walk))
        caption(ax, f"P{level}, {values.shape[0]} x {values.shape[1]}")
    for ax in axes.flat:
        for box in walk.true_boxes:
            draw_box_outline(ax, box, "white", linestyle=DASHED)
    bar = figure.colorbar(PROBABILITY, ax=axes, shrink=0.8, aspect=30)
    bar.set_label("probability of an object")
    bar.outline.set_visible(False)
    return figure


@look()
def proposals(walk: Walk, count: int = 40) -> Figure:
    """Draw the best anchors, where they move, and what suppression leaves of them."""
    figure, axes = new_figure(1, 3, size=(5.8, 2.35))
    indices, moved = (array[:count] for array in walk.ranked)
    distance = np.abs(moved[:, None] - walk.proposals[None]).sum(axis=-1).min(axis=1)
    kept = distance < 1e-3
    owners = walk.overlaps(moved).argmax(axis=1)  # the object that each box is moved to
    colours = palette(len(walk.true_boxes))
    panels = (
        (f"{count} best anchors", walk.anchors[indices], np.ones(count, bool)),
        ("moved by deltas", moved, np.ones(count, bool)),
        (f"{kept.sum()} kept", moved, kept),
    )
    for ax, (title, boxes, shown) in zip(axes.flat, panels, strict=True):
        show_image(ax, faint(walk))
        caption(ax, title)
        for i in np.flatnonzero(shown):
            draw_box_outline(ax, boxes[i], colours[owners[i]], width=1.4, clip_on=True)
    return figure


@look()
def roi_align(walk: Walk) -> Figure:
    """Draw how a proposal is cut from the pyramid: image, grid of points, result."""
    size, proposal, level = walk.config.POOL_SIZE, walk.hardest_to_round(), 2
    features, colours = walk.pyramid_maps[level - 2], hues(walk.pyramid_maps[level - 2])
    y1, x1, y2, x2 = proposal / walk.config.BACKBONE_STRIDES[level - 2] - 0.5
    figure, axes = new_figure(1, 3, size=(5.8, 2.35))
    image, grid, result = axes.flat
    show_image(image, faint(walk))
    draw_box_outline(image, proposal, OKABE_ITO[3], width=2)
    caption(image, "a proposal")
    show_map(grid, colours.paint(features))
    caption(grid, f"samples on P{level}")
    for part in np.linspace(0, 1, size + 1):
        y, x = y1 + (y2 - y1) * part, x1 + (x2 - x1) * part
        grid.plot([x1, x2], [y, y], [x, x], [y1, y2], color="white", linewidth=1.1)
    parts = (np.arange(2 * size) + 0.5) / (2 * size)
    points = np.meshgrid(x1 + (x2 - x1) * parts, y1 + (y2 - y1) * parts)
    grid.scatter(*points, s=3, color=INK)
    half = max(y2 - y1, x2 - x1) / 2 + 0.8
    y, x = (y1 + y2) / 2, (x1 + x2) / 2
    grid.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
    show_map(result, colours.paint(walk.crop(proposal, size)))
    caption(result, f"as {size} x {size} features")
    for ax in (grid, result):
        ax.set_facecolor(MUTED)
    return figure
