"""Projects of VIA 3, the VGG Image Annotator for pictures and films: pictures alone.

A region is a list `xy` of a number for its shape and its coordinates, and `av` says by
numbers which options its attributes have. See `_via_metadata` in
https://gitlab.com/vgg/via/-/tree/master/via-3.x.y. Shapes are filled as those of VIA 2.
"""

from pathlib import Path
from typing import Any

from mrcnn.data.annotation_text import read_json
from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.readers import fields
from mrcnn.data.readers.drawn import DrawnDataset, Picture, Thing, assemble
from mrcnn.data.readers.via3_shapes import shape_of
from mrcnn.data.regions import Region
from mrcnn.data.via_classes import find_key, value_of, values_of
from mrcnn.notices import once, quoted
from mrcnn.paths import as_path

IMAGE = 2
"""The type of a file that is a picture."""
CHECKBOX = 2
"""The type of an attribute that may have several options."""


def fits(path: Path) -> bool:
    """Tell whether `path` is a project of VIA 3, or a folder with one."""
    return bool(_projects(Path(path)))


def _projects(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.glob("*.json"))[: fields.LOOKED]
    return [file for file in files if _is_project(file)]


def _is_project(path: Path) -> bool:
    start = fields.head(path, 1 << 20)
    signs = (b'"project"', b'"attribute"', b'"file"', b'"metadata"', b'"view"')
    marks = b'"vid_list"' in start or b'"fid_list"' in start or b'"xy"' in start
    return sum(sign in start for sign in signs) >= 4 or (
        b'"project"' in start and b'"pid"' in start and (marks or b'"config"' in start)
    )


def read(
    path: Path,
    split: str | None = None,
    *,
    skip_faulty: bool = False,
    class_key: str | None = None,
) -> Dataset:
    """Return the data set of a project of VIA 3.

    Classes are in the order of the attribute's options, those that are written by hand
    in that of the alphabet.

    Args:
        path: of the project, or of the folder that has it. Pictures lie in that folder.
        split: none: a project has no splits.
        skip_faulty: leave out faulty regions and pictures, and print which.
        class_key: the attribute that holds the class; by default the only one.

    Raises:
        FileNotFoundError: pictures are missing.
        ValueError: lists what is wrong by file, region and field.
    """
    path = as_path(path, "path")
    files = _projects(path)
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise ValueError(f"{path}: expected one VIA 3 project, found {names}: name it.")
    (file,) = files
    fields.choose_split((), split, file)
    content = read_json(file)
    tables = {
        name: _table(content, name, file)
        for name in ("attribute", "file", "view", "metadata")
    }
    faults = Faults(file)
    options = _options(tables["attribute"], file)
    regions: dict[str, list[Region]] = {}
    for key, entry in tables["metadata"].items():
        try:
            where = f"{file}: metadata {quoted(key)}"
            region = _region(entry, options, where)
            if region is not None:
                regions.setdefault(_file_of(entry, tables, where), []).append(region)
        except ValueError as error:
            faults.add(error)
    named, order = _classes(regions, options, file, class_key, faults)
    pictures = []
    for fid, entry in tables["file"].items():
        try:
            found = _picture(fid, entry, file, named.get(fid, []))
            pictures += [found] if found else []
        except (OSError, ValueError) as error:
            faults.add(error)
    return assemble(
        DrawnDataset(), "via", order, pictures, faults, skip_faulty=skip_faulty
    )


def _table(content: Any, name: str, file: Path) -> dict[str, Any]:
    """Return one of the tables of a project, entries by their numbers."""
    table = content.get(name) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise ValueError(f"{file}: field {name!r} is {quoted(table)}: save it again.")
    for key, entry in table.items():
        if not isinstance(entry, dict):
            where = f"{file}: {name} {quoted(key)}"
            raise ValueError(f"{where} is {quoted(entry)}: expected an object.")
    return table


def _options(
    attributes: dict[str, Any], file: Path
) -> dict[str, tuple[str, int, dict[str, str]]]:
    """Return name, type and options of the attributes of regions, by their numbers."""
    found = {}
    for key, entry in attributes.items():
        where = f"{file}: attribute {quoted(key)}"
        if not str(entry.get("anchor_id", "XY1")).endswith("XY1"):
            continue  # of whole pictures, or of films
        name = fields.text(entry.get("aname"), f"{where}: field 'aname'")
        kind = fields.whole(entry.get("type", 1), f"{where}: field 'type'")
        options = entry.get("options") or {}
        if not isinstance(options, dict):
            raise ValueError(
                f"{where}: field 'options' is {quoted(options)}: expected an object."
            )
        texts = {
            number: fields.text(option, f"{where}: option {quoted(number)}")
            for number, option in options.items()
        }
        found[key] = (name, kind, texts)
    return found


