"""Charts of plain numbers: curves, histograms, bars and clouds of points."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from mrcnn.visualize.style import (
    INK,
    MUTED,
    OKABE_ITO,
    Figure,
    chart_axes,
    look,
    new_figure,
)

LINES = ("-", "--", ":", "-.")
MARKERS = "osD^"
FEW = 25
"""Points of a curve up to which each is marked."""


def _alone(values: Sequence[float]) -> list[int]:
    """Return which values stand between two gaps, where a line would not show them."""
    known = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()


@look()
def plot_series(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    logarithmic: bool = False,
    ylim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw curves over one axis, with a legend if there are several.

    Args:
        x: (n,).
        series: values (n,) by name.
        xlabel: with its unit.
        ylabel: with its unit.
        title: above the chart.
        logarithmic: whether the x axis is; its ticks are then the points themselves.
        ylim: ends of the y axis; by default what the curves need.
        ax: where to draw; a new figure by default.
    """
    ax, drawn_on = chart_axes(ax, (7, 3.4))
    for i, (name, values) in enumerate(series.items()):
        marked = list(range(len(x))) if len(x) <= FEW else _alone(values)
        ax.plot(
            x,
            values,
            label=name,
            color=OKABE_ITO[(0, 3, 2, 1, 4, 5)[i % 6]],
            linestyle=LINES[i % len(LINES)],
            marker=MARKERS[i % len(MARKERS)] if marked else "",
            markevery=marked,
            markersize=4.5,
        )
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if ylim:
        ax.set_ylim(*ylim)
    if len(series) > 1:
        ax.legend()
    return drawn_on


@look()
def plot_histograms(
    samples: Mapping[str, Sequence[float] | Sequence[str]],
    *,
    ylabel: str,
    bins: int = 24,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Draw how often values occur, one panel for each kind of value.

    Args:
        samples: values by what they are. Names and whole numbers get a bar each, other
            numbers are counted in `bins` intervals.
        ylabel: what is counted.
        bins: intervals.
        marks: vertical lines in all panels, by their label.
    """
    count = len(samples)
    figure, axes = new_figure(1, count, size=(min(12, 2 + 4.2 * count), 3.4))
    for ax, (name, values) in zip(axes.flat, samples.items(), strict=True):
        values = np.asarray(values)
        ax.grid(False, axis="x")
        if values.dtype.kind == "f":
            ax.hist(values, bins=bins, color=OKABE_ITO[0], edgecolor="white")
        else:
            kinds, counts = np.unique(values, return_counts=True)
            ax.bar(range(len(kinds)), counts, 0.7, color=OKABE_ITO[0])
            ax.set_xticks(range(len(kinds)), kinds)
        if marks:
            ax.margins(y=0.18)  # room for their labels above the bars
        for label, place in (marks or {}).items():
            ax.axvline(place, color=OKABE_ITO[3], linewidth=1.6, linestyle="--")
            ax.annotate(
                label,
                (place, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -2),
                textcoords="offset points",
                va="top",
                color=INK,
                fontsize=10,
            )
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        ax.set_xlabel(name)
    axes.flat[0].set_ylabel(ylabel)
    return figure


@look()
def plot_bars(panels: Mapping[str, Mapping[str, float]], *, title: str = "") -> Figure:
    """Draw quantities of several parts as horizontal bars, with their shares.

    Args:
        panels: for each quantity, named with its unit, its value by part. The parts are
            those of the first, and add up to a whole.
        title: above the figure.
    """
    parts = list(next(iter(panels.values())))
    figure, axes = new_figure(
        1, len(panels), size=(11, 1.2 + 0.42 * len(parts)), sharey=True
    )
    for k, (ax, (name, values)) in enumerate(
        zip(axes.flat, panels.items(), strict=True)
    ):
        heights = np.array([values[part] for part in parts])
        ax.grid(False, axis="y")
        ax.barh(range(len(parts)), heights, 0.7, color=OKABE_ITO[k % len(OKABE_ITO)])
        for i, height in enumerate(heights):
            share = height / max(heights.sum(), 1e-12)
            label = f" {height:.2f} ({share:.0%})"
            ax.text(height, i, label, va="center", fontsize=10, color=INK)
        ax.set_xlim(0, 1.35 * heights.max() or 1)
        ax.set_xlabel(name)
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
    axes.flat[0].set_yticks(range(len(parts)), parts, color=INK)
    axes.flat[0].invert_yaxis()  # the first part on top
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


@look()
def plot_points(
    x: Sequence[float],
    groups: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    ylim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw one point for each case and group, so translucent that crowds look dark.

    Args:
        x: (n,).
        groups: (n,) values by name, each group with a colour and a marker.
        xlabel: what `x` is, with its unit.
        ylabel: what the values are, with their unit.
        ylim: ends of the y axis; by default what the points need.
        ax: where to draw; a new figure by default.
    """
    ax, drawn_on = chart_axes(ax, (7.2, 4.2))
    for i, (name, values) in enumerate(groups.items()):
        ax.scatter(
            x,
            values,
            s=26,
            alpha=0.4,
            label=name,
            color=OKABE_ITO[(0, 3)[i % 2]],
            marker=MARKERS[i % len(MARKERS)],
            edgecolor="none",
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if ylim:
        ax.set_ylim(*ylim)
    # Above the chart: points may lie anywhere in it.
    legend = ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(groups), labelcolor=MUTED
    )
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    return drawn_on


Points = tuple[Sequence[float], Sequence[float]]
"""Values (n,) of what is varied, and what was measured there."""


@look()
def plot_growth(rows: Mapping[str, Mapping[str, Mapping[str, Points]]]) -> Figure:
    """Draw how quantities grow, on logarithmic axes, with a thin line of linear growth.

    The thin line leaves a curve at its last point: a curve that lies above it before
    grows less than linearly.

    Args:
        rows: for each quantity, named with its unit, by what is varied, the points of
            each curve by name. All rows vary the same.
    """
    varied = list(next(iter(rows.values())))
    figure, axes = new_figure(
        len(rows), len(varied), size=(11, 0.6 + 3 * len(rows)), sharex="col"
    )
    names = list(
        dict.fromkeys(n for row in rows.values() for p in row.values() for n in p)
    )
    for quantity, panels, line in zip(rows, rows.values(), axes, strict=True):
        line[0].set_ylabel(quantity)
        for ax, (xlabel, curves) in zip(line, panels.items(), strict=True):
            for name, (x, y) in curves.items():
                colour = OKABE_ITO[(0, 3, 2, 1, 4, 5)[names.index(name) % 6]]
                style = LINES[names.index(name) % len(LINES)]
                ax.plot(x, y, style, color=colour, marker="o", markersize=4, label=name)
            ax.set(xscale="log", yscale="log")
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.set_ylim(*ax.get_ylim())  # of the curves: thin lines may leave the panel
            for curve, (x, y) in zip(ax.get_lines(), curves.values(), strict=True):
                linear = [y[-1] * value / x[-1] for value in x]
                ax.plot(x, linear, color=curve.get_color(), linewidth=0.7, alpha=0.6)
            if ax in axes[-1]:
                ax.set_xlabel(xlabel)
    axes[0, 0].legend()
    return figure
