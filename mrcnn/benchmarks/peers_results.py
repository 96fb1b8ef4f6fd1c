"""What the rows of `peers` say, relative to our network in Keras and float32."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from mrcnn.benchmarks.rows import Row

OURS = "ours, Keras float32"
"""What all programs are compared with."""


def ratios(of: Mapping[str, Row], program: str, to: str = OURS) -> np.ndarray:
    """Return how many times as fast as another a program was, in each round."""
    return np.divide(of[to]["seconds"], of[program]["seconds"])


HEAD = (
    *("work", "program", "s", "times as fast as ours", "quartiles"),
    *("first call, s", "peak MB", "did"),
)


def cells(row: Row) -> list[tuple[str, ...]]:
    """Return a work's lines of the table below `HEAD`, without the work."""
    found = []
    for name, of in row["programs"].items():
        if "error" in of:
            found.append((name, of["error"], *[""] * 5))
            continue
        fast = [""] * 2
        if "error" not in row["programs"].get(OURS, {"error": ""}):
            low, middle, high = np.quantile(
                ratios(row["programs"], name), [0.25, 0.5, 0.75]
            )
            fast = [f"{middle:.2f}", f"{low:.2f} to {high:.2f}"]
        seconds = f"{statistics.median(of['seconds']):.3f}"
        peak = f"{of['peak'] / 1e6:.0f}"
        found.append((name, seconds, *fast, f"{of['first']:.1f}", peak, of["about"]))
    return found


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|" + "---:|" * 5 + "---|"]
    lines += [
        f"| {row['work']} | {' | '.join(c)} |" for row in rows for c in cells(row)
    ]
    return "\n".join(lines)
