"""Train on a data set, and leave the model in a folder.

examples:
  mrcnn train mydata --out run
  mrcnn train mydata --out run --epochs 20 --set IMAGE_MAX_DIM=512
  mrcnn train train.json --val val.json --out run --augment flip,colour
  mrcnn train mydata --out run --best ap --patience 10 --set EMA_MOMENTUM=0.99
  mrcnn train mydata --out run50 --weights none --set BACKBONE=resnet50

If DATA has splits, "train" is trained on and "val" is measured on. Settings are those
that `mrcnn check` suggests for the small network of this package, unless --settings or
--set says otherwise; all of them are in mrcnn.config.Config. The same command goes on
after an interruption. RUN has model.h5, settings.json, and in the end report.json.
"""

import argparse
from collections.abc import Mapping
from typing import Any

from mrcnn.commands.shared import (
    add_data,
    add_restart,
    check_out,
    options_of,
    positive,
    ready,
    seed,
    setting,
    there,
)

STOPPED = (
    "Stopped. The same command goes on after the last whole epoch; RUN has the model "
    "as of then."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_data(parser)
    parser.add_argument("--out", metavar="RUN", required=True, help="folder to fill")
    add_restart(parser)
    parser.add_argument(
        "--val", metavar="DATA", type=there, help="validation set of its own"
    )
    parser.add_argument(
        "--epochs", metavar="N", type=positive, default=40, help="default: 40"
    )
    parser.add_argument(
        "--steps",
        metavar="N",
        type=positive,
        help="batches of an epoch; by default each image once, and 50 at least",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=setting,
        action="append",
        default=[],
        help="a setting, such as IMAGE_MAX_DIM=512; may be given again",
    )
    parser.add_argument(
        "--settings",
        metavar="FILE",
        type=there,
        help="JSON of settings, such as another model's settings.json",
    )
    _add_learning(parser)


def _add_learning(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of what is learnt from what, and how."""
    parser.add_argument(
        "--weights",
        metavar="FILE.h5|shapes|none",
        help="to start from; by default those of the package, if they fit",
    )
    parser.add_argument(
        "--layers",
        metavar="WHICH",
        default="all",
        help="what learns: heads, 3+, 4+, 5+, all (default), or a regular expression",
    )
    parser.add_argument(
        "--seed", metavar="N", type=seed, help="of all chance; default: 0"
    )
    parser.add_argument(
        "--patience",
        type=positive,
        metavar="EPOCHS",
        help="stop after so many epochs without a better loss, or what --best says",
    )
    parser.add_argument(
        "--best",
        choices=("ap", "loss"),
        help="keep the weights of the epoch that was best by mask AP, measured after "
        "each, or by loss, on the validation set; by default the last",
    )
    parser.add_argument(
        "--augment",
        default="flip",
        metavar="NAMES",
        help="of flip, turn, scale, large-scale, colour, copy-paste, with commas "
        "between, or none; default: flip",
    )


def run(args: argparse.Namespace) -> int:
    """Check, choose settings, train, measure."""
    import sys

    from mrcnn import model_folder, recipe
    from mrcnn.data import check
    from mrcnn.data.augment import named
    from mrcnn.hardware import device_name, seed_everything

    augmentation, paste = named(
        [] if args.augment == "none" else args.augment.split(",")
    )
    values = model_folder.read_values(args.settings) if args.settings else {}
    values |= dict(args.set)
    check_out(args)
    train, val = recipe.open_sets(args.data, args.val, **options_of(args))
    report = check(train, validation=val)
    if report.faults:
        print(f"{report}\nTraining goes on; pictures that raise errors are left out.")
    config = recipe.settings(report, values)
    _tell(train, val, {**recipe.suited(report, values), **values})
    print(f"Runs on {device_name()}.")
    seed_everything(args.seed or 0)
    achieved = recipe.train(
        config,
        train,
        val,
        folder=args.out,
        epochs=args.epochs,
        steps=args.steps,
        weights=args.weights,
        layers=args.layers,
        seed=args.seed,
        patience=args.patience,
        best=args.best,
        augmentation=augmentation,
        paste=paste,
        resume=not args.restart,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    if achieved is not None:
        print(f"\n{achieved}\n")
    print(ready(args.out))
    return 0


def _tell(train: Any, val: Any, chosen: Mapping[str, Any]) -> None:
    """Print what is trained on, and with which settings beside the usual ones."""
    measured = "no validation set" if val is None else f"measured on {val.num_images}"
    print(f"Trained on {train.num_images} images, {measured}. Settings:")
    for name, value in chosen.items():
        print(f"  {name} = {value!r}")
