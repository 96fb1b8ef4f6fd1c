"""No child outlives who asked for it."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mrcnn.processes import end_with_parent, lifeline

ROOT = Path(__file__).resolve().parents[1]

PARENT = """
    import signal, subprocess, sys
    from mrcnn.processes import lifeline
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also under nohup
    with lifeline() as stdin:
        subprocess.run([sys.executable, "-c", sys.argv[1]], stdin=stdin)
"""
CHILD = """
    import time
    from mrcnn.processes import end_with_parent
    end_with_parent()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGINT"])
def test_a_child_ends_with_who_asked_for_it(name):
    parent, child = textwrap.dedent(PARENT), textwrap.dedent(CHILD)
    with subprocess.Popen(
        [sys.executable, "-c", parent, child],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(getattr(signal, name))
        process.wait(timeout=30)
        # The child holds the other end of our pipe until it is gone.
        assert select.select([process.stdout], [], [], 30)[0]
        assert process.stdout.read() == b""


def test_a_child_that_is_done_ends_by_itself():
    code = textwrap.dedent(CHILD).replace("time.sleep(60)", "")
    with lifeline() as stdin:
        done = subprocess.run([sys.executable, "-c", code], stdin=stdin, cwd=ROOT)
    assert done.returncode == 0


def test_a_process_that_was_started_by_hand_goes_on(monkeypatch):
    def start(*_, **__):
        pytest.fail("it watches")

    monkeypatch.setattr("mrcnn.processes.threading.Thread", start)
    with open(os.devnull) as nothing:
        saved = os.dup(0)
        try:
            os.dup2(nothing.fileno(), 0)
            end_with_parent()
        finally:
            os.dup2(saved, 0)
            os.close(saved)
