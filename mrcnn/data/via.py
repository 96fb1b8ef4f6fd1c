"""Annotations of the VGG Image Annotator (VIA 1 and 2), as regions and pixel masks.

Formats read: the JSON export of VIA 1 (regions in a dict), that of VIA 2 (regions in a
list), and the VIA 2 project file (the same below "_via_img_metadata"). See
https://www.robots.ox.ac.uk/~vgg/software/via/ and, for the regions, its source code.

Coordinates are pixels of the original image, x to the right and y down. A pixel belongs
to a region if its (column, row) lies in it, which for polygons is what Matterport's
balloon sample does with `skimage.draw.polygon`.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.draw

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


@dataclass(frozen=True)
class Region:
    """One annotated shape.

    `name` is a key of `FIELDS`; `numbers` holds each of its fields as float64 (m,),
    where m is 1 but for points; `attributes` are VIA's "region_attributes", such as a
    class; `where` names file, image and region for error messages.
    """

    name: str
    numbers: dict[str, np.ndarray]
    attributes: dict[str, Any]
    where: str

    def mask(self, height: int, width: int) -> np.ndarray:
        """Return the region's pixels, bool (height, width), cut at the borders.

        Polygons, rects, circles and ellipses are filled, and so is a polyline that
        ends where it begins. Any other polyline is the one-pixel line itself, and a
        point one pixel: VIA gives neither a width, and guessing one would be worse.

        Raises ValueError if no pixel of the image is in the region.
        """
        mask = np.zeros((height, width), bool)
        if self.name == "polygon" or self._is_closed():
            x, y = self._points()
            mask[skimage.draw.polygon(y, x, mask.shape)] = True
        elif self.name in ("polyline", "point"):
            x, y = _line(*self._points())
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            mask[y[seen], x[seen]] = True
        else:
            mask = self._inside(np.arange(height)[:, None], np.arange(width)[None, :])
        if not mask.any():
            raise ValueError(
                f"{self.where}: the {self.name} covers no pixel of its image of "
                f"{height} x {width} (height x width): it lies outside or is too thin. "
                "Correct the region or remove it."
            )
        return mask

    def check(self, height: int, width: int) -> None:
        """Raise ValueError as `mask` would; cheap for a region with a point inside."""
        x, y = self._points()
        if not ((x >= 0) & (x < width) & (y >= 0) & (y < height)).any():
            self.mask(height, width)

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the corners, or of the one corner or centre."""
        x, y = list(self.numbers.values())[:2]
        return x, y

    def _is_closed(self) -> bool:
        """Tell whether this is a polyline that ends where it begins."""
        x, y = self._points()
        returns = len(x) > 3 and x[0] == x[-1] and y[0] == y[-1]
        return self.name == "polyline" and bool(returns)

    def _inside(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Tell which of rows y (h, 1) and columns x (1, w) are in the shape, (h, w)."""
        n = self.numbers
        if self.name == "rect":  # Half open, so that the area is width * height.
            left, top = x - n["x"], y - n["y"]
            rows = (top >= 0) & (top < n["height"])
            return rows & (left >= 0) & (left < n["width"])
        dx, dy = x - n["cx"], y - n["cy"]
        if self.name == "circle":
            return dx * dx + dy * dy <= n["r"] ** 2
        cos, sin = np.cos(n["theta"]), np.sin(n["theta"])  # Radians, x towards y.
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        return (along / n["rx"]) ** 2 + (across / n["ry"]) ** 2 <= 1


def read(path: str | Path) -> dict[str, list[Region]]:
    """Return the regions of every annotated image of a VIA file, by image file name.

    Images without regions are left out. Raises FileNotFoundError if `path` is missing
    and ValueError, naming file, image and region, for anything that is not as VIA
    writes it, before any image is needed.
    """
    annotated: dict[str, list[Region]] = {}
    for key, entry in _entries(path):
        filename = entry.get("filename")
        if not isinstance(filename, str) or not filename:
            raise ValueError(
                f"{path}: image {key!r} has no field 'filename'. Export the "
                "annotations from VIA as JSON."
            )
        regions = entry.get("regions") or {}
        if not isinstance(regions, dict | list):
            raise ValueError(
                f"{path}: image {filename}: field 'regions' is not a list or object."
            )
        numbered = regions.items() if isinstance(regions, dict) else enumerate(regions)
        found = [
            _region(region, f"{path}: image {filename}: region {i}")
            for i, region in numbered
        ]
        if found and filename in annotated:
            raise ValueError(
                f"{path}: image {filename} is annotated twice. Keep one entry."
            )
        if found:
            annotated[filename] = found
    return annotated


def _entries(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield key and content of every image of a VIA file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"annotation file {path} is missing: export it from VIA as JSON."
        ) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column "
            f"{error.colno}. Export it from VIA again."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {error.start}. Export it from VIA again."
        ) from error
    if isinstance(content, dict):
        content = content.get("_via_img_metadata", content)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: VIA keeps its images in an object, not in a list.")
    for key, entry in content.items():
        if not isinstance(entry, dict):
            raise ValueError(f"{path}: image {key!r} must be an object.")
        yield key, entry


def _region(region: Any, where: str) -> Region:
    """Check one region and turn its fields into arrays."""
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        raise ValueError(f"{where} has no field 'shape_attributes'.")
    name = shape.get("name")
    if not isinstance(name, str) or name not in FIELDS:
        raise ValueError(
            f"{where}: shape name {name!r} is unknown; VIA has {', '.join(FIELDS)}."
        )
    numbers = {}
    for field in FIELDS[name]:
        if field not in shape:
            raise ValueError(f"{where}: the {name} has no field {field!r}.")
        value, place = shape[field], f"{where}: field {field!r}"
        is_list = field.startswith("all_points")
        if is_list != isinstance(value, list):
            raise ValueError(f"{place} must be a {'list' if is_list else 'number'}.")
        numbers[field] = _numbers(value if is_list else [value], place)
    if name == "ellipse":  # VIA 1 and early VIA 2 draw upright ellipses only.
        theta = shape.get("theta", 0)
        numbers["theta"] = _numbers([theta], f"{where}: field 'theta'")
    _check_counts(name, numbers, where)
    attributes = region.get("region_attributes") or {}
    return Region(name, numbers, attributes, where)


def _check_counts(name: str, numbers: dict[str, np.ndarray], where: str) -> None:
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
    for field in EXTENTS:
        if field in numbers and not (numbers[field] > 0).all():
            raise ValueError(f"{where}: field {field!r} must be more than 0.")


def _numbers(values: list[Any], where: str) -> np.ndarray:
    """Return pixel coordinates as float64 (m,)."""
    for value in values:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not math.isfinite(value) or abs(value) > FARTHEST:
            raise ValueError(
                f"{where} holds {value!r}: expected a pixel coordinate, a number."
            )
    return np.asarray(values, np.float64)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and rows of the pixels on the line through the points."""
    columns, rows = np.rint(x).astype(int), np.rint(y).astype(int)
    steps = [(rows[:1], columns[:1])]
    for i in range(len(rows) - 1):
        ends = rows[i], columns[i], rows[i + 1], columns[i + 1]
        steps.append(skimage.draw.line(*ends))
    return (
        np.concatenate([step[1] for step in steps]),
        np.concatenate([step[0] for step in steps]),
    )
