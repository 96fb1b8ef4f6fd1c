"""Where the files of a data set lie: annotations, and pictures inside their folder."""

import functools
import os
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import Any

from mrcnn.data.annotation_text import read_json, recognise
from mrcnn.data.via_csv import is_csv
from mrcnn.data.via_dataset import find_image
from mrcnn.notices import quoted

FEW = 100
"""Such files that a folder may hold before it is one of a file for each picture."""
VIA = "a VIA file"


@functools.lru_cache(maxsize=1)
def parsed(path: Path) -> Any:
    """Return what a JSON file holds, see `read_json`; the last one is kept.

    Several formats ask for the same file; see `forget`.
    """
    return read_json(path)


@functools.cache
def kind_of(path: Path) -> str | None:
    """Return which format of JSON or CSV a file is of, None if none that is known."""
    if is_csv(path):
        return VIA
    try:
        content = parsed(path)
    except (ValueError, OSError):
        return None
    return recognise(content) or (VIA if _is_via(content) else None)


def forget() -> None:
    """Drop what was parsed: the text of a large set as objects takes gigabytes."""
    parsed.cache_clear()
    kind_of.cache_clear()


def _is_via(content: Any) -> bool:
    """Tell whether parsed JSON is of VIA 1 or 2: images by keys, with their names."""
    if not isinstance(content, dict):
        return False
    return "_via_img_metadata" in content or any(
        isinstance(image, dict) and {"filename", "regions"} <= image.keys()
        for image in content.values()
    )


def annotation_files(folder: Path) -> list[Path]:
    """Return the JSON and CSV files in a folder and in those in it, where few are."""
    folders = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
    found = [sorted(p for p in f.iterdir() if _may_annotate(p)) for f in folders]
    return [file for files in found if len(files) <= FEW for file in files]


def _may_annotate(path: Path) -> bool:
    return path.suffix.lower() in (".json", ".csv") and path.is_file()


def picture(folders: Iterable[Path], name: Any) -> Path:
    """Return the file of a picture, named as in an annotation file.

    Args:
        folders: where it may lie; the first that has it counts.
        name: its path in one of them, with folders or, if these are another
            machine's, without.

    Raises:
        FileNotFoundError: it is in none of them; says what is near.
        ValueError: `name` is no text, or leaves the folder.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"the picture's name is {quoted(name)}: it must be a text.")
    plain = name.replace("\\", "/")
    away = plain.startswith("/") or PureWindowsPath(plain).drive
    if away or ".." in plain.split("/"):
        raise ValueError(
            f"picture {quoted(name)} leaves the folder of the data set: write its path "
            "from there on, without '..'."
        )
    folders = list(folders)
    for folder in folders:
        if os.path.isfile(folder / plain):
            return folder / plain
    missing: FileNotFoundError | None = None
    for folder in folders:
        try:
            return find_image(folder, name)
        except FileNotFoundError as error:
            missing = missing or error
    looked = ", ".join(map(str, folders))
    raise FileNotFoundError(f"{missing} Looked for in {looked}; images= names others.")
