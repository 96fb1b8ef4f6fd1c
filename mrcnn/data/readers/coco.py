"""COCO JSON: files of pycocotools, Roboflow, CVAT, Label Studio, VIA and others."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.frames import FRAME
from mrcnn.data.orientation import check_orientation, turned_shape
from mrcnn.data.pictures import examine, header
from mrcnn.data.readers import splits
from mrcnn.data.readers.coco_classes import shared
from mrcnn.data.readers.coco_file import (
    Categories,
    Entry,
    Id,
    Object,
    read_categories,
    read_entries,
)
from mrcnn.data.readers.coco_masks import code_of
from mrcnn.data.readers.fields import find_picture
from mrcnn.data.via_classes import Classes, class_names, in_order
from mrcnn.notices import once
from mrcnn.ops.rle import decode
from mrcnn.paths import as_path

KIND = "a COCO file"
"""What `annotation_text.recognise` calls it."""
SOURCE = "coco"


class CocoDataset(Dataset):
    """Images with the masks of a COCO file; its source "coco" has the file's own ids.

    Polygons are filled as pycocotools does, and a crowd has a negative class id.
    """

    maps_ids = True
    """`load_mask` maps ids, see `class_ids.doubts`."""

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per object, bool (h, w, n), and their classes, int32 (n,)."""
        info = self.image_info[image_id]
        shape = info["height"], info["width"]
        codes = [code_of(found.mask, *shape) for found in info["objects"]]
        ids = [
            self.map_source_class_id(f"{SOURCE}.{category}")
            * (-1 if found.crowd else 1)
            for found, category in zip(info["objects"], info["classes"], strict=True)
        ]
        return decode(codes, shape), np.array(ids, np.int32)

    def drawn_outside(self, image_id: int) -> list[float]:
        """Return how far each object was drawn beyond its picture, pixels."""
        info = self.image_info[image_id]
        size = np.array([info["width"], info["height"]])
        parts = [
            np.zeros((1, 2))  # run lengths have no pixel beyond
            if isinstance(found.mask, dict)
            else np.concatenate(found.mask).reshape(-1, 2)
            for found in info["objects"]
        ]
        return [float(max(0.0, -p.min(), (p - size).max())) for p in parts]


def fits(path: Path) -> bool:
    """Tell whether a file, or a JSON file in a folder, is of COCO; raises nothing."""
    return bool(splits.of_kind(path, KIND))


def read(
    path: Path,
    split: str | None = None,
    *,
    images: str | Path | None = None,
    classes: Classes | None = None,
    skip_faulty: bool = False,
    orientation: str = "auto",
) -> CocoDataset:
    """Return the prepared data set of a COCO file, images without objects included.

    Everything is checked here but that pictures decode: what the file says, and that
    every picture is there and has the size that it says.

    Args:
        path: the JSON file, or a folder of pictures and annotations as COCO, Roboflow,
            CVAT and Label Studio write it.
        split: which file of a folder.
        images: the folder of the pictures; by default it is looked for beside `path`.
        classes: names of the categories that are wanted, in the order of their ids, or
            a mapping from categories to names, None leaving some out; by default all,
            those of the other splits of a folder included.
        skip_faulty: leave out faulty images and objects, and print which.
        orientation: of pictures with an orientation tag: "turned", "stored", or "auto":
            as the height and width in the file say, else turned.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: lists what is wrong, by file, entry and field.
    """
    check_orientation(orientation)
    file = splits.one(path, KIND, split)
    if images is not None:
        folders = [as_path(images, "images")]
        if not folders[0].is_dir():
            raise FileNotFoundError(f"images is {folders[0]}, which is no folder.")
    else:
        folders = splits.picture_folders(path, file, split)
    named = None if classes is None else class_names(classes)
    faults = Faults(file)
    entries, own = read_entries(file, faults)
    others = [read_categories(other) for other in splits.others(path, KIND, file)]
    wanted = (
        shared(own, others, faults)
        if named is None
        else _wanted(own, others, named, faults)
    )
    ready = list(_on_disk(entries, folders, orientation, wanted, faults))
    faults.settle(skip=skip_faulty)
    _tell_crowds([o.crowd for image in ready for o in image["objects"]], file)
    return _dataset(file, ready, wanted, named)


def _wanted(
    own: Categories,
    others: Sequence[Categories],
    named: dict[str, str | None],
    faults: Faults,
) -> dict[Id, str]:
    """Return the class of each category that was named; some split must have it."""
    there = dict.fromkeys(n for each in (own, *others) for n in each.names.values())
    if lacking := [name for name in named if name not in there]:
        faults.add(
            f"{faults.subject}: there is no category {', '.join(map(repr, lacking))}, "
            f"which classes has; there are {', '.join(map(repr, there))}.",
            grave=True,
        )
    return {i: named[n] for i, n in own.names.items() if named.get(n) is not None}


