"""CVAT for images 1.1: an XML file of all pictures.

The format is that of https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/.
Polygons and turned boxes are filled as scikit-image fills them; an upright box has as
many pixels as its width times its height; masks are taken as they are. Shapes with one
label and one `group_id` are one object. Tags are no objects and are left out.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.readers import fields
from mrcnn.data.readers.drawn import DrawnDataset, Picture, assemble, joined
from mrcnn.data.readers.runs import Runs, Shape
from mrcnn.data.via import coordinates, shaped
from mrcnn.data.via_classes import tidy
from mrcnn.notices import once, quoted
from mrcnn.paths import as_path

ANNOTATIONS = "annotations.xml"
"""The file of a folder, by CVAT's name."""
SHAPES = ("polygon", "box", "mask", "polyline", "ellipse", "points")
LEFT_OUT = ("tag", "attribute")
"""What a picture may have beside shapes."""


class _Builder(ET.TreeBuilder):
    """Builds a tree, and refuses the declarations that entities come with."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError(f"it has a document type ({name}), which no CVAT file has")


def fits(path: Path) -> bool:
    """Tell whether `path` is a CVAT file, or a folder with one or of such folders."""
    return bool(_cvat_files(Path(path)))


def _cvat_files(path: Path) -> list[Path]:
    files = [path]
    if path.is_dir():
        files = [path / ANNOTATIONS]
        if not files[0].is_file():
            found = sorted(path.glob("*.xml")) or sorted(path.glob(f"*/{ANNOTATIONS}"))
            files = found[: fields.LOOKED]
    return [file for file in files if _is_cvat(file)]


def _is_cvat(path: Path) -> bool:
    start = fields.head(path, 4096)
    begins = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
    return begins and bool(re.search(rb"<annotations[\s>]", start))


def read(path: Path, split: str | None = None, *, skip_faulty: bool = False) -> Dataset:
    """Return the data set of a CVAT file.

    Classes are in the order of the file's list of labels, or of the alphabet if it has
    none; those of further files, one for each subset, follow. A picture's `subset` is
    its split.

    Args:
        path: of the XML file, or of the folder that has it, or one for each split.
            Pictures lie beside it or in its folder "images", with or without the
            folders of their names.
        split: which subset, file or folder, if there are several.
        skip_faulty: leave out faulty shapes and pictures, and print which.

    Raises:
        FileNotFoundError: pictures are missing.
        ValueError: lists what is wrong by file, picture and shape.
    """
    path = as_path(path, "path")
    files = {
        file.stem if file.parent == path else file.parent.name: file
        for file in _cvat_files(path)
    }
    if not files:
        raise ValueError(f"{path} is no CVAT file, and has none: see `annotations`.")
    file, *others = files.values()
    if others:  # one for each split
        file, split = files[fields.choose_split(files, split, path)], None
    trees = {each: _tree(each) for each in files.values()}
    tree = trees[file]
    if tree.find("track") is not None:
        raise ValueError(
            f"{file} is of a video (CVAT for video): export it as CVAT for images."
        )
    images = tree.findall("image")
    subsets = {i.get("subset") for i in images} - {None, ""}
    chosen = fields.choose_split(subsets, split, file)
    faults = Faults(file)
    pictures = []
    for image in images:
        if chosen is not None and image.get("subset") != chosen:
            continue
        try:
            pictures.append(_picture(image, file, faults))
        except (OSError, ValueError) as error:
            faults.add(error)
    _tell_left_out(images, file)
    # Those of the other subsets too, so that all number them alike.
    names = dict.fromkeys(
        name
        for each, root in trees.items()
        for name in _class_names(root, each, faults if each == file else Faults(each))
    )
    return assemble(
        DrawnDataset(), "cvat", list(names), pictures, faults, skip_faulty=skip_faulty
    )


def _tree(file: Path) -> ET.Element:
    """Return the root of an XML file that declares no entities."""
    try:
        with open(file, "rb") as stream:
            return ET.parse(stream, ET.XMLParser(target=_Builder())).getroot()
    except (ET.ParseError, LookupError, ValueError) as error:
        raise ValueError(
            f"{file} is not XML that can be read: {error}. Export it again."
        ) from None


def _class_names(tree: ET.Element, file: Path, faults: Faults) -> list[str]:
    """Return the labels that the file lists, else those of its shapes in order."""
    listed = tree.findall("meta//labels/label/name")
    drawn = {
        shape.get("label", "")
        for image in tree.findall("image")
        for shape in image
        if shape.tag in SHAPES and shape.get("label", "").strip()
    }
    texts = [name.text for name in listed] or sorted(drawn)
    names = []
    for i, name in enumerate(texts):
        try:
            names.append(fields.label(name, f"{file}: label {i}"))
        except ValueError as error:
            if not listed or name in drawn:
                faults.add(error)
    for name in sorted(drawn):
        if listed and tidy(name) not in names:
            faults.add(
                f"{file}: label {quoted(name)} is drawn, but the file's list of labels "
                "lacks it: export it again.",
                grave=True,
            )
    return list(dict.fromkeys(names))


def _picture(image: ET.Element, file: Path, faults: Faults) -> Picture:
    """Return a picture with its objects; gather what is wrong."""
    given = image.get("name")
    where = f"{file}: image {quoted(given) if given is None else given}"
    sides = ("height", "width")
    stated = tuple(fields.whole(image.get(s), f"{where}: {s!r}", 1) for s in sides)
    images = file.parent / "images"
    subset = image.get("subset")
    folders = [file.parent]
    if images.is_dir():
        folders = [images, file.parent]
        if subset and "/" not in subset and (images / subset).is_dir():
            folders.insert(0, images / subset)
    path = fields.find_picture(file.parent, folders, given, f"{where}: 'name'")
    parts = []
    for i, shape in enumerate(image):
        if shape.tag in LEFT_OUT:
            continue
        try:
            parts += _parts(shape, f"{where}: {shape.tag} {i}")
        except ValueError as error:
            faults.add(error)
    more = {"attributes": {k: image.get(k) for k in ("id", "subset") if image.get(k)}}
    return Picture(given, where, path, joined(parts), stated, more=more)


def _parts(shape: ET.Element, where: str) -> list[tuple[str, Any, Shape]]:
    """Return class, group and region of a shape; of points, those of each."""
    if shape.tag not in SHAPES:
        raise ValueError(
            f"{where} has no pixels that are known: only {', '.join(SHAPES)} are read. "
            "Draw it as one of these or remove it."
        )
    name = fields.label(shape.get("label"), f"{where}: 'label'")
    group = shape.get("group_id")
    group = None if group in (None, "", "0") else group
    if shape.tag != "points":
        return [(name, group, _region(shape, where))]
    x, y = _points(shape.get("points"), f"{where}: 'points'")
    return [
        (name, group or (where,), shaped("point", {"cx": x[i], "cy": y[i]}, where))
        for i in np.arange(len(x))[:, None]
    ]


def _region(shape: ET.Element, where: str) -> Shape:
    """Return what a shape is drawn with."""
    kind = shape.tag
    said = {
        a.get("name") or "": a.text or ""
        for a in shape.iter("attribute")
        if len(a) == 0
    }
    if kind == "mask":
        return _mask(shape, where)
    if kind in ("polygon", "polyline"):
        x, y = _points(shape.get("points"), f"{where}: 'points'")
        numbers = {"all_points_x": x, "all_points_y": y}
        return shaped(kind, numbers, where, said)
    turn = math.radians(_numbers(shape, ("rotation",), where, "0")[0] % 360)
    if kind == "ellipse":
        four = _numbers(shape, ("cx", "cy", "rx", "ry"), where)
        numbers = dict(zip(("cx", "cy", "rx", "ry"), np.split(four, 4), strict=True))
        return shaped("ellipse", numbers | {"theta": np.array([turn])}, where, said)
    left, top, right, bottom = _numbers(shape, ("xtl", "ytl", "xbr", "ybr"), where)
    width, height = right - left, bottom - top
    if not turn:
        four = np.split(np.array([left, top, width, height]), 4)
        numbers = dict(zip(("x", "y", "width", "height"), four, strict=True))
        return shaped("rect", numbers, where, said)
    # Clockwise as seen, about the middle; sines of a quarter turn are not quite whole.
    cos, sin = math.cos(turn), math.sin(turn)
    dx = np.array([-1, 1, 1, -1]) * width / 2
    dy = np.array([-1, -1, 1, 1]) * height / 2
    x = (left + right) / 2 + dx * cos - dy * sin
    y = (top + bottom) / 2 + dx * sin + dy * cos
    numbers = {"all_points_x": x.round(6), "all_points_y": y.round(6)}
    return shaped("polygon", numbers, where, said)


def _mask(shape: ET.Element, where: str) -> Runs:
    """Return a mask that is written as the lengths of its runs."""
    names = ("left", "top", "width", "height")
    least = (0, 0, 1, 1)
    place = [
        fields.whole(shape.get(n), f"{where}: {n!r}", m)
        for n, m in zip(names, least, strict=True)
    ]
    text = shape.get("rle") or ""
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*", text):
        raise ValueError(f"{where}: 'rle' is {quoted(text)}: expected lengths of runs.")
    return Runs(np.array(text.split(","), np.int64), *place, where)


def _points(value: str | None, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of "x,y;x,y", float64 (m,) each."""
    pairs = [pair.split(",") for pair in (value or "").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{where} is {quoted(value)}: expected x,y;x,y and so on.")
    flat = coordinates([_number(n, where) for pair in pairs for n in pair], where)
    return flat[::2], flat[1::2]


def _numbers(
    shape: ET.Element, names: tuple[str, ...], where: str, default: str | None = None
) -> np.ndarray:
    """Return attributes that are numbers, float64 (m,)."""
    return np.concatenate(
        [
            coordinates([_number(shape.get(n, default), f"{where}: {n!r}")], where)
            for n in names
        ]
    )


def _number(value: str | None, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{where} is {quoted(value)}: expected a number.") from None


def _tell_left_out(images: list[ET.Element], file: Path) -> None:
    """Print, once, how many tags of whole pictures are left out."""
    counts = Counter(child.tag for image in images for child in image)
    if counts["tag"]:
        once(f"{file}: {counts['tag']} tags say what whole pictures show; left out.")
