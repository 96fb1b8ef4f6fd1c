"""Data sets and detections as COCO's files, for every tool that reads these.

A data set becomes a JSON file that `open_dataset` and pycocotools read; detections
become a list of results, as `COCO.loadRes` of pycocotools takes it
(https://cocodataset.org/#format-results). Both name images and classes alike. Masks are
compressed run lengths, so that no pixel changes.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco

from mrcnn.checks.kinds import is_count
from mrcnn.data.annotations import check_dataset
from mrcnn.data.arrays import check_image
from mrcnn.data.dataset import Dataset, image_name, load_objects
from mrcnn.data.pictures import header
from mrcnn.files import atomic_path
from mrcnn.notices import quoted
from mrcnn.ops.rle import encode
from mrcnn.paths import as_path, writable_folder
from mrcnn.structures import Detection

TASKS = ("mask", "box")


def write_dataset(dataset: Dataset, path: str | Path) -> Path:
    """Write a data set as COCO JSON, and return the path of the file.

    Areas and boxes are those of the masks; objects without a pixel are left out. A
    picture that lies in the folder of the file, or below, stays where it is; those that
    lie elsewhere, or are made, turned or changed as they are loaded, are written to a
    new folder `NAME_pictures` beside the file, as PNG.

    Args:
        dataset: prepared.
        path: of the JSON file.

    Raises:
        FileExistsError: the folder for pictures is there.
        NotADirectoryError: a file is where the folder of the file would be.
        ValueError: masks and pictures contradict each other; or as `check_dataset`.
        TypeError: it is no data set.
    """
    check_dataset(dataset)
    file = as_path(path, "path").absolute()
    writable_folder(file.parent, "the folder of path")
    places = [_place(dataset, i, file.parent) for i in map(int, dataset.image_ids)]
    folder = file.with_name(f"{file.stem}_pictures")
    if None in places and folder.exists():
        raise FileExistsError(
            f"{folder}, where pictures are to be written, is there: choose another "
            "name for the file, or remove the folder."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.stem}-") as new:
        pictures = Path(new) / "pictures"
        pictures.mkdir()
        content = _content(dataset, places, pictures, folder.name)
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
            if None in places:
                pictures.rename(folder)
    return file


def results(
    detections: Iterable[Detection],
    dataset: Dataset,
    *,
    image_ids: Iterable[int] | None = None,
    task: str = "mask",
) -> list[dict[str, Any]]:
    """Return detections as COCO's results, which pycocotools loads and scores.

    Images and categories have the ids of the data set's file, if it was read from COCO
    JSON, else those that `write_dataset` gives them. Of masks and boxes only one is in
    a list: where both are, pycocotools takes the boxes' areas for the masks'.

    Args:
        detections: of `mrcnn.detection.detect`, one for each image; may be a generator.
        dataset: of the images.
        image_ids: which of its images; all by default, in their order.
        task: "mask" for masks, "box" for boxes.

    Raises:
        ValueError: there are more or fewer detections than images, or one is of no
            class of the data set; or names the task.
    """
    if task not in TASKS:
        raise ValueError(f"task is {quoted(task)}; choose from {', '.join(TASKS)}.")
    check_dataset(dataset)
    chosen = list(dataset.image_ids if image_ids is None else image_ids)
    known = len(dataset.image_ids)
    if strange := [i for i in chosen if not is_count(i, 0) or i >= known]:
        raise ValueError(f"image_ids has {quoted(strange[0])}: 0 to {known - 1} exist.")
    images, categories = numbers(dataset)
    found: list[dict[str, Any]] = []
    count = 0
    for count, detection in enumerate(detections, start=1):
        if count > len(chosen):
            break
        image = images[int(chosen[count - 1])]
        for category, entry in _found(detection, categories, task):
            found.append({"image_id": image, "category_id": category, **entry})
    if count != len(chosen):
        more = "more" if count > len(chosen) else f"{count}"
        raise ValueError(
            f"detections are {more} for {len(chosen)} images: give one for each image, "
            "and image_ids if they are of some."
        )
    return found


def write_results(
    detections: Iterable[Detection],
    dataset: Dataset,
    path: str | Path,
    *,
    image_ids: Iterable[int] | None = None,
    task: str = "mask",
) -> Path:
    """Write what `results` returns as a JSON file, and return its path.

    pycocotools 2.0.11 raises IndexError on a file without any detection.

    Example:
        write_dataset(val, "val.json")
        write_results(detect(model, map(val.load_image, val.image_ids)), val, "r.json")
        truth = COCO("val.json")
        COCOeval(truth, truth.loadRes("r.json"), "segm")
    """
    file = as_path(path, "path")
    found = results(detections, dataset, image_ids=image_ids, task=task)
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(found), encoding="utf-8")
    return file


def numbers(dataset: Dataset) -> tuple[list[int], list[int]]:
    """Return COCO's ids of the images and of the classes, background left out.

    Those of the data set's source, if there is one alone and they are whole numbers,
    each another; else the internal ones.
    """
    infos = dataset.image_info, dataset.class_info[1:]
    ids = [[info["id"] for info in each] for each in infos]
    sources = {info["source"] for each in infos for info in each}
    own = len(sources) == 1 and all(
        isinstance(i, Integral) and not isinstance(i, bool)
        for each in ids
        for i in each
    )
    if own and all(len(set(each)) == len(each) for each in ids):
        return [int(i) for i in ids[0]], [int(i) for i in ids[1]]
    return list(range(len(ids[0]))), list(range(1, len(ids[1]) + 1))


def _place(dataset: Dataset, image_id: int, folder: Path) -> str | None:
    """Return the name of a picture that can stay, from `folder` on; else None.

    It can if it lies there, and a reader sees in it what the data set does.
    """
    path = dataset.image_info[image_id]["path"]
    own = getattr(dataset.load_image, "__func__", None) is not Dataset.load_image
    if own or dataset.levels is not None or not isinstance(path, str | os.PathLike):
        return None
    place = Path(os.path.abspath(path))
    if not place.is_relative_to(folder) or (header(place) or (0, 0, 0))[2] != 1:
        return None
    return place.relative_to(folder).as_posix()


def _content(
    dataset: Dataset, places: Sequence[str | None], new: Path, folder: str
) -> dict[str, Any]:
    """Return the data set as JSON; write pictures that have no place to `new`."""
    image_ids, categories = numbers(dataset)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, name in enumerate(places):
        if name is None:
            pixels = check_image(dataset.load_image(i), image_name(dataset, i), 3)
            Image.fromarray(pixels).save(new / f"{i:06d}.png")
            height, width = pixels.shape[:2]
            name = f"{folder}/{i:06d}.png"
        else:
            height, width, _ = header(dataset.image_info[i]["path"])
        images.append(
            {"id": image_ids[i], "file_name": name, "height": height, "width": width}
        )
        for entry in _annotated(dataset, i, (height, width), categories):
            # From 1: to pycocotools a match with 0 is no match.
            number = {"id": len(annotations) + 1, "image_id": image_ids[i]}
            annotations.append({**number, **entry})
    classes = [
        {"id": number, "name": info["name"], "supercategory": ""}
        for number, info in zip(categories, dataset.class_info[1:], strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": classes}


def _annotated(
    dataset: Dataset, image_id: int, size: tuple[int, int], categories: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield the objects of an image (h, w) that have a pixel."""
    masks, class_ids = load_objects(dataset, image_id, size)
    for code, class_id in zip(encode(masks), class_ids.tolist(), strict=True):
        if area := int(coco.area(code)):
            yield {
                "category_id": categories[abs(class_id) - 1],
                "segmentation": _written(code),
                "area": area,
                "bbox": coco.toBbox(code).tolist(),
                "iscrowd": int(class_id < 0),
            }


