"""The CSV export of VIA 1 and 2: a row for each region, or for an image without one."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from mrcnn.data.annotation_text import decoded
from mrcnn.notices import quoted

SHAPE, ATTRIBUTES = "region_shape_attributes", "region_attributes"
COLUMNS = ("filename", SHAPE, ATTRIBUTES)
"""What is read of the header, which VIA 1 begins with "#"."""


def is_csv(path: str | Path) -> bool:
    """Tell whether a file begins with the header of VIA's CSV."""
    try:
        with open(path, "rb") as file:
            start = file.readline(1 << 12).replace(b"\0", b"").strip()
    except OSError:
        return False
    return SHAPE.encode() in start and not start.startswith((b"{", b"["))


def read_csv(path: str | Path) -> dict[str, dict[str, Any]]:
    """Return the images of VIA's CSV by their names, as its JSON has them.

    Fields may be parted by commas or, as spreadsheets save them, by semicolons.

    Raises ValueError that names file, line and field.
    """
    text = decoded(Path(path).read_bytes(), Path(path)).removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    rows = csv.DictReader(
        io.StringIO(text.removeprefix("#"), newline=""),
        delimiter=";" if header.count(";") > header.count(",") else ",",
    )
    images: dict[str, dict[str, Any]] = {}
    try:
        if lacking := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise ValueError(
                f"{path}: the first line has no {', '.join(lacking)}: export it again."
            )
        for row in rows:
            where = f"{path}: line {rows.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{where} has other fields than the first line: export it again."
                )
            shape, attributes = (_json(row[c], c, where) for c in (SHAPE, ATTRIBUTES))
            name = row["filename"]
            image = images.setdefault(name, {"filename": name, "regions": []})
            if shape:
                image["regions"].append({SHAPE[7:]: shape, ATTRIBUTES: attributes})
    except csv.Error as error:
        raise ValueError(f"{path}: line {rows.line_num}: {error}.") from None
    return images


def _json(text: str, column: str, where: str) -> dict[str, Any]:
    """Return the object in a field."""
    try:
        content = json.loads(text or "{}")
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ValueError(
            f"{where}: field {column!r} is {quoted(text)}, no object of JSON: export "
            "it again, and do not edit it in a spreadsheet."
        )
    return content
