"""Pictures one by one, with names: of folders, films and cameras, or arrays."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.checks.kinds import is_count
from mrcnn.data import films
from mrcnn.data.arrays import check_image
from mrcnn.data.given import refuse_one_image
from mrcnn.data.pictures import header, read_image
from mrcnn.data.readers.fields import files_in
from mrcnn.data.via_dataset import PICTURES
from mrcnn.notices import quoted
from mrcnn.paths import as_path

Source = str | Path | Sequence[str | Path] | int | Iterable[np.ndarray]
"""A folder of pictures, a picture or a film; several of these; the number of a camera;
or arrays."""
WANTED = "give a folder, picture or film, the number of a camera (0), or arrays"
Named = tuple[str, np.ndarray]


def frames(source: Source, channels: int = 3) -> Iterator[Named]:
    """Return an iterator of names and pictures (h, w, channels) uint8, read as asked.

    Pictures of a folder come in the order of their names, numbers in these by value,
    and are called by their paths in it; those of several places by their paths in the
    folder that holds all. Those of a film are called "NAME_000000" and so on, of a
    camera "camera_000000", other arrays "000000".

    Args:
        source: see `Source`. A camera has no end: `itertools.islice` gives it one.
        channels: of the pictures; films have 3.

    Raises:
        FileNotFoundError: there is nothing of that name, or no picture in the folder.
        TypeError: it is none of these.
        ValueError: while reading: names the picture that cannot be read, see
            `read_image`; or the film and the place in it, see `films.pictures`.
        ImportError: OpenCV is needed and not there.
    """
    return opened(source, channels)[1]


def opened(
    source: Source, channels: int, left_out: list[str] | None = None
) -> tuple[int | None, Iterator[Named]]:
    """Return the number of pictures, None if unknown, and what `frames` returns.

    Args:
        source: see `frames`.
        channels: see there.
        left_out: gets what is wrong with each picture file that cannot be read, in
            place of an error.
    """
    if is_count(source, 0):
        return None, _of_film(int(source), "camera")
    if places := paths_of(source):
        files = _files(places)
        counts = [films.about(f).count if _is_film(f) else 1 for f in files.values()]
        total = sum(counts) if all(counts) else None
        return total, _of_files(files, channels, left_out)
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise TypeError(f"source is {quoted(source)}: {WANTED}.")
    refuse_one_image(source)
    count = len(source) if hasattr(source, "__len__") else None
    return count, _of_arrays(source, channels)


def rate_of(source: Source) -> float:
    """Return the pictures a second of one film or camera; of anything else 25.

    Raises as `frames` does before it reads.
    """
    if is_count(source, 0):
        return films.about(int(source)).rate
    places = paths_of(source)
    found = list(_files(places).values()) if places else []
    alone = len(found) == 1 and _is_film(found[0])
    return films.about(found[0]).rate if alone else films.USUAL_RATE


def paths_of(source: Source) -> list[Path]:
    """Return the paths that a source names, [] if it is of another kind.

    Raises:
        FileNotFoundError: there is nothing at one of them.
    """
    if isinstance(source, str | Path):
        source = [source]
    several = isinstance(source, Sequence)
    if several and all(isinstance(each, str | Path) for each in source):
        return [_existing(each) for each in source]
    return []


def _existing(source: str | Path) -> Path:
    place = as_path(source, "source")
    if not place.exists():
        raise FileNotFoundError(f"source is {place}, where nothing is: {WANTED}.")
    return place


def _is_film(path: Path) -> bool:
    """Tell by its content whether a file is to be read as a film."""
    return (
        path.suffix.lower() not in PICTURES and path.is_file() and header(path) is None
    )


def _files(places: Sequence[Path]) -> dict[str, Path]:
    """Return each picture and film once, by its path in the folder that holds all."""
    root = os.path.commonpath(
        [os.path.abspath(each if each.is_dir() else each.parent) for each in places]
    )
    files: dict[str, Path] = {}
    for place in places:
        found = [place]
        if place.is_dir():
            os.scandir(place).close()  # raises without permission; a walk is silent
            found = sorted(files_in(place, PICTURES), key=_by_value)
        if not found:
            raise FileNotFoundError(
                f"{place} holds no picture: give a folder of "
                f"{', '.join(sorted(PICTURES))}."
            )
        files |= {Path(os.path.relpath(f, root)).as_posix(): f for f in found}
    return files


def _by_value(path: Path) -> list[Any]:
    """Return what sorts "9.png" before "10.png"."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(part), part) if i % 2 else (0, part) for i, part in enumerate(parts)]


def _of_film(source: Path | int, name: str) -> Iterator[Named]:
    with closing(films.pictures(source)) as pictures:
        for i, picture in enumerate(pictures):
            yield f"{name}_{i:06d}", picture


def _of_files(
    files: Mapping[str, Path], channels: int, left_out: list[str] | None
) -> Iterator[Named]:
    for name, file in files.items():
        if _is_film(file):
            yield from _of_film(file, Path(name).with_suffix("").as_posix())
            continue
        try:
            image = read_image(file, channels)
        except (OSError, ValueError) as error:
            if left_out is None:
                raise
            left_out.append(str(error))
        else:
            yield name, image


def _of_arrays(images: Iterable[np.ndarray], channels: int) -> Iterator[Named]:
    for i, image in enumerate(images):
        yield f"{i:06d}", check_image(image, f"image {i}", channels)
