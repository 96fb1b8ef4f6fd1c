"""What helped on few and small data, for the page "Results": a table.

It is there as soon as `mrcnn.benchmarks.balloon_choices` has written rows.
"""

import itertools
import json
import statistics
from collections.abc import Sequence

from mrcnn.benchmarks.balloon_choices import BOOK as USUAL
from mrcnn.benchmarks.balloon_choices import OUT
from mrcnn.benchmarks.rows import Row

from stages_numbers import table

MEASURES = {"mask AP": "mask_ap", "AP50": "mask_ap50", "boundary AP": "boundary_ap"}
"""Columns, by the names of a row."""
Pair = tuple[Row, Row]
"""Of one seed: what a choice reaches, and what the book's network does."""


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses; nothing without rows."""
    rows = json.loads(OUT.read_text()) if OUT.exists() else []
    usual = _usual(rows)
    if not usual:
        return {}
    return {
        "choices_machine": usual[0]["environment"]["device"],
        "choices_steps": f"{usual[0]['steps']:,}",
        "choices_images": str(usual[0]["images"]),
        "choices_table": choices(rows),
    }


def choices(rows: Sequence[Row]) -> str:
    """Return a table of what each choice gains, the best first, below the book's own.

    Differences from the book's network of the same seed, mean and standard deviation
    over seeds. Of a choice, seeds count that the book's network has too.

    Args:
        rows: of `mrcnn.benchmarks.balloon_choices`, those of the book's among them.
    """
    usual, pairs = _usual(rows), paired(rows)
    gains = {
        name: [[a[key] - b[key] for a, b in of] for key in MEASURES.values()]
        for name, of in pairs.items()
    }
    lines = [
        (
            name,
            len(pairs[name]),
            *(_spread(values, "+") for values in gains[name]),
            f"{_slower(pairs[name]):.2f}",
        )
        for name in sorted(pairs, key=lambda name: -statistics.fmean(gains[name][0]))
    ]
    own = [_spread([row[key] for row in usual], "") for key in MEASURES.values()]
    head = ["choice", "seeds", *MEASURES, "times the seconds"]
    return table(head, [(f"**{USUAL}**", len(usual), *own, "1.00"), *lines])


def paired(rows: Sequence[Row]) -> dict[str, list[Pair]]:
    """Return the pairs of each choice, of one seed and one machine.

    The book's network, looked through in several views, is a choice that was trained as
    the book's.
    """
    usual = _usual(rows)
    looks = (
        {**row, **found, "name": f"{USUAL}, {look}"}
        for row in usual
        for look, found in row["looks"].items()
    )
    pairs: dict[str, list[Pair]] = {}
    for row, other in itertools.product([*rows, *looks], usual):
        alike = all(row[key] == other[key] for key in ("seed", "environment"))
        if alike and row["name"] != USUAL:
            pairs.setdefault(row["name"], []).append((row, other))
    return pairs


def _usual(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["name"] == USUAL]


def _slower(pairs: Sequence[Pair]) -> float:
    return statistics.fmean(a["cpu_seconds"] / b["cpu_seconds"] for a, b in pairs)


def _spread(values: Sequence[float], sign: str) -> str:
    """Return mean and standard deviation, if there are two values to have one."""
    mean = f"{statistics.fmean(values):{sign}.3f}"
    return f"{mean} ± {statistics.stdev(values):.3f}" if values[1:] else mean
