"""What the readers ask of a file's fields, names of pictures and splits.

Each check raises ValueError that begins with `where`: file, entry and field.
"""

import os
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from mrcnn.data.via_classes import BACKGROUND, tidy
from mrcnn.data.via_dataset import PICTURES, find_image
from mrcnn.notices import quoted

SPLITS = (
    {"train", "training"},
    {"val", "valid", "validation"},
    {"test", "testing"},
)
"""Names of the parts of a data set; those of one set mean the same."""
LOOKED = 50
"""Files that a folder is known by."""
OBJECT = "object"
"""What objects are called where nothing says their class."""


class SplitError(ValueError):
    """A data set has no such split, or which is meant is open; says those it has."""


def text(value: Any, where: str) -> str:
    """Return a text that is not empty and can be printed."""
    if not isinstance(value, str) or not value.strip() or not _printable(value):
        raise ValueError(f"{where} is {quoted(value)}: expected a text.")
    return value


def _printable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a letter
        return False
    return "\0" not in value


def label(value: Any, where: str) -> str:
    """Return the name of a class, tidied as `via_classes.tidy` does."""
    name = tidy(text(value, where))
    if name.casefold() in BACKGROUND or not name.split(",")[0].strip():
        raise ValueError(
            f"{where} is {quoted(name)}, which is no class that can be drawn (the "
            "background is class 0 of every data set): give it a name, or remove it."
        )
    return name


def whole(value: Any, where: str, least: int = 0, most: int = 10**6) -> int:
    """Return a whole number in a range, written as a number or as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{where} is {quoted(value)}: expected a whole number.")
    if not least <= value <= most:
        raise ValueError(
            f"{where} is {quoted(value)}: expected a number from {least} to {most}."
        )
    return value


def inside(root: Path, folder: Path, name: Any, where: str) -> Path:
    """Return a path in `folder`, which lies in `root`, and never one outside of `root`.

    Raises ValueError if it leaves `root`, by ".." or as a path of its own, or is an
    address.
    """
    plain = text(name, where).strip().replace("\\", "/")
    there = Path(os.path.normpath(plain))
    if there.is_absolute() and there.is_relative_to(os.path.abspath(root)):
        return there
    start = posixpath.normpath(Path(os.path.relpath(folder, root)).as_posix())
    joined = posixpath.normpath(posixpath.join(start, plain))
    out = joined == ".." or joined.startswith("../")
    if out or plain.startswith(("/", "~")) or re.match(r"[A-Za-z][\w+.-]*:", plain):
        raise ValueError(
            f"{where} is {quoted(name)}, which leads out of {root}: put the file "
            "there, and write its path from there."
        )
    return root / joined


def find_picture(
    root: Path | None, folders: Sequence[Path], name: Any, where: str
) -> Path:
    """Return a picture of the annotations, by its name in the first folder that has it.

    As `via_dataset.find_image`, which also takes one without the folders of its name.

    Args:
        root: which no path may leave; None stands for each folder itself.
        folders: where the picture may lie.
        name: as the annotations have it.
        where: these are, for errors.

    Raises:
        FileNotFoundError: there is none; says what is near.
        ValueError: `name` leads out of `root`.
    """
    places = [inside(root or folder, folder, name, where) for folder in folders]
    try:
        for place in places:
            if place.is_file():
                return place
        plain = name.strip().replace("\\", "/")
        last = plain.rsplit("/", 1)[-1]
        for folder in folders:
            if last and last not in (".", "..") and (folder / last).is_file():
                return folder / last
        return find_image(folders[0], plain)
    except FileNotFoundError as error:
        looked = f" Looked in {', '.join(map(str, folders))}." if folders[1:] else ""
        raise FileNotFoundError(f"{where}: {error}{looked}") from None
    except OSError as error:  # as of a name that is too long
        raise ValueError(
            f"{where} is {quoted(name)}: no file has that name ({error.strerror})."
        ) from None


def files_in(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Yield files below a folder in the order of their paths, hidden ones left out."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f != "__MACOSX")
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in suffixes:
                yield Path(here, name)


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, in order; none if it cannot be read."""
    inside = next(os.walk(folder), (folder, [], []))[1]
    return [folder / name for name in sorted(inside) if name[0] != "."]


def pictures_in(folder: Path) -> dict[str, Path]:
    """Return the pictures below a folder by their paths from there, without suffix.

    Raises ValueError if two differ in their suffixes alone.
    """
    found: dict[str, Path] = {}
    for path in files_in(folder, PICTURES):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            raise ValueError(
                f"{folder} holds {found[stem].name} and {path.name}: which one is "
                "meant cannot be told from their names. Remove one."
            )
        found[stem] = path
    return found


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of a file as if in UTF-8; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size).replace(b"\0", b"")
    except OSError:
        return b""


def split_of(path: Path) -> str | None:
    """Return the folder of a path that names a split, None if none does."""
    known = set().union(*SPLITS)
    return next((part for part in path.parts if part.lower() in known), None)


def choose_split(
    splits: Collection[str], split: str | None, where: str | Path
) -> str | None:
    """Return which split of a data set is meant; None if it has none.

    "val" finds "valid" as well, and so on (`SPLITS`); the only one needs no name.

    Raises SplitError, with their names, if there are others or several.
    """
    if split is not None and not isinstance(split, str):
        raise TypeError(f"split is {split!r}: give a name, such as split='train'.")
    there = ", ".join(map(repr, sorted(splits)))
    if split is None:
        if len(splits) > 1:
            raise SplitError(f"{where} has the splits {there}: name one, as split=.")
        return next(iter(splits), None)
    alike = next((names for names in SPLITS if split.lower() in names), {split})
    for name in [split, *sorted(splits)]:
        if name in splits and (name == split or name.lower() in alike):
            return name
    has = f"the splits {there}" if splits else "no splits"
    raise SplitError(f"{where} has {has}, and split is {split!r}: choose another.")
