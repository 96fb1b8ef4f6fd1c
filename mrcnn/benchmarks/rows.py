"""Rows of a table that are measured each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mrcnn.files import atomic_path
from mrcnn.processes import lifeline

Row = dict[str, Any]


def measure_apart(
    module: str, arguments: Sequence[str], repeats: int, *, limit: float | None = None
) -> Row:
    """Run `python -m module --row ...` and return what it prints last, as JSON.

    Raises:
        subprocess.CalledProcessError: if it fails.
        subprocess.TimeoutExpired: if it is not done after `limit` seconds.
    """
    command = [sys.executable, "-m", module, "--row", *arguments]
    with lifeline() as stdin:
        result = subprocess.run(
            [*command, "--repeats", str(repeats)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=limit,
        )
    return json.loads(result.stdout.splitlines()[-1])


def write(rows: Sequence[Row], path: Path | None) -> None:
    """Write rows as JSON, if there is a path."""
    if path:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(rows, indent=1) + "\n")


def measure_all(
    wanted: Sequence[Row],
    measure: Callable[[Row], Row],
    progress: Path,
    environment: Mapping[str, str],
) -> list[Row]:
    """Measure one row after the other; an interrupted run goes on with what it has.

    Args:
        wanted: what each row is of, with which it begins.
        measure: returns the rest of a row.
        progress: a JSON file that has the rows as far as they are, and keeps others
            that it had. After a change of the code, remove it.
        environment: of the run; rows of another are measured anew.
    """
    kept: list[Row] = json.loads(progress.read_text()) if progress.exists() else []
    rows: list[Row] = []
    for of in wanted:
        common = {**of, "environment": dict(environment)}
        same = [row for row in kept if row.items() >= of.items()]
        row = next((row for row in same if row.items() >= common.items()), None)
        if row is None:
            print("measuring:", *of.values(), file=sys.stderr, flush=True)
            row = {**common, **measure(of)}
        rows.append(row)
        kept = [row for row in kept if row not in same]
        write(rows + kept, progress)
    return rows