def _found(
    detection: Detection, categories: Sequence[int], task: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the category, score, and mask or box of each detection of an image."""
    there = detection if isinstance(detection, Mapping) else ()
    if absent := [key for key in Detection.__annotations__ if key not in there]:
        raise ValueError(
            f"a detection has no {', '.join(absent)}: give what `detect` returns."
        )
    ids = np.asarray(detection["class_ids"]).tolist()
    if strange := [i for i in ids if not 0 < i <= len(categories)]:
        raise ValueError(
            f"a detection is of class {strange[0]}, and the data set has 1 to "
            f"{len(categories)}: give that of the model's classes."
        )
    if task == "mask":
        masks = detection["masks"]
        codes = encode(masks) if isinstance(masks, np.ndarray) else masks
        shown = [{"segmentation": _written(code)} for code in codes]
    else:
        y1, x1, y2, x2 = np.asarray(detection["rois"], float).reshape(-1, 4).T
        corners = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
        shown = [{"bbox": box} for box in corners.tolist()]
    scores = np.asarray(detection["scores"], float).tolist()
    for class_id, score, entry in zip(ids, scores, shown, strict=True):
        yield categories[class_id - 1], {"score": score, **entry}


def _written(code: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run-length code as JSON has it: its counts as text."""
    counts = code["counts"]
    counts = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"size": [int(side) for side in code["size"]], "counts": counts}
