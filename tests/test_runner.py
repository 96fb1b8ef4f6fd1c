"""No notebook goes on when who runs it is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import runner

WAIT = """\
import os, pathlib, time
pathlib.Path("pids.part").write_text(f"{os.getpid()} {os.getppid()}")
os.replace("pids.part", "pids")
time.sleep(8)
pathlib.Path("late").write_text("results of nobody")"""
RUN = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
deaf = sys.argv[4] == "SIGTERM"  # as who was started in the background
heard = signal.SIG_IGN if deaf else signal.default_int_handler
signal.signal(signal.SIGINT, heard)
sys.path[:0] = sys.argv[1:3]
import pathlib, render
root = pathlib.Path(sys.argv[3])
render.run(render.Book(root, root / "book"), "01_a", {})"""


def alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be counted does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true, seconds: float) -> bool:
    """Return whether something comes true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_nothing_outlives_the_runner(tmp_path, name):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "mrcnn").mkdir()
    notebook = new_notebook(cells=[new_code_cell(WAIT)])
    nbformat.write(notebook, tmp_path / "notebooks" / "01_a.ipynb")
    pids = tmp_path / "notebooks" / "pids"
    book = str(Path(runner.__file__).parent)
    command = [sys.executable, "-c", RUN, book, str(runner.ROOT), str(tmp_path), name]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert wait_until(pids.exists, 60)
        kernel, papermill = map(int, pids.read_text().split())
        assert alive(kernel)
        assert alive(papermill)
        process.send_signal(getattr(signal, name))
        process.wait(timeout=30)
    assert wait_until(lambda: not alive(papermill) and not alive(kernel), 5)
    assert not (tmp_path / "notebooks" / "late").exists()
    if name in ("SIGTERM", "SIGHUP"):
        assert process.returncode == -getattr(signal, name)


def test_the_module_after_the_name_runs_as_a_program():
    command = [sys.executable, "-m", "mrcnn.processes", "json.tool", "--compact"]
    done = subprocess.run(
        [*command, os.devnull], cwd=runner.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Expecting value" in done.stderr
