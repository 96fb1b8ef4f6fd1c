"""One run of the study in a Python process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mrcnn.processes import end_with_parent, lifeline
from mrcnn.study.cells import Cell
from mrcnn.study.run import run_cell


def run_apart(
    cell: Cell, subject: str, checkpoint: str | Path, images: str
) -> dict[str, Any]:
    """Do `run_cell` in a new process, and return what it returns.

    TensorFlow never forgets the graph of a training (`tf.custom_gradient` registers
    it for good), so that a process that trains one model after another grows by a third
    of a gigabyte each time. Processes of `multiprocessing` will not do: those of Dask
    may not have children. The new process ends with this one, however this one ends.

    Raises:
        RuntimeError: if the run failed; holds the end of what it wrote.
    """
    with tempfile.TemporaryDirectory() as folder, lifeline() as stdin:
        result = Path(folder, "result.json")
        arguments = [json.dumps(cell), subject, str(checkpoint), images, str(result)]
        done = subprocess.run(
            [sys.executable, "-m", "mrcnn.study.apart", *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=stdin,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(
                f"The run ended with code {done.returncode}: {done.stderr[-2000:]}"
            )
        return json.loads(result.read_text())


def main(cell: str, subject: str, checkpoint: str, images: str, result: str) -> None:
    """Do the run that the arguments describe, and write its results to a file."""
    found = run_cell(Cell(*json.loads(cell)), subject, checkpoint, images)
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
