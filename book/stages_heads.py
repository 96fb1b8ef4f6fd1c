"""Pictures of the heads, and of what training asks of them."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mrcnn import losses
from mrcnn.visualize.boxes import RIM
from mrcnn.visualize.failures import square_window
from mrcnn.visualize.instances import draw_box_outline, draw_instances, draw_outline
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.stages import PROBABILITY
from mrcnn.visualize.style import (
    GOOD,
    INK,
    MUTED,
    OKABE_ITO,
    Figure,
    look,
    new_figure,
    palette,
    show_image,
)

from stages_features import DASHED, caption, faint, show_map
from stages_walk import Walk

DOTTED = (0, (1, 1.5))


@look()
def heads(walk: Walk) -> Figure:
    """Draw what the box head says of some proposals: their classes and new boxes."""
    shown = walk.telling_proposals()
    figure, axes = new_figure(1, 2, size=(5.8, 2.9), width_ratios=[1, 1.05])
    image, table = axes.flat
    show_image(image, faint(walk))
    labels = []
    for i, (row, colour) in enumerate(zip(shown, palette(len(shown)), strict=True), 1):
        box, refined = walk.proposals[row], walk.refined[row]
        draw_box_outline(image, box, colour, width=1.6, linestyle=DASHED)
        if walk.probabilities[row].argmax():
            draw_box_outline(image, refined, colour, width=2)
        labels.append(Label(str(i), str(i), tuple(box), colour))
    LabelLayer(image, labels)
    caption(image, "proposals, and moved")
    values = walk.probabilities[shown]
    table.imshow(values, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    for i, j in np.ndindex(values.shape):
        dark = values[i, j] > 0.6
        text = {"ha": "center", "va": "center", "fontsize": 10}
        table.text(j, i, f"{values[i, j]:.2f}", color="white" if dark else INK, **text)
    table.set_xticks(range(len(walk.names)), ["nothing", *walk.names[1:]], color=INK)
    table.set_yticks(range(len(shown)), range(1, len(shown) + 1), color=INK)
    table.tick_params(length=0, labelsize=9.5)
    table.grid(False)
    table.spines[:].set_visible(False)
    caption(table, "probability of each class")
    return figure


@look()
def masks(walk: Walk) -> Figure:
    """Draw what the mask head draws for every class, and what becomes of it."""
    soft, found = walk.soft_masks(), walk.found
    rows = np.argsort(found["masks"].sum(axis=(0, 1)))[[0, -1]]  # smallest, largest
    figure, axes = new_figure(len(rows), 5, size=(5.8, 2.7))
    for panels, i in zip(axes, rows, strict=True):
        winner = found["class_ids"][i]
        colour = palette(len(found["rois"]))[i]
        for ax in panels[[0, 4]]:
            show_image(ax, walk.image)
            draw_box_outline(ax, found["rois"][i], colour, width=1.6, linestyle=DASHED)
            _frame_round(ax, found["rois"][i], walk.shape)
        draw_outline(panels[4], found["masks"][..., i], colour, width=2.2)
        for c, ax in enumerate(panels[1:4], start=1):
            show_map(ax, soft[i, ..., c], norm=PROBABILITY.norm)
            if c == winner:
                _frame(ax, colour)
    titles = ("the box", *(f"{name}?" for name in walk.names[1:]), "its mask")
    for ax, title in zip(axes[0], titles, strict=True):
        caption(ax, title, 9.5)
    bar = figure.colorbar(PROBABILITY, ax=axes, shrink=0.85, aspect=24)
    bar.set_label("probability of the object")
    bar.outline.set_visible(False)
    return figure


def _frame_round(ax: Axes, box: np.ndarray, shape: tuple[int, ...]) -> None:
    """Show a square part of the image round a box."""
    y1, x1, y2, x2 = square_window(box[None], shape[:2], 0.12)
    ax.set(xlim=(x1 - 0.5, x2 - 0.5), ylim=(y2 - 0.5, y1 - 0.5))


def _frame(ax: Axes, colour: tuple[float, float, float]) -> None:
    """Draw a border round a map that has no axis."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    for (x1, y1), (x2, y2) in pairwise([*corners, corners[0]]):
        ax.plot([x1, x2], [y1, y2], color=colour, linewidth=5, clip_on=False)


