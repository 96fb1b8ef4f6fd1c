"""Find objects in pictures: draw them with their masks, and list them as JSON.

examples:
  mrcnn detect run photo.jpg --out found
  mrcnn detect run new_pictures "more/*.png" --out found --confidence 0.7
  mrcnn detect run huge.tif --out found --tile 512 --coco found/coco.json

FOLDER has a picture for each, as PNG, and detections.json: class, score, box (top,
left, bottom, right in pixels) and mask (COCO's run lengths) of each object. The exit
code is 1 if some pictures could not be read.
"""

import argparse
import glob
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from mrcnn.commands.shared import (
    add_run,
    add_tile,
    progress,
    save_json,
    share,
    write_json,
)
from mrcnn.notices import all_of

SCHEMA, VERSION = "mrcnn.Detections", 1
DETECTIONS = "detections.json"
CONFIDENCE = 0.5
LABELLED = 30
"""Objects of a picture that are drawn with boxes and labels; of more, masks alone."""
LONGEST = 2000
"""Pixels of a drawn picture's longer side, at most."""


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run(parser)
    parser.add_argument(
        "pictures",
        metavar="PICTURES",
        nargs="+",
        help='files, folders, or patterns such as "shots/*.jpg"',
    )
    parser.add_argument("--out", metavar="FOLDER", required=True, help="to fill")
    parser.add_argument(
        "--confidence",
        type=share,
        default=CONFIDENCE,
        metavar="SCORE",
        help=f"leave out what scores less; default: {CONFIDENCE}",
    )
    add_tile(parser)
    parser.add_argument(
        "--no-pictures", action="store_true", help="draw nothing, write JSON alone"
    )
    parser.add_argument(
        "--coco",
        metavar="FILE",
        help="write a COCO annotation file, too, for tools that show or correct it",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        help=f"in place of FOLDER/{DETECTIONS}; - for standard output",
    )


def run(args: argparse.Namespace) -> int:
    """Detect, draw and list."""
    from mrcnn import model_folder
    from mrcnn.data.pictures import read_image
    from mrcnn.detection import detect
    from mrcnn.paths import writable_folder

    files, out = find_pictures(args.pictures), writable_folder(args.out, "--out")
    drawn = drawn_at(files, out)
    model, _, names = model_folder.read(
        args.model,
        weights=args.weights,
        settings={"DETECTION_MIN_CONFIDENCE": args.confidence},
    )
    channels = len(model.preprocessing.mean_pixel)
    out.mkdir(parents=True, exist_ok=True)
    entries, faults = [], []
    for number, (file, picture) in enumerate(zip(files, drawn, strict=True), 1):
        try:
            image = read_image(file, channels)
        except (OSError, ValueError) as error:
            faults.append(str(error))
            progress(f"{number} of {len(files)}: {file}: left out")
            continue
        (found,) = detect(model, [image], tile=args.tile, masks="rle")
        entries.append(_entry(file, image.shape, found, names))
        if not args.no_pictures:
            draw(image, found, names, picture)
        progress(f"{number} of {len(files)}: {file}: {len(found['scores'])} found")
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "class_names": list(names),
        "images": entries,
    }
    if args.coco:
        save_json(args.coco, as_coco(document))
    if args.json is None:
        args.json = str(out / DETECTIONS)
    write_json(args, document)
    if faults:
        progress(f"mrcnn: {all_of(faults, 'What was given')}")
    return 1 if faults else 0


def find_pictures(given: Sequence[str]) -> list[Path]:
    """Return the picture files that files, folders and patterns stand for, each once.

    Raises:
        FileNotFoundError: names what stands for none.
    """
    from mrcnn.data.via_dataset import PICTURES

    files: list[Path] = []
    for text in given:
        path = Path(text).expanduser()
        if path.is_dir():
            found = [p for p in path.iterdir() if p.suffix.lower() in PICTURES]
        elif path.exists():
            found = [path]
        else:
            found = [Path(p) for p in glob.glob(str(path), recursive=True)]
        found = sorted(p for p in found if not p.is_dir())
        if not found:
            raise FileNotFoundError(
                f"{text} stands for no picture: give files, folders of them, or a "
                'pattern such as "shots/*.jpg".'
            )
        files += found
    return list(dict.fromkeys(files))


