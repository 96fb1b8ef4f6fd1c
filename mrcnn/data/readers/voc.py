"""Pascal VOC: SegmentationObject numbers the objects, SegmentationClass their classes.

The layout is that of http://host.robots.ox.ac.uk/pascal/VOC/voc2012/ and of the tools
that write it: pictures in JPEGImages, lists of splits in ImageSets/Segmentation. 255
marks pixels that belong to nobody. The names of the classes are those of `labelmap.txt`
(CVAT, Datumaro) or `class_names.txt` (LabelMe), else VOC's twenty.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.frames import FRAME
from mrcnn.data.readers import fields
from mrcnn.data.readers.numbered import frame_of_size, read_numbers, voc_places
from mrcnn.notices import once
from mrcnn.paths import as_path

OBJECTS = ("SegmentationObject", "SegmentationObjectPNG")
CLASSES = ("SegmentationClass", "SegmentationClassPNG")
VOID = 255
"""The number of pixels of no object, around and between objects."""
NAMES = """aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog
horse motorbike person pottedplant sheep sofa train tvmonitor"""


class VocDataset(Dataset):
    """Pictures with two masks each: numbers of objects, and numbers of classes.

    Attributes:
        places: by a number in the class mask, the internal id of the class.
    """

    places: dict[int, int]

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per object, bool (h, w, n), and their classes, int32 (n,).

        The class of an object is that of most of its pixels. Raises ValueError, with
        the file, if one has no class or one that is not known.
        """
        info = self.image_info[image_id]
        if info["objects"] is None:
            size = info["height"], info["width"]
            return np.zeros((*size, 0), bool), np.zeros(0, np.int32)
        objects = read_numbers(info["objects"], colours=True)
        numbers = np.setdiff1d(objects, [0, VOID])
        masks = objects[..., None] == numbers
        if info["classes"] is None:
            return masks, np.ones(len(numbers), np.int32)
        kinds = read_numbers(info["classes"], colours=True)
        if kinds.shape != objects.shape:
            raise ValueError(
                f"mask {info['classes']} has {kinds.shape} pixels, {info['objects']} "
                f"{objects.shape} (height, width): export both again."
            )
        ids = []
        for i, number in enumerate(numbers):
            found = kinds[masks[..., i]]
            found = found[(found != 0) & (found != VOID)]
            place = int(np.bincount(found).argmax()) if len(found) else 0
            if place not in self.places:
                what = f"is of class {place}" if place else "is of no class"
                raise ValueError(
                    f"mask {info['classes']}: object {number} {what}; "
                    f"known are {', '.join(map(str, self.places))}."
                )
            ids.append(self.places[place])
        return masks, np.array(ids, np.int32)


def fits(path: Path) -> bool:
    """Tell whether `path` is a folder of VOC, or holds the only one."""
    return len(_roots(Path(path))) > 0


def _roots(path: Path) -> list[Path]:
    """Return the folders of VOC in a folder, at most two levels below it."""
    for pattern in ("", "*/", "VOCdevkit/*/"):
        objects = [p for name in OBJECTS for p in path.glob(f"{pattern}{name}")]
        if path.is_dir() and any(p.is_dir() for p in objects):
            return sorted({p.parent for p in objects if p.is_dir()})
    return []


def read(path: Path, split: str | None = None, *, skip_faulty: bool = False) -> Dataset:
    """Return the data set of a folder of VOC.

    Args:
        path: of the folder that holds SegmentationObject, or that which holds it.
        split: a list of ImageSets/Segmentation, without ".txt", if there are several.
        skip_faulty: leave out faulty pictures, and print which.

    Raises:
        FileNotFoundError: pictures or masks are missing.
        ValueError: lists what is wrong by file and line.
    """
    path = as_path(path, "path")
    roots = _roots(path)
    if len(roots) != 1:
        names = ", ".join(str(root.relative_to(path)) for root in roots) or "none"
        raise ValueError(f"{path}: expected one folder of VOC, found {names}: name it.")
    (root,) = roots
    objects = next(root / name for name in OBJECTS if (root / name).is_dir())
    classes = next((root / n for n in CLASSES if (root / n).is_dir()), None)
    faults = Faults(path)
    dataset = VocDataset()
    names = _classes(root) if classes else {1: fields.OBJECT}
    if classes is None:
        once(f"{root} has no {CLASSES[0]}: all objects are {fields.OBJECT!r}.")
    if len(set(names.values())) < len(names):
        twice = Counter(names.values()).most_common(1)[0][0]
        raise ValueError(
            f"{root}: the list of its classes has {twice!r} twice: give each its own "
            "name."
        )
    for place, name in names.items():
        dataset.add_class("voc", place, name)
    for name, where in _listed(root, objects, split, faults):
        try:
            dataset.add_image("voc", **_image(root, objects, classes, name, where))
        except FileNotFoundError as error:
            faults.add(error)
        except (OSError, ValueError) as error:
            faults.add(f"{where}: {error}")
    faults.settle(skip=skip_faulty)
    bare = [i["id"] for i in dataset.image_info if i["objects"] is None]
    if len(bare) == len(dataset.image_info):
        raise ValueError(f"{path} has no picture with a mask in {objects.name}.")
    if bare:
        once(
            f"{path}: {len(bare)} of {len(dataset.image_info)} pictures have no mask "
            f"and are taken to show no object, such as {bare[0]}."
        )
    dataset.prepare()
    dataset.places = {place: i for i, place in enumerate(names, start=1)}
    return dataset


