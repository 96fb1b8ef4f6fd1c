"""JSON files as people really have them: what is wrong with one, or what it is instead.

Nothing is repaired: a file that is not what it should be is named for what it is.
"""

import json
import re
from pathlib import Path
from typing import Any

from mrcnn.paths import as_path

OBJECTS: dict[str, tuple[set[str], ...]] = {
    "a COCO file": (
        {"images", "annotations"},
        {"images", "categories"},
        {"annotations", "categories"},
    ),
    "a LabelMe file of one picture": ({"shapes", "imagePath"},),
    "a VIA 3 project": ({"metadata", "attribute"}, {"metadata", "view"}),
    "a Supervisely file": ({"objects", "size"},),
    "a Cityscapes file": ({"objects", "imgHeight"},),
    "a GeoJSON file": ({"type", "features"},),
    "a VoTT file": ({"asset", "regions"}, {"assets", "tags"}),
    "a Datumaro file": ({"items", "categories"},),
    "a SuperAnnotate file": ({"instances", "metadata"},),
    "a Darwin file": ({"item", "annotations"},),
    "a Scalabel file": ({"frames"}, {"name", "labels"}),
}
"""Kinds of annotation files by keys of their outermost object."""
LISTS: dict[str, tuple[set[str], ...]] = {
    "a list of COCO results": ({"image_id", "category_id"},),
    "a Label Studio export": ({"annotations", "data"},),
    "a Labelbox export": ({"Labeled Data"}, {"data_row"}),
    "a CreateML file": ({"image", "annotations"},),
    "a Scalabel file": ({"name", "labels"},),
}
"""Kinds of annotation files that are lists, by keys of their first object."""
TEXTS = {
    "VIA 3's CSV export": r"exported using vgg image annotator",
    "a Pascal VOC file (XML) of one picture": r"(<\?xml.*?>)?\s*<annotation\b",
    "a CVAT file (XML)": r"(<\?xml.*?>)?\s*<annotations\b",
    "a web page": r"<(!doctype )?html",
    "an XML file": r"<\w|<\?xml",
    "a YOLO file of one picture": r"\d+( +-?[\d.]+(e-?\d+)?){4,}\s*(\n|$)",
    "a pointer of Git LFS (`git lfs pull` fetches the file)": r"version https://git-lfs",
}
"""Kinds of text files that are no JSON, by how they begin."""
BYTES = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a compressed file",
    b"%PDF": "a PDF file",
}


def read_json(path: str | Path) -> Any:
    """Return what a JSON file holds, in UTF-8, UTF-16 or UTF-32.

    Raises FileNotFoundError, with the JSON files beside it, if `path` is missing, and
    ValueError, with line and column where there are any, if it is no JSON: a comma too
    many, a key written twice with different values (readers keep the last and say
    nothing), a file cut short, another kind of file.
    """
    path = as_path(path, "annotations")
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.json"))[:10]
        hint = f" Beside it: {', '.join(beside)}." if beside else ""
        raise FileNotFoundError(f"annotation file {path} is missing.{hint}")
    text = decoded(path.read_bytes(), path)
    repeated: list[str] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            repeated.extend(key for key, value in pairs if content[key] != value)
        return content

    try:
        content = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} {_no_json(text, error)}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if repeated:
        keys = ", ".join(map(repr, dict.fromkeys(repeated[:5])))
        more = " and others" if len(repeated) > 5 else ""
        raise ValueError(
            f"{path} writes a key twice in one object, with different values: "
            f"{keys}{more}. Only the last would be read: keep one."
        )
    return content


def recognise(content: Any) -> str | None:
    """Return which annotation format parsed JSON is, None if it is none known here."""
    kinds = OBJECTS
    if isinstance(content, list):
        kinds, content = LISTS, content[0] if content else None
    if not isinstance(content, dict):
        return None
    inner = content.get("metadata")
    if isinstance(inner, dict):
        first = next(iter(inner.values()), None)
        if isinstance(first, dict) and "xy" in first:
            return "a VIA 3 project"
    for name, signs in kinds.items():
        if any(keys <= content.keys() for keys in signs):
            return name
    return None


def decoded(data: bytes, path: Path) -> str:
    """Return a file's text; ValueError if it is of another kind, or no text."""
    for start, kind in BYTES.items():
        if data.startswith(start):
            raise ValueError(
                f"{path} is {kind}, not valid JSON: give the annotation file, or the "
                "folder that holds it, unpacked."
            )
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} is not UTF-8 text: byte {data[error.start]:#04x} in line {line} "
            f"(at {error.start}). Save it as UTF-8 in an editor, or export it again."
        ) from None


def _no_json(text: str, error: json.JSONDecodeError) -> str:
    """Say why a text is no JSON."""
    start = text.lstrip("\ufeff# \t\r\n")
    if not start:
        return "is not valid JSON: it is empty."
    for kind, sign in TEXTS.items():
        if re.match(sign, start, re.IGNORECASE | re.DOTALL):
            return f"is {kind}, not valid JSON."
    if error.msg == "Extra data" and start.startswith("{"):
        where = f"line {error.lineno}, column {error.colno}"
        return f"is not valid JSON: after its end comes more, at {where}."
    before = text[: error.pos].rstrip()
    after = text[error.pos :].lstrip(", \t\r\n")
    # Where Python points depends on its version: at the comma or at what follows it.
    comma = error.pos if text[error.pos : error.pos + 1] == "," else len(before) - 1
    if text[comma : comma + 1] == "," and after[:1] in ("}", "]"):
        line = text.count("\n", 0, comma) + 1
        column = comma - text.rfind("\n", 0, comma)
        return (
            f"is not valid JSON: the comma at line {line}, column {column} stands "
            f"before a closing {after[0]!r}. Remove it."
        )
    if not text[error.pos :].strip():
        return "is not valid JSON: it ends too early. Fetch it again."
    return (
        f"is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}. "
        "Export it again."
    )
