"""Processes that end with the one that started them, and the cores for them.

`python -m mrcnn.processes MODULE ...` runs any module so: `python -m MODULE ...`, with
the `lifeline` of who starts it as its stdin.
"""

import os
import runpy
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def lifeline() -> Iterator[int]:
    """Yield what a child takes as its stdin, so that `end_with_parent` works there.

    It is a pipe that is never written to. The system closes its other end when this
    process ends, by whatever signal.
    """
    read, write = os.pipe()  # no child inherits `write`: Python keeps it from them
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def end_with_parent() -> None:
    """End this process as soon as the one that holds its `lifeline` has ended.

    Without effect in a process that was started otherwise, such as by hand.
    """
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)  # the main thread may be deep in TensorFlow


if __name__ == "__main__":
    end_with_parent()
    # Who was started by nohup is deaf to it, and so are its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
