"""How time and memory grow, for the page "Results": tables, verdicts and a figure."""

import json
from collections.abc import Sequence

from mrcnn.benchmarks import growth
from mrcnn.benchmarks.rows import Row
from mrcnn.visualize import plot_growth
from mrcnn.visualize.style import Figure

from pictures import BOOK
from stages_numbers import table

PATH = BOOK / "results" / "growth.json"
AXES = {
    "side": "pixels of an image",
    "objects": "objects in an image",
    "batch": "images in a batch",
}
"""What a figure's axes are called."""
FIELDS = {"median": ("seconds", 1.0), "memory": ("memory (MB)", 1e-6)}
"""By field of a row, its name with the unit, and what it is multiplied by."""


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses."""
    rows = _rows()
    return {
        "growth_machine": rows[0]["environment"]["device"],
        "growth_verdicts": verdicts(rows),
        "growth_table": values(rows),
    }


def verdicts(rows: Sequence[Row]) -> str:
    """Return a table of how each work grows along each axis."""
    return table(
        ["work", "varied", "time", "memory"],
        [
            (work, AXES[axis], *(_verdict(rows, work, axis, f) for f in FIELDS))
            for work, axes in growth.WORKS.items()
            for axis in axes
            if len(growth.along(rows, work, axis)) > 1
        ],
    )


def _verdict(rows: Sequence[Row], work: str, axis: str, field: str) -> str:
    line = growth.along(rows, work, axis)
    return growth.verdict(growth.exponents(line, axis, field))


def values(rows: Sequence[Row]) -> str:
    """Return a table of all that was measured."""
    head = ("work", "varied", "value", "seconds", "exponent")
    return table(
        [*head, "MB more", "exponent", "MB at most"],
        [
            (work, axis, *line)
            for work, axes in growth.WORKS.items()
            for axis in axes
            for line in growth.cells(rows, work, axis)
        ],
    )


def figure() -> Figure:
    """Draw seconds and memory over each axis."""
    rows = _rows()
    return plot_growth(
        {
            name: {
                label: {
                    work: points
                    for work in growth.WORKS
                    if len((points := _points(rows, work, axis, field, unit))[0]) > 1
                }
                for axis, label in AXES.items()
            }
            for field, (name, unit) in FIELDS.items()
        }
    )


def _points(
    rows: Sequence[Row], work: str, axis: str, field: str, unit: float
) -> tuple[list[float], list[float]]:
    """Return a curve of the figure; empty where a work does not vary this."""
    varied = axis in growth.WORKS[work]
    line = growth.along(rows, work, axis) if varied else []
    known = [row for row in line if row.get(field)]
    return [growth.size(r, axis) for r in known], [r[field] * unit for r in known]


def _rows() -> list[Row]:
    return json.loads(PATH.read_text())
