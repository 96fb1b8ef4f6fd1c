"""Measure a trained model on annotated pictures: AP by task, class and size.

examples:
  mrcnn evaluate run mydata
  mrcnn evaluate run mydata --split test --json scores.json
  mrcnn evaluate run large.json --tile 512 --coco found.json
  mrcnn evaluate run mydata --flip --sides 384 512

If DATA has splits, "val" is measured on unless --split names another. --coco writes
what was found as COCO's results for pycocotools; mrcnn convert writes its truth.
"""

import argparse

from mrcnn.commands.shared import (
    add_data,
    add_json,
    add_looks,
    add_run,
    looks,
    options_of,
    progress,
    writable_file,
    write_json,
)

PARTS = 20
"""How often it is told how far the work is, at most."""


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run(parser)
    add_data(parser)
    parser.add_argument(
        "--split", metavar="NAME", help='which part of DATA; by default "val"'
    )
    add_looks(parser)
    parser.add_argument(
        "--coco",
        metavar="FILE",
        type=writable_file,
        help="write what was found as COCO's results",
    )
    add_json(parser, "the report")


def run(args: argparse.Namespace) -> int:
    """Measure, and tell what was measured."""
    from mrcnn import model_folder, recipe
    from mrcnn.data.coco_files import write_results
    from mrcnn.evaluation import collect, evaluate
    from mrcnn.evaluation.scenes import to_detection

    dataset = recipe.open_measured(args.data, args.split, **options_of(args))
    model = model_folder.read(args.model, weights=args.weights).model
    scenes, count = [], dataset.num_images
    step = max(1, -(-count // PARTS))
    for first in range(0, count, step):
        some = range(first, min(first + step, count))
        scenes += collect(model, dataset, image_ids=some, **looks(args))
        progress(f"{len(scenes)} of {count} pictures")
    report = evaluate(model, dataset, scenes=scenes)
    print(f"{report}\n\n{report.size_table()}")
    if args.coco:
        found = [to_detection(scene.found) for scene in scenes]
        write_results(found, dataset, args.coco)
        print(f"Written: {args.coco}")
    write_json(args, report.to_dict())
    return 0
