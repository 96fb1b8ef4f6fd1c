"""What the rows of `peers` say, relative to our network in Keras and float32."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from mrcnn.benchmarks.rows import Row

OURS = "ours, Keras float32"
"""What all programs are compared with."""


def with_ratios(rows: Mapping[str, Row]) -> dict[str, Row]:
    """Return rows with how many times as fast as ours each was, round by round."""
    ours = rows.get(OURS, {}).get("seconds")
    if not ours:
        return dict(rows)
    return {
        name: row | {"ratios": np.divide(ours, row["seconds"]).tolist()}
        if "seconds" in row
        else row
        for name, row in rows.items()
    }


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
        if "ratios" in of:
            low, middle, high = np.quantile(of["ratios"], [0.25, 0.5, 0.75])
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
