"""Works that are killed or otherwise disturbed, and compared with one left alone.

A trial does one work in one trouble, again and again as long as that comes, and then
without; what the folder holds must be what a work left alone makes.
"""

import multiprocessing
import os
import random
import shutil
import signal
import time
import traceback
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

# One process loads the libraries; each work is forked from it, before it computes.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.works", "tests.faults.troubles"])
LIMIT = 1800
"""Seconds after which a work is taken to hang."""
AGAIN = 2
"""How often a work is killed before it is let alone."""


class Working(NamedTuple):
    """A work in a process of its own."""

    process: BaseProcess
    folder: Path
    said: Connection  # where it tells of an error

    def ended(self) -> str:
        """Wait for it; return "done", "killed", "refused", or a fault in words."""
        self.process.join(LIMIT)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            return f"hangs for {LIMIT} s"
        status = self.process.exitcode
        if status in (0, -signal.SIGKILL):
            return "killed" if status else "done"
        if not self.said.poll():
            return f"died with status {status}"
        kind, text, where = self.said.recv()
        ours = kind in KINDS and str(self.folder.parent) in text
        return "refused" if ours else f"{kind}: {text}\n{where}"


def start(name: str, folder: Path, trouble: str = "", seed: str = "") -> Working:
    """Begin a work, or go on with it."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_work, args=(there, name, folder, trouble, seed))
    process.start()
    there.close()
    return Working(process, folder, here)


def quiet() -> None:
    """Say nothing more: neither how far it is, nor what the libraries have to say."""
    for output in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)


def _work(said: Connection, name: str, folder: Path, trouble: str, seed: str) -> None:
    """Do a work in this process, which may get into trouble on the way."""
    from tests.faults import training, works
    from tests.faults.troubles import TROUBLES

    work = works.WORKS[name]
    if name == "training":
        training.calm()
    work.given(folder)
    quiet()
    try:
        if trouble:
            TROUBLES[trouble](folder, random.Random(seed), work.uses)
        work.do(folder)
    except Exception as error:
        said.send((type(error).__name__, str(error), traceback.format_exc()[-1500:]))
        raise SystemExit(1) from None


KINDS = {
    *("OSError", "PermissionError", "FileNotFoundError", "NotADirectoryError"),
    *("FileExistsError", "ConnectionError", "ValueError", "WeightFileError"),
}
"""Errors that are ours, if they name the folder."""


def made(name: str, folder: Path) -> Any:
    """Return what a work has made, from a process of its own that has the libraries."""
    with FORKS.Pool(1) as pool:
        return pool.apply(_made, (name, folder))


def _made(name: str, folder: Path) -> Any:
    from tests.faults.works import WORKS

    return WORKS[name].made(folder)


@cache
def alone(name: str, scratch: Path) -> tuple[Any, float]:
    """Return what a work makes that is left alone, and in how many seconds.

    Raises:
        RuntimeError: if it fails.
    """
    folder = scratch / "alone" / name / "work"
    folder.parent.mkdir(parents=True)
    began = time.perf_counter()
    if (how := start(name, folder).ended()) != "done":
        raise RuntimeError(f"{name}, left alone: {how}")
    return made(name, folder), time.perf_counter() - began


def trial(name: str, trouble: str, seed: str, scratch: Path) -> dict[str, Any]:
    """Do a work in trouble, then without, and compare.

    Args:
        name: of the work.
        trouble: of `TROUBLES`, or "two at once".
        seed: of when it comes.
        scratch: an empty folder, or that of an earlier trial.

    Returns:
        Counts by what came of it: killed, refused, done; and `faults`, in words.
    """
    expected, seconds = alone(name, scratch)
    folder = scratch / "trial" / "work"
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.parent.mkdir(parents=True)
    counts: dict[str, Any] = dict.fromkeys(("tried", "killed", "refused", "done"), 0)
    faults: list[str] = []
    for attempt in range(AGAIN if trouble == "kill" else 1):
        drawn = f"{seed}/{attempt}"
        hows = _disturb(name, folder, trouble, drawn, seconds)
        counts["tried"] += 1
        for how in hows:
            counts[how if how in counts else "refused"] += 1
            faults += [how] if how not in counts else []
        if "done" in hows:
            break
    from tests.faults.troubles import restore

    restore(folder)
    how = start(name, folder).ended()
    if how != "done":
        faults.append(f"lost: without trouble it does not go on: {how}")
    elif made(name, folder) != expected:
        faults.append("lost: without trouble it comes out otherwise")
    return {**counts, "faults": faults}


def _disturb(
    name: str, folder: Path, trouble: str, seed: str, seconds: float
) -> list[str]:
    """Do a work once in trouble; return how it ended, or how both did."""
    if trouble == "two at once":
        return [working.ended() for working in [start(name, folder) for _ in range(2)]]
    chance = random.Random(f"moment {seed}")
    if trouble == "kill" and chance.random() < 0.5:  # at any time, not at a file
        working = start(name, folder)
        working.process.join(chance.uniform(0, seconds))
        working.process.kill()  # nothing, where it has ended
    else:
        working = start(name, folder, trouble, seed)
    return [working.ended()]
