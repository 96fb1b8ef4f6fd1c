"""Run one notebook with papermill, in a process and under settings of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml

from mrcnn.processes import lifeline

import copies

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 3600  # seconds; a hung kernel must not hang the build
LONG_CELL_TIMEOUT = 24 * 3600  # for profile full, which repeats the whole study
START_TIMEOUT = 120
# Lines of a run's log that tell nobody anything.
CHATTER = re.compile(
    r"Ending Cell|Executing notebook|(Input|Output) Notebook:|Working directory:|"
    r"\[IPKernelApp\]|<(IPython|Figure) |" + copies.NATIVE_NOISE.pattern
)


class NotebookError(Exception):
    """A notebook did not run to its end, or its copy cannot be published."""


def environment() -> dict[str, str]:
    """Return the variables under which notebooks run.

    Quiet libraries, one backend, and this interpreter's own kernel: a kernel named
    python3 among the user's files would bring other packages.
    """
    settings = {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TQDM_DISABLE": "1",
        "NB_VERBOSE": "2",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(ROOT / "outputs" / ".ipython"),
    }
    shadowing = {"JUPYTER_PATH", "MPLBACKEND", "PYTHONPATH", "PYTHONHOME"}
    shadowing |= {"PYTHONSAFEPATH"}  # would hide `mrcnn.processes`
    kept = {key: value for key, value in os.environ.items() if key not in shadowing}
    return kept | settings


def cell_timeout(parameters: Mapping[str, Any]) -> int:
    """Return how many seconds a cell may take under a notebook's parameters."""
    return LONG_CELL_TIMEOUT if parameters.get("PROFILE") == "full" else CELL_TIMEOUT


def execute(
    source: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    timeout: float = CELL_TIMEOUT,
) -> Iterator[str]:
    """Run one notebook in a process of its own, and yield its log line by line.

    That process and its kernel end with this one, however this one ends.

    Args:
        source: the notebook.
        output: gets the executed notebook, also when a cell fails.
        parameters: values for its parameters cell.
        timeout: seconds for each cell.

    Raises:
        NotebookError: if it does not run to its end; quotes the cell and its traceback.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    settings = environment()
    Path(settings["IPYTHONDIR"]).mkdir(parents=True, exist_ok=True)
    options = {
        "-k": "python3",
        "-l": "python",
        "--cwd": str(source.resolve().parent),
        "--execution-timeout": str(int(timeout)),
        "--start-timeout": str(START_TIMEOUT),
        "-y": yaml.safe_dump({**parameters}),
    }
    command = [sys.executable, "-m", "mrcnn.processes", "papermill"]
    command += [str(source.resolve()), str(output.resolve())]
    command += ["--no-progress-bar", "--log-output"]
    command += [word for pair in options.items() for word in pair]
    log: list[str] = []
    with (
        lifeline() as stdin,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=settings,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                log.append(line.rstrip("\n"))
                yield log[-1]
        except BaseException:  # the reader stopped: so must the kernel, which it ends
            process.send_signal(signal.SIGINT)
            raise
    if process.returncode:
        found = output.exists() and copies.failure(nbformat.read(output, as_version=4))
        raise NotebookError(f"{source.name}: {found or os.linesep.join(log[-30:])}")


def follow(name: str, lines: Iterator[str], cells: int) -> None:
    """Print a run's log, with a line for each cell that begins."""
    start = time.monotonic()
    for line in lines:
        if match := re.match(r"Executing Cell (\d+)", line):
            clock = time.monotonic() - start
            print(f"{name}: cell {match[1]} of {cells}, {clock:.0f} s", flush=True)
        elif line.strip() and not CHATTER.match(line):
            print(f"    {line}", flush=True)
