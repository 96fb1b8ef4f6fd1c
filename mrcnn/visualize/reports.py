"""Charts of a report: tasks beside each other, and sizes of objects."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes

from mrcnn.tasks import Task
from mrcnn.visualize.style import INK, OKABE_ITO, Figure, chart_axes, look


class TaskReportLike(Protocol):
    """What `plot_task_report` reads; `mrcnn.evaluation.TaskReport` has it."""

    headline: Mapping[Task, float]
    isolated_headline: Mapping[Task, float]


class BySize(Protocol):
    """AP by size of object, from small to large."""

    by_size: Mapping[str, float]


class SizeReportLike(Protocol):
    """What `plot_ap_by_size` reads; `mrcnn.evaluation.TaskReport` has it."""

    box: BySize
    mask: BySize


@look()
def plot_task_report(report: TaskReportLike, ax: Axes | None = None) -> Axes | Figure:
    """Draw each task's headline metric end to end beside the isolated one, as bars.

    Metrics of different tasks are not comparable with each other; the gap between the
    two bars of a task is what the stages before it cost.
    """
    metrics = {
        Task.BOX: ("box", "AP", "IoU"),
        Task.CLASS: ("class", "accuracy", "accuracy"),
        Task.MASK: ("mask", "AP", "IoU"),
    }
    ax, drawn_on = chart_axes(ax, (7.2, 4.0))
    _paired_bars(
        ax,
        {
            "end to end": [report.headline[task] for task in metrics],
            "isolated": [report.isolated_headline[task] for task in metrics],
        },
        [f"{name}\n{first} | {second}" for name, first, second in metrics.values()],
    )
    return drawn_on


@look()
def plot_ap_by_size(report: SizeReportLike, ax: Axes | None = None) -> Axes | Figure:
    """Draw box AP beside mask AP of small, medium and large objects, as bars."""
    ranges = {
        "small": "area below 32² pixels",
        "medium": "between",
        "large": "above 96² pixels",
    }
    ax, drawn_on = chart_axes(ax, (7.2, 4.0))
    _paired_bars(
        ax,
        {
            "box AP": [report.box.by_size[size] for size in ranges],
            "mask AP": [report.mask.by_size[size] for size in ranges],
        },
        [f"{size}\n{area}" for size, area in ranges.items()],
    )
    return drawn_on


def _paired_bars(
    ax: Axes, pairs: Mapping[str, Sequence[float]], places: Sequence[str]
) -> None:
    """Draw two named rows of shares, one bar of each at every place."""
    ax.grid(False, axis="x")
    width = 0.38
    for k, (label, values) in enumerate(pairs.items()):
        heights = np.array(values)
        x = np.arange(len(places)) + (k - 0.5) * (width + 0.02)
        ax.bar(
            x,
            np.nan_to_num(heights),
            width,
            color=OKABE_ITO[(0, 5)[k]],
            hatch=("", "//")[k],
            edgecolor="white",
            label=label,
        )
        for at, height in zip(x, heights, strict=True):
            text = "no data" if np.isnan(height) else f"{height:.3f}"
            top = np.nan_to_num(height) + 0.015
            ax.text(at, top, text, ha="center", va="bottom", fontsize=10, color=INK)
    ax.set_xticks(range(len(places)), places, color=INK)
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(0, 1.12)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderpad=0)
