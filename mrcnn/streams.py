"""Pictures and films through a model, one by one, however many there are.

What comes in, is looked at, and goes out is a stream of pictures with names: a folder,
a film, a camera or anything that yields arrays. Trackers and other ways of drawing come
from `supervision` (`mrcnn.interchange.to_supervision`):

    for name, image, found in detect_stream(model, "street.mp4"):
        tracked = tracker.update_with_detections(to_supervision(found, class_names))
"""

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrcnn.checks.kinds import is_count
from mrcnn.data import films
from mrcnn.data.arrays import check_image
from mrcnn.data.given import refuse_one_image
from mrcnn.data.pictures import header, read_image
from mrcnn.data.readers.fields import files_in
from mrcnn.data.via_dataset import PICTURES
from mrcnn.detection import detect
from mrcnn.files import atomic_path
from mrcnn.nn.native import native
from mrcnn.notices import quoted
from mrcnn.paths import as_path, writable_folder
from mrcnn.structures import Detection
from mrcnn.visualize.paint import paint

SAVED: dict[str, dict[str, Any]] = {
    ".jpeg": {"quality": 95},
    ".jpg": {"quality": 95},
    ".png": {},
}
"""Kinds of pictures that keep their kind when they are written, and how; the others
become PNG."""
EVERY = 0.5
"""Seconds between two lines of progress."""
Source = str | Path | int | Iterable[np.ndarray]
"""A folder of pictures, a picture, a film, the number of a camera, or arrays."""
WANTED = "give a folder, picture or film, the number of a camera (0), or arrays"
Named = tuple[str, np.ndarray]


def frames(source: Source, channels: int = 3) -> Iterator[Named]:
    """Return an iterator of names and pictures (h, w, channels) uint8, read as asked.

    Pictures of a folder come in the order of their names, numbers in these by value,
    and are called by their paths in it. Those of a film are called "NAME_000000" and so
    on, of a camera "camera_000000", other arrays "000000".

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
    return _opened(source, channels)[1]


def rate_of(source: Source) -> float:
    """Return the pictures a second of a film or camera; of anything else 25."""
    kind = _kind(source)
    is_film = isinstance(kind, int) or (isinstance(kind, Path) and _is_film(kind))
    return films.about(kind).rate if is_film else films.USUAL_RATE


def detect_stream(
    model: Any,
    source: Source,
    *,
    batch_size: int = 1,
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    masks: str = "array",
    progress: bool = True,
) -> Iterator[tuple[str, np.ndarray, Detection]]:
    """Return an iterator of names, pictures and what is found in each.

    No more than a batch of pictures and what was found in them is kept. Closing the
    iterator closes the file or camera.

    Args:
        model: see `detect`, also for `tile`, `overlap` and `masks`.
        source: see `frames`.
        batch_size: pictures, or with `tile` tiles of one, that run through the network
            at once.
        tile: side of tiles for large pictures.
        overlap: of tiles.
        masks: form of masks, "array" or "rle".
        progress: write a line about it to stderr.

    Raises:
        ValueError, TypeError: see `detect` and `frames`; before any picture is read, if
            arguments are wrong.
    """
    options = {"batch_size": batch_size, "tile": tile, "overlap": overlap}
    options["masks"] = masks
    detect(model, [], **options)
    total, pictures = _opened(source, native(model).backbone.input_shape[-1])
    at_once = batch_size if tile is None else 1
    found = _detected(model, pictures, at_once, options)
    return _told(found, total) if progress else found


def write(pictures: Iterable[Named], path: str | Path, *, rate: float = 25.0) -> Path:
    """Write pictures as they come to a film or a folder, and return its path.

    A film, and each picture of a folder, is written whole or not at all. After an error
    or an interruption, the pictures so far are there: in the folder, or as a film whose
    name ends in ".part" before the suffix.

    Args:
        pictures: names and whatever `check_image` takes, of one size for a film.
        path: with a suffix of `films.CODECS` a film, which may be replaced; else a
            folder, in which no picture is replaced.
        rate: pictures a second of a film.

    Raises:
        FileExistsError: a picture of that name is there.
        ValueError: no picture came, one is none, or its name leads out of the folder;
            or see `films.written`.
        ImportError: OpenCV is needed and not there.
    """
    place = as_path(path, "path")
    pictures = ((name, check_image(one, name)) for name, one in pictures)
    if place.suffix.lower() in films.CODECS:
        writable_folder(place.parent, "the folder of path")
        with films.written(place, rate) as add:
            for _, picture in pictures:
                add(picture)
        return place
    writable_folder(place, "path")
    nothing = True
    for name, picture in pictures:
        _save(picture, place, name)
        nothing = False
    if nothing:
        raise ValueError(f"no picture came for {place}: nothing is written.")
    return place


def annotate(
    model: Any,
    source: Source,
    path: str | Path,
    class_names: Sequence[str],
    **options: Any,
) -> Path:
    """Draw what a model finds in pictures or a film, write it, and return its path.

    A film keeps its rate and number of pictures, and loses its sound.

    Args:
        model: see `detect`.
        source: see `frames`.
        path: of a film or folder, see `write`.
        class_names: of all classes, background first.
        options: of `detect_stream`.

    Raises:
        ValueError: `path` is the source; or see `detect_stream` and `write`.

    Example:
        annotate(model, "street.mp4", "found.mp4", dataset.class_names)
    """
    place = as_path(path, "path")
    if isinstance(source, str | Path) and place.exists() and place.samefile(source):
        raise ValueError(f"path is the source, {place}: choose another name.")
    found = detect_stream(model, source, **options)
    shown = ((name, paint(im, seen, class_names)) for name, im, seen in found)
    with closing(found):
        return write(shown, place, rate=rate_of(source))


def _kind(source: Source) -> Path | int | Iterable[np.ndarray]:
    """Return a source as a path, a camera's number, or arrays."""
    if is_count(source, 0):
        return int(source)
    if isinstance(source, str | Path):
        place = as_path(source, "source")
        if not place.exists():
            raise FileNotFoundError(f"source is {place}, where nothing is: {WANTED}.")
        return place
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise TypeError(f"source is {quoted(source)}: {WANTED}.")
    refuse_one_image(source)
    return source


