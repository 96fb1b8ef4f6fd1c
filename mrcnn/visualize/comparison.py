"""Predictions beside the truth: what was found, missed, mistaken."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mrcnn.ops.overlaps import greedy_match, mask_iou
from mrcnn.visualize.galleries import grid
from mrcnn.visualize.instances import (
    FILL,
    draw_box_outline,
    draw_outline,
)
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.masks import apply_mask, rgb
from mrcnn.visualize.names import names_of
from mrcnn.visualize.outlines import outlines
from mrcnn.visualize.style import (
    BAD,
    FAINT,
    GOOD,
    INK,
    Figure,
    chart_axes,
    image_axes,
    look,
    presented,
    show_image,
)

TRUTH, RIGHT, WRONG = (matplotlib.colors.to_rgb(c) for c in ("#0072B2", GOOD, BAD))
"""Colours of missed objects, right detections and wrong ones."""


@look()
def display_differences(
    image: np.ndarray,
    gt_box: np.ndarray,
    gt_class_id: np.ndarray,
    gt_mask: np.ndarray,
    pred_box: np.ndarray,
    pred_class_id: np.ndarray,
    pred_score: np.ndarray,
    pred_mask: np.ndarray,
    class_names: Sequence[str],
    title: str = "",
    ax: Axes | None = None,
    show_mask: bool = True,
    show_box: bool = True,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.5,
) -> Axes | Figure:
    """Draw the truth against the predictions, with scores and IoUs.

    A prediction is right if it has the class of an object that it overlaps with a mask
    IoU of `iou_threshold`, best score first. Right ones are green with "score / IoU",
    wrong ones orange, and objects that nothing found blue, "missed". The truth of what
    was found is a thin white line. A new figure has a window in a script.

    Args:
        image: (h, w, 3) uint8; see `masks.rgb` for what else is taken.
        gt_box: (m, 4) pixels; rows of zeros are padding.
        gt_class_id: (m,).
        gt_mask: (h, w, m).
        pred_box: (n, 4), padded likewise.
        pred_class_id: (n,).
        pred_score: (n,).
        pred_mask: (h, w, n).
        class_names: background first.
        title: above the image.
        ax: where to draw; a new figure by default.
        show_mask: fill the masks.
        show_box: draw the boxes.
        iou_threshold: of a match.
        score_threshold: predictions below it are not drawn.
    """
    shown = _objects(pred_box)
    shown = shown[np.asarray(pred_score)[shown] >= score_threshold]
    objects = _objects(gt_box)
    overlaps = mask_iou(pred_mask[..., shown], gt_mask[..., objects])
    same = np.asarray(pred_class_id)[shown, None] == np.asarray(gt_class_id)[objects]
    matches = greedy_match(
        overlaps * same, np.asarray(pred_score)[shown], threshold=iou_threshold
    )
    # The name of the only class there is would say nothing and cover much.
    several = len(class_names) > 2
    found_names, true_names = (
        [f"{name} " if several else "" for name in names_of(ids, class_names)]
        for ids in (pred_class_id, gt_class_id)
    )
    parts = []
    for k, i in enumerate(shown):
        best = float(overlaps[k].max(initial=0))
        text = f"{found_names[i]}{pred_score[i]:.2f} / {best:.2f}"
        colour = RIGHT if matches[k] >= 0 else WRONG
        parts.append((pred_mask[..., i], pred_box[i], colour, text))
    for j in np.delete(objects, matches[matches >= 0]):
        text = f"missed {true_names[j]}".rstrip()
        parts.append((gt_mask[..., j], gt_box[j], TRUTH, text))
    picture = rgb(image)
    ax, drawn_on = image_axes(ax, picture.shape)
    if show_mask:
        for mask, _, colour, _ in parts:
            apply_mask(picture, mask, colour, FILL)
    show_image(ax, picture, title)
    for mask, box, colour, _ in parts:
        draw_outline(ax, mask, colour)
        if show_box:
            draw_box_outline(ax, box, colour, linestyle=(0, (4, 3)))
    for j in objects[matches[matches >= 0]]:
        for x, y in (line.T for line in outlines(gt_mask[..., j])):
            ax.plot(x, y, color="white", linewidth=1.0, linestyle=(0, (4, 2)))
    # What was missed comes first: its label has to lie on it to be understood.
    in_turn = sorted(parts, key=lambda part: part[2] != TRUTH)
    labels = [Label(t, t.split()[-1], tuple(b), c) for _, b, c, t in in_turn]
    LabelLayer(ax, labels)
    _legend(ax)
    return presented(drawn_on)


def _objects(boxes: np.ndarray) -> np.ndarray:
    """Return the indices of boxes (n, 4) that are no padding."""
    return np.flatnonzero(np.asarray(boxes).reshape(-1, 4).any(axis=1))


class SceneLike(Protocol):
    """What galleries of scenes read; `mrcnn.evaluation.Scene` has it."""

    image_id: int
    truth: Any
    found: Any


@look()
def differences_gallery(
    scenes: Sequence[SceneLike],
    load_image: Callable[[int], np.ndarray],
    class_names: Sequence[str],
    *,
    columns: int = 2,
    score_threshold: float = 0.5,
) -> Figure:
    """Draw the truth against the predictions in several images.

    Args:
        scenes: as `mrcnn.evaluation.collect` returns them.
        load_image: `dataset.load_image`.
        class_names: background first.
        columns: at most so many side by side.
        score_threshold: predictions below it are not drawn.
    """

    def draw(ax: Axes, i: int) -> None:
        truth, found = scenes[i].truth, scenes[i].found
        display_differences(
            load_image(scenes[i].image_id),
            truth.boxes,
            truth.class_ids,
            truth.masks(),
            found.boxes,
            found.class_ids,
            found.scores,
            found.masks(),
            class_names,
            title=f"image {scenes[i].image_id}",
            ax=ax,
            show_box=False,
            score_threshold=score_threshold,
        )
        ax.get_legend().remove()

    figure = grid(len(scenes), draw, columns=columns)
    figure.legend(handles=_keys(), loc="outside lower left", ncols=3)
    return figure


def _keys() -> list[Patch]:
    return [
        Patch(color=RIGHT, label="right (score / IoU)"),
        Patch(color=WRONG, label="wrong"),
        Patch(color=TRUTH, label="missed"),
    ]


def _legend(ax: Axes) -> None:
    ax.legend(
        handles=_keys(),
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=3,
        borderpad=0,
    )


@look()
def plot_overlaps(
    gt_class_ids: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    overlaps: np.ndarray,
    class_names: Sequence[str],
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw the IoU of every prediction (row) with every object (column).

    Numbers from `threshold` on are bold where the classes agree, and marked "class"
    where they do not.

    Args:
        gt_class_ids: (m,), zeros at the end being padding.
        pred_class_ids: (n,), likewise.
        pred_scores: (n,).
        overlaps: (n, m) IoUs, with or without padding.
        class_names: background first.
        threshold: of a match.
        ax: where to draw; a new figure by default.
    """
    gt_class_ids, pred_class_ids = (
        np.trim_zeros(np.asarray(ids), "b") for ids in (gt_class_ids, pred_class_ids)
    )
    rows, columns = len(pred_class_ids), len(gt_class_ids)
    overlaps = np.asarray(overlaps, float)[:rows, :columns]
    ax, drawn_on = chart_axes(
        ax, (1.6 + 0.95 * max(columns, 2), 1.2 + 0.5 * max(rows, 2))
    )
    ax.grid(False)
    ax.imshow(
        overlaps if overlaps.size else np.zeros((1, 1)),
        cmap="Blues",
        vmin=0,
        vmax=1.2,
        aspect="auto",
    )
    for i, j in np.ndindex(rows, columns):
        value = overlaps[i, j]
        agree = pred_class_ids[i] == gt_class_ids[j]
        hit = value >= threshold
        ax.text(
            j,
            i,
            f"{value:.2f}" + (" (class)" if hit and not agree else ""),
            ha="center",
            va="center",
            color="white" if value > 0.7 else INK if value >= 0.005 else FAINT,
            fontweight="bold" if hit and agree else "normal",
            fontsize=10,
        )
    predicted = [
        f"{name} {s:.2f}"
        for name, s in zip(
            names_of(pred_class_ids, class_names), pred_scores[:rows], strict=True
        )
    ]
    ax.set_yticks(range(rows), predicted)
    ax.set_xticks(range(columns), names_of(gt_class_ids, class_names))
    ax.set(xlabel="object", ylabel="prediction")
    return drawn_on
