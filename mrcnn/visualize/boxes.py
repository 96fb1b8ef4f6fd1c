"""Boxes on their image, and RoIs before and after refinement.

Boxes are (y1, x1, y2, x2) in pixels of the image they are drawn on.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mrcnn.ops.masks import paste_masks
from mrcnn.visualize.instances import (
    draw_box_outline,
    draw_outline,
    random_colors,
)
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.masks import apply_mask, rgb
from mrcnn.visualize.names import names_of
from mrcnn.visualize.style import MUTED, Figure, image_axes, look, show_image, widen

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

    The axes grow beyond the image, by a tenth of its longer side at most, to show boxes
    that leave it.

    Args:
        image: (h, w, 3) uint8; see `masks.rgb` for what else is taken.
        boxes: (n, 4) dashed; those without area are left out.
        refined_boxes: (n, 4) solid, joined to `boxes` at the upper left corner.
        masks: (h, w, n).
        captions: one a box, on the refined one if there is one.
        visibilities: one a box: 0 grey and dotted, and not refined, 1 dashed, 2 solid;
            by default 1.
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
    pairs = {}
    for i in range(count):
        box = None if boxes is None else boxes[i]
        refined = None if refined_boxes is None or not levels[i] else refined_boxes[i]
        if _has_area(box) or _has_area(refined):
            pairs[i] = box, refined
    shown = rgb(image)
    if masks is not None:
        for i in pairs:
            apply_mask(shown, masks[..., i], colours[i], 0.35)
    ax, drawn_on = image_axes(ax, shown.shape)
    show_image(ax, shown, title)
    labels = []
    for i, (box, refined) in pairs.items():
        _draw_pair(ax, box, refined, colours[i], STYLES[levels[i]])
        if masks is not None:
            draw_outline(ax, masks[..., i], colours[i])
        text = str(captions[i]) if captions is not None else ""
        if text:
            place = refined if _has_area(refined) else box
            labels.append(Label(text, text, tuple(place), colours[i]))
    drawn = [box for pair in pairs.values() for box in pair if _has_area(box)]
    widen(ax, shown.shape, drawn, max(shown.shape) / 10)
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
        mask: (n, M, M), what is inside each RoI, as the mask head is trained on it.
        class_ids: (n,), 0 for background.
        class_names: background first.
        limit: RoIs drawn, spread evenly over the list; all if there are fewer.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: there is not one small mask for each RoI.
    """
    class_ids = np.asarray(class_ids)
    if np.ndim(mask) != 3 or len(mask) != len(rois):
        raise ValueError(
            f"mask has shape {np.shape(mask)} for {len(rois)} RoIs: give (n, M, M), "
            "each RoI's own small mask and not one of the whole image."
        )
    picked = np.unique(np.linspace(0, len(rois) - 1, min(limit, len(rois))).astype(int))
    object_ = class_ids[picked] > 0
    positive = int((class_ids > 0).sum())
    # A background RoI has nothing to be refined to.
    refined = np.where(object_[:, None], refined_rois[picked], 0)
    masks = paste_masks(mask[picked], rois[picked], np.shape(image)[:2])
    return draw_boxes(
        image,
        rois[picked],
        refined,
        masks & object_,
        [
            name if c else ""
            for c, name in zip(
                class_ids[picked], names_of(class_ids[picked], class_names), strict=True
            )
        ],
        np.where(object_, 1, 0),
        f"{len(rois)} RoIs, {positive} on objects; {len(picked)} drawn",
        ax,
    )
