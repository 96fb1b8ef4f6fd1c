"""Charts of numbers: learning curves, precision and recall, confusions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mrcnn.tasks import LOSS_NAMES
from mrcnn.visualize.style import (
    FAINT,
    INK,
    MUTED,
    OKABE_ITO,
    Figure,
    chart_axes,
    look,
    new_figure,
)

LINES = ("-", "--", ":", "-.")
LOSS_TITLES = {
    "loss": "all losses together",
    "rpn_class_loss": "proposals: object or not",
    "rpn_bbox_loss": "proposals: boxes",
    "mrcnn_class_loss": "heads: class",
    "mrcnn_bbox_loss": "heads: boxes",
    "mrcnn_mask_loss": "heads: masks",
}


@look()
def plot_precision_recall(
    AP: float, precisions: np.ndarray, recalls: np.ndarray, ax: Axes | None = None
) -> Axes | Figure:
    """Draw one curve of precision (n,) over recall (n,), its AP in the title.

    A precision holds from the last recall to its own, so that the area is the AP.
    """
    ax, drawn_on = chart_axes(ax, (5.2, 4.4))
    area = {"alpha": 0.12, "linewidth": 0, "step": "pre"}
    ax.fill_between(recalls, precisions, color=OKABE_ITO[0], **area)
    ax.plot(recalls, precisions, color=OKABE_ITO[0], drawstyle="steps-pre")
    ax.set(title=f"AP at IoU 0.50: {AP:.3f}")
    _unit_square(ax)
    return drawn_on


@look()
def plot_precision_recall_curves(
    curves: Mapping[str, np.ndarray], *, title: str = "", ax: Axes | None = None
) -> Axes | Figure:
    """Draw several curves of precision over recall in one chart, with a legend.

    Args:
        curves: precision (n,) at n recalls evenly from 0 to 1, by name.
        title: above the chart.
        ax: where to draw; a new figure by default.
    """
    ax, drawn_on = chart_axes(ax, (5.6, 4.4))
    for i, (name, curve) in enumerate(curves.items()):
        ax.plot(
            np.linspace(0, 1, len(curve)),
            curve,
            label=name,
            color=OKABE_ITO[i % len(OKABE_ITO)],
            linestyle=LINES[i % len(LINES)],
        )
    ax.legend(loc="best")
    ax.set_title(title)
    _unit_square(ax)
    return drawn_on


def _unit_square(ax: Axes) -> None:
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.05))


@look()
def plot_confusion(
    confusion: np.ndarray,
    class_names: Sequence[str],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw true classes (rows) against given classes (columns), counts and row shares.

    Args:
        confusion: (K, K) as `mrcnn.evaluation.confusion_matrix` counts it: row 0 are
            false alarms, column 0 missed objects.
        class_names: background first.
        title: above the chart.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: there are more or fewer names than classes.
    """
    classes = len(class_names)
    if np.shape(confusion) != (classes, classes):
        raise ValueError(
            f"the table is {np.shape(confusion)}, but there are {classes} class names: "
            "give one a class, background first."
        )
    # Background last: the diagonal of right answers comes first.
    order = [*range(1, classes), 0]
    counts = np.asarray(confusion)[np.ix_(order, order)]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares[-1] = 0  # false alarms are no part of a whole
    side = 1.05 * classes
    ax, drawn_on = chart_axes(ax, (side + 2.2, side + 1.2))
    ax.grid(False)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for i, j in np.ndindex(classes, classes):
        if i == j == classes - 1:
            continue
        share = f"\n{shares[i, j]:.0%}" if i < classes - 1 and counts[i, j] else ""
        ax.text(
            j,
            i,
            f"{counts[i, j]}{share}",
            ha="center",
            va="center",
            color="white" if shares[i, j] > 0.6 else INK if counts[i, j] else FAINT,
        )
    names = list(class_names[1:])
    ax.set_xticks(range(classes), [*names, "missed"])
    ax.set_yticks(range(classes), [*names, "false alarm"])
    ax.set(xlabel="given class", ylabel="true class", title=title)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return drawn_on


@look()
def plot_history(
    history: Mapping[str, Sequence[float]],
    *,
    boundaries: Sequence[int] = (),
    title: str = "",
) -> Figure:
    """Draw the total and the five losses over epochs, and the learning rate below.

    Args:
        history: as `mrcnn.training.fit` returns it: one number an epoch by name, with
            "val_" before the names of validation losses. What is absent is left out.
        boundaries: epochs (counted from 1) after which a new stage of training began.
        title: above the figure.

    Raises:
        ValueError: there is no loss in it.
    """
    names = [n for n in ("loss", *LOSS_NAMES) if n in history]
    if not names:
        raise ValueError(
            f"history has no loss, only {sorted(history)}: give what training.fit "
            "returns."
        )
    rate = "learning_rate" in history
    figure, axes = new_figure(
        2 + rate,
        3,
        size=(11, 6.2 + 1.6 * rate),
        height_ratios=[1.0, 1.0, 0.45][: 2 + rate],
    )
    for ax in axes.flat[len(names) : 6]:
        ax.set_axis_off()
    for name, ax in zip(names, axes.flat, strict=False):
        _plot_loss(ax, name, history)
        _mark_stages(ax, boundaries, len(history[name]))
    axes[0, 0].legend(loc="upper right")
    if rate:
        for ax in axes[2]:
            ax.remove()
        ax = figure.add_subplot(axes[2, 0].get_gridspec()[2, :])
        _plot_rate(ax, history["learning_rate"])
        _mark_stages(ax, boundaries, len(history["learning_rate"]))
    figure.supxlabel("epoch", fontsize=11, color=INK)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def _plot_loss(ax: Axes, name: str, history: Mapping[str, Sequence[float]]) -> None:
    highest = 0.0
    for key, label, colour, line in (
        (name, "training", OKABE_ITO[0], "-"),
        (f"val_{name}", "validation", OKABE_ITO[3], "--"),
    ):
        values = np.asarray(history.get(key, ()), float)
        if not values.size:
            continue
        epochs = np.arange(1, len(values) + 1)
        # One epoch is a point; a line would not be seen.
        marker = "o" if len(values) < 12 else ""
        ax.plot(epochs, values, line, color=colour, label=label, marker=marker, ms=4)
        # The first epochs of a random start dwarf everything after them.
        highest = max(highest, 1.15 * float(np.nanpercentile(values, 95)))
    ax.set_ylim(0, highest or 1)
    _chart_frame(ax, LOSS_TITLES[name])


def _plot_rate(ax: Axes, values: Sequence[float]) -> None:
    epochs = np.arange(1, len(values) + 1)
    marker = "o" if len(values) < 12 else ""
    ax.plot(epochs, values, color=INK, linewidth=1.6, marker=marker, ms=4)
    ax.set_ylim(0, 1.1 * max(values))
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    _chart_frame(ax, "learning rate")


def _chart_frame(ax: Axes, title: str) -> None:
    ax.set_title(title, fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    ax.tick_params(colors=MUTED)


def _mark_stages(ax: Axes, boundaries: Sequence[int], epochs: int) -> None:
    for epoch in boundaries:
        if 0 < epoch < epochs:
            ax.axvline(epoch + 0.5, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
