"""LabelMe: a JSON file beside each picture.

The format is that of https://github.com/wkentaro/labelme, versions 3 to 6. Polygons,
rectangles and oriented rectangles are filled as scikit-image fills the polygon of their
corners; a circle by its radius; a mask is taken as it is. Parts with one label and one
`group_id` are one object. The label `__ignore__` is left out.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrcnn.data.annotation_text import read_json
from mrcnn.data.arrays import fit_channels
from mrcnn.data.faults import Faults
from mrcnn.data.readers import fields
from mrcnn.data.readers.drawn import DrawnDataset, Picture, assemble, joined
from mrcnn.data.readers.runs import Runs, Shape, runs_of
from mrcnn.data.via import coordinates, shaped
from mrcnn.notices import once, quoted
from mrcnn.paths import as_path

POINTS = {
    "polygon": (3, None),
    "rectangle": (2, 2),
    "oriented_rectangle": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, None),
    "point": (1, 1),
    "points": (1, None),
    "mask": (2, 2),
}
"""How many points each shape has, at least and at most."""
LEFT_OUT = ("__ignore__", "_background_")
"""Labels of what is no object."""


class LabelMeDataset(DrawnDataset):
    """Pictures with the shapes of LabelMe, some of them within the annotations."""

    def _read(self, image_id: int, channels: int) -> np.ndarray:
        info = self.image_info[image_id]
        if not info["embedded"]:
            return super()._read(image_id, channels)
        where = f"{info['path']}: field 'imageData'"
        with _picture(read_json(info["path"]).get("imageData"), where) as picture:
            grey = picture.mode in ("1", "L")
            image = _pixels(picture, "L" if grey else "RGB", where)
        return fit_channels(image[..., None] if grey else image, channels, where)


def fits(path: Path) -> bool:
    """Tell whether `path` is a LabelMe file, or a folder with one among its first."""
    path = Path(path)
    if path.is_file():
        return _is_labelme(path)
    files = zip(range(fields.LOOKED), fields.files_in(path, {".json"}), strict=False)
    return any(_is_labelme(file) for _, file in files)


def _is_labelme(path: Path) -> bool:
    start = fields.head(path)
    if b'"shapes"' not in start and b'"imageData"' in start[:4096]:
        start = fields.head(path, 1 << 27)  # the picture stands before the shapes
    return b'"shapes"' in start and any(
        sign in start for sign in (b'"points"', b'"imagePath"', b'"lineColor"')
    )


def read(
    path: Path, split: str | None = None, *, skip_faulty: bool = False
) -> DrawnDataset:
    """Return the data set of a LabelMe file, or of all below a folder.

    A `labels.txt` in the folder, as LabelMe takes it, gives the order of the classes;
    without it they are in the order of the alphabet. Folders such as "train" and "val"
    are splits, whose classes are the same.

    Args:
        path: of a JSON file or a folder. No picture outside of the folder is read.
        split: which one, if there are several.
        skip_faulty: leave out faulty shapes and pictures, and print which.

    Raises:
        FileNotFoundError: pictures are missing.
        ValueError: lists what is wrong by file, shape and field.
    """
    path = as_path(path, "path")
    root = path.parent if path.is_file() else path
    files, faults = [path], Faults(path)
    if path.is_dir():
        files = list(_labelme_files(path, faults))
    by_split = {file: fields.split_of(file.relative_to(root).parent) for file in files}
    chosen = fields.choose_split({s for s in by_split.values() if s}, split, path)
    pictures, labels = [], set()
    for file in files:
        mine = chosen is None or by_split[file] == chosen
        found = faults if mine else Faults(path)  # of another split: only its classes
        try:
            picture = _picture_of(read_json(file), file, root, found)
        except (OSError, ValueError) as error:
            found.add(error)
            continue
        labels |= {thing.name for thing in picture.things}
        pictures += [picture] * mine
    names = _class_names(root, labels, faults)
    return assemble(
        LabelMeDataset(), "labelme", names, pictures, faults, skip_faulty=skip_faulty
    )


def _labelme_files(folder: Path, faults: Faults) -> Iterator[Path]:
    """Yield the LabelMe files below a folder; say which others are left out."""
    others = []
    for file in fields.files_in(folder, {".json"}):
        if _is_labelme(file):
            yield file
            continue
        try:
            read_json(file)
            others.append(file.name)
        except (OSError, ValueError) as error:
            faults.add(error)
    if others:
        once(
            f"{folder}: {len(others)} JSON files are not LabelMe's and are left out, "
            f"such as {others[0]}."
        )


def _class_names(root: Path, labels: set[str], faults: Faults) -> list[str]:
    """Return the classes: those of `labels.txt`, else the labels in order."""
    listing = root / "labels.txt"
    if not listing.is_file():
        return sorted(labels)
    names = []
    for i, line in enumerate(listing.read_text("utf-8", "replace").splitlines()):
        line = line.strip()
        if line and line not in LEFT_OUT:
            names.append(fields.label(line, f"{listing}: label {i}"))
    for name in sorted(labels - set(names)):
        faults.add(
            f"{faults.subject}: {quoted(name)} is drawn, but {listing} lacks it: add "
            "it there, or mend the label.",
            grave=True,
        )
    return list(dict.fromkeys(names))


def _picture_of(content: Any, file: Path, root: Path, faults: Faults) -> Picture:
    """Return the picture of a LabelMe file with its objects; gather what is wrong."""
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise ValueError(f"{file}: field 'shapes' must be a list. Save it in LabelMe.")
    parts = []
    for i, shape in enumerate(shapes):
        try:
            parts += _parts(shape, f"{file}: shape {i}")
        except ValueError as error:
            faults.add(error)
    stated = None
    if content.get("imageHeight") is not None and content.get("imageWidth") is not None:
        stated = tuple(
            fields.whole(content[name], f"{file}: field {name!r}", 1)
            for name in ("imageHeight", "imageWidth")
        )
    path, embedded = _place(content, file, root)
    name = (file if embedded else path).relative_to(root).as_posix()
    more = {"embedded": embedded is not None}
    return Picture(name, str(file), path, joined(parts), stated, embedded, more)


def _place(
    content: dict[str, Any], file: Path, root: Path
) -> tuple[Path, tuple[int, int] | None]:
    """Return where the picture lies, and its size if it lies in the file itself."""
    data, name = content.get("imageData"), content.get("imagePath")
    where = f"{file}: field 'imagePath'"
    try:
        return fields.find_picture(root, [file.parent], name, where), None
    except (FileNotFoundError, ValueError):
        if data is None:
            raise
    with _picture(data, f"{file}: field 'imageData'") as picture:
        return file, (picture.height, picture.width)


def _picture(data: Any, where: str) -> Image.Image:
    """Return the picture that a field holds, opened but not decoded."""
    try:
        if not isinstance(data, str):
            raise ValueError("it is no text")
        return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    except Exception as error:  # Decoders raise errors of many kinds.
        why = str(error).split("<_io")[0].strip()
        raise ValueError(
            f"{where} holds no picture ({why}): save it again in LabelMe."
        ) from None


def _pixels(picture: Image.Image, mode: str, where: str) -> np.ndarray:
    """Return the pixels of an opened picture in a mode of Pillow."""
    try:
        return np.array(picture.convert(mode))
    except Exception as error:  # Decoders raise errors of many kinds.
        raise ValueError(
            f"{where} holds a broken picture ({error}): save it again in LabelMe."
        ) from None


def _parts(shape: Any, where: str) -> Iterator[tuple[str, Any, Shape]]:
    """Yield class, group and shape of every part of a shape of LabelMe."""
    if not isinstance(shape, dict):
        raise ValueError(f"{where} is {quoted(shape)}: expected an object.")
    if shape.get("label") in LEFT_OUT:
        return
    name = fields.label(shape.get("label"), f"{where}: field 'label'")
    group = shape.get("group_id")
    if isinstance(group, dict | list):
        raise ValueError(
            f"{where}: field 'group_id' is {quoted(group)}: give a number."
        )
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(kind, str) or kind not in POINTS:
        raise ValueError(
            f"{where}: field 'shape_type' is {quoted(kind)}; LabelMe has "
            f"{', '.join(POINTS)}."
        )
    x, y = _points(shape.get("points"), POINTS[kind], f"{where}: field 'points'")
    if kind == "points":
        group = (where,) if group is None else group  # together they are one object
    for region in _regions(kind, x, y, shape, where):
        yield name, group, region


def _points(
    value: Any, count: tuple[int, int | None], where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a list of pairs, float64 (m,) each."""
    least, most = count
    pairs = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    )
    if not pairs or not least <= len(value) <= (most or len(value)):
        many = f"{least} points" if most == least else f"at least {least} points"
        raise ValueError(f"{where} is {quoted(value)}: expected {many}, each [x, y].")
    flat = coordinates([number for pair in value for number in pair], where)
    return flat[::2], flat[1::2]


