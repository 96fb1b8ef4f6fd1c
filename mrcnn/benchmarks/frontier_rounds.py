"""Rows of the frontier, timed in rounds: what else a machine does hits all alike."""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from mrcnn.benchmarks import timing
from mrcnn.benchmarks.frontier_models import Entry
from mrcnn.benchmarks.rows import Row, measure_apart, write

ROUNDS = 3
"""How often each row is timed, each time in another process."""


def in_rounds(
    wanted: Sequence[tuple[Entry, str]], repeats: int, progress: Path
) -> list[Row]:
    """Measure rows, each in processes of its own; time them again in further rounds.

    The median of a row is that of its rounds' medians.

    Args:
        wanted: models and formats.
        repeats: timed calls in a round.
        progress: a JSON file that has the rows as far as they are; see `begun`.
    """
    rows = begun(wanted, progress)
    for turn, (i, (entry, form)) in product(range(ROUNDS), enumerate(wanted)):
        if i < len(rows) and turn < len(rows[i]["rounds"]):
            continue
        print(f"round {turn + 1}: {entry}, {form}", file=sys.stderr, flush=True)
        whole = turn == 0
        arguments = (str(entry.part), str(entry.control), form, str(whole))
        row = measure_apart("mrcnn.benchmarks.frontier", arguments, repeats)
        taken = row["seconds"]
        if whole:
            rows.append(row | {"rounds": [taken]})
        else:
            rows[i]["rounds"].append(taken)
            rows[i]["seconds"] = together(rows[i]["rounds"])
        write(rows, progress)
    return rows


def begun(wanted: Sequence[tuple[Entry, str]], progress: Path) -> list[Row]:
    """Return the rows that an interrupted run left, if they can be gone on with.

    They can where the same was wanted, on this machine, with these versions of the
    programs and these models. After a change of the code, remove the file.
    """
    if not progress.exists():
        return []
    rows = json.loads(progress.read_text())
    measured, since = wanted[: len(rows)], progress.stat().st_mtime
    here = timing.environment()
    found = [(row["part"], row["control"], row["format"]) for row in rows]
    unchanged = (
        found == [(*entry, form) for entry, form in measured]
        and all(row["environment"] == here for row in rows)
        and all(entry.weights.stat().st_mtime <= since for entry, _ in measured)
    )
    return rows if unchanged else []


def together(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return one timing for several rounds of a row."""
    return {
        "first": rounds[0]["first"],
        "median": statistics.median(taken["median"] for taken in rounds),
        "fastest": min(taken["fastest"] for taken in rounds),
        "slowest": max(taken["slowest"] for taken in rounds),
    }