def _listed(
    root: Path, objects: Path, split: str | None, faults: Faults
) -> list[tuple[str, str]]:
    """Return the names of the pictures of a split, each with where it is listed."""
    lists = {f.stem: f for f in (root / "ImageSets" / "Segmentation").glob("*.txt")}
    chosen = fields.choose_split(lists, split, root)
    if chosen is None:
        masks = fields.pictures_in(objects)
        return [(name, str(path)) for name, path in masks.items()]
    listed, seen = [], set()
    lines = lists[chosen].read_text("utf-8", "replace").splitlines()
    for i, line in enumerate(lines, start=1):
        words, where = line.split(), f"{lists[chosen]}: line {i}"
        if not words:
            continue
        if words[0] in seen:
            faults.add(f"{where}: {words[0]!r} is listed twice: remove one.")
            continue
        seen.add(words[0])
        listed.append((words[0], where))
    return listed


def _image(
    root: Path, objects: Path, classes: Path | None, name: str, where: str
) -> dict[str, object]:
    """Return what `add_image` takes of a picture; without any mask it has no object.

    Tools that write this format leave out the masks of pictures without objects.
    """
    picture = _file(root, root / "JPEGImages", name, (".jpg", ".jpeg", ".png"), where)
    mask = kinds = None
    if any((place / f"{name}.png").is_file() for place in (objects, classes) if place):
        mask = _file(root, objects, name, (".png",), where)
        kinds = _file(root, classes, name, (".png",), where) if classes else None
    (height, width), frame, _ = frame_of_size(picture, mask or picture)
    return {
        "image_id": name,
        "path": picture,
        "height": height,
        "width": width,
        "objects": mask,
        "classes": kinds,
        FRAME: frame,
    }


def _file(
    root: Path, folder: Path, name: str, suffixes: tuple[str, ...], where: str
) -> Path:
    """Return the file of a picture in a folder of VOC."""
    for suffix in suffixes:
        place = fields.inside(root, folder, f"{name}{suffix}", where)
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{where}: {folder / name}{suffixes[0]} is missing: restore it, or remove the "
        "picture from the list."
    )


def _classes(root: Path) -> dict[int, str]:
    """Return the names of the classes by their numbers in the masks."""
    if (root / "labelmap.txt").is_file():
        return _label_map(root / "labelmap.txt")
    file = root / "class_names.txt"
    if not file.is_file():
        return dict(enumerate(NAMES.split(), start=1))
    lines = [line.strip() for line in file.read_text("utf-8", "replace").splitlines()]
    first = 1 if lines and lines[0] in ("_background_", "background") else 0
    return {
        i: fields.label(line, f"{file}: line {i + first}")
        for i, line in enumerate(lines[first:], start=1)
        if line
    }


def _label_map(file: Path) -> dict[int, str]:
    """Return names by the places of their colours in VOC's palette.

    Lines are "name:red,green,blue:parts:actions"; without a colour, as Datumaro writes
    them, the place is that of the line.
    """
    names: dict[int, str] = {}
    count = -1
    for i, line in enumerate(file.read_text("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{file}: line {i}"
        count += 1
        name, _, rest = line.partition(":")
        colour = rest.partition(":")[0].strip()
        levels = [int(n) for n in re.findall(r"\b\d{1,3}\b", colour)]
        if colour and (len(levels) != 3 or max(levels) > 255):
            raise ValueError(
                f"{where} is {line!r}: expected name:red,green,blue, as CVAT writes it."
            )
        place = int(voc_places(np.array(levels, np.uint8))) if colour else count
        if place in (0, VOID):
            continue
        if place in names:
            raise ValueError(f"{where}: {names[place]!r} has the same colour: mend it.")
        names[place] = fields.label(name, where)
    return names
