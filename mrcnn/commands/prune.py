"""Train a model on while weights, or whole channels, are removed.

examples:
  mrcnn prune run mydata --out pruned --sparsity 0.9
  mrcnn prune run mydata --out faster --channels 0.5
  mrcnn prune pruned mydata --out smaller --dead

--sparsity sets that part of the weights to zero: the file compresses better, and the
network is as fast as before. --channels takes channels out until that part of the work
is left: a smaller, faster network. --dead takes out those that compute nothing any
more, as --sparsity leaves some: nothing is trained, and the answers are the same. The
same command goes on after an interruption with --sparsity; with the others it begins
anew, and replaces a model by --restart.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from mrcnn.commands.shared import (
    add_data,
    add_restart,
    add_run,
    check_out,
    options_of,
    positive,
    ready,
    seed,
    share,
)

METHOD = "TBP"
UPDATES = 4
"""How often weights are chosen on the way to the sparsity."""
STOPPED = "Stopped. With --sparsity, the same command goes on after the last epoch."


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run(parser)
    add_data(parser)
    parser.add_argument("--out", metavar="RUN2", required=True, help="folder to fill")
    add_restart(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--sparsity",
        metavar="PART",
        type=share,
        default=0.9,
        help="part of the weights to remove; default: 0.9",
    )
    what.add_argument(
        "--channels",
        metavar="PART",
        type=share,
        help="take out channels instead, until this part of the work is left",
    )
    what.add_argument(
        "--dead",
        action="store_true",
        help="only take out channels that compute nothing, without training",
    )
    parser.add_argument(
        "--method",
        metavar="NAME",
        default=METHOD,
        help=f"how weights are chosen: {METHOD} (default), LAMP, Taylor, ...",
    )
    parser.add_argument(
        "--epochs", metavar="N", type=positive, default=10, help="default: 10"
    )
    parser.add_argument(
        "--steps",
        metavar="N",
        type=positive,
        help="batches of an epoch, as of mrcnn train",
    )
    parser.add_argument(
        "--seed", metavar="N", type=seed, default=0, help="of all chance; default: 0"
    )


def run(args: argparse.Namespace) -> int:
    """Prune, measure."""
    from mrcnn import model_folder, recipe
    from mrcnn.data.annotations import check_model_classes
    from mrcnn.hardware import seed_everything
    from mrcnn.paths import as_path

    train, val = recipe.open_sets(args.data, **options_of(args))
    if as_path(args.out, "--out").resolve() == Path(args.model).resolve():
        raise ValueError(f"--out is {args.out}, the model's own folder: name another.")
    check_out(args)
    seed_everything(args.seed)
    source = model_folder.read(
        args.model, weights=args.weights, settings={"SEED": args.seed}, training=True
    )
    check_model_classes(source.model, train)
    how = _dead if args.dead else _weights if args.channels is None else _channels
    print(how(args, source, train))
    if (report := recipe.measure(args.out, val)) is not None:
        print(f"\n{report}\n")
    print(ready(args.out))
    return 0


def _weights(args: argparse.Namespace, source: Any, dataset: Any) -> Any:
    """Prune weights; return what is left of them."""
    from mrcnn import build, recipe
    from mrcnn.pruning import METHODS, Pruner, report, retraining
    from mrcnn.pruning.budget import ramp

    model, config, _ = source
    if args.method not in METHODS:
        raise ValueError(
            f"--method {args.method!r} is none of {'; '.join(METHODS)}: choose one."
        )
    make = partial(build.batches, config, dataset, shuffle=True)
    calibration = make(seed=args.seed + 1)
    steps = args.steps or recipe.steps_of(calibration)
    schedule = ramp(args.sparsity, args.epochs * steps, UPDATES)
    recipe.fit_in(
        args.out,
        model,
        make(seed=args.seed, steps=steps),
        stages=[retraining(config, args.epochs)],
        optimizer=partial(build.optimizer, config),
        resume=not args.restart,
        callbacks=[Pruner(METHODS[args.method], schedule, calibration)],
    )
    return f"\n{report(model)}"


def _channels(args: argparse.Namespace, source: Any, dataset: Any) -> str:
    """Take channels out; return how many weights are left."""
    from mrcnn import build, model_folder, recipe
    from mrcnn.pruning import prune_channels

    config = source.config
    batches = build.batches(config, dataset)
    steps = args.epochs * (args.steps or recipe.steps_of(batches))
    print(f"{steps} steps of training; the next word is at their end.")
    checkpoint = args.weights or Path(args.model) / model_folder.WEIGHTS
    narrowed = prune_channels(
        config, dataset, checkpoint, args.channels, steps=steps, seed=args.seed
    )
    return _written(args, source, narrowed.model)


def _dead(args: argparse.Namespace, source: Any, dataset: Any) -> str:
    """Take out channels that compute nothing; return which, and what is left."""
    from mrcnn.pruning import remove_dead

    found = remove_dead(source.model, source.config)
    return f"\n{found.table()}\n\n{_written(args, source, found.model)}"


def _written(args: argparse.Namespace, source: Any, smaller: Any) -> str:
    """Write a smaller network; return how many weights are left."""
    from mrcnn import model_folder

    model_folder.write(args.out, smaller, source.class_names)
    before, after = source.model.count_params(), smaller.count_params()
    return f"Of {before:,} weights {after:,} are left."
