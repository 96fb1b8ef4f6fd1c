"""Where the files of a data set lie: annotations, and pictures inside their folder."""

import functools
import os
from pathlib import Path
from typing import Any

from mrcnn.data.annotation_text import read_json, recognise
from mrcnn.data.readers.fields import folders_in
from mrcnn.data.via_csv import is_csv

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
    """Return the JSON and CSV files in a folder and in those in it, where few are.

    Hidden files and folders are left out, and folders that cannot be read.
    """
    found = []
    for place in (folder, *folders_in(folder)):
        names = sorted(next(os.walk(place), (place, [], []))[2])
        files = [place / name for name in names if _may_annotate(name)]
        found += files if len(files) <= FEW else []
    return [file for file in found if file.is_file()]


def _may_annotate(name: str) -> bool:
    return name[0] != "." and name.lower().endswith((".json", ".csv"))
