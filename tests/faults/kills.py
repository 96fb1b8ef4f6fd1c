"""Kill a training again and again, and compare what comes out with one left alone.

    python -m tests.faults.kills [--kills 50] [--seed 0]

Half of the kills come after a random time, half before a random use of a file. A
training goes on after each until it ends; then the next begins. `weights.h5` and the
history must have the same bytes as without a kill, and nothing half-written may be left
of the checkpoint. (Of `weights.h5` it may: that is written when the training is over.)
"""

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

# One process loads the libraries; each training is forked from it, before it computes.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.training"])
FILES = ("history.json", "weights.h5")
LATEST_USE = 24  # of a file at which to kill; a whole training has some 60


def _train(folder: Path, kill_at: int | None) -> None:
    """Do what `training.main` does, in this process."""
    from tests.faults import training  # not in the process that only kills

    training.run(folder, kill_at)


def start(folder: Path, kill_at: int | None = None) -> BaseProcess:
    """Begin or go on with the training in a folder, in a process of its own."""
    process = FORKS.Process(target=_train, args=(folder, kill_at))
    process.start()
    return process


def finish(process: BaseProcess) -> bool:
    """Wait for a training; return if it ended, and not by a kill.

    Raises:
        RuntimeError: if it failed in any other way, as it has said.
    """
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"The training failed with status {process.exitcode}.")
    return process.exitcode == 0


def kill_somewhere(folder: Path, seconds: float, chance: random.Random) -> bool:
    """Go on with a training and kill it; return if it ended before.

    Args:
        folder: of the training.
        seconds: that a whole one takes.
        chance: draws the moment.
    """
    if chance.random() < 0.5:
        return finish(start(folder, chance.randint(1, LATEST_USE)))
    process = start(folder)
    process.join(chance.uniform(0, seconds))
    process.kill()  # nothing, where it has ended
    return finish(process)


def wrong(folder: Path, expected: dict[str, bytes]) -> list[str]:
    """Return what is otherwise in a folder than after a training left alone."""
    differ = [
        f"{name} differs"
        for name in FILES
        if not (folder / name).is_file()
        or (folder / name).read_bytes() != expected[name]
    ]
    return differ + [f"{path.name} is left" for path in folder.glob(".checkpoint*")]


def campaign(kills: int, seed: int, scratch: Path) -> Iterator[str]:
    """Kill so often, and yield what was wrong after each whole training, "" if nothing.

    Args:
        kills: how many.
        seed: of their moments.
        scratch: an empty folder.
    """
    chance, alone = random.Random(seed), scratch / "alone"
    began = time.perf_counter()
    if not finish(start(alone)):
        raise RuntimeError("The training that was to be left alone was killed.")
    seconds = time.perf_counter() - began
    expected = {name: (alone / name).read_bytes() for name in FILES}
    done = trainings = 0
    while done < kills:
        trainings += 1
        folder = scratch / str(trainings)
        while done < kills and not kill_somewhere(folder, seconds, chance):
            done += 1
        finish(start(folder))
        faults = wrong(folder, expected)
        yield "; ".join(f"{folder.name}: {fault}" for fault in faults)


def main() -> int:
    """Do what the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        faults = count = 0
        for count, fault in enumerate(
            campaign(options.kills, options.seed, Path(scratch)), 1
        ):
            print(f"Training {count}: {fault or 'the same bytes'}", flush=True)
            faults += bool(fault)
    print(f"{options.kills} kills, seed {options.seed}: {faults} of {count} differ")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
