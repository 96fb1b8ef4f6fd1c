"""Annotations of the VGG Image Annotator (VIA 1 and 2), as regions.

Formats read: the JSON export of VIA 1 (regions in a dict), that of VIA 2 (regions in a
list), the VIA 2 project file (the same below "_via_img_metadata"), and CSV. See
https://www.robots.ox.ac.uk/~vgg/software/via/ and, for the regions, its source code.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.annotation_text import read_json, recognise
from mrcnn.data.faults import Faults
from mrcnn.data.regions import Region, gap, on_one_line
from mrcnn.data.via_csv import is_csv, read_csv
from mrcnn.notices import quoted

__all__ = ["FIELDS", "Region", "read"]

FARTHEST = 1e6
"""Largest coordinate taken for real, pixels; no image has a side as long."""
FIELDS = {
    "polygon": ("all_points_x", "all_points_y"),
    "polyline": ("all_points_x", "all_points_y"),
    "rect": ("x", "y", "width", "height"),
    "circle": ("cx", "cy", "r"),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "point": ("cx", "cy"),
}
"""Fields that each shape of VIA must have; an ellipse may also have "theta"."""
EXTENTS = ("width", "height", "r", "rx", "ry")
"""Fields that must be more than 0."""
GAP = 0.2
"""Polylines whose ends are nearer, in parts of their length, go round an object: of 770
in public sets each did, and the largest gap was 0.18."""
POLYLINES = ("auto", "outlines", "lines")
WANTED = "What is read here is VIA's: an export of VIA 1 or 2, or a project of VIA 2."


def read(
    path: str | Path,
    *,
    polylines: str = "auto",
    skip_faulty: bool = False,
    keep_empty: bool = False,
    faults: Faults | None = None,
) -> dict[str, list[Region]]:
    """Return the regions of every annotated image of a VIA file, by image file name.

    Args:
        path: of the JSON file.
        polylines: "auto" takes a polyline for the outline of an object if its ends are
            nearer than `GAP`, and else for a line of one pixel, and says so once;
            "outlines" and "lines" take all for one of them.
        skip_faulty: leave out faulty regions and images, and print which.
        keep_empty: return images without regions too. An image is left out anyway if
            all of its regions are.
        faults: gathers what is wrong, for the caller to settle; `skip_faulty` is his.

    Raises:
        FileNotFoundError: `path` is missing.
        ValueError: lists all that is not as VIA writes it, by file, image and region,
            before any image is needed; or names what other kind of file it is.
    """
    if polylines not in POLYLINES:
        raise ValueError(f"polylines is {polylines!r}; choose from {POLYLINES}.")
    found = Faults(path) if faults is None else faults
    annotated: dict[str, list[Region]] = {}
    for key, entry in _entries(path).items():
        try:
            filename, regions = _numbered(key, entry, path)
            if filename in annotated and regions and annotated[filename]:
                raise ValueError(
                    f"{path}: image {filename} is annotated twice. Keep one entry."
                )
        except ValueError as error:
            found.add(error)
            continue
        kept = list(_sound(regions, f"{path}: image {filename}", polylines, found))
        if kept or (keep_empty and not regions):
            annotated[filename] = kept or annotated.get(filename, [])
    if faults is None:
        found.settle(skip=skip_faulty)
    if polylines == "auto":
        _tell_polylines(annotated, path)
    return annotated


def _entries(path: str | Path) -> dict[str, Any]:
    """Return the images of a VIA file by their keys."""
    if is_csv(path):
        return read_csv(path)
    content = read_json(path)
    if isinstance(content, dict) and "_via_img_metadata" in content:
        content = content["_via_img_metadata"]
    elif kind := recognise(content):
        raise ValueError(f"{path} is {kind}. {WANTED}")
    elif isinstance(content, dict) and content and content.keys() <= {"region", "file"}:
        raise ValueError(
            f"{path} holds VIA's attributes, not its annotations: export these."
        )
    elif isinstance(content, dict) and any(k.startswith("_via_") for k in content):
        raise ValueError(f"{path} is a VIA project without '_via_img_metadata'.")
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: VIA keeps its images in an object, not in a list or a value."
        )
    named = [
        isinstance(entry, dict) and "filename" in entry for entry in content.values()
    ]
    if content and not any(named):  # another kind of file: one such fault says it all
        _numbered(*next(iter(content.items())), path)
    return content


def _numbered(key: str, entry: Any, path: str | Path) -> tuple[str, dict[Any, Any]]:
    """Return an image's file name, and its regions by their numbers."""
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: image {key!r} must be an object. {WANTED}")
    filename = entry.get("filename")
    if not isinstance(filename, str) or not filename.strip():
        raise ValueError(f"{path}: image {key!r} has no field 'filename'. {WANTED}")
    regions = entry.get("regions") or {}
    if not isinstance(regions, dict | list):
        raise ValueError(
            f"{path}: image {filename}: field 'regions' is not a list or object."
        )
    return filename, regions if isinstance(regions, dict) else dict(enumerate(regions))


