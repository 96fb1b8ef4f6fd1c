"""Instances on their image: outlines, fills, labels, classes.

Boxes are (y1, x1, y2, x2) in pixels of the image they are drawn on, y2 and x2 being
exclusive.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal

from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.masks import apply_mask, class_map, rgb
from mrcnn.visualize.names import names_of
from mrcnn.visualize.outlines import outlines
from mrcnn.visualize.style import (
    Figure,
    Rim,
    image_axes,
    look,
    palette,
    presented,
    show_image,
)

Colour = tuple[float, float, float]
FILL = 0.35
"""Opacity of a mask: the object stays recognisable under its colour."""


def random_colors(N: int, bright: bool = True) -> list[Colour]:
    """Return N colours as RGB in [0, 1]; the same ones every time, whatever the name.

    Matterport shuffled hues; a fixed, colour-blind-safe order makes figures repeatable.
    With `bright` False they are darker by 30 %, as there.
    """
    strength = 1.0 if bright else 0.7
    return [tuple(strength * c for c in colour) for colour in palette(N)]


@look()
def display_instances(
    image: np.ndarray,
    boxes: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    title: str = "",
    figsize: tuple[float, float] = (16, 16),
    ax: Axes | None = None,
    show_mask: bool = True,
    show_bbox: bool = True,
    colors: Sequence[Colour] | None = None,
    captions: Sequence[str] | None = None,
) -> Axes | Figure:
    """Draw every instance with its outline, a translucent fill and a label.

    Without instances it prints so, as Matterport's did. A new figure has a window in a
    script.

    Args:
        image: (h, w, 3) uint8; see `masks.rgb` for what else is taken.
        boxes: (n, 4) pixels; an instance whose box is all zeros is left out.
        masks: (h, w, n) bool.
        class_ids: (n,), into `class_names`.
        class_names: background first.
        scores: (n,), written after the class if given.
        title: above the image.
        figsize: inches (width, height) of a new figure.
        ax: where to draw; a new figure by default.
        show_mask: fill the masks (outlines are always drawn).
        show_bbox: draw the boxes.
        colors: one an instance, RGB in [0, 1].
        captions: replace "number class score", one an instance.

    Raises:
        ValueError: the lists of instances differ in length, or masks and image in size,
            or a class has no name.
    """
    if not len(boxes):
        print("*** No instances to display ***")
    ax, drawn_on = image_axes(ax, np.shape(image), figsize)
    draw_instances(
        ax,
        image,
        boxes,
        masks,
        class_ids,
        class_names,
        scores,
        title=title,
        show_mask=show_mask,
        show_bbox=show_bbox,
        colors=colors,
        captions=captions,
    )
    return presented(drawn_on)


def draw_instances(
    ax: Axes,
    image: np.ndarray,
    boxes: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    *,
    title: str = "",
    show_mask: bool = True,
    show_bbox: bool = True,
    colors: Sequence[Colour] | None = None,
    captions: Sequence[str] | None = None,
) -> None:
    """Draw on axes what `display_instances` shows, without a word about it."""
    count = len(boxes)
    _check(image, count, masks, class_ids, scores, colors, captions)
    colours = random_colors(count) if colors is None else colors
    if captions is None:
        names = names_of(class_ids, class_names)
        captions = [
            f"{i + 1} {name}" if scores is None else f"{i + 1} {name} {scores[i]:.2f}"
            for i, name in enumerate(names)
        ]
    seen = [i for i in _smallest_first(boxes) if np.any(boxes[i])]
    shown = rgb(image)
    if show_mask:
        for i in sorted(seen):
            apply_mask(shown, masks[..., i], colours[i], FILL)
    show_image(ax, shown, title)
    for i in sorted(seen):
        draw_outline(ax, masks[..., i], colours[i])
        if show_bbox:
            draw_box_outline(ax, boxes[i], colours[i], linestyle=(0, (4, 3)))
    if not count:
        _note(ax, "no instances")
    labels = [
        Label(str(captions[i]), str(i + 1), tuple(boxes[i]), colours[i])
        for i in seen
        if captions[i]
    ]
    LabelLayer(ax, labels)


def _check(
    image: np.ndarray,
    count: int,
    masks: np.ndarray,
    class_ids: np.ndarray,
    scores: np.ndarray | None,
    colors: Sequence[Colour] | None,
    captions: Sequence[str] | None,
) -> None:
    """Raise ValueError where arguments of `display_instances` contradict each other."""
    if {masks.shape[-1], len(class_ids)} != {count}:
        raise ValueError(
            f"there are {count} boxes, {masks.shape[-1]} masks and {len(class_ids)} "
            "class ids: give one of each per instance."
        )
    given = {"scores": scores, "colors": colors, "captions": captions}
    for name, values in given.items():
        # Longer lists are no mistake: a palette may serve every image.
        if values is not None and len(values) < count:
            raise ValueError(
                f"there are {len(values)} {name} for {count} instances: give one each."
            )
    if count and masks.shape[:2] != np.shape(image)[:2]:
        raise ValueError(
            f"masks are {masks.shape[0]} x {masks.shape[1]} pixels, the image "
            f"{image.shape[0]} x {image.shape[1]}: expand mini-masks first, or give "
            "the image that they belong to."
        )


def _smallest_first(boxes: np.ndarray) -> np.ndarray:
    """Return the order in which labels choose: small objects have fewer places."""
    boxes = np.asarray(boxes).reshape(-1, 4)
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(float)
    return np.argsort(sides.prod(axis=1), kind="stable")


def _note(ax: Axes, text: str) -> None:
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )


def draw_outline(
    ax: Axes, mask: np.ndarray, colour: Colour, *, width: float = 1.8, **options: Any
) -> None:
    """Draw the contour of a mask (h, w) with a white rim that shows on any ground."""
    lines = LineCollection(outlines(mask), colors=[colour], linewidths=width, **options)
    lines.set_path_effects([Rim(), Normal()])
    ax.add_collection(lines, autolim=False)


def draw_box_outline(
    ax: Axes, box: np.ndarray, colour: Any, *, width: float = 1.2, **options: Any
) -> None:
    """Draw the border of a box (4,) along the edges of its outermost pixels."""
    y1, x1, y2, x2 = (float(edge) - 0.5 for edge in box)  # pixel centres are whole
    ax.add_patch(
        Rectangle(
            (x1, y1),
            x2 - x1,
            y2 - y1,
            fill=False,
            edgecolor=colour,
            linewidth=width,
            **options,
        )
    )


@look()
def semantic_view(
    image: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    *,
    title: str = "",
    ax: Axes | None = None,
    opacity: float = 0.7,
) -> Axes | Figure:
    """Draw which class each pixel belongs to, instances merged, with a legend.

    Args:
        image: (h, w, 3) uint8, seen faintly and in grey underneath.
        masks: (h, w, n) bool.
        class_ids: (n,).
        class_names: background first.
        scores: (n,); decide where masks overlap, see `masks.class_map`.
        title: above the image.
        ax: where to draw; a new figure by default.
        opacity: of the classes' colours.
    """
    names_of(class_ids, class_names)
    labels = class_map(masks, np.abs(class_ids), scores)
    grey = rgb(image).mean(axis=-1, keepdims=True)
    shown = np.repeat(96 + 0.6 * grey, 3, axis=-1).astype(np.uint8)
    colours = dict(enumerate(palette(len(class_names) - 1), start=1))
    present = [int(c) for c in np.unique(labels) if c]
    for c in present:
        apply_mask(shown, labels == c, colours[c], opacity)
    ax, drawn_on = image_axes(ax, shown.shape)
    show_image(ax, shown, title)
    for c in present:
        draw_outline(ax, labels == c, colours[c])
    share = np.bincount(labels.ravel(), minlength=len(class_names)) / labels.size
    keys = [
        Patch(color=colours[c], label=f"{class_names[c]} {share[c]:.0%}")
        for c in present
    ]
    background = f"background {share[0]:.0%}"
    keys.append(Patch(facecolor="#C8C8C8", label=background))
    ax.legend(
        handles=keys,
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=4,
        borderpad=0,
    )
    return drawn_on
