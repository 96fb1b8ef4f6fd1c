"""Tables and a figure of what narrower networks gain, for the page "Results"."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from mrcnn.benchmarks.frontier_results import (
    frontier_path,
    milliseconds,
    places,
    worst,
)
from mrcnn.benchmarks.rows import Row
from mrcnn.study.subjects import SUBJECTS
from mrcnn.tasks import Task
from mrcnn.visualize import plot_frontier
from mrcnn.visualize.style import Figure

from pictures import BOOK
from stages_numbers import table

OTHER = frontier_path().with_name("frontier_bfloat16.json")
"""The rows of another machine, whose processor has bfloat16."""

WIDE = "detect R50 1024"
"""The rows of `make bench` with the large network, whole and narrower."""


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses."""
    rows, other = _rows(frontier_path()), _rows(OTHER)
    dense = SUBJECTS["compact"].dense
    return {
        "dense_steps": f"{dense.epochs * dense.steps:,}",
        "models_table": models(rows),
        **of_machine(rows, "frontier"),
        "other_models_table": models(other),
        **of_machine(other, "other"),
        "widths_table": widths(json.loads((BOOK / "results/widths.json").read_text())),
    }


def of_machine(rows: Sequence[Row], name: str) -> dict[str, str]:
    """Return what was measured on one machine; `name` begins the names."""
    fast = speeds(rows, limit=2)
    found = {
        "machine": rows[0]["environment"]["device"],
        "table": formats(rows),
        "speeds": f"{fast[0]:.1f} to {fast[-1]:.1f}",
        "speed": f"{statistics.median(fast):.1f}",
        "doubt": f"{100 * doubt(rows):.0f}",
        "gain_25": "{:.1f} to {:.1f}".format(*gains(rows, 0.25)),
        "gain_10": "{:.1f} to {:.1f}".format(*gains(rows, 0.1)),
    }
    return {f"{name}_{key}": value for key, value in found.items()}


def models(rows: Sequence[Row]) -> str:
    """Return a table of each task with dense and narrower networks in Keras."""
    here = [row for row in rows if row["format"] == rows[0]["format"]]
    return table(
        ["network", "parameters", "times as fast", *Task, "worst task, %"],
        [
            (
                row["model"],
                f"{row['parameters'] / 1e6:.2f} M",
                "same" if row["control"] else f"{row['times_as_fast']:.1f}",
                *(f"{row['metrics'][task]:.3f}" for task in Task),
                f"{worst(row, rows):+.1f}",
            )
            for row in here
        ],
    )


def formats(rows: Sequence[Row]) -> str:
    """Return a table of what networks cost in each program and number format."""
    return table(
        [
            *("network", "format", "times as fast", "ms"),
            *("MB", "MB of memory", "worst task, %"),
        ],
        [
            (
                row["model"],
                row["format"],
                f"{row['times_as_fast']:.1f}",
                f"{milliseconds(row, rows):.1f}",
                f"{row['bytes'] / 1e6:.2f}",
                f"{row['memory'] / 1e6:.0f}",
                f"{worst(row, rows):+.1f}",
            )
            for row in rows
            # In the first format, the table of models has them.
            if not (row["control"] and row["format"] == rows[0]["format"])
        ],
    )


def speeds(rows: Sequence[Row], *, limit: float) -> list[float]:
    """Return how many times as fast the narrowest pruned network is, least first.

    Once for each program and number format in which it keeps the limit. Keras is left
    out, as in `gains`.

    Args:
        rows: of the frontier.
        limit: per cent that no task may lose more than.
    """
    fit = [
        row
        for row in rows
        if not row["control"]
        and not row["format"].startswith("Keras")
        and worst(row, rows) >= -limit
    ]
    narrowest = min(row["part"] for row in fit)
    return sorted(row["times_as_fast"] for row in fit if row["part"] == narrowest)


def gains(rows: Sequence[Row], part: float) -> tuple[float, float]:
    """Return how much pruning speeds a network up in one program, least and most.

    Keras is left out, for which the table of models says it.

    Args:
        rows: of the frontier.
        part: of the work, that is left to the pruned network.
    """
    forms = {row["format"] for row in rows if row["format"].endswith("float32")}
    fast = {
        (row["part"], row["format"]): row["times_as_fast"]
        for row in rows
        if not row["control"]
    }
    ratios = [fast[part, f] / fast[1, f] for f in forms - {rows[0]["format"]}]
    return min(ratios), max(ratios)


def doubt(rows: Sequence[Row]) -> float:
    """Return by which part the speeds of two networks alike differ at most.

    Controls have the widths of pruned networks, and so their cost.
    """
    found: dict[tuple[float, str], list[float]] = {}
    for row in rows:
        alike = row["part"], row["format"]
        found.setdefault(alike, []).append(row["times_as_fast"])
    return max(max(of) / min(of) - 1 for of in found.values())


def widths(rows: Sequence[Row]) -> str:
    """Return a table of the large network at several widths, by number format."""
    by_name = {(row["name"], row["precision"]): row for row in rows}
    names = [n for n in dict.fromkeys(row["name"] for row in rows) if "full" not in n]
    policies = list(dict.fromkeys(row["precision"] for row in rows))
    whole = by_name[WIDE, policies[0]]
    return table(
        [
            "channels",
            "billion MACs",
            "times fewer",
            *(f"times as fast, {p}" for p in policies),
        ],
        [
            (
                name.removeprefix(WIDE).strip(" ,") or "all",
                f"{here['gflop'] / 2:.0f}",
                f"{whole['gflop'] / here['gflop']:.1f}",
                *(
                    f"{by_name[WIDE, p]['median'] / by_name[name, p]['median']:.1f}"
                    for p in policies
                ),
            )
            for name in names
            for here in [by_name[name, policies[0]]]
        ],
    )


def figure() -> Figure:
    """Draw time against the worst task, for all programs and networks."""
    return plot_frontier(
        places(_rows(frontier_path())),
        xlabel="time for one image (ms)",
        ylabel="worst task, change (%)",
    )


def _rows(path: Path) -> list[Row]:
    return json.loads(path.read_text())