def _on_disk(
    entries: Sequence[Entry],
    folders: Sequence[Path],
    orientation: str,
    wanted: dict[Id, str],
    faults: Faults,
) -> Iterator[dict[str, Any]]:
    """Yield what `add_image` takes of every image whose picture is there."""
    places: dict[Path, str] = {}
    for entry in entries:
        try:
            place = find_picture(None, folders, entry.name, "its file_name")
            frame, (height, width) = _frame(entry, place, orientation)
            if place in places:
                raise ValueError(f"{place} is the picture of {places[place]} too.")
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError)
            kind, hint = (
                (FileNotFoundError, " images= names another folder.")
                if missing
                else (ValueError, "")
            )
            faults.add(kind(f"{entry.where}: {error}{hint}"))
            continue
        places[place] = entry.where
        objects = [found for found in entry.objects if found.category in wanted]
        yield {
            "image_id": entry.id,
            "path": place,
            "height": height,
            "width": width,
            FRAME: frame,
            "objects": list(_inside(objects, height, width, faults)),
        }


def _frame(entry: Entry, place: Path, orientation: str) -> tuple[str, tuple[int, int]]:
    """Return the frame of an image, and its (h, w) there.

    Raises ValueError if neither has the size that the file says.
    """
    *stored, tag = header(place) or examine(place)  # which raises what is wrong
    shapes = {"turned": turned_shape(stored, tag), "stored": tuple(stored)}
    frames = list(shapes) if orientation == "auto" else [orientation]
    for frame in frames:
        if entry.size in (None, shapes[frame]):
            return frame, shapes[frame]
    (height, width), (h, w) = entry.size, shapes[frames[0]]
    raise ValueError(
        f"{entry.name} has {h} x {w} pixels (height x width), the file "
        f"says {height} x {width}: take the pictures that were annotated."
    )


def _inside(
    objects: Sequence[Object], height: int, width: int, faults: Faults
) -> Iterator[Object]:
    """Yield the objects that are of a picture's size, and not outside it."""
    for found in objects:
        if isinstance(found.mask, dict):
            size = list(found.mask["size"])
            wrong = size != [height, width] and f"its mask has {size[0]} x {size[1]}"
        else:
            x, y = np.concatenate(found.mask).reshape(-1, 2).T
            out = x.max() <= 0 or y.max() <= 0 or x.min() >= width or y.min() >= height
            wrong = out and (
                f"it lies outside, in columns {x.min():g} to {x.max():g} and rows "
                f"{y.min():g} to {y.max():g}"
            )
        if wrong:
            faults.add(
                f"{found.where}: {wrong}; the picture has {height} x {width} (height x "
                "width). Take the pictures that were annotated, or draw it again."
            )
        else:
            yield found


def _tell_crowds(crowds: Sequence[bool], file: Path) -> None:
    """Print, once, if most objects of a file are crowds: some tools call masks so."""
    if 2 * sum(crowds) > len(crowds):
        once(
            f"{file}: {sum(crowds)} of {len(crowds)} objects are crowds (iscrowd is "
            "1), which are not learnt. If each is a single thing, as where Datumaro "
            "wrote masks, export polygons or set iscrowd to 0."
        )


def _dataset(
    file: Path,
    ready: Sequence[dict[str, Any]],
    wanted: dict[Id, str],
    named: dict[str, str | None] | None,
) -> CocoDataset:
    """Return the prepared data set of checked images."""
    if not any(image["objects"] for image in ready):
        raise ValueError(f"{file} has no annotated object: see its 'annotations'.")
    # A category is a class of its own, unless the classes were named: then the first
    # category of a name stands for all that have it.
    keys = {i: i if named is None else name for i, name in wanted.items()}
    numbers: dict[Id, Id] = {}
    for number, key in keys.items():
        numbers.setdefault(key, number)
    dataset = CocoDataset()
    whole = [number for number in numbers.values() if isinstance(number, int)]
    free = count(max(whole, default=0) + 1)  # for classes of other splits alone
    for key in keys.values() if named is None else in_order(named):
        number = numbers[key] if key in numbers else next(free)
        dataset.add_class(SOURCE, number, wanted.get(number, key))
    for image in ready:
        image["classes"] = [numbers[keys[o.category]] for o in image["objects"]]
        dataset.add_image(SOURCE, **image)
    dataset.prepare()
    return dataset
