"""Boxes on their image: anchors, proposals, RoIs before and after refinement.

Boxes are (y1, x1, y2, x2) in pixels of the image they are drawn on.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mrcnn.visualize.instances import (
    draw_box_outline,
    draw_outline,
    random_colors,
)
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.masks import apply_mask
from mrcnn.visualize.style import MUTED, Figure, image_axes, look, palette, show_image

RIM = [withStroke(linewidth=2.6, foreground="white", alpha=0.6)]
"""Keeps a grey line visible on any ground."""
STYLES: dict[int, dict[str, Any]] = {
    0: {"linestyle": (0, (1, 1.5)), "width": 1.4, "path_effects": RIM},
    1: {"linestyle": (0, (4, 3)), "alpha": 0.9, "width": 1.5},
    2: {"linestyle": "-", "alpha": 1.0, "width": 2.0},
}
"""How a box of each visibility is drawn; those of 0 are grey as well."""


def draw_box(image: np.ndarray, box: np.ndarray, color: Sequence[float]) -> np.ndarray:
    """Draw the border of a box, 2 pixels wide, into an image, in place; return it.

    Args:
        image: (h, w, 3); changed.
        box: (4,) int pixels; what lies outside the image is not drawn.
        color: of the border, in the image's own scale.
    """
    height, width = image.shape[:2]
    y1, x1, y2, x2 = (int(edge) for edge in box)
    y1, x1, y2, x2 = max(y1, 0), max(x1, 0), min(y2, height), min(x2, width)
    image[y1 : min(y1 + 2, y2), x1:x2] = color
    image[max(y2 - 2, y1) : y2, x1:x2] = color
    image[y1:y2, x1 : min(x1 + 2, x2)] = color
    image[y1:y2, max(x2 - 2, x1) : x2] = color
    return image


@look()
def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray | None = None,
    refined_boxes: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    visibilities: Sequence[int] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw boxes, and where refinement moves them.

    Args:
        image: (h, w, 3) uint8.
        boxes: (n, 4) dashed; those without area are left out.
        refined_boxes: (n, 4) solid, joined to `boxes` at the upper left corner.
        masks: (h, w, n).
        captions: one a box.
        visibilities: one a box: 0 grey and dotted, 1 dashed, 2 solid; by default 1.
        title: above the image.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: neither `boxes` nor `refined_boxes` is given.
    """
    if boxes is None and refined_boxes is None:
        raise ValueError("draw_boxes: give boxes, refined_boxes or both.")
    count = len(refined_boxes if boxes is None else boxes)
    colours = random_colors(count)
    levels = [1] * count if visibilities is None else [int(v) for v in visibilities]
    colours = [
        matplotlib.colors.to_rgb(MUTED) if level == 0 else colour
        for level, colour in zip(levels, colours, strict=True)
    ]
    ax, drawn_on = image_axes(ax, image.shape)
    shown = image[..., :3].copy()
    if masks is not None:
        for i in range(count):
            apply_mask(shown, masks[..., i], colours[i], 0.35)
    show_image(ax, shown, title)
    labels = []
    for i in range(count):
        pair = [None if b is None else b[i] for b in (boxes, refined_boxes)]
        if not any(_has_area(box) for box in pair):
            continue
        _draw_pair(ax, *pair, colours[i], STYLES[levels[i]])
        if masks is not None:
            draw_outline(ax, masks[..., i], colours[i])
        if captions is not None and captions[i]:
            place = pair[0] if pair[1] is None else pair[1]
            labels.append(Label(captions[i], captions[i], tuple(place), colours[i]))
    LabelLayer(ax, labels)
    return drawn_on


def _has_area(box: np.ndarray | None) -> bool:
    return box is not None and box[2] > box[0] and box[3] > box[1]


def _draw_pair(
    ax: Axes,
    box: np.ndarray | None,
    refined: np.ndarray | None,
    colour: tuple[float, float, float],
    style: dict[str, Any],
) -> None:
    """Draw a box as its visibility says, the refined one solid, and the way between."""
    if _has_area(box):
        draw_box_outline(ax, box, colour, **style)
    if not _has_area(refined):
        return
    draw_box_outline(ax, refined, colour, width=2.0)
    if _has_area(box):
        ax.add_line(
            Line2D(
                [box[1] - 0.5, refined[1] - 0.5],
                [box[0] - 0.5, refined[0] - 0.5],
                color=colour,
                linewidth=1.0,
            )
        )


