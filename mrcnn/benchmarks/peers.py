"""Time our Mask R-CNN and torchvision's in several programs: `make peers`, or

    python -m mrcnn.benchmarks.peers [--only ...] [--programs ...] [--out FILE]

All do the same work on the same pictures, with as many proposals, detections and
threads. Each program is a process of its own, that works when it is its turn: what else
the machine does hits all alike, and no two wait for each other's threads. An
interrupted run goes on with the works that it has. What does not run says why.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mrcnn.benchmarks.against import Worker
from mrcnn.benchmarks.peers_results import OURS, table, with_ratios
from mrcnn.benchmarks.peers_work import INPUTS, WORKS
from mrcnn.benchmarks.rows import Row, measure_all, write
from mrcnn.benchmarks.turns import serve
from mrcnn.processes import cores

ROUNDS, TURN = 9, 2.0
"""Turns of each program, and the seconds of a turn: one call at least."""
LIMIT = 600.0
"""Seconds after which a program that does not answer has failed."""
TOGETHER = 5
"""Programs that take turns beside ours: more at a time would not fit into memory."""
EXPORTED = ("ONNX Runtime", "OpenVINO")


class Program(NamedTuple):
    """Whose network runs in what, and in which numbers."""

    whose: str  # "ours" or "torchvision"
    runs_in: str
    numbers: str  # "float32" or "bfloat16"

    def __str__(self) -> str:
        """Return a name, such as "ours, Keras float32"."""
        return f"{self.whose}, {self.runs_in} {self.numbers}"


PROGRAMS = {
    str(program): program
    for program in (
        Program("ours", "Keras", "float32"),
        Program("ours", "Keras", "bfloat16"),
        Program("torchvision", "PyTorch", "float32"),
        Program("torchvision", "PyTorch", "bfloat16"),
        Program("torchvision", "PyTorch compiled", "float32"),
        Program("torchvision", "PyTorch compiled", "bfloat16"),
        *(
            Program(whose, runs_in, numbers)
            for whose in ("ours", "torchvision")
            for runs_in, numbers in (
                (EXPORTED[0], "float32"),
                (EXPORTED[1], "float32"),
                (EXPORTED[1], "bfloat16"),
            )
        ),
    )
}


def job(work: str, program: str, folder: Path) -> Any:
    """Return what does a work in a program; see `turns.Job`.

    Args:
        work: a key of `peers_work.WORKS`.
        program: a key of `PROGRAMS`.
        folder: of the inputs, and of exported networks.
    """
    from mrcnn import runtimes

    whose, runs_in, numbers = PROGRAMS[program]
    peer = _peer(program)
    with np.load(folder / INPUTS) as file:
        given = dict(file)
    if runs_in not in EXPORTED:
        options = {"compiled": True} if runs_in.endswith("compiled") else {}
        return peer.job(WORKS[work], numbers, given, **options)
    file = folder / f"{whose}.onnx"
    if runs_in == "OpenVINO":
        precision = "bf16" if numbers == "bfloat16" else "f32"
        run = runtimes.openvino(file, precision=precision, threads=cores())
    else:
        run = runtimes.onnx_runtime(file, threads=cores())
    return peer.exported(WORKS[work], run, given)


def export(work: str, program: str, folder: Path) -> None:
    """Write the network of a program as an ONNX file; arguments as of `job`."""
    file = folder / f"{PROGRAMS[program].whose}.onnx"
    _peer(program).export(WORKS[work], file)


def _peer(program: str) -> ModuleType:
    """Return the module that has a program's network; the other's is not loaded."""
    if PROGRAMS[program].whose == "ours":
        from mrcnn.benchmarks import peers_ours

        return peers_ours
    from mrcnn.benchmarks import peers_torchvision

    return peers_torchvision


def measure(
    work: str, programs: Sequence[str], *, rounds: int, turn: float
) -> dict[str, Row]:
    """Time programs at one work by turns.

    Args:
        work: a key of `peers_work.WORKS`.
        programs: keys of `PROGRAMS`; those that only detect are left out of a training.
        rounds: turns of each; every round begins with another.
        turn: seconds of a turn, whose median call counts.

    Returns:
        By program its `seconds` (rounds,), those of its `first` call, its `peak` of
        memory in bytes, what its work was `about`, and in each round the `ratios` of
        our seconds, in Keras and float32, to its own; or an `error`.
    """
    able = [
        name
        for name in programs
        if not (work.startswith("train") and PROGRAMS[name].runs_in in EXPORTED)
    ]
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        from mrcnn.benchmarks.peers_ours import inputs

        np.savez(f"{folder}/{INPUTS}", **inputs(WORKS[work]))
        exported = [name for name in able if PROGRAMS[name].runs_in in EXPORTED]
        for name in {PROGRAMS[name].whose: name for name in exported}.values():
            _python("--export", work, name, folder)
        commands = {
            name: ["-m", "mrcnn.benchmarks.peers", "--serve", work, name, folder]
            for name in able
        }
        others = [name for name in able if name != OURS]
        rows: dict[str, Row] = {}
        for start in range(0, max(len(others), 1), TOGETHER):
            group = [*(n for n in able if n == OURS), *others[start:][:TOGETHER]]
            turns = Turns({name: commands[name] for name in group}, Path(folder))
            rows |= with_ratios(turns.run(rounds=rounds, turn=turn))
    return rows


def _python(*arguments: str) -> None:
    """Run this command in a process of its own; what fails shows where it is missed."""
    command = [sys.executable, "-m", "mrcnn.benchmarks.peers", *arguments]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, timeout=LIMIT, check=False)


class Turns:
    """Programs that take turns; one that fails is left out from then on."""

    def __init__(self, commands: Mapping[str, Sequence[str]], folder: Path) -> None:
        """Start none yet.

        Args:
            commands: Python's arguments by program, that run `turns.serve`.
            folder: for what they print besides answers.
        """
        self._commands, self._folder = commands, folder
        self._workers: dict[str, Worker] = {}
        self.rows: dict[str, Row] = {name: {"seconds": []} for name in commands}

    def run(self, *, rounds: int, turn: float) -> dict[str, Row]:
        """Time them; see `measure` for arguments and rows."""
        try:
            for name in self._commands:
                self._start(name)
            for i in range(rounds):
                names = list(self._workers)
                first = i % max(len(names), 1)
                for name in names[first:] + names[:first]:
                    seconds = self._ask(name, lambda worker: worker.turn(turn))
                    self.rows[name].setdefault("seconds", []).append(seconds)
            for field, question in (("about", Worker.work), ("peak", Worker.end)):
                for name in list(self._workers):
                    self.rows[name][field] = self._ask(name, question)
        finally:
            for worker in self._workers.values():
                worker.kill()
        return {
            name: {"error": row["error"]} if "error" in row else row
            for name, row in self.rows.items()
        }

    def _start(self, name: str) -> None:
        print("starting:", name, file=sys.stderr, flush=True)
        with open(self._log(name), "w") as errors:
            worker = Worker(self._commands[name], name, limit=LIMIT, errors=errors)
        self._workers[name] = worker
        self.rows[name]["first"] = self._ask(name, Worker.first)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _ask(self, name: str, question: Callable[[Worker], Any]) -> Any:
        """Return an answer; None if there is none, with the error in the row."""
        try:
            return question(self._workers[name])
        except (RuntimeError, OSError):
            self._workers.pop(name).kill()
            lines = self._log(name).read_text(errors="replace").splitlines()
            said = [line for line in lines if line.strip()]
            self.rows[name]["error"] = said[-1] if said else "ended without a word"
        return None


def main() -> None:
    """Compare the works asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", default=[""], help="works, or parts of them"
    )
    parser.add_argument("--programs", nargs="+", default=[""], help="or parts of them")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--turn", type=float, default=TURN, help="seconds of a turn")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--export", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        work, program, folder = args.serve
        serve(partial(job, work, program, Path(folder)))
        return
    if args.export:
        work, program, folder = args.export
        export(work, program, Path(folder))
        return
    from mrcnn.benchmarks.timing import environment

    programs = [p for p in PROGRAMS if any(part in p for part in args.programs)]
    works = [w for w in WORKS if any(part in w for part in args.only)]
    turns = {"rounds": args.rounds, "turn": args.turn}
    progress = Path(f"outputs/peers_{args.rounds}.json")
    rows = measure_all(
        [{"work": work, **turns} for work in works],
        lambda of: {"programs": measure(of["work"], programs, **turns)},
        progress,
        environment(),
    )
    write(rows, args.out)
    print(table(rows))
    progress.unlink()  # the next run measures anew


if __name__ == "__main__":
    main()