def _region(
    entry: dict[str, Any],
    options: dict[str, tuple[str, int, dict[str, str]]],
    where: str,
) -> Region | None:
    """Return a region with its attributes by name; None for one without a shape."""
    xy = entry.get("xy")
    if not isinstance(xy, list):
        raise ValueError(f"{where}: field 'xy' is {quoted(xy)}: expected a list.")
    if not xy:
        return None
    if entry.get("z"):
        raise ValueError(
            f"{where}: field 'z' says that it is of a film: save the frame that is "
            "meant as a picture, and draw it there."
        )
    return shape_of(xy, _said(entry, options, where), where)


def _said(
    entry: dict[str, Any],
    options: dict[str, tuple[str, int, dict[str, str]]],
    where: str,
) -> dict[str, Any]:
    """Return the values of the attributes of a region by their names."""
    values = entry.get("av") or {}
    if not isinstance(values, dict):
        raise ValueError(
            f"{where}: field 'av' is {quoted(values)}: expected an object."
        )
    said = {}
    for key, value in values.items():
        if key not in options or value in ("", None):
            continue
        name, kind, texts = options[key]
        chosen = str(value).split(",") if kind == CHECKBOX else [str(value)]
        for number in chosen:
            if texts and kind > 1 and number not in texts:
                raise ValueError(
                    f"{where}: field 'av' has {quoted(number)} for {name!r}, whose "
                    f"options are {quoted(list(texts))}. Choose one of these in VIA."
                )
        names = [texts.get(n, n) if kind > 1 else n for n in chosen]
        said[name] = dict.fromkeys(names, True) if len(names) > 1 else names[0]
    return said


def _file_of(entry: dict[str, Any], tables: dict[str, Any], where: str) -> str:
    """Return the number of the file that a region is drawn on."""
    vid = entry.get("vid")
    view = tables["view"].get(str(vid)) if isinstance(vid, str | int) else None
    fids = view.get("fid_list") if view else None
    if not isinstance(fids, list) or len(fids) != 1:
        raise ValueError(
            f"{where}: field 'vid' is {quoted(vid)}, which is no view of one file: "
            "draw it in a view of its picture alone."
        )
    if str(fids[0]) not in tables["file"]:
        raise ValueError(
            f"{where}: its view shows file {quoted(fids[0])}, which is none."
        )
    return str(fids[0])


def _classes(
    regions: dict[str, list[Region]],
    options: dict[str, tuple[str, int, dict[str, str]]],
    file: Path,
    key: str | None,
    faults: Faults,
) -> tuple[dict[str, list[Thing]], list[str]]:
    """Return the objects of each file with their classes, and the classes in order."""
    values = values_of(region for found in regions.values() for region in found)
    if not values and key is None:
        once(f"{file}: regions say nothing of their class: all are {fields.OBJECT!r}.")
        things = {
            f: [Thing(fields.OBJECT, [r]) for r in rs] for f, rs in regions.items()
        }
        return things, [fields.OBJECT]
    key = find_key(values, file, key, fields.OBJECT)
    named: dict[str, list[Thing]] = {}
    for fid, found in regions.items():
        for region in found:
            try:
                value = value_of(region.attributes.get(key))
                name = fields.label(value, f"{region.where}: attribute {key!r}")
                named.setdefault(fid, []).append(Thing(name, [region]))
            except ValueError as error:
                faults.add(error)
    listed = [texts.values() for name, _, texts in options.values() if name == key]
    drawn = {thing.name for things in named.values() for thing in things}
    order = [fields.label(name, f"{file}: attribute {key!r}") for name in listed[0]]
    return named, list(dict.fromkeys([*order, *sorted(drawn - set(order))]))


def _picture(
    fid: str, entry: dict[str, Any], file: Path, things: list[Thing]
) -> Picture | None:
    """Return a picture of a project; None for a film without regions."""
    where = f"{file}: file {quoted(fid)}"
    if entry.get("type", IMAGE) != IMAGE:
        if things:
            raise ValueError(f"{where} is no picture: remove its regions.")
        return None
    name = fields.text(entry.get("fname"), f"{where}: field 'fname'")
    source = entry.get("src")
    local = isinstance(source, str) and 0 < len(source) < 1000 and ":" not in source
    # `src` has the folders; `fname` has not, and stands for addresses too.
    given, field = (source, "src") if local else (name, "fname")
    root = file.parent
    path = fields.find_picture(root, [root], given, f"{where}: field {field!r}")
    return Picture(path.relative_to(root).as_posix(), where, path, things)
