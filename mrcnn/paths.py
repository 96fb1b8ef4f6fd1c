"""Paths that users give: what is none, and where nothing can be written."""

import os
from pathlib import Path
from typing import Any


def as_path(given: Any, name: str) -> Path:
    """Return a path that a user gave, with a home directory in the place of "~".

    Args:
        given: the path.
        name: of the argument.

    Raises:
        TypeError: names the argument and what was given in place of a path.
        ValueError: if it is empty.
    """
    if not isinstance(given, str | os.PathLike):
        raise TypeError(
            f"{name} is {given!r:.60}: give the path of one file or folder."
        )
    if not str(given).strip():
        raise ValueError(f"{name} is an empty text: give a path.")
    return Path(os.path.expanduser(given))  # which leaves names such as "~a.jpg" alone


def as_folder(given: Any, name: str) -> Path:
    """Return a folder's path as `as_path` does; an empty one is the working folder."""
    return as_path("." if isinstance(given, str) and not given else given, name)


def writable_folder(given: Any, name: str) -> Path:
    """Return a folder's path, if files could be written there; nothing is made.

    Args:
        given: the path.
        name: of the argument.

    Raises:
        TypeError: see `as_path`.
        NotADirectoryError: if it, or what would hold it, is a file.
        PermissionError: if nothing can be written there.
    """
    folder = as_folder(given, name)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        raise NotADirectoryError(
            f"{name} is {folder}, but {there} is a file: name a folder."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{name} is {folder}, but nothing can be written to {there}: name another "
            "folder."
        )
    return folder
