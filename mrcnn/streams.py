"""Pictures and films through a model, one by one, however many there are.

What comes in, is looked at, and goes out is a stream of pictures with names: a folder,
a film, a camera or anything that yields arrays. Trackers and other ways of drawing come
from `supervision` (`mrcnn.interchange.to_supervision`):

    for name, image, found in detect_stream(model, "street.mp4"):
        tracked = tracker.update_with_detections(to_supervision(found, class_names))
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrcnn.data import films
from mrcnn.data.arrays import check_image
from mrcnn.data.sources import Named, Source, opened, paths_of, rate_of
from mrcnn.detection import detect
from mrcnn.files import atomic_path
from mrcnn.nn.native import native
from mrcnn.paths import as_path, writable_folder
from mrcnn.structures import Detection
from mrcnn.views import Views
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


def detect_stream(
    model: Any,
    source: Source,
    *,
    batch_size: int = 1,
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    masks: str = "array",
    views: Views | None = None,
    progress: bool = True,
    left_out: list[str] | None = None,
) -> Iterator[tuple[str, np.ndarray, Detection]]:
    """Return an iterator of names, pictures and what is found in each.

    No more than a batch of pictures and what was found in them is kept. Closing the
    iterator closes the file or camera.

    Args:
        model: see `detect`, also for `tile`, `overlap`, `masks` and `views`.
        source: see `data.sources.frames`, also for the names.
        batch_size: pictures, or with `tile` tiles of one, that run through the network
            at once.
        tile: side of tiles for large pictures.
        overlap: of tiles.
        masks: form of masks, "array" or "rle".
        views: test-time augmentation, in place of tiles.
        progress: write a line about it to stderr.
        left_out: gets what is wrong with each picture file that cannot be read; by
            default the first one ends it.

    Raises:
        ValueError, TypeError: see `detect` and `frames`; before any picture is read, if
            arguments are wrong.
    """
    options = {"batch_size": batch_size, "tile": tile, "overlap": overlap}
    options |= {"masks": masks, "views": views}
    detect(model, [], **options)
    channels = native(model).backbone.input_shape[-1]
    total, pictures = opened(source, channels, left_out)
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
        source: see `data.sources.frames`.
        path: of a film or folder, see `write`.
        class_names: of all classes, background first.
        options: of `detect_stream`.

    Raises:
        ValueError: `path` is the source; or see `detect_stream` and `write`.

    Example:
        annotate(model, "street.mp4", "found.mp4", dataset.class_names)
    """
    place = as_path(path, "path")
    if place.exists() and any(map(place.samefile, paths_of(source))):
        raise ValueError(f"path is the source, {place}: choose another name.")
    found = detect_stream(model, source, **options)
    shown = ((name, paint(im, seen, class_names)) for name, im, seen in found)
    with closing(found):
        return write(shown, place, rate=rate_of(source))


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
