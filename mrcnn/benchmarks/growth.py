"""How time and memory grow with the image, its objects, and the batch:

    python -m mrcnn.benchmarks.growth [--only NAME ...] [--rounds 5] [--out FILE]

One of the three is varied at a time, from a common point on, and each measurement has a
process of its own, so that peak memory is its own. An interrupted run goes on with the
rows that it has. Rows that fail, for want of memory or of time, say so.
"""

import argparse
import json
import math
import subprocess
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mrcnn.benchmarks.rows import Row, measure_all, measure_apart, write
from mrcnn.processes import end_with_parent

BASE = {"side": 256, "objects": 10, "batch": 1}
AXES = {
    "side": (128, 256, 512, 1024, 2048),
    "objects": (1, 3, 10, 30, 100, 300),
    "batch": (1, 2, 4, 8, 16),
}
"""What is varied. Sides are pixels, of square images; objects are those of an image."""

WORKS = {
    "detect compact": AXES,
    "train compact": AXES,
    "detect R50": {"side": AXES["side"], "objects": AXES["objects"]},
    "train R50": {"side": (128, 256, 512)},
}
"""By name, what is varied of it: from pixels to masks, or a training step."""

LINEAR = 1.1
"""Up to this exponent growth is called linear: times repeat to some per cent."""
ROUNDS, BUDGET, LIMIT = 5, 20.0, 600.0
"""Timed calls of a row, the seconds after which no more are begun, and those after
which its process is stopped."""


class Point(NamedTuple):
    """What one row measures."""

    work: str
    side: int
    objects: int
    batch: int


def points(only: Iterable[str] = (), *, quick: bool = False) -> list[Point]:
    """Return what is to be measured, each once, the small before the large.

    Args:
        only: names of works, or parts of them; all by default.
        quick: the three smallest values of each axis.
    """
    asked = tuple(only)
    found = {
        Point(work, **(BASE | {axis: value}))
        for work, axes in WORKS.items()
        if not asked or any(part in work for part in asked)
        for axis, values in axes.items()
        for value in (values[:3] if quick else values)
    }
    names = list(WORKS)
    return sorted(found, key=lambda p: (names.index(p.work), p[1:]))


def along(rows: Sequence[Row], work: str, axis: str) -> list[Row]:
    """Return a work's rows that differ from the common point in one axis only."""
    others = [(name, value) for name, value in BASE.items() if name != axis]
    found = [
        row
        for row in rows
        if row["work"] == work and all(row[name] == value for name, value in others)
    ]
    return sorted(found, key=lambda row: row[axis])


def size(row: Row, axis: str) -> float:
    """Return what growth is measured in: pixels for the side, else the number."""
    return row[axis] ** 2 if axis == "side" else row[axis]


def exponents(rows: Sequence[Row], axis: str, field: str) -> list[float]:
    """Return each row's slope from the one before on logarithmic scales; 1 is linear.

    It is NaN for the first, and where one of the two is not known.

    Args:
        rows: as `along` returns them.
        axis: that is varied.
        field: "median" for seconds or "memory".
    """
    found = [math.nan] * len(rows)
    for i, (before, row) in enumerate(pairwise(rows), start=1):
        if row.get(field) and before.get(field):
            more = math.log(row[field] / before[field])
            found[i] = more / math.log(size(row, axis) / size(before, axis))
    return found


def verdict(found: Sequence[float]) -> str:
    """Say in a word how something grows, by its exponents."""
    known = [exponent for exponent in found if not math.isnan(exponent)]
    if not known:
        return "not known"
    return "at most linear" if max(known) <= LINEAR else f"up to n^{max(known):.1f}"


def run_row(point: Point, rounds: int) -> Row:
    """Measure one point in this process."""
    from mrcnn.benchmarks import timing
    from mrcnn.benchmarks.growth_works import job

    work = job(point)
    before = timing.restart_peak_memory()
    taken = timing.within(work.call, rounds=rounds, budget=BUDGET)
    return {
        **taken._asdict(),
        "memory": max(timing.peak_memory() - before, 0),
        "peak": timing.peak_memory(),
        "about": work.work()[1],
    }


def measured(point: Point, rounds: int) -> Row:
    """Measure one point in a process of its own; say why if that is not possible."""
    try:
        return measure_apart(
            "mrcnn.benchmarks.growth", [json.dumps(point)], rounds, limit=LIMIT
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {LIMIT:.0f} s"}
    except subprocess.CalledProcessError as error:
        return {"error": f"ended with status {error.returncode}"}


def cells(rows: Sequence[Row], work: str, axis: str) -> list[tuple[str, ...]]:
    """Return a work's lines of the table along an axis: value, seconds, memory."""
    line = along(rows, work, axis)
    slopes = [exponents(line, axis, field) for field in ("median", "memory")]
    return [
        (
            str(row[axis]),
            row.get("error") or f"{row['median']:.4f}",
            _exponent(slope),
            _megabytes(row, "memory"),
            _exponent(of_memory),
            _megabytes(row, "peak"),
        )
        for row, slope, of_memory in zip(line, *slopes, strict=True)
    ]


def _exponent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


def _megabytes(row: Row, field: str) -> str:
    return f"{row[field] / 1e6:.0f}" if field in row else ""


def table(rows: Sequence[Row]) -> str:
    """Return the rows by work and axis as a Markdown table, with their exponents."""
    lines = [
        "| work | axis | value | seconds | exponent | MB more | exponent | peak MB |",
        "|---|---|" + "---:|" * 6,
    ]
    for work, axes in WORKS.items():
        for axis in axes:
            for line in cells(rows, work, axis):
                lines.append(f"| {work} | {axis} | {' | '.join(line)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the rows asked for, each in a new process, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=(), help="works, or parts of them")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="few points of each axis")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        end_with_parent()
        print(json.dumps(run_row(Point(*json.loads(args.row)), args.repeats)))
        return
    from mrcnn.benchmarks.timing import environment

    progress = Path(f"outputs/growth_{args.rounds}.json")
    rows = measure_all(
        [point._asdict() for point in points(args.only, quick=args.quick)],
        lambda point: measured(Point(**point), args.rounds),
        progress,
        environment(),
    )
    write(rows, args.out)
    print(table(rows))
    progress.unlink()  # the next run measures anew


if __name__ == "__main__":
    main()
