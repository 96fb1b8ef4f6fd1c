"""Write a data set of any format that is read as COCO JSON.

examples:
  mrcnn convert mydata --split train --out train.json
  mrcnn convert via_project.json --out coco.json

Pictures that lie beside FILE or below stay where they are; others are copied to a new
folder beside it.
"""

import argparse

from mrcnn.commands.shared import add_data, options_of


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_data(parser)
    parser.add_argument("--out", metavar="FILE.json", required=True, help="to write")
    parser.add_argument(
        "--split", metavar="NAME", help="which part of DATA, if there are several"
    )


def run(args: argparse.Namespace) -> int:
    """Convert."""
    from mrcnn.data import open_dataset
    from mrcnn.data.coco_files import write_dataset
    from mrcnn.paths import as_path

    if as_path(args.out, "--out").exists():  # perhaps the annotations themselves
        raise FileExistsError(f"--out is {args.out}, which is there: name a new file.")
    dataset = open_dataset(args.data, args.split, **options_of(args))
    path = write_dataset(dataset, args.out)
    names = ", ".join(dataset.class_names[1:])
    print(f"Written: {path} ({dataset.num_images} images; classes: {names})")
    return 0
