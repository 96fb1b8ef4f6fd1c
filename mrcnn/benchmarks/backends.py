"""Time the other backends and TensorFlow in turn: `make bench-backends`, or

    python -m mrcnn.benchmarks.backends [--backends jax torch] [--only NAME ...]

in an environment that has them, such as that of `make test-backends`. Each row is done
by two processes that work by turns, as in `benchmarks.against`. The ratio is the time
of the backend divided by that of TensorFlow.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np

from mrcnn.benchmarks.against import ROOT, ROUNDS, TURN, by_turns, in_tree
from mrcnn.benchmarks.rows import Row, write

BACKENDS = ("jax", "torch")
"""What is compared with TensorFlow if none is named."""
WATCHED = ("detect compact 128", "train compact 128")
"""Rows that are timed if none are named."""


def compare(
    backend: str,
    name: str,
    policy: str,
    *,
    rounds: int,
    turn: float,
    tree: Path = ROOT,
) -> Row:
    """Time a row on a backend and on TensorFlow by turns.

    Args:
        backend: as Keras names it.
        name: of the row, a key of `workloads.WORKLOADS`.
        policy: Keras dtype policy.
        rounds: turns of each; who is first alternates.
        turn: seconds of a turn, whose median call counts.
        tree: root of the package.

    Returns:
        As `against.by_turns`, with `ratios` (rounds,) of the backend / TensorFlow.

    Raises:
        RuntimeError: if one of them cannot do the work.
    """
    starts = {
        which: partial(in_tree, tree, name, policy, KERAS_BACKEND=which)
        for which in (backend, "tensorflow")
    }
    about = {"name": name, "precision": policy, "backend": backend}
    return about | by_turns(starts, rounds, turn)


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table; 2 is twice TensorFlow's time."""
    lines = [
        "| work | type | backend | s | s of TensorFlow | times as long | quartiles | "
        "first call, s / TensorFlow's | peak MB / TensorFlow's |",
        "|---|---|---|" + "---:|" * 6,
    ]
    for row in rows:
        which = row["backend"]
        low, middle, high = np.quantile(row["ratios"], [0.25, 0.5, 0.75])
        lines.append(
            f"| {row['name']} | {row['precision']} | {which} | {row[which]:.4f} | "
            f"{row['tensorflow']:.4f} | {middle:.2f} | {low:.2f} to {high:.2f} | "
            f"{row[f'first_{which}']:.1f} / {row['first_tensorflow']:.1f} | "
            f"{row[f'peak_mb_{which}']:.0f} / {row['peak_mb_tensorflow']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Compare the rows asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", default=BACKENDS)
    parser.add_argument("--only", nargs="+", default=WATCHED, help="names of rows")
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--turn", type=float, default=TURN, help="seconds of a turn")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    args = parser.parse_args()
    rows: list[Row] = []
    work = [
        (backend, name, policy)
        for name in args.only
        for policy in args.precision
        for backend in args.backends
    ]
    try:
        for one in work:
            print(f"timing {', '.join(one)}", file=sys.stderr, flush=True)
            rows.append(compare(*one, rounds=args.rounds, turn=args.turn))
            write(rows, args.out)
    except RuntimeError as error:
        sys.exit(str(error))
    print(table(rows))


if __name__ == "__main__":
    main()
