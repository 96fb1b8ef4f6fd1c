"""Where the proposal network looks, and what it proposes: anchors and proposals.

Boxes are (y1, x1, y2, x2) in pixels of the image they are drawn on.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from mrcnn.visualize.instances import draw_box_outline
from mrcnn.visualize.style import Figure, image_axes, look, palette, show_image, widen


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
    widen(ax, image.shape, boxes)
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
