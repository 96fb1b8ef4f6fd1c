"""What a COCO JSON file says, checked: images, classes, and the masks of objects.

Format: https://cocodataset.org/#format-data. Read as annotation tools write it: `area`,
`bbox` and the ids of annotations are not believed, and `iscrowd` may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mrcnn.data.faults import Faults
from mrcnn.data.readers.coco_masks import Mask, checked_mask
from mrcnn.data.readers.places import parsed
from mrcnn.data.via import FARTHEST
from mrcnn.notices import quoted

SECTIONS = ("images", "annotations", "categories")
Id = int | str


@dataclass
class Entry:
    """An image of a COCO file; `size` is (h, w), None where the file does not say."""

    id: Id
    name: str
    size: tuple[int, int] | None
    where: str
    objects: list["Object"] = field(default_factory=list)


@dataclass(frozen=True)
class Object:
    """An annotated object: its category, whether it is a crowd, and its mask."""

    category: Id
    crowd: bool
    mask: Mask
    where: str


@dataclass(frozen=True)
class Categories:
    """Names and groups of a file's categories by id, and those that have objects."""

    file: Path
    names: dict[Id, str]
    groups: dict[Id, Any]
    used: set[Id]


def read_categories(path: Path) -> Categories:
    """Return the categories of a file of another split, whose faults are told there."""
    content, faults = parsed(path), Faults(path)
    names, groups = _categories(
        _section(content, "categories", path, faults), path, faults
    )
    annotations = _section(content, "annotations", path, faults)
    used = [a.get("category_id") for a in annotations if isinstance(a, dict)]
    return Categories(path, names, groups, {i for i in used if isinstance(i, Id)})


def read_entries(path: Path, faults: Faults) -> tuple[list[Entry], Categories]:
    """Return the images with their objects, and the categories. Faults are gathered."""
    content = parsed(path)
    sections = {name: _section(content, name, path, faults) for name in SECTIONS}
    if faults.found:
        return [], Categories(path, {}, {}, set())
    names, groups = _categories(sections["categories"], path, faults)
    entries = _images(sections["images"], path, faults)
    seen: dict[Id, tuple[Object, Id]] = {}
    for place, annotation in enumerate(sections["annotations"]):
        where = f"{path}: annotations[{place}]"
        try:
            if not isinstance(annotation, dict):
                raise ValueError(
                    f"{where} is {quoted(annotation)}: it must be an object."
                )
            if "id" in annotation:
                where += f" (id {quoted(annotation['id'])})"
            entry, found = _object(annotation, where, entries, names)
            _check_twice(annotation, found, entry, seen)
            if entry is not None:
                entry.objects.append(found)
        except ValueError as error:
            faults.add(error)
    sound = [entry for entry in entries.values() if entry is not None]
    used = {found.category for entry in sound for found in entry.objects}
    return sound, Categories(path, names, groups, used)


def _section(content: Any, name: str, path: Path, faults: Faults) -> list[Any]:
    """Return a list of the outermost object."""
    if not isinstance(content, dict) or not isinstance(content.get(name), list):
        there = "has no field" if name not in content else "must have a list as field"
        faults.add(
            f"{path} {there} {name!r}: export it again as COCO JSON.", grave=True
        )
        return []
    return content[name]


def _categories(
    categories: list[Any], path: Path, faults: Faults
) -> tuple[dict[Id, str], dict[Id, Any]]:
    """Return names of categories by their ids, and their groups."""
    names: dict[Id, str] = {}
    groups: dict[Id, Any] = {}
    for place, category in enumerate(categories):
        where = f"{path}: categories[{place}]"
        try:
            number = _id(category, "id", where)
            name = category.get("name")
            if not isinstance(name, str) or not name.split(",")[0].strip():
                raise ValueError(f"{where}: field 'name' is {quoted(name)}, no text.")
            if names.get(number, name) != name:
                raise ValueError(
                    f"{where}: id {number!r} is {name!r}, and {names[number]!r} before."
                )
            names[number] = name
            groups[number] = category.get("supercategory")
        except ValueError as error:
            faults.add(error, grave=True)
    return names, groups


def _images(images: list[Any], path: Path, faults: Faults) -> dict[Id, Entry | None]:
    """Return the images by their ids; None stands for those that are faulty."""
    entries: dict[Id, Entry | None] = {}
    for place, image in enumerate(images):
        where = f"{path}: images[{place}]"
        number = None
        try:
            number = _id(image, "id", where)
            if number in entries:
                raise ValueError(f"{where}: id {number!r} is that of another image.")
            name = image.get("file_name")
            if not isinstance(name, str) or not name.strip():
                raise ValueError(
                    f"{where}: field 'file_name' is {quoted(name)}, no text."
                )
            entries[number] = Entry(number, name, _size(image, where), where)
        except ValueError as error:
            faults.add(error)
            if number is not None:
                entries.setdefault(number, None)
    return entries


def _size(image: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    """Return (h, w) of an image, None if neither is written."""
    sides = [image.get(side) for side in ("height", "width")]
    if sides == [None, None]:
        return None
    for name, side in zip(("height", "width"), sides, strict=True):
        real = isinstance(side, int | float) and not isinstance(side, bool)
        if not real or not 1 <= side <= FARTHEST or side != int(side):
            raise ValueError(
                f"{where}: field {name!r} is {quoted(side)}, no number of pixels."
            )
    return int(sides[0]), int(sides[1])


def _id(entry: Any, key: str, where: str) -> Id:
    """Return a whole number or text that names something."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {quoted(entry)}: it must be an object.")
    number = entry.get(key)
    if not isinstance(number, int | str) or isinstance(number, bool) or number == "":
        there = f"is {quoted(number)}" if key in entry else "is missing"
        raise ValueError(f"{where}: field {key!r} {there}: it must be a whole number.")
    return number


def _object(
    annotation: dict[str, Any],
    where: str,
    entries: Mapping[Id, Entry | None],
    names: Mapping[Id, str],
) -> tuple[Entry | None, Object]:
    """Return an object and its image, None if that is faulty."""
    image, category = (_id(annotation, k, where) for k in ("image_id", "category_id"))
    if image not in entries:
        raise ValueError(f"{where}: there is no image with 'image_id' {image!r}.")
    if category not in names:
        raise ValueError(
            f"{where}: there is no category with 'category_id' {category!r}."
        )
    crowd = annotation.get("iscrowd")
    if crowd not in (None, 0, 1):
        raise ValueError(f"{where}: field 'iscrowd' is {quoted(crowd)}: it is 0 or 1.")
    entry = entries[image]
    if entry is not None:
        where += f" of {quoted(entry.name)}"
    mask = checked_mask(annotation, where, entry.size if entry else None)
    return entry, Object(category, bool(crowd), mask, where)


def _check_twice(
    annotation: dict[str, Any],
    found: Object,
    entry: Entry | None,
    seen: dict[Id, tuple[Any, Id]],
) -> None:
    """Raise ValueError if a region stands there twice under one id, as VIA does it."""
    number = annotation.get("id")
    if not isinstance(number, int | str) or entry is None:
        return
    mask = annotation["image_id"], annotation["segmentation"]
    if number in seen and seen[number][0] == mask:
        raise ValueError(
            f"{found.where} is the same region as the one before of this id, of "
            f"category {seen[number][1]!r} and now {found.category!r}: VIA writes one "
            "for each attribute. Keep the one that is meant."
        )
    seen[number] = mask, found.category
