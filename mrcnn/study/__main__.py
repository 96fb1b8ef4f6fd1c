"""Run the pruning study, or go on with it: `make study`, or

    python -m mrcnn.study [--subject ...] [--methods ...] [--sparsities ...] [...]

Runs that the ledger holds are not done again. As many run beside each other as there
are cores; `--scheduler ADDRESS` gives them to a Dask cluster that is already there.
"""

import argparse
from functools import partial
from pathlib import Path

from mrcnn.pruning.schedules import check
from mrcnn.study.apart import run_apart
from mrcnn.study.cells import DENSE, SEEDS, SPARSITIES, STEPS, grid
from mrcnn.study.ledger import Ledger
from mrcnn.study.run import dense_metrics, train_dense
from mrcnn.study.study import check_checkpoint, check_images, connect, study
from mrcnn.study.subjects import IMAGES, SUBJECTS, checkpoint_path, ledger_path


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=SUBJECTS, default="compact")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--sparsities", type=float, nargs="+", default=SPARSITIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--images", choices=IMAGES, default="test")
    parser.add_argument("--checkpoint", type=Path, help="other dense weights")
    parser.add_argument("--ledger", type=Path, help="another file of results")
    parser.add_argument("--workers", type=int, help="processes on this machine")
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    args = parser.parse_args()
    wanted = (args.methods, tuple(args.sparsities), tuple(args.seeds), args.steps)
    try:
        cells = list(grid(*wanted))
        for cell in cells:
            if cell.method != DENSE:  # refuses small budgets, and what is no part
                check(cell.schedule, cell.training_steps)
        ledger = Ledger(args.ledger or ledger_path(args.subject, args.images))
        check_images(ledger, args.images)
        if args.checkpoint and not args.checkpoint.is_file():
            parser.error(f"--checkpoint {args.checkpoint}: there is no such file.")
        checkpoint = args.checkpoint or checkpoint_path(args.subject)
        check_checkpoint(ledger, checkpoint)
    except ValueError as error:
        parser.error(str(error))
    where = {
        "subject": args.subject,
        "checkpoint": checkpoint,
        "images": args.images,
    }
    with connect(args.scheduler, args.workers) as client:
        if not checkpoint.is_file():
            print(f"Training the dense network first, into {checkpoint}", flush=True)
            client.submit(train_dense, args.subject, checkpoint, pure=False).result()
        study(
            client,
            cells,
            ledger,
            run=partial(run_apart, **where),
            measure_dense=partial(dense_metrics, **where),
        )


if __name__ == "__main__":
    main()
