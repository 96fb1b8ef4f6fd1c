"""Find objects in pictures or films: draw them with their masks, and list them as JSON.

examples:
  mrcnn detect run photo.jpg --out found
  mrcnn detect run new_pictures "more/*.png" --out found --confidence 0.7
  mrcnn detect run street.mp4 --out found.mp4
  mrcnn detect run huge.tif --out found --tile 512 --coco marks.json

A new FOLDER gets each picture under its name, and detections.json: class, score, box
(top, left, bottom, right in pixels) and mask (COCO's run lengths) of each object. A
film (.mp4, .avi, .mov) has them beside it: found.json. The exit code is 1 if some
pictures could not be read.
"""

import argparse
import glob
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from mrcnn.commands.shared import (
    add_looks,
    add_run,
    looks,
    progress,
    save_json,
    share,
    writable_file,
    write_json,
)
from mrcnn.notices import all_of
from mrcnn.paths import as_path, writable_folder

SCHEMA, VERSION = "mrcnn.Detections", 1
DETECTIONS = "detections.json"
CONFIDENCE = 0.5
LONGEST = 2000
"""Pixels of a drawn picture's longer side, at most; a film keeps its size."""
STOPPED = "Stopped. What was drawn so far is there; the list of detections is not."


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run(parser)
    parser.add_argument(
        "sources",
        metavar="PICTURES",
        nargs="+",
        help='pictures, folders, films, patterns such as "shots/*.jpg"; or the number '
        "of a camera, which ends by Ctrl-C",
    )
    parser.add_argument(
        "--out", metavar="FOLDER|FILM", required=True, help="what is new there"
    )
    parser.add_argument(
        "--confidence",
        type=share,
        default=CONFIDENCE,
        metavar="SCORE",
        help=f"leave out what scores less; default: {CONFIDENCE}",
    )
    add_looks(parser)
    parser.add_argument(
        "--no-pictures", action="store_true", help="draw nothing, write JSON alone"
    )
    parser.add_argument(
        "--coco",
        metavar="FILE",
        type=writable_file,
        help="write a COCO annotation file, too, for tools that show or correct it",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=writable_file,
        help=f"in place of FOLDER/{DETECTIONS}; - for standard output",
    )


def run(args: argparse.Namespace) -> int:
    """Detect, draw and list."""
    from mrcnn import model_folder, streams
    from mrcnn.data.sources import rate_of
    from mrcnn.visualize.paint import paint

    source, (out, listed) = meant(args.sources), places(args.out, args.json is None)
    rate = rate_of(source)  # refuses now what is no source
    model, _, names = model_folder.read(
        args.model,
        weights=args.weights,
        settings={"DETECTION_MIN_CONFIDENCE": args.confidence},
    )
    entries: list[dict[str, Any]] = []
    faults: list[str] = []
    options = {"masks": "rle", "left_out": faults, **looks(args)}
    found = streams.detect_stream(model, source, **options)
    seen = _listed(found, names, entries)
    try:
        with closing(found):
            if args.no_pictures:
                deque(seen, maxlen=0)
            else:
                drawn = ((name, paint(im, one, names)) for name, im, one in seen)
                is_film = listed.parent != out
                streams.write(drawn if is_film else _smaller(drawn), out, rate=rate)
                print(f"Written: {out}")
    finally:
        if faults:
            progress(f"mrcnn: {all_of(faults, 'What was given')}")
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "class_names": list(names),
        "images": entries,
    }
    if args.coco:
        save_json(args.coco, as_coco(document))
    args.json = args.json or str(listed)
    write_json(args, document)
    return 1 if faults else 0


def meant(given: Sequence[str]) -> list[Path] | int:
    """Return what texts stand for: paths, patterns of them, or a camera's number."""
    if len(given) == 1 and given[0].isdecimal() and not Path(given[0]).exists():
        return int(given[0])
    found: list[Path] = []
    for text in given:
        path = as_path(text, "PICTURES")
        there = [] if path.exists() else sorted(glob.glob(str(path), recursive=True))
        found += map(Path, there or [path])
    return found


def places(out: str, with_list: bool) -> tuple[Path, Path]:
    """Return where pictures go, and where the list of what is found would.

    Args:
        out: a folder, or a film by its suffix.
        with_list: whether the list goes there.

    Raises:
        FileExistsError: something is there, which might be replaced.
        OSError: nothing can be written there.
    """
    from mrcnn.data.films import CODECS

    place = as_path(out, "--out")
    if place.suffix.lower() in CODECS:
        writable_folder(place.parent, "the folder of --out")
        listed = place.with_suffix(".json")
        taken = [p for p in (place, listed)[: 1 + with_list] if p.exists()]
    else:
        listed = writable_folder(place, "--out") / DETECTIONS
        taken = sorted(place.iterdir())[:1] if place.is_dir() else []
    if taken:
        raise FileExistsError(
            f"--out is {place}, and {taken[0]} is there: name what is new, or remove "
            "what is there."
        )
    return place, listed


def _listed(
    found: Iterable[Any], names: Sequence[str], entries: list[dict[str, Any]]
) -> Iterator[Any]:
    """Yield what is found, and add it to the entries."""
    for name, image, one in found:
        entries.append(_entry(name, image.shape, one, names))
        yield name, image, one


def _smaller(pictures: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield pictures, large ones a half, a third, ... as large."""
    import numpy as np
    from PIL import Image

    for name, picture in pictures:
        step = -(-max(picture.shape[:2]) // LONGEST)
        yield name, np.asarray(Image.fromarray(picture).reduce(step))


def _entry(
    name: str, shape: Sequence[int], found: Any, names: Sequence[str]
) -> dict[str, Any]:
    """Return what was found in a picture as JSON has it."""
    return {
        "name": name,
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


def as_coco(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of detections as a COCO annotation file, to correct by hand."""
    from pycocotools import mask

    images, annotations = [], []
    for number, entry in enumerate(document["images"], 1):
        sizes = {key: entry[key] for key in ("height", "width")}
        images.append({"id": number, "file_name": entry["name"], **sizes})
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
