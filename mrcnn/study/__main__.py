"""Run the pruning study, or go on with it: `make study`, or

    python -m mrcnn.study [--methods ...] [--sparsities ...] [--seeds ...] [--steps N]

Runs that the ledger holds are not done again. By default one process does one run
after another, since each uses all cores; `--workers N` starts as many processes with
Dask, and `--scheduler ADDRESS` uses a cluster that is already there.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mrcnn.study.cells import SEEDS, SPARSITIES, STEPS, Cell, grid
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import DENSE_KEY
from mrcnn.study.run import dense_metrics, run_cell

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "mrcnn" / "checkpoints" / "shapes.h5"
LEDGER = ROOT / "book" / "results" / "study.jsonl"

Run = Callable[[Cell], dict[str, Any]]


def one_after_another(run: Run, cells: list[Cell]) -> Iterator[tuple[Cell, dict]]:
    """Yield each cell with its result, in this process."""
    for cell in cells:
        yield cell, run(cell)


def with_dask(
    run: Run, cells: list[Cell], workers: int, scheduler: str | None
) -> Iterator[tuple[Cell, dict]]:
    """Yield each cell with its result as they end, in processes of a Dask cluster.

    Raises:
        ImportError: if Dask is not installed; says how to install it.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            "More than one worker needs Dask: pip install 'distributed'."
        ) from error
    options = (
        {"address": scheduler}
        if scheduler
        else {"n_workers": workers, "threads_per_worker": 1}
    )
    with Client(**options) as client:
        futures = {client.submit(run, cell, key=cell.key): cell for cell in cells}
        for future, result in as_completed(futures, with_results=True):
            yield futures[future], result


def study(
    cells: list[Cell],
    *,
    checkpoint: Path = CHECKPOINT,
    ledger: Path = LEDGER,
    workers: int = 1,
    scheduler: str | None = None,
) -> Ledger:
    """Do the runs that the ledger lacks, and write each as soon as it ends.

    Args:
        cells: the grid.
        checkpoint: weights of the dense Shapes model.
        ledger: the file of results.
        workers: processes.
        scheduler: address of a Dask scheduler; None starts workers here.
    """
    book = Ledger(ledger)
    if book.missing([DENSE_KEY]):
        book.add(DENSE_KEY, dense_metrics(checkpoint))
    by_key = {cell.key: cell for cell in cells}
    todo = [by_key[key] for key in book.missing(by_key)]
    print(f"{len(by_key)} runs, {len(todo)} to do; results in {ledger}", flush=True)
    run = partial(run_cell, checkpoint=checkpoint)
    results = (
        with_dask(run, todo, workers, scheduler)
        if scheduler or workers > 1
        else one_after_another(run, todo)
    )
    started = time.perf_counter()
    for done, (cell, result) in enumerate(results, start=1):
        book.add(cell.key, result)
        left = (time.perf_counter() - started) / done * (len(todo) - done) / 60
        print(f"{done} of {len(todo)}, {left:.0f} min left: {cell.key}", flush=True)
    return book


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--sparsities", type=float, nargs="+", default=SPARSITIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    args = parser.parse_args()
    cells = grid(args.methods, tuple(args.sparsities), tuple(args.seeds), args.steps)
    study(
        list(cells),
        checkpoint=args.checkpoint,
        ledger=args.ledger,
        workers=args.workers,
        scheduler=args.scheduler,
    )


if __name__ == "__main__":
    main()
