"""Look at a data set before training: faults, doubts, and settings that suit it.

examples:
  mrcnn check mydata
  mrcnn check train.json --val val.json --picture extremes.png
  mrcnn check via.json --option class_key=kind
  mrcnn check mydata --json - | jq .suggestion

The exit code is 1 if there are faults.
"""

import argparse

from mrcnn.commands.shared import (
    add_data,
    add_json,
    options_of,
    there,
    writable_file,
    write_json,
)


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_data(parser)
    parser.add_argument(
        "--val",
        metavar="DATA",
        type=there,
        help="validation set, where DATA has no split val",
    )
    parser.add_argument(
        "--picture",
        metavar="FILE",
        type=writable_file,
        help="draw the extremes: smallest, most crowded",
    )
    add_json(parser, "the report")


def run(args: argparse.Namespace) -> int:
    """Check, and tell what was found."""
    from mrcnn.data import check
    from mrcnn.recipe import open_sets

    train, val = open_sets(args.data, args.val, **options_of(args))
    report = check(train, validation=val)
    print(report)
    if report.suggestion:
        print("`mrcnn train` takes these settings unless it is told others.")
    if args.picture:
        report.picture(args.picture)
        print(f"Written: {args.picture}")
    write_json(args, report.to_dict())
    return 1 if report.faults else 0
