"""Train Shapes to an AP of 0.90 here, and as another commit does, in turn:

    python -m mrcnn.benchmarks.race COMMIT [--seeds 0 1 2] [--out FOLDER]

For each seed both train one after the other, as their own `benchmarks.accuracy` does,
and are measured on the same 200 images that no training saw. The table says what time
each took and which AP it reached; an interrupted command goes on with the next run.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from mrcnn.benchmarks.against import ROOT, commit_laid_out
from mrcnn.files import read_json

RUNNER = ("-P", "-m", "mrcnn.benchmarks.accuracy", "shapes")


def run(tree: Path, seed: int, out: Path, *options: str) -> dict[str, Any]:
    """Train and measure with the package of a tree; what was done is read again.

    Args:
        tree: root of the package.
        seed: of weights, order and samples.
        out: where `accuracy` writes.
        options: others of its arguments.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    command = [sys.executable, *RUNNER, "--seeds", str(seed), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([*command, *options], cwd=tree, env=environment, check=True)
    return next(r for r in read_json(out)["runs"] if r["seed"] == seed)


def table(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Return pairs of runs, before and now, as a Markdown table."""
    lines = [
        "| seed | s before / now | part | steps | box AP | mask AP |",
        "|---:|" + "---:|" * 5,
    ]
    for before, now in rows:
        pairs = (
            f"{before['seconds']:.0f} / {now['seconds']:.0f}",
            f"{now['seconds'] / before['seconds']:.2f}",
            f"{before['steps']} / {now['steps']}",
            *(f"{before[m]:.3f} / {now[m]:.3f}" for m in ("box_ap", "mask_ap")),
        )
        lines.append(f"| {now['seed']} | " + " | ".join(pairs) + " |")
    parts = [now["seconds"] / before["seconds"] for before, now in rows]
    return "\n".join([*lines, f"\nMedian part: {statistics.median(parts):.2f}"])


def main() -> None:
    """Train what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="whatever Git takes for one")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=ROOT / "outputs" / "race")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    try:
        with commit_laid_out(args.commit) as before:
            for seed in args.seeds:
                first = run(before, seed, args.out.absolute() / "before.json")
                now = run(ROOT, seed, args.out.absolute() / "now.json", "--quick")
                rows.append((first, now))
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
    print(table(rows))


if __name__ == "__main__":
    main()
