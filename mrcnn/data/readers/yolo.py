"""YOLO segmentation: a `data.yaml`, and a text file of polygons for each picture.

A line of a label file is the number of a class and x and y of a polygon in parts of
the width and height, as https://docs.ultralytics.com/datasets/segment describes it. A
picture without a label file has no object. Lines of five numbers are boxes, which have
no outline, and are refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.orientation import turned_shape
from mrcnn.data.readers import fields
from mrcnn.data.readers.drawn import DrawnDataset, Picture, Thing, assemble, measure
from mrcnn.data.readers.yolo_yaml import class_names, read_yaml
from mrcnn.data.regions import Region
from mrcnn.data.via import shaped
from mrcnn.data.via_dataset import PICTURES
from mrcnn.notices import once, quoted
from mrcnn.paths import as_path

SPLITS = ("train", "val", "test")
"""Keys of `data.yaml` that name pictures; some tools write "valid" for "val"."""
SUFFIXES = {".yaml", ".yml"}
SLIP = 0.01
"""How far, in parts of its side, a point may lie beyond a picture."""


def fits(path: Path) -> bool:
    """Tell whether `path` is the `data.yaml` of a set, or a folder that has one."""
    path = Path(path)
    return any(map(_is_yolo, _yaml_files(path)))


def _yaml_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    return [path] if path.is_file() and path.suffix.lower() in SUFFIXES else []


def _is_yolo(path: Path) -> bool:
    start = fields.head(path)
    keys = set(re.findall(rb"^[\"']?(\w+)[\"']?\s*:", start, re.MULTILINE))
    # With `nc` alone, as supervision writes it, what is missing can be said.
    return b"names" in keys and bool(
        keys & {b"train", b"val", b"valid", b"test", b"nc"}
    )


def read(path: Path, split: str | None = None, *, skip_faulty: bool = False) -> Dataset:
    """Return one split of a YOLO set.

    Args:
        path: of the `data.yaml`, or of the folder that has it. Nothing outside of that
            folder is read; where its `path` or a split leads out, as in what Roboflow
            writes, the folders beside the file are taken, and that is said.
        split: "train", "val" or "test"; may be left out if there is only one.
        skip_faulty: leave out faulty polygons and pictures, and print which.

    Raises:
        FileNotFoundError: a folder or picture is missing.
        ValueError: lists what is wrong by file and line.
    """
    path = as_path(path, "path")
    files = [file for file in _yaml_files(path) if _is_yolo(file)]
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise ValueError(f"{path}: expected one data.yaml, found {names}: name it.")
    (file,) = files
    content = read_yaml(file)
    names = class_names(content, file)
    there = {k: content[k] for k in (*SPLITS, "valid") if content.get(k)}
    chosen = fields.choose_split(there, split, file)
    if chosen is None:
        raise ValueError(
            f"{file} has none of the fields {', '.join(SPLITS)}: add where the "
            "pictures are, such as 'train: train/images'."
        )
    root = _root(content.get("path"), file)
    faults = Faults(file)
    found = list(_pictures(there[chosen], root, f"{file}: field {chosen!r}", faults))
    repeated = 0
    pictures = []
    for picture, labels in found:
        try:
            lines = _lines(labels)
            repeated += len(lines) - len(set(lines.values()))
            pictures.append(_entry(picture, labels, lines, names, root, faults))
        except (OSError, ValueError) as error:
            faults.add(error)
    if repeated:
        once(f"{file}: {repeated} lines stand twice in a label file and count once.")
    if found and not any(labels.is_file() for _, labels in found):
        faults.add(
            f"{file}: no picture of {chosen!r} has a label file, such as "
            f"{found[0][1]}: put the labels there."
        )
    return assemble(
        DrawnDataset(), "yolo", names, pictures, faults, skip_faulty=skip_faulty
    )


def _root(value: Any, file: Path) -> Path:
    """Return the folder that the splits are named from, which holds `file`, or less."""
    if value is None:
        return file.parent
    try:
        place = fields.inside(file.parent, file.parent, value, f"{file}: field 'path'")
        if place.is_dir():
            return place
    except ValueError:
        fields.text(value, f"{file}: field 'path'")
    once(
        f"{file}: there is no {quoted(value)} beside it; its splits are taken from "
        f"{file.parent}."
    )
    return file.parent


def _pictures(
    value: Any, root: Path, where: str, faults: Faults
) -> Iterator[tuple[Path, Path]]:
    """Yield the pictures of a split, each with the place of its label file."""
    for entry in value if isinstance(value, list) else [value]:
        place = _place(entry, root, where)
        if place.is_dir():
            found = list(fields.files_in(place, PICTURES))
        else:
            found = []
            for i, line in enumerate(_text(place).splitlines(), start=1):
                if not line.strip():
                    continue
                # From the folder of the list where it begins with a dot.
                folder = place.parent if line.startswith("./") else root
                try:
                    at = f"{place}: line {i}"
                    found.append(fields.find_picture(root, [folder], line, at))
                except (OSError, ValueError) as error:
                    faults.add(error)
        if not found:
            faults.add(f"{where}: {place} has no pictures.", grave=True)
        yield from ((picture, _label_file(picture)) for picture in found)


def _place(entry: Any, root: Path, where: str) -> Path:
    """Return the folder of pictures, or the list of them, that a split names."""
    plain = fields.text(entry, where).strip().replace("\\", "/")
    parts = [part for part in PurePosixPath(plain).parts if part not in ("..", "/")]
    try:
        place = fields.inside(root, root, plain, where)
    except ValueError:
        if not plain.startswith("../"):
            raise
        place = root.joinpath(*parts)  # Roboflow's files lie one folder higher
        once(f"{where} is {quoted(entry)}, which leads out: {place} is taken.")
    if not place.exists():
        raise FileNotFoundError(f"{where} is {quoted(entry)}, but {place} is missing.")
    return place


def _label_file(picture: Path) -> Path:
    """Return where the labels of a picture lie: "images" becomes "labels"."""
    parts = list(picture.with_suffix(".txt").parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "images":
            parts[i] = "labels"
            break
    return Path(*parts)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is not UTF-8 text ({error.reason} at {error.start}): save it so."
        ) from None


def _lines(labels: Path) -> dict[int, str]:
    """Return the lines of a label file by their numbers; none if there is no file."""
    if not labels.is_file():
        return {}
    lines = enumerate(_text(labels).splitlines(), start=1)
    return {i: " ".join(line.split()) for i, line in lines if line.strip()}


def _entry(
    picture: Path,
    labels: Path,
    lines: dict[int, str],
    names: list[str],
    root: Path,
    faults: Faults,
) -> Picture:
    """Return a picture with the polygons of its label file; gather what is wrong."""
    *size, tag = measure(picture)
    # Parts of which sides? Of the picture as it is shown, as the tools read it.
    height, width = turned_shape(size, tag)
    things = []
    for line, i in {line: i for i, line in reversed(lines.items())}.items():
        try:
            name, region = _polygon(line, height, width, names, f"{labels}: line {i}")
            things.append(Thing(name, [region]))
        except ValueError as error:
            faults.add(error)
    name = picture.relative_to(root).as_posix()
    return Picture(name, str(picture), picture, things[::-1], (height, width))


def _polygon(
    line: str, height: int, width: int, names: list[str], where: str
) -> tuple[str, Region]:
    """Return class and region of a line of a label file."""
    first, *words = line.split(" ")
    number = fields.whole(first, f"{where}: the number of the class", 0)
    if number >= len(names):
        raise ValueError(
            f"{where}: the number of the class is {number}; names has 0 to "
            f"{len(names) - 1}."
        )
    if len(words) == 4:
        raise ValueError(
            f"{where} is a box, without an outline: this is a set for detection. "
            "Export it for segmentation."
        )
    if len(words) % 2 or len(words) < 6:
        raise ValueError(
            f"{where} has {len(words)} numbers after its class: expected x and y of "
            "at least 3 points."
        )
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise ValueError(f"{where} holds {quoted(line)}: expected numbers.") from None
    if not ((values >= -SLIP) & (values <= 1 + SLIP)).all():  # NaN is not, either
        raise ValueError(
            f"{where} has values from {values.min():g} to {values.max():g}: points are "
            "in parts of the width and height, 0 to 1."
        )
    sides = np.tile([width, height], len(words) // 2)
    points = _snapped(values * sides, sides, words)
    x, y = points[::2], points[1::2]
    numbers = {"all_points_x": x, "all_points_y": y}
    return names[number], shaped("polygon", numbers, where)


def _snapped(points: np.ndarray, sides: np.ndarray, words: list[str]) -> np.ndarray:
    """Return coordinates, whole where they can have been so before they were rounded.

    A point on the border between pixels is in the polygon or out of it by its last
    digit: 2 of 30 pixels is written 0.066667, which is 2.00001.
    """
    digits = np.array([_digits(word) for word in words])
    near = np.rint(points)
    slip = 0.5 * sides * 10.0**-digits + 1e-6
    return np.where(abs(points - near) <= slip, near, points)


def _digits(word: str) -> int:
    """Return how many digits stand behind the point; 16 if there is an exponent."""
    return len(word.partition(".")[2]) if re.fullmatch(r"[-+]?[\d.]+", word) else 16
