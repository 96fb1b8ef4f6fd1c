"""Rows of a table that are measured each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrcnn.files import atomic_path
from mrcnn.processes import lifeline

Row = dict[str, Any]


def measure_apart(module: str, arguments: Sequence[str], repeats: int) -> Row:
    """Run `python -m module --row ...` and return what it prints last, as JSON."""
    command = [sys.executable, "-m", module, "--row", *arguments]
    with lifeline() as stdin:
        result = subprocess.run(
            [*command, "--repeats", str(repeats)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(result.stdout.splitlines()[-1])


def write(rows: Sequence[Row], path: Path | None) -> None:
    """Write rows as JSON, if there is a path."""
    if path:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(rows, indent=1) + "\n")