@look()
def draw_rois(
    image: np.ndarray,
    rois: np.ndarray,
    refined_rois: np.ndarray,
    mask: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    limit: int = 10,
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw sampled RoIs, their refinement, class and mask; background in grey.

    Args:
        image: (h, w, 3) uint8.
        rois: (n, 4).
        refined_rois: (n, 4).
        mask: (h, w, n).
        class_ids: (n,), 0 for background.
        class_names: background first.
        limit: RoIs drawn, spread evenly over the list; all if there are fewer.
        ax: where to draw; a new figure by default.
    """
    class_ids = np.asarray(class_ids)
    picked = np.unique(np.linspace(0, len(rois) - 1, min(limit, len(rois))).astype(int))
    object_ = class_ids[picked] > 0
    positive = int((class_ids > 0).sum())
    # A background RoI has nothing to be refined to.
    refined = np.where(object_[:, None], refined_rois[picked], 0)
    return draw_boxes(
        image,
        rois[picked],
        refined,
        mask[..., picked] & object_,
        [class_names[c] if c else "" for c in class_ids[picked]],
        np.where(object_, 1, 0),
        f"{len(rois)} RoIs, {positive} on objects; {len(picked)} drawn",
        ax,
    )


@look()
def draw_anchors(
    image: np.ndarray,
    levels: Sequence[np.ndarray],
    *,
    names: Sequence[str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw the anchors of one cell on each level of the pyramid.

    Args:
        image: (h, w, 3) uint8, the padded image.
        levels: the anchors (ratios, 4) of one cell of each level, in pixels; see
            `ops.anchors.level_anchors`. The axes grow to show what leaves the image.
        names: of the levels, "P2", "P3" .. by default.
        title: above the image.
        ax: where to draw; a new figure by default.
    """
    names = names or [f"P{i}" for i in range(2, 2 + len(levels))]
    ax, drawn_on = image_axes(ax, image.shape)
    show_image(ax, image, title)
    styles = ("-", "--", ":", "-.")
    colours = palette(len(levels))
    for i, (anchors, colour) in enumerate(zip(levels, colours, strict=True)):
        for anchor in anchors:
            line = styles[i % len(styles)]
            draw_box_outline(
                ax, anchor, colour, width=1.8, linestyle=line, clip_on=True
            )
    boxes = np.concatenate([np.asarray(level).reshape(-1, 4) for level in levels])
    height, width = image.shape[:2]
    low, high = boxes.min(axis=0), boxes.max(axis=0)
    ax.set_xlim(min(-0.5, low[1] - 2), max(width - 0.5, high[3] + 2))
    ax.set_ylim(max(height - 0.5, high[2] + 2), min(-0.5, low[0] - 2))
    keys = [
        Line2D([], [], color=colour, linestyle=styles[i % len(styles)], label=name)
        for i, (name, colour) in enumerate(zip(names, colours, strict=True))
    ]
    _legend_below(ax, keys)
    return drawn_on


def _legend_below(ax: Axes, keys: Sequence[Line2D]) -> None:
    ax.legend(
        handles=list(keys),
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=6,
        borderpad=0,
    )


@look()
def draw_proposals(
    image: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray | None = None,
    *,
    limit: int = 50,
    title: str = "",
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw the best proposals, each in the colour of its score.

    Args:
        image: (h, w, 3) uint8.
        boxes: (p, 4), best first.
        scores: (p,) probabilities of an object; without them colours tell the rank.
        limit: proposals drawn.
        title: above the image; by default how many are shown.
        ax: where to draw; a new figure by default.
    """
    shown = min(limit, len(boxes))
    values = np.arange(1, shown + 1) if scores is None else np.asarray(scores)[:shown]
    spread = (1, max(limit, 2)) if scores is None else (0, 1)
    # Reversed for ranks: bright is best either way.
    scale = ScalarMappable(
        Normalize(*spread), "viridis_r" if scores is None else "viridis"
    )
    ax, drawn_on = image_axes(ax, image.shape)
    show_image(ax, image, title or f"best {shown} of {len(boxes)} proposals")
    for i in reversed(range(shown)):  # the best on top
        draw_box_outline(ax, boxes[i], scale.to_rgba(values[i]), width=1.4)
    label = "rank" if scores is None else "probability of an object"
    bar = ax.figure.colorbar(scale, ax=ax, fraction=0.04, pad=0.02, label=label)
    bar.outline.set_visible(False)
    if scores is None:
        bar.ax.invert_yaxis()  # the first rank on top
    return drawn_on
