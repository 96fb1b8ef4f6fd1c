"""The frontier's rows, one after the other; an interrupted run goes on with its own."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mrcnn.benchmarks import timing
from mrcnn.benchmarks.frontier_models import Entry
from mrcnn.benchmarks.rows import Row, measure_apart, write


def measure_rows(
    wanted: Sequence[tuple[Entry, str]], repeats: int, progress: Path
) -> list[Row]:
    """Measure rows, each in a process of its own.

    Args:
        wanted: models and formats.
        repeats: turns of a timing.
        progress: a JSON file that has the rows as far as they are; see `begun`.
    """
    rows = begun(wanted, progress)
    for entry, form in wanted[len(rows) :]:
        print(f"measuring: {entry}, {form}", file=sys.stderr, flush=True)
        arguments = (str(entry.part), str(entry.control), form)
        rows.append(measure_apart("mrcnn.benchmarks.frontier", arguments, repeats))
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