@look()
def instances(walk: Walk) -> Figure:
    """Draw all boxes that are called an object, and the instances that remain."""
    figure, axes = new_figure(1, 2, size=(5.8, 3.6))
    before, after = axes.flat
    called = walk.probabilities.argmax(axis=1)
    show_image(before, faint(walk))
    colours = palette(len(walk.names) - 1)
    for i in np.flatnonzero(walk.candidates())[::-1]:
        draw_box_outline(before, walk.refined[i], colours[called[i] - 1], width=1.3)
    keys = [
        Line2D([], [], color=colour, label=name)
        for name, colour in zip(walk.names[1:], colours, strict=True)
    ]
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.01)}
    before.legend(handles=keys, ncols=3, handlelength=1.2, columnspacing=1, **place)
    caption(before, f"{walk.candidates().sum()} boxes called an object")
    found = walk.found
    draw_instances(
        after,
        walk.image,
        found["rois"],
        found["masks"],
        found["class_ids"],
        walk.names,
        found["scores"],
        show_bbox=False,
        colors=[colours[c - 1] for c in found["class_ids"]],
    )
    caption(after, f"{len(found['rois'])} instances")
    return figure


@look()
def targets(walk: Walk) -> Figure:
    """Draw anchors and regions that training samples: objects' and background's."""
    figure, axes = new_figure(1, 2, size=(5.8, 3.6))
    anchors, regions = walk.sampled_anchors(), walk.sampled_rois()
    titles = "anchors", "regions"
    for ax, title, (boxes, positive) in zip(
        axes.flat, titles, (anchors, regions), strict=True
    ):
        show_image(ax, faint(walk))
        for box in boxes[~positive][:12]:
            style = {"linestyle": DOTTED, "width": 1.2, "path_effects": RIM}
            draw_box_outline(ax, box, MUTED, clip_on=True, **style)
        for box in boxes[positive][:12]:
            draw_box_outline(ax, box, GOOD, width=1.6, clip_on=True)
        caption(ax, f"{title}: {positive.sum()} of {len(boxes)} positive")
    keys = [
        Line2D([], [], color=GOOD, label="object"),
        Line2D([], [], color=MUTED, linestyle=DOTTED, label="background"),
    ]
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.01)}
    axes[0, 0].legend(handles=keys, ncols=2, **place)
    return figure


@look()
def mask_targets(walk: Walk, count: int = 5) -> Figure:
    """Draw regions with their object, and below the masks that they should become."""
    regions, wanted, owners = walk.mask_targets()
    # One of each object, then others.
    first = {owner: i for i, owner in reversed(list(enumerate(owners)))}
    rest = [i for i in range(len(owners)) if i not in first.values()]
    shown = [*sorted(first.values()), *rest][:count]
    figure, axes = new_figure(2, count, size=(5.8, 2.7))
    for (above, below), i in zip(axes.T, shown, strict=True):
        colour = palette(len(walk.true_boxes))[owners[i]]
        show_image(above, walk.image)
        draw_outline(above, walk.true_masks[..., owners[i]], colour, width=2)
        draw_box_outline(above, regions[i], INK, width=1.6, linestyle=DASHED)
        _frame_round(above, regions[i], walk.shape)
        show_map(below, wanted[i], vmin=0, vmax=1)
        caption(above, walk.names[walk.true_classes[owners[i]]], 9.5)
    return figure


@look()
def smooth_l1(walk: Walk) -> Figure:
    """Draw the loss of one number of a box, with the knee of two conventions."""
    errors = np.linspace(-2, 2, 401)
    figure, axes = new_figure(1, 2, size=(5.8, 2.7))
    ours = walk.config.SMOOTH_L1_BETA
    for name, beta, colour, line in (
        (r"$\beta$ = 1", 1.0, OKABE_ITO[0], "--"),
        (rf"$\beta$ = 1/{round(1 / ours)}", ours, OKABE_ITO[3], "-"),
    ):
        values = np.asarray(losses.smooth_l1(errors, 0.0, beta))
        style = {"color": colour, "linestyle": line, "label": name}
        axes[0, 0].plot(errors, values, **style)
        axes[0, 1].plot(errors, np.gradient(values, errors), **style)
    axes[0, 0].set(xlabel="error of a delta", title="loss", ylim=(0, None))
    axes[0, 1].set(xlabel="error of a delta", title="slope")
    axes[0, 0].legend(loc="upper center")
    return figure
