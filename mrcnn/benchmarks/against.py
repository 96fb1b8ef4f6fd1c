"""Time this tree and another commit in turn: `make bench AGAINST=COMMIT`, or

    python -m mrcnn.benchmarks.against COMMIT [--only NAME ...] [--rounds 9]

The commit is laid beside this tree. For each row both are started and work by turns, so
that what else the machine does hits both alike: the ratio of a turn and the next holds
where seconds by themselves would not. The table has the median ratio, and the
quartiles.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from mrcnn.benchmarks.rows import Row, write

ROOT = Path(__file__).resolve().parents[2]
WATCHED = ("detect compact 128", "train compact 128", "detect R50 128")
"""Rows that are timed if none are named."""
ROUNDS, TURN = 9, 2.0
"""Turns of each tree, and the seconds of a turn."""


class Worker:
    """A process that does some work when it is its turn; see `turns.serve`."""

    def __init__(
        self,
        command: Sequence[str],
        about: str,
        *,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
        limit: float | None = None,
        errors: IO[str] | None = None,
    ) -> None:
        """Start it.

        Args:
            command: Python's arguments.
            about: names it in errors.
            cwd: where it runs.
            variables: of its environment, besides those of this process.
            limit: seconds after which a question without an answer has failed.
            errors: where it prints what is no answer.
        """
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(variables or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self._about, self._limit = about, limit

    def first(self) -> float:
        """Wait for the first call, and return its seconds."""
        return self._answer()

    def turn(self, budget: float) -> float:
        """Return the median seconds of calls that together take `budget` seconds."""
        return self._ask(budget)

    def work(self) -> str:
        """Return what a call does, in words."""
        return self._ask("about")

    def end(self) -> float:
        """Stop it, and return the most bytes that it held."""
        self._process.stdin.close()
        return self._answer()

    def kill(self) -> None:
        """Stop it at once, if it still runs."""
        self._process.kill()
        with self._process:  # whose end closes what is open to it
            pass

    def _ask(self, question: float | str) -> Any:
        print(question, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        watch = threading.Timer(self._limit or 1e6, self._process.kill)
        watch.start()
        line = self._process.stdout.readline()
        watch.cancel()
        if not line:
            raise RuntimeError(
                f"{self._about} has failed; its error is above. A commit without this "
                "row, or for other packages than those installed, cannot be compared."
            )
        return json.loads(line)


def in_tree(tree: Path, name: str, policy: str, **variables: str) -> Worker:
    """Return what does a row's work with the package of a tree.

    `variables` are added to its environment.
    """
    script = Path(__file__).with_name("turns.py")
    return Worker(
        ["-P", str(script), name, policy],
        f"{name!r} in {policy} at {tree}",
        cwd=tree,
        variables={"PYTHONPATH": str(tree), **variables},
    )


def compare(
    before: Path, now: Path, name: str, policy: str, *, rounds: int, turn: float
) -> Row:
    """Time a row in two trees by turns.

    Args:
        before: root of the one tree.
        now: root of the other.
        name: of the row, a key of `workloads.WORKLOADS`.
        policy: Keras dtype policy.
        rounds: turns of each; who is first alternates.
        turn: seconds of a turn, whose median call counts.

    Returns:
        Medians of the seconds, and `ratios` (rounds,) of before / now.

    Raises:
        RuntimeError: if a tree cannot do the work.
    """
    starts = {
        which: partial(in_tree, tree, name, policy)
        for which, tree in (("before", before), ("now", now))
    }
    return {"name": name, "precision": policy} | by_turns(starts, rounds, turn)


def by_turns(
    starts: Mapping[str, Callable[[], Worker]], rounds: int, turn: float
) -> Row:
    """Start two processes and time them by turns.

    Args:
        starts: by name, what starts each.
        rounds: as for `compare`.
        turn: as for `compare`.

    Returns:
        Medians of the seconds by name, first calls' seconds and peaks of memory by
        `first_` or `peak_mb_` and the name, and `ratios` (rounds,) of first / second.
    """
    one, other = starts
    workers: dict[str, Worker] = {}
    first: dict[str, float] = {}
    seconds: dict[str, list[float]] = {one: [], other: []}
    try:
        for which, start in starts.items():
            workers[which] = start()
            first[which] = workers[which].first()
        for worker in workers.values():
            worker.turn(turn)
        for i in range(rounds):
            for which in (one, other) if i % 2 == 0 else (other, one):
                seconds[which].append(workers[which].turn(turn))
        peaks = {which: worker.end() for which, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.kill()
    return {
        "ratios": [b / n for b, n in zip(*seconds.values(), strict=True)],
        **{which: statistics.median(taken) for which, taken in seconds.items()},
        **{f"first_{which}": taken for which, taken in first.items()},
        **{f"peak_mb_{which}": peak / 1e6 for which, peak in peaks.items()},
    }


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table; more than 1 is faster now."""
    lines = [
        "| work | type | s before | s now | times as fast | quartiles | first call, "
        "s before / now | peak MB before / now |",
        "|---|---|" + "---:|" * 6,
    ]
    for row in rows:
        low, middle, high = np.quantile(row["ratios"], [0.25, 0.5, 0.75])
        lines.append(
            f"| {row['name']} | {row['precision']} | {row['before']:.4f} | "
            f"{row['now']:.4f} | {middle:.3f} | {low:.3f} to {high:.3f} | "
            f"{row['first_before']:.1f} / {row['first_now']:.1f} | "
            f"{row['peak_mb_before']:.0f} / {row['peak_mb_now']:.0f} |"
        )
    return "\n".join(lines)


@contextlib.contextmanager
def commit_laid_out(commit: str, root: Path = ROOT) -> Iterator[Path]:
    """Lay a commit's files out in a temporary folder, and yield it.

    Raises:
        ValueError: if `root` is no Git checkout or has no such commit.
    """
    with tempfile.TemporaryDirectory(prefix="against-") as folder:
        archive = Path(folder) / "commit.tar"
        done = subprocess.run(
            ["git", "archive", "-o", str(archive), commit, "mrcnn"],
            cwd=root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ValueError(
                f"Git cannot lay out {commit!r} ({done.stderr.strip()}): name a commit "
                "that `git log` shows; a shallow clone lacks older ones."
            )
        tree = Path(folder) / "tree"
        shutil.unpack_archive(archive, tree, filter="data")
        yield tree


def main() -> None:
    """Compare the rows asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="whatever Git takes for one")
    parser.add_argument("--only", nargs="+", default=WATCHED, help="names of rows")
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--turn", type=float, default=TURN, help="seconds of a turn")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    try:
        with commit_laid_out(args.commit) as before:
            for name in args.only:
                for policy in args.precision:
                    print(f"timing {name}, {policy}", file=sys.stderr, flush=True)
                    turns = {"rounds": args.rounds, "turn": args.turn}
                    rows.append(compare(before, ROOT, name, policy, **turns))
                    write(rows, args.out)
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))
    print(table(rows))


if __name__ == "__main__":
    main()
