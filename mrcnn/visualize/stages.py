"""What the network says between anchors and detections, as pictures.

Boxes are (y1, x1, y2, x2) in pixels of the image they are drawn on.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from mrcnn.visualize.failures import square_window
from mrcnn.visualize.instances import draw_box_outline, draw_outline
from mrcnn.visualize.style import Figure, look, new_figure, palette, show_image

PROBABILITY = ScalarMappable(Normalize(0, 1), "viridis")


@look()
def draw_score_maps(
    image: np.ndarray,
    maps: Sequence[np.ndarray],
    *,
    names: Sequence[str] | None = None,
    boxes: np.ndarray | None = None,
) -> Figure:
    """Show an image, and beside it a map of probabilities for each pyramid level.

    Args:
        image: (h, w, 3) uint8, the padded image.
        maps: (rows, columns) in [0, 1] for each level.
        names: of the levels, "P2", "P3" .. by default.
        boxes: (n, 4) of the true objects, outlined in every panel.
    """
    names = names or [f"P{i}" for i in range(2, 2 + len(maps))]
    height, width = image.shape[:2]
    columns = math.ceil((len(maps) + 1) / 2)  # two rows: in one, panels would be tiny
    panel = 9.4 / columns
    size = (10, 2 * (panel * height / width + 0.4))
    figure, axes = new_figure(2, columns, size=size)
    for ax in axes.flat[len(maps) + 1 :]:
        ax.set_axis_off()
    used = axes.flat[: len(maps) + 1]
    show_image(used[0], image, "image")
    for ax, scores, name in zip(used[1:], maps, names, strict=True):
        ax.imshow(
            scores,
            norm=PROBABILITY.norm,
            cmap=PROBABILITY.cmap,
            interpolation="nearest",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
        ax.set_axis_off()
        ax.set_title(f"{name}, {scores.shape[0]} x {scores.shape[1]}", fontsize=11)
    for ax in used:
        for box in boxes if boxes is not None else ():
            draw_box_outline(ax, box, "white", linestyle=(0, (4, 3)))
    _colour_bar(figure, list(axes.flat), "probability of an object")
    return figure


@look()
def draw_masks(
    image: np.ndarray,
    boxes: np.ndarray,
    soft: np.ndarray,
    masks: np.ndarray,
    titles: Sequence[str],
    *,
    limit: int = 6,
) -> Figure:
    """Show masks as the head gives them, and below each what it becomes in the image.

    Args:
        image: (h, w, 3) uint8.
        boxes: (n, 4).
        soft: (n, M, M) probabilities inside the boxes.
        masks: (h, w, n) bool, the pasted masks.
        titles: one a mask.
        limit: masks shown.
    """
    shown = min(limit, len(boxes))
    columns = max(shown, 1)
    figure, axes = new_figure(2, columns, size=(min(12, 2.3 * columns + 0.8), 5.0))
    for ax in axes.flat:
        ax.set_axis_off()
    if not shown:
        axes[0, 0].set_title("no instances", fontsize=11)
    for i, colour in enumerate(palette(shown)):
        axes[0, i].imshow(soft[i], norm=PROBABILITY.norm, cmap=PROBABILITY.cmap)
        axes[0, i].set_title(titles[i], fontsize=11)
        show_image(axes[1, i], image)
        draw_outline(axes[1, i], masks[..., i], colour, width=2.2)
        draw_box_outline(axes[1, i], boxes[i], colour, linestyle=(0, (4, 3)))
        y1, x1, y2, x2 = square_window(boxes[i : i + 1], image.shape[:2], 0.15)
        axes[1, i].set_xlim(x1 - 0.5, x2 - 0.5)
        axes[1, i].set_ylim(y2 - 0.5, y1 - 0.5)
    _colour_bar(figure, axes[0, -1], "probability")
    return figure


def _colour_bar(figure: Figure, ax: Axes | list[Axes], label: str) -> None:
    bar = figure.colorbar(PROBABILITY, ax=ax, fraction=0.05, pad=0.04, label=label)
    bar.outline.set_visible(False)
