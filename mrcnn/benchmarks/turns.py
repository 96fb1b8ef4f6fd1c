"""Does one row's work whenever it is told to: one of several processes of a comparison.

    python -P turns.py ROW POLICY

It runs by its path, with another commit's package on Python's path, and so imports
nothing of the package but `workloads.WORKLOADS`; of the row `START` it starts a Python
that does so. It answers each line on its input: a
number, for how many seconds to call, with the calls' median in seconds; "about" with
what a call does, in words; and the end of the input with the most bytes it held. Its
first answer is the seconds of the first call.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

START = "start to detection"
"""The row of a program that begins: from the import to what is in a first image."""
PROGRAM = """
import tempfile
import numpy as np
from mrcnn.model import MaskRCNN
from mrcnn.presets import ShapesConfig
model = MaskRCNN("inference", ShapesConfig(), tempfile.gettempdir())
model.detect([np.zeros((128, 128, 3), np.uint8)])
"""


class Job(NamedTuple):
    """Something to time; asked after a call, what one call had to do."""

    call: Callable[[], object]
    work: Callable[[], tuple[float, str]]  # floating point operations, and in words


def median_seconds(call: Callable[[], object], budget: float) -> float:
    """Return the median time of calls that together take at least `budget` seconds."""
    taken: list[float] = []
    while not taken or sum(taken) < budget:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def serve(make: Callable[[], Any]) -> None:
    """Answer until nothing more is asked.

    Args:
        make: returns what has the work as `call`, see `Job`.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(value: float | str) -> None:
        print(json.dumps(value), file=answers, flush=True)

    job = make()
    answer(median_seconds(job.call, 0.0))
    for line in sys.stdin:
        if line.strip() == "about":
            answer(job.work()[1])
        else:
            answer(median_seconds(job.call, float(line)))
    answer(peak_memory())


def peak_memory() -> int:
    """Return the most bytes that this program held; see `timing.peak_memory`."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        return 1024 * int(next(n for n in lines if n.startswith("VmHWM")).split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _row() -> Any:
    name, policy = sys.argv[1:]
    if name == START:
        command = [sys.executable, "-P", "-c", PROGRAM]
        return Job(partial(subprocess.run, command, check=True), lambda: (0, START))

    from mrcnn.benchmarks.workloads import WORKLOADS

    return WORKLOADS[name](policy)


if __name__ == "__main__":
    serve(_row)
