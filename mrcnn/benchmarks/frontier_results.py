"""What the rows of the frontier say, relative to the dense model in float32."""

from collections.abc import Sequence
from pathlib import Path

from mrcnn.benchmarks.rows import Row
from mrcnn.evaluation.drops import relative_changes
from mrcnn.study.subjects import ROOT
from mrcnn.tasks import Task

HEAD = (
    *("model", "format", "parameters", "MACs", "held at once"),
    *("median ms", "fastest", "slowest", "times as fast", "images/s"),
    *("MB", "MB of memory", "agrees %"),
    *(*(task.value for task in Task), "worst change %"),
)
PAPER = ("parameters", "macs", "held")
TIMES = ("median", "fastest", "slowest")


def frontier_path() -> Path:
    """Return where the book keeps the rows."""
    return ROOT / "book" / "results" / "frontier.json"


def milliseconds(row: Row, rows: Sequence[Row]) -> float:
    """Return a row's time for one image, from how many times as fast it is.

    That was timed in turn with the first row's model. A row's own seconds depend on
    what else the machine did meanwhile.
    """
    return 1000 * rows[0]["seconds"]["median"] / row["times_as_fast"]


def worst(row: Row, rows: Sequence[Row]) -> float:
    """Return the change in per cent of the task that lost most against the first.

    It is rounded to a tenth: float formats differ by less.
    """
    changes = relative_changes(row["metrics"], rows[0]["metrics"])
    return round(min(changes.values()), 1) + 0.0  # no negative zero


def places(
    rows: Sequence[Row],
) -> dict[str, dict[str, dict[str, tuple[float, float]]]]:
    """Return (milliseconds, worst change) as `plot_frontier` takes them.

    The dense model that trained on is left out: it is no other network.
    """
    found: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
    for row in rows:
        if row["control"] and row["part"] == 1:
            continue
        program, _, numbers = row["format"].rpartition(" ")
        if row["control"]:
            program += " from scratch"
        model = "dense" if row["part"] == 1 else f"{row['part']:.0%} of the work"
        place = milliseconds(row, rows), worst(row, rows)
        found.setdefault(program, {}).setdefault(numbers, {})[model] = place
    return found


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return the table's rows below `HEAD`."""
    return [
        (
            row["model"],
            row["format"],
            *(f"{row[k] / 1e6:.2f} M" for k in PAPER),
            *(f"{1000 * row['seconds'][k]:.1f}" for k in TIMES),
            f"{row['times_as_fast']:.1f}",
            f"{row['images_per_second']:.0f}",
            f"{row['bytes'] / 1e6:.2f}",
            f"{row['memory'] / 1e6:.0f}",
            f"{100 * row['agreement']:.1f}",
            *(f"{row['metrics'][task.value]:.3f}" for task in Task),
            f"{worst(row, rows):+.1f}",
        )
        for row in rows
    ]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    every = (HEAD, ("---",) * len(HEAD), *cells(rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in every)