def _regions(
    kind: str, x: np.ndarray, y: np.ndarray, shape: dict[str, Any], where: str
) -> Iterator[Shape]:
    """Yield what a shape is drawn with; its points are x and y."""
    if kind == "mask":
        yield _mask(shape.get("mask"), x, y, where)
    elif kind == "circle":
        far = np.hypot(x[1] - x[0], y[1] - y[0])
        numbers = {"cx": x[:1], "cy": y[:1], "r": np.array([far])}
        yield shaped("circle", numbers, where)
    elif kind in ("point", "points"):
        for i in range(len(x)):
            yield shaped("point", {"cx": x[i : i + 1], "cy": y[i : i + 1]}, where)
    else:
        if kind == "rectangle":
            x, y = x[[0, 1, 1, 0]], y[[0, 0, 1, 1]]
        name = "polyline" if kind in ("line", "linestrip") else "polygon"
        yield shaped(name, {"all_points_x": x, "all_points_y": y}, where)


def _mask(data: Any, x: np.ndarray, y: np.ndarray, where: str) -> Runs:
    """Return a mask that is written as a picture between two corners."""
    left, top, right, bottom = (int(value) for value in (x[0], y[0], x[1], y[1]))
    width, height = right - left + 1, bottom - top + 1
    where_mask = f"{where}: field 'mask'"
    with _picture(data, where_mask) as picture:
        if picture.size != (width, height):
            raise ValueError(
                f"{where_mask} is a picture of {picture.height} x {picture.width} "
                f"pixels, but its points span {height} x {width} (height x width). "
                "Draw it again or remove it."
            )
        pixels = _pixels(picture, "L", where_mask) > 0
    return Runs(runs_of(pixels), left, top, width, height, where)
