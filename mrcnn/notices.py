"""How a user is told: a remark once, and everything that is wrong in one error."""

from collections.abc import Sequence

SHOWN = 20
"""Faults that an error has in full; the others are counted."""

LONGEST = 80
"""Characters that an error quotes of what was given."""

_said: set[str] = set()


def once(remark: str) -> None:
    """Print a remark, unless this process has printed it before."""
    if remark not in _said:
        _said.add(remark)
        print(remark)


def quoted(value: object) -> str:
    """Return how Python writes a value, on one line and cut off where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def listed(faults: Sequence[str]) -> str:
    """Return faults one a line: the first `SHOWN`, and how many more there are."""
    lines = [f"- {fault}" for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"- and {len(faults) - SHOWN} more.")
    return "\n".join(lines)


def all_of(faults: Sequence[str], subject: str) -> str:
    """Return the text of one error for all faults: a single one stands for itself.

    Args:
        faults: one or more, each a sentence that says what is wrong where.
        subject: what they are faults of, such as "MyConfig".
    """
    if len(faults) == 1:
        return faults[0]
    return f"{subject} has {len(faults)} faults:\n{listed(faults)}"
