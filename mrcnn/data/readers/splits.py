"""Which annotation file of a folder is meant, and where its pictures lie.

Layouts: COCO's `annotations/instances_train2017.json` with `train2017/` or `images/`,
Roboflow's `train/_annotations.coco.json` among its pictures, one file with `images/`.
"""

import re
from pathlib import Path

from mrcnn.data.readers.fields import SPLITS, SplitError
from mrcnn.data.readers.places import annotation_files, kind_of

FOLDERS = ("", "images", "data")
"""Where pictures lie below a folder."""


def words_of(split: str) -> set[str]:
    """Return the names that a split may have, in small letters."""
    word = split.casefold()
    return next((alike for alike in SPLITS if word in alike), {word})


def is_of(name: str, split: str) -> bool:
    """Tell whether a file or folder is named after a split, as in "val2017"."""
    plain = name.casefold()
    words = {plain, *re.findall(r"[^\W\d_]+", plain), *re.findall(r"[^\W_]+", plain)}
    return bool(words & words_of(split))


def of_kind(path: Path, kind: str) -> list[Path]:
    """Return the file, or the files of a folder, that are of a kind."""
    files = [path] if path.is_file() else annotation_files(path)
    return [file for file in files if kind_of(file) == kind]


def one(path: Path, kind: str, split: str | None) -> Path:
    """Return the file that is meant.

    Args:
        path: a file, or a folder that holds some.
        kind: what they hold, see `places.kind_of`.
        split: the part of a folder; a name of it stands in that of the file or of its
            folder. Of several files so named, the one of COCO's "instances" is meant.

    Raises SplitError that lists the files where none or several could be meant.
    """
    if path.is_file():
        if split is not None:
            raise SplitError(
                f"split is {split!r}, but {path} is one file: give the folder of the "
                "data set, or leave split out."
            )
        return path
    files = of_kind(path, kind)
    chosen = _fitting(files, path, split)
    if len(chosen) == 1:
        return chosen[0]
    there = ", ".join(str(file.relative_to(path)) for file in files[:20]) or "none"
    what = "which is meant is open" if split is None else f"split is {split!r}"
    raise SplitError(
        f"{path}: {what}, and {len(chosen)} files fit: give split= or the path of one "
        f"file. There are: {there}."
    )


def others(path: Path, kind: str, file: Path) -> list[Path]:
    """Return the files of the other splits of a data set, whose classes are the same.

    Args:
        path: of the data set, a folder or the file.
        kind: what the files hold.
        file: of the split that is read.
    """
    if path.is_file():
        return []
    files = of_kind(path, kind)
    found = [f for names in SPLITS for f in _fitting(files, path, min(names))]
    return [other for other in dict.fromkeys(found) if other != file]


def _fitting(files: list[Path], folder: Path, split: str | None) -> list[Path]:
    """Return the files that can be meant: of several, COCO's "instances"."""
    if split is not None:
        files = [file for file in files if _named(file, folder, split)]
    if len(files) > 1:
        files = [f for f in files if "instances" in f.stem.casefold()] or files
    return files


def _named(file: Path, folder: Path, split: str) -> bool:
    parts = file.relative_to(folder).with_suffix("").parts
    return any(is_of(part, split) for part in parts)


def picture_folders(path: Path, file: Path, split: str | None) -> list[Path]:
    """Return where the pictures of an annotation file may lie, the likeliest first.

    Args:
        path: of the data set, a folder or the file.
        file: the annotation file.
        split: the part that is read.
    """
    root = path if path.is_dir() else file.parent
    if root.name == "annotations":  # whose pictures lie beside it, as COCO's do
        root = root.parent
    name = file.stem.split("_")[-1]
    words = [split] if split else [file.stem, *re.findall(r"[^\W\d_]+", file.stem)]
    own: list[Path] = []
    for base in dict.fromkeys(
        top / sub for top in (file.parent, root) for sub in FOLDERS
    ):
        if base.is_dir():
            below = sorted(p for p in base.iterdir() if p.is_dir())
            own += [p for p in below if p.name in (name, file.stem)]
            own += [p for p in below if any(is_of(p.name, word) for word in words)]
    bases = [top / sub for top in (file.parent, root) for sub in FOLDERS]
    return list(dict.fromkeys([*own, *(base for base in bases if base.is_dir())]))