def drawn_at(files: Sequence[Path], out: Path) -> list[Path]:
    """Return where each picture is drawn to: under its name, with a number if need be.

    Raises:
        ValueError: if a picture would take the place of one that was given.
    """
    given, used, places = {file.resolve() for file in files}, set(), []
    for file in files:
        names = (f"{file.stem}{f'_{i}' if i else ''}.png" for i in count())
        name = next(name for name in names if name.casefold() not in used)
        used.add(name.casefold())
        places.append(out / name)
        if places[-1].resolve() in given:
            raise ValueError(
                f"{places[-1]} is one of the pictures, and would be drawn over: give "
                "another folder as --out."
            )
    return places


def _entry(
    file: Path, shape: Sequence[int], found: Any, names: Sequence[str]
) -> dict[str, Any]:
    """Return what was found in a picture as JSON has it."""
    return {
        "file": str(file),
        "height": shape[0],
        "width": shape[1],
        "detections": [
            {
                "class": names[class_id],
                "class_id": class_id,
                "score": score,
                "box": box,
                "mask": {"size": list(code["size"]), "counts": code["counts"].decode()},
            }
            for class_id, score, box, code in zip(
                found["class_ids"].tolist(),
                found["scores"].tolist(),
                found["rois"].tolist(),
                found["masks"],
                strict=True,
            )
        ],
    }


def draw(image: Any, found: Any, names: Sequence[str], path: Path) -> None:
    """Draw what was found in an image, of a large one every second, third, ... pixel.

    Args:
        image: (h, w, C) uint8.
        found: a `Detection` with masks as run lengths.
        names: of the classes, background first.
        path: of the picture file.
    """
    import numpy as np
    from matplotlib import pyplot as plt

    from mrcnn.files import atomic_path
    from mrcnn.ops.rle import decode
    from mrcnn.visualize.instances import draw_instances
    from mrcnn.visualize.style import image_axes, look

    step = -(-max(image.shape[:2]) // LONGEST)
    shown, boxes = image[::step, ::step], found["rois"] / step
    masks = np.zeros((*shown.shape[:2], len(boxes)), bool)
    for i, code in enumerate(found["masks"]):
        masks[..., i] = decode([code], image.shape[:2])[::step, ::step, 0]
    with look(), atomic_path(path) as temporary:
        ax, figure = image_axes(None, shown.shape)
        few = len(boxes) <= LABELLED
        draw_instances(
            ax,
            shown,
            boxes,
            masks,
            found["class_ids"],
            names,
            found["scores"],
            show_bbox=few,
            captions=None if few else [""] * len(boxes),
        )
        figure.savefig(temporary, dpi=max(100, max(shown.shape[:2]) / 8))
    plt.close(figure)


def as_coco(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of detections as a COCO annotation file, to correct by hand."""
    from pycocotools import mask

    images, annotations = [], []
    for number, entry in enumerate(document["images"], 1):
        sizes = {key: entry[key] for key in ("height", "width")}
        images.append({"id": number, "file_name": Path(entry["file"]).name, **sizes})
        for one in entry["detections"]:
            top, left, bottom, right = one["box"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": one["class_id"],
                    "segmentation": one["mask"],
                    "area": int(mask.area(one["mask"])),
                    "bbox": [left, top, right - left, bottom - top],
                    "iscrowd": 0,
                    "score": one["score"],
                }
            )
    categories = [
        {"id": i, "name": name, "supercategory": ""}
        for i, name in enumerate(document["class_names"])
        if i
    ]
    return {"images": images, "annotations": annotations, "categories": categories}
