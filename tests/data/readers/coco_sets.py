"""A small set in COCO JSON, whole or changed, for the tests of readers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SQUARE = [10, 10, 20, 10, 20, 20, 10, 20]
TRIANGLE = [30.5, 5, 44.25, 8, 33, 31.75]
SHAPE = (40, 50)


def picture(path: Path, shape: tuple[int, int] = SHAPE) -> Path:
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, path.name))
    pixels = np.random.default_rng(seed).integers(0, 255, (*shape, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def content() -> dict[str, Any]:
    """Return a set of three pictures: parts, a crowd, and one without objects."""
    runs = [430, 8, 32, 8, 40 * 50 - 478]
    return {
        "info": {"year": 2026},
        "licenses": [],
        "images": [
            {"id": 0, "file_name": "a.png", "height": 40, "width": 50},
            {"id": 7, "file_name": "b.png", "height": 40, "width": 50},
            {"id": 900, "file_name": "empty.png", "height": 40, "width": 50},
        ],
        "annotations": [
            {
                "id": 0,
                "image_id": 0,
                "category_id": 17,
                "segmentation": [SQUARE],
                "area": 1.0,
                "bbox": [10, 10, 10, 10],
                "iscrowd": 0,
            },
            {
                "id": 3,
                "image_id": 7,
                "category_id": 0,
                "segmentation": [TRIANGLE, SQUARE],
            },
            {
                "id": 4,
                "image_id": 7,
                "category_id": 17,
                "segmentation": {"size": [40, 50], "counts": runs},
                "iscrowd": 1,
            },
            {
                "id": 5,
                "image_id": 0,
                "category_id": 0,
                "segmentation": {
                    "size": [40, 50],
                    "counts": "lk0b0f00000F[O1e090000000000000000000000000000l:",
                },
                "iscrowd": 0,
            },
        ],
        "categories": [
            {"id": 17, "name": "cat", "supercategory": "animal"},
            {"id": 0, "name": "cup", "supercategory": "thing"},
            {"id": 44, "name": "never", "supercategory": "thing"},
        ],
    }


def write(
    folder: Path,
    change: Callable[[dict[str, Any]], Any] | None = None,
    name: str = "set.json",
    below: str = "",
) -> Path:
    """Write the set below `folder`, after `change`; return the JSON file."""
    made = content()
    if change:
        change(made)
    for image in content()["images"]:
        picture(folder / below / image["file_name"])
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(made))
    return file
