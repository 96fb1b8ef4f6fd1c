"""Anybody's annotations as a data set: one call, which looks at what a file holds.

Each format has a module with two functions: `fits(path)` tells whether a file or folder
is of it, by its content and not by its name, and raises nothing; `read(path, split)`
returns the prepared data set, with options of its own by keyword.
"""

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from mrcnn.data.dataset import Dataset
from mrcnn.data.readers import coco, cvat, labelme, mask_folder, via, via3, voc, yolo
from mrcnn.data.readers.fields import SplitError
from mrcnn.data.readers.places import annotation_files, forget, parsed
from mrcnn.notices import listed, quoted
from mrcnn.paths import as_path

__all__ = ["READERS", "open_dataset", "open_part"]

READERS: tuple[tuple[str, ModuleType], ...] = (
    ("COCO JSON", coco),
    ("VIA", via),
    ("VIA 3", via3),
    ("LabelMe", labelme),
    ("YOLO segmentation", yolo),
    ("Pascal VOC", voc),
    ("CVAT for images", cvat),
    ("mask folders", mask_folder),
)
"""Every format, by its name in messages, and the module that reads it."""


def open_dataset(
    path: str | Path,
    split: str | None = None,
    *,
    format: str | None = None,
    **options: Any,
) -> Dataset:
    """Return the prepared data set of a file or folder of any format that is read here.

    What a file holds decides, not its name. Areas and boxes come from the masks alone.

    Args:
        path: an annotation file, or a folder as the tools of its format write it.
        split: which part of a folder, such as "train" or "val".
        format: a name in `READERS`; needed only where two formats fit.
        options: of the format's `read`, such as `skip_faulty`.

    Raises:
        FileNotFoundError: `path` or what it lists is missing.
        TypeError: names an argument or option that is none.
        ValueError: no format fits, or two do; or lists what is wrong in the files.

    Example:
        train = mrcnn.data.open_dataset("balloons", "train")
    """
    place = as_path(path, "path")
    if not place.exists():
        raise FileNotFoundError(
            f"path is {place}, where nothing is: give an annotation file, or the "
            "folder of a data set."
        )
    if not isinstance(split, str | None):
        raise TypeError(f"split is {quoted(split)}: give a name such as 'train'.")
    try:
        name, reader = _chosen(place, format)
        _check_options(name, reader, options)
        return reader.read(place, split, **options)
    finally:
        forget()


def open_part(path: str | Path, split: str, **options: Any) -> Dataset | None:
    """Return a split of a data set as `open_dataset` does; None if it has no such one.

    Raises:
        FileNotFoundError: as `open_dataset`.
        TypeError: as `open_dataset`.
        ValueError: as `open_dataset`, but for a split that is not there.
    """
    try:
        return open_dataset(path, split, **options)
    except SplitError:
        return None


def _chosen(place: Path, format: str | None) -> tuple[str, ModuleType]:
    """Return the only format that fits, or the one that is named."""
    names = ", ".join(name for name, _ in READERS)
    if format is not None:
        for name, reader in READERS:
            if name == format:
                return name, reader
        raise ValueError(f"format is {quoted(format)}; choose from {names}.")
    fitting = [(name, reader) for name, reader in READERS if reader.fits(place)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        both = " and ".join(repr(name) for name, _ in fitting)
        raise ValueError(
            f"{place} holds {both}: give the path of one file, or format=, one of them."
        )
    broken = _broken(place)
    if place.is_file() and broken:
        raise ValueError(broken[0])
    also = f"\nFiles that are no JSON:\n{listed(broken)}" if broken else ""
    raise ValueError(
        f"{place} is of no format that is read here. Looked for: {names}. Give the "
        f"annotation file, or the folder that holds it and the pictures.{also}"
    )


def _broken(place: Path) -> list[str]:
    """Return what is wrong with each JSON file that cannot be parsed."""
    faults = []
    files = [place] if place.is_file() else annotation_files(place)
    for file in [f for f in files if f == place or f.suffix.lower() == ".json"]:
        try:
            parsed(file)
        except (ValueError, OSError) as error:
            faults.append(str(error))
    return faults


def _check_options(name: str, reader: ModuleType, options: dict[str, Any]) -> None:
    """Raise TypeError for an option that the reader of a format does not have."""
    known = list(inspect.signature(reader.read).parameters)[2:]
    there = ", ".join(known) or "none"
    for option in options:
        if option not in known:
            raise TypeError(f"{option} is no option of {name}, which has {there}.")