def _is_film(path: Path) -> bool:
    """Tell by its content whether a file is to be read as a film."""
    return (
        path.is_file() and header(path) is None and path.suffix.lower() not in PICTURES
    )


def _opened(source: Source, channels: int) -> tuple[int | None, Iterator[Named]]:
    """Return the number of pictures, None if unknown, and an iterator of them."""
    kind = _kind(source)
    if isinstance(kind, int):
        return None, _of_film(kind, "camera")
    if not isinstance(kind, Path):
        count = len(kind) if hasattr(kind, "__len__") else None
        return count, _of_arrays(kind, channels)
    if _is_film(kind):
        return films.about(kind).count or None, _of_film(kind, kind.stem)
    folder = kind if kind.is_dir() else kind.parent
    found = sorted(files_in(kind, PICTURES), key=_by_value) if kind.is_dir() else [kind]
    if not found:
        raise FileNotFoundError(
            f"{kind} holds no picture: give a folder of {', '.join(sorted(PICTURES))}."
        )
    return len(found), _of_files(folder, found, channels)


def _by_value(path: Path) -> list[Any]:
    """Return what sorts "9.png" before "10.png"."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(part), part) if i % 2 else (0, part) for i, part in enumerate(parts)]


def _of_film(source: Path | int, name: str) -> Iterator[Named]:
    with closing(films.pictures(source)) as pictures:
        for i, picture in enumerate(pictures):
            yield f"{name}_{i:06d}", picture


def _of_files(folder: Path, files: Sequence[Path], channels: int) -> Iterator[Named]:
    for file in files:
        yield file.relative_to(folder).as_posix(), read_image(file, channels)


def _of_arrays(images: Iterable[np.ndarray], channels: int) -> Iterator[Named]:
    for i, image in enumerate(images):
        yield f"{i:06d}", check_image(image, f"image {i}", channels)


def _detected(
    model: Any, pictures: Iterator[Named], at_once: int, options: dict[str, Any]
) -> Iterator[tuple[str, np.ndarray, Detection]]:
    with closing(pictures):
        while batch := list(islice(pictures, at_once)):
            names, images = zip(*batch, strict=True)
            found = detect(model, images, **options)
            yield from zip(names, images, found, strict=True)
            del batch, images, found  # before the next ones are read


def _told(found: Iterator[Any], total: int | None) -> Iterator[Any]:
    """Yield what comes, and write to stderr how far it is."""
    began = last = time.monotonic()
    done = 0
    try:
        for one in found:
            yield one
            done += 1
            if (now := time.monotonic()) - last >= EVERY:
                last = now
                _tell(done, total, now - began)
    finally:
        found.close()
        if done:
            _tell(done, total, time.monotonic() - began)
            print(file=sys.stderr)


def _tell(done: int, total: int | None, seconds: float) -> None:
    """Write one line of progress over the last one."""
    line = f"{done}{f' of {total}' if total else ''} pictures, "
    line += f"{done / max(seconds, 1e-9):.3g} a second"
    if total and total > done:
        line += f", {seconds * (total - done) / done:.0f} s left"
    print(f"\r{line:60}", end="", file=sys.stderr, flush=True)


def _save(picture: np.ndarray, folder: Path, name: str) -> None:
    """Write one picture to a folder, under its name."""
    file = folder / (name if Path(name).suffix.lower() in SAVED else f"{name}.png")
    if not Path(os.path.abspath(file)).is_relative_to(os.path.abspath(folder)):
        raise ValueError(f"picture {name!r} would lie outside {folder}: name it anew.")
    if file.exists():
        raise FileExistsError(f"{file} is there: choose another folder, or remove it.")
    with atomic_path(file) as temporary:
        Image.fromarray(picture).save(temporary, **SAVED[file.suffix.lower()])
