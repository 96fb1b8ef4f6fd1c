"""Charts of what pruning costs: heat maps, curves over sparsity, intervals."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

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
MARKERS = "osD^vP*X"


@look()
def plot_heat_maps(
    panels: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str,
    xlabel: str = "",
    limits: tuple[float, float] = (-100.0, 0.0),
    digits: int = 0,
) -> Figure:
    """Draw tables of numbers side by side as colours, each cell with its number.

    Args:
        panels: (rows, columns) values by title; NaN stays blank.
        rows: what each row is.
        columns: what each column is.
        label: of the colours, with its unit.
        xlabel: what the columns are together.
        limits: ends of the colour scale, from dark to bright.
        digits: of the numbers, after the point.
    """
    width = 1.9 + len(panels) * (0.75 * len(columns) + 0.3)
    figure, axes = new_figure(
        1, len(panels), size=(width, 1.5 + 0.42 * len(rows)), sharey=True
    )
    low, high = limits
    for ax, (title, values) in zip(axes.flat, panels.items(), strict=True):
        values = np.asarray(values, float)
        picture = ax.imshow(values, cmap="magma", vmin=low, vmax=high, aspect="auto")
        for i, j in np.argwhere(np.isfinite(values)):
            dark = values[i, j] < (low + high) / 2
            ax.text(
                j,
                i,
                f"{round(values[i, j], digits) + 0.0:.{digits}f}",  # no "-0"
                ha="center",
                va="center",
                fontsize=9,
                color="white" if dark else INK,
            )
        ax.set_xticks(range(len(columns)), columns)
        ax.set_title(title)
        ax.grid(False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    axes.flat[0].set_yticks(range(len(rows)), rows)
    figure.colorbar(picture, ax=list(axes.flat), label=label, shrink=0.9)
    # Once for all panels, which may be narrower than it.
    figure.supxlabel(xlabel, fontsize=axes.flat[0].xaxis.label.get_size())
    return figure


@look()
def plot_over_sparsity(
    panels: Mapping[str, Mapping[str, Mapping[float, tuple[float, float]]]],
    *,
    ylabel: str,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Draw what methods cost at growing sparsity, with error bars.

    The axis is that of what remains, on a logarithmic scale: from 90 to 95 % half of
    the weights go, as from 0 to 50 %.

    Args:
        panels: for each title and method, (mean, standard deviation) by sparsity.
        ylabel: what the means are, with their unit.
        ylim: ends of the y axis; by default what the curves need.
    """
    figure, axes = new_figure(
        1, len(panels), size=(1.2 + 3.7 * len(panels), 4.0), sharey=True
    )
    sparsities = sorted({s for p in panels.values() for m in p.values() for s in m})
    for ax, (title, methods) in zip(axes.flat, panels.items(), strict=True):
        for k, (name, points) in enumerate(methods.items()):
            shift = 1 + 0.02 * (k - (len(methods) - 1) / 2)  # bars beside each other
            x = [shift * (1 - s) for s in sorted(points)]
            mean, std = zip(*(points[s] for s in sorted(points)), strict=True)
            ax.errorbar(
                x,
                mean,
                std,
                label=name,
                color=OKABE_ITO[k % len(OKABE_ITO)],
                linestyle=LINES[k // len(OKABE_ITO) % len(LINES)],
                marker=MARKERS[k % len(MARKERS)],
                markersize=4.5,
                capsize=2,
                linewidth=1.6,
            )
        ax.set(title=title, xlabel="pruned weights", xscale="log")
        ax.invert_xaxis()
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_locator(FixedLocator([1 - s for s in sparsities]))
        ax.set_xticklabels([f"{100 * s:g} %" for s in sparsities])
        if ylim:
            ax.set_ylim(*ylim)
    axes.flat[0].set_ylabel(ylabel)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    return figure


@look()
def plot_intervals(
    panels: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    xlabel: str,
    highlight: str = "",
    lowest: float | None = None,
) -> Figure:
    """Draw values with their intervals, one row for each name and a panel for each set.

    Args:
        panels: (value, lower end, upper end) by title and name; the names are those of
            the first panel, drawn from the top in the order of their mean value.
        xlabel: what the values are, with their unit.
        highlight: the name that stands out.
        lowest: where the axis begins; values below it become arrows at its edge.
    """
    first = next(iter(panels.values()))
    names = sorted(first, key=lambda n: np.mean([p[n][0] for p in panels.values()]))
    figure, axes = new_figure(
        1,
        len(panels),
        size=(2.2 + 3.4 * len(panels), 1.1 + 0.34 * len(names)),
        sharey=True,
    )
    for ax, (title, values) in zip(axes.flat, panels.items(), strict=True):
        for i, name in enumerate(names):
            value, low, high = values[name]
            if lowest is not None and value < lowest:
                ax.plot(lowest, i, "<", color=OKABE_ITO[0], clip_on=False)
                continue
            ax.errorbar(
                value,
                i,
                xerr=[[value - low], [high - value]],
                fmt="o",
                capsize=3,
                markersize=7 if name == highlight else 5,
                color=OKABE_ITO[3 if name == highlight else 0],
            )
        ax.set(xlabel=xlabel, title=title, ylim=(-0.6, len(names) - 0.4))
        ax.grid(False, axis="y")
        if lowest is not None:  # the same scale for all, or panels cannot be compared
            ends = [high for p in panels.values() for *_, high in p.values()]
            highest = max(*ends, lowest + 1)
            ax.set_xlim(lowest, highest + 0.02 * (highest - lowest))
    axes.flat[0].set_yticks(range(len(names)), names)
    for tick, name in zip(axes.flat[0].get_yticklabels(), names, strict=True):
        tick.set_fontweight("bold" if name == highlight else "normal")
    return figure


@look()
def plot_trade_off(
    points: Mapping[str, Sequence[tuple[float, float]]],
    *,
    xlabel: str,
    ylabel: str,
    joined: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw what methods cost one task against what they cost another.

    The diagonal is where both lose alike; both axes have the same scale.

    Args:
        points: (mean, standard deviation) in x and in y, by name.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        joined: names of settings of one method, in order, that a line connects.
        ax: where to draw; a new figure by default.
    """
    ax, drawn_on = chart_axes(ax, (7.2, 4.8))
    if joined:
        line = np.array([[mean for mean, _ in points[name]] for name in joined])
        ax.plot(*line.T, color=OKABE_ITO[3], linewidth=1.2, zorder=1)
    others = cycle(colour for i, colour in enumerate(OKABE_ITO) if i != 3)
    for k, (name, ((x, dx), (y, dy))) in enumerate(points.items()):
        ax.errorbar(
            x,
            y,
            yerr=dy,
            xerr=dx,
            label=name,
            color=OKABE_ITO[3] if name in joined else next(others),
            marker=MARKERS[k % len(MARKERS)],
            linestyle="none",
            markersize=6,
            capsize=2,
            elinewidth=1,
        )
    ends = [*ax.get_xlim(), *ax.get_ylim()]
    limits = min(ends), max(ends)
    ax.plot(limits, limits, color=MUTED, linewidth=0.8, linestyle=":", zorder=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=limits, ylim=limits, aspect="equal")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=MUTED)
    return drawn_on


@look()
def plot_frontier(
    programs: Mapping[str, Mapping[str, Mapping[str, tuple[float, float]]]],
    *,
    xlabel: str,
    ylabel: str,
    ylim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes | Figure:
    """Draw what the same models cost in several programs, against how good they are.

    Colours tell programs apart, kinds of lines number formats, and markers models. The
    x axis is logarithmic, because costs compare as ratios.

    Args:
        programs: (x, y) by program, number format and model; a line joins the models
            of each format.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        ylim: ends of the y axis; by default what the points need.
        ax: where to draw; a new figure by default.
    """
    ax, drawn_on = chart_axes(ax, (7.6, 4.4))
    kinds: dict[str, str] = {}
    markers: dict[str, str] = {}
    for k, (program, formats) in enumerate(programs.items()):
        color = OKABE_ITO[(0, 3, 2, 4, 1, 5)[k % 6]]
        for numbers, points in formats.items():
            kind = kinds.setdefault(numbers, LINES[len(kinds) % len(LINES)])
            x, y = zip(*points.values(), strict=True)
            ax.plot(x, y, color=color, linestyle=kind, label=f"{program} {numbers}")
            for name, place in points.items():
                marker = markers.setdefault(name, MARKERS[len(markers) % len(MARKERS)])
                ax.plot(*place, color=color, marker=marker, markersize=6.5)
    for name, marker in markers.items():
        ax.plot([], [], color=MUTED, linestyle="none", marker=marker, label=name)
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500) if low <= t <= high]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if ylim:
        ax.set_ylim(*ylim)
    ax.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        labelcolor=MUTED,
        handlelength=3,  # shows whether a line is broken
    )
    return drawn_on
