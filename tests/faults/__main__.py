"""Bring all kinds of trouble upon what the package does, and count what is lost.

    make faults ARGS="[ROW ...] [--kills 50] [--troubles 20] [--damaged 10000] ..."

A row is a kind of fault; a name stands for all rows that it begins. What was tried is
in FOLDER/faults.jsonl, from which the command goes on when it is run again: with larger
counts it tries more. The same seed tries the same.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from mrcnn.study.ledger import Ledger
from tests.faults import damaged, disturbed, steady

FOLDER = Path("outputs/faults")
BATCH = 200
"""Files that are damaged between two lines of the ledger."""
WORKS = ("training", "study", "extraction", "fetching", "export", "quantization")
TROUBLES = (
    *("full disk", "no folder", "read-only", "vanishing", "clock", "two at once"),
)
RUNS = {"detections": "detection", "steps": "training"}


class Row(NamedTuple):
    """One kind of fault."""

    name: str
    option: str  # of the command line, which says how often
    unit: str  # what is counted of a trial
    trial: Callable[[str, int, Path], dict[str, Any]]  # of a seed, how many, where


def rows() -> list[Row]:
    """Return all kinds, in the order of the table."""
    return [
        *(
            Row(f"kill {work}", "kills", "killed", _disturbs(work, "kill"))
            for work in WORKS
        ),
        *(
            Row(f"{trouble} {work}", "troubles", "tried", _disturbs(work, trouble))
            for trouble in TROUBLES
            for work in WORKS
        ),
        *(
            Row(f"damaged {kind}", "damaged", "tried", _damages(kind))
            for kind in damaged.KINDS
        ),
        *(
            Row(f"steady {name}", option, "tried", _watches(name))
            for option, name in RUNS.items()
        ),
    ]


def _disturbs(work: str, trouble: str) -> Callable[..., dict[str, Any]]:
    return lambda seed, left, scratch: disturbed.trial(work, trouble, seed, scratch)


def _damages(kind: str) -> Callable[..., dict[str, Any]]:
    return lambda seed, left, scratch: damaged.trial(
        kind, seed, min(left, BATCH), scratch / "damaged"
    )


def _watches(name: str) -> Callable[..., dict[str, Any]]:
    return lambda seed, left, scratch: steady.trial(name, left)


def run(row: Row, count: int, seed: int, ledger: Ledger, scratch: Path) -> None:
    """Try a row until the ledger has it so often; add each trial when it is done."""
    trial = done = 0
    while True:
        key = f"{row.name} | seed {seed} | {trial}"
        if key in ledger.results:
            done += ledger.results[key][row.unit]
        elif done >= count:
            return
        else:
            result = row.trial(key, count - done, scratch)
            ledger.add(key, {"row": row.name, **result})
            done += result[row.unit]
            for fault in result["faults"]:
                print(f"{key}: {fault}", flush=True)
        trial += 1


def table(ledger: Ledger) -> str:
    """Return what the ledger has, as a Markdown table with a row for each kind."""
    kinds = ("tried", "killed", "refused", "same", "done", "otherwise", "died")
    head = ["fault", *kinds, "faults", "command"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows():
        of = [r for r in ledger.results.values() if r["row"] == row.name]
        if of:
            sums = [sum(r.get(kind, 0) for r in of) for kind in kinds]
            faults = sum(len(r["faults"]) for r in of)
            command = f"`make faults ARGS=\"'{row.name}'\"`"
            cells = [row.name, *sums, faults, command]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return 1 if anything was at fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("row", nargs="*", help="names of rows, or how they begin")
    parser.add_argument("--kills", type=int, default=50, help="of each work")
    parser.add_argument("--troubles", type=int, default=20, help="of each other kind")
    parser.add_argument("--damaged", type=int, default=10_000, help="of each kind")
    parser.add_argument("--detections", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    wanted = tuple(options.row) or ("",)
    chosen = [row for row in rows() if row.name.startswith(wanted)]
    if not chosen:
        names = ", ".join(row.name for row in rows())
        parser.error(f"there is no row {options.row}; there are: {names}")
    missing = [name for name in ("onnx", "onnxruntime") if not find_spec(name)]
    if missing and any(row.name.endswith("quantization") for row in chosen):
        print(f"Without {' and '.join(missing)}, quantization is left out.", flush=True)
        chosen = [row for row in chosen if not row.name.endswith("quantization")]
    ledger = Ledger(options.folder / "faults.jsonl")
    print(f"Seed {options.seed}, ledger {ledger.path}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for row in chosen:
            count = getattr(options, row.option)
            print(f"{row.name}: {count}", flush=True)
            run(row, count, options.seed, ledger, Path(scratch))
    print(table(ledger))
    names = {row.name for row in chosen}
    mine = [r for r in ledger.results.values() if r["row"] in names]
    return int(any(r["faults"] for r in mine))


if __name__ == "__main__":
    sys.exit(main())