def _sound(
    regions: dict[Any, Any], where: str, polylines: str, faults: Faults
) -> Iterator[Region]:
    """Yield the regions that are as VIA writes them; gather what is wrong of others."""
    for i, region in regions.items():
        try:
            yield _region(region, f"{where}: region {i}", polylines)
        except ValueError as error:
            faults.add(error)


def _region(region: Any, where: str, polylines: str) -> Region:
    """Check one region and turn its fields into arrays."""
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        raise ValueError(f"{where} has no field 'shape_attributes'.")
    name = shape.get("name")
    if not isinstance(name, str) or name not in FIELDS:
        raise ValueError(
            f"{where}: shape name {quoted(name)} is unknown; VIA has "
            f"{', '.join(FIELDS)}."
        )
    numbers = {}
    for field in FIELDS[name]:
        if field not in shape:
            raise ValueError(f"{where}: the {name} has no field {field!r}.")
        value = shape[field]
        several = field.startswith("all_points")
        if isinstance(value, list) != several:
            kind = "a list of numbers" if several else "a number"
            raise ValueError(f"{where}: field {field!r} must be {kind}.")
        values = value if several else [value]
        numbers[field] = coordinates(values, f"{where}: field {field!r}")
    if name == "ellipse":  # Radians; VIA 1 and early VIA 2 draw upright ellipses only.
        theta = shape.get("theta", 0)
        numbers["theta"] = coordinates([theta], f"{where}: field 'theta'")
    attributes = region.get("region_attributes") or {}
    if not isinstance(attributes, dict):
        raise ValueError(f"{where}: field 'region_attributes' is not an object.")
    return shaped(name, numbers, where, attributes, polylines)


def shaped(
    name: str,
    numbers: dict[str, np.ndarray],
    where: str,
    attributes: dict[str, Any] | None = None,
    polylines: str = "auto",
) -> Region:
    """Return a region whose `numbers` are known to be numbers; see `Region`, `read`.

    Raises ValueError for too few points, points on one line, or an extent of 0.
    """
    _check_extent(name, numbers, where)
    outline = name == "polyline" and _is_outline(numbers, polylines, where)
    return Region(name, numbers, attributes or {}, where, outline)


def _check_extent(name: str, numbers: dict[str, np.ndarray], where: str) -> None:
    """Raise ValueError for too few points, unequal x and y, or an extent of 0."""
    x, y = list(numbers.values())[:2]
    if len(x) != len(y):
        raise ValueError(f"{where}: {len(x)} x but {len(y)} y coordinates.")
    least = {"polygon": 3, "polyline": 2}.get(name, 1)
    if len(x) < least:
        raise ValueError(
            f"{where}: a {name} needs at least {least} points, this one has {len(x)}. "
            "Draw it again or remove it."
        )
    if name == "polygon" and on_one_line(x, y):
        raise ValueError(
            f"{where}: the {len(x)} points of the polygon lie on one line, so that it "
            "has no area. Draw it again or remove it."
        )
    if name == "polyline" and not (np.ptp(x) or np.ptp(y)):
        raise ValueError(
            f"{where}: all points of the polyline are one. Draw it again or remove it."
        )
    for field in EXTENTS:
        if field in numbers and not (numbers[field] > 0).all():
            raise ValueError(f"{where}: field {field!r} must be more than 0.")
    turn = numbers.get("theta", np.zeros(1))
    if (abs(turn) > 2 * math.pi + 1e-6).any():
        raise ValueError(
            f"{where}: field 'theta' is {turn[0]:g}, more than a whole turn: VIA "
            "writes radians, not degrees."
        )


def _is_outline(numbers: dict[str, np.ndarray], polylines: str, where: str) -> bool:
    """Tell whether a polyline goes round its object; see `read`."""
    x, y = numbers.values()
    flat = on_one_line(x, y)
    if polylines == "outlines" and flat:
        raise ValueError(
            f"{where}: the points of the polyline lie on one line, so that it is no "
            "outline. Draw it again or remove it."
        )
    near = polylines == "outlines" or gap(x, y) < GAP
    return polylines != "lines" and near and not flat


def coordinates(values: list[Any], where: str) -> np.ndarray:
    """Return pixel coordinates as float64 (m,).

    Raises ValueError for what is no number, not finite, or beyond `FARTHEST`.
    """
    for value in values:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not abs(value) <= FARTHEST:  # NaN is not, either
            raise ValueError(
                f"{where} holds {quoted(value)}: expected a pixel coordinate, a number."
            )
    return np.asarray(values, np.float64)


def _tell_polylines(annotated: dict[str, list[Region]], path: str | Path) -> None:
    """Print what polylines were taken for, if there are any."""
    lines = [r for image in annotated.values() for r in image if r.name == "polyline"]
    filled = sum(region.outline for region in lines)
    said = []
    if filled:
        said.append(f'{filled} are filled as outlines (or polylines="lines")')
    if filled < len(lines):
        said.append(
            f"{len(lines) - filled} stay lines of one pixel, since their ends are far "
            'apart (or polylines="outlines")'
        )
    if said:
        print(f"{path}: of {len(lines)} polylines {', '.join(said)}.")
