"""Films: pictures one by one out of a file or a camera, and into a file.

OpenCV reads and writes them (`pip install opencv-python-headless`). Here pictures are
RGB and upright, as players show them: what a telephone notes of how it was held is
followed. At any time one picture is in memory.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mrcnn.checks.kinds import number
from mrcnn.files import atomic_path
from mrcnn.notices import once

CODECS = {".avi": "MJPG", ".mov": "mp4v", ".mp4": "mp4v"}
"""How pictures are coded in films that are written, by the suffix of the file."""
USUAL_RATE = 25.0
"""Pictures a second where a film does not say."""
LOOKED = 500
"""Pictures that are looked for behind one that cannot be decoded."""
HEAD = 1024
"""Bytes that are looked at for whether a file is text."""
LISTS = (b"#EXTM3U", b"ffconcat", b"<", b"v=0")
"""How texts begin that name other films, of this machine or another: they are none."""


class Film(NamedTuple):
    """What a film says of itself."""

    rate: float  # pictures a second
    count: int  # pictures, 0 if unknown


def opencv() -> ModuleType:
    """Import and return OpenCV; ImportError says how to get it."""
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "Films and cameras need OpenCV: pip install opencv-python-headless"
        ) from error
    return cv2


def about(source: Path | int) -> Film:
    """Return what a film, or a camera by its number, says of itself.

    Raises as `pictures`.
    """
    with _opened(source) as capture:
        return _about(capture)


def pictures(source: Path | int) -> Iterator[np.ndarray]:
    """Yield the pictures of a film, or of a camera by its number, (h, w, 3) uint8 RGB.

    The file or camera is free again when the iterator ends or is closed. It is said if
    the pictures do not follow each other at one rate, or if a few cannot be read.

    Raises:
        ImportError: OpenCV is not there.
        ValueError: the file is no film, or ends more than a second before the end that
            it states; names the file and the picture.
        OSError: the camera cannot be opened, or gives no more pictures.
    """
    cv2, name = opencv(), _name(source)
    with _opened(source) as capture:
        film, count, before = _about(capture), 0, 0.0
        while (picture := _next(capture, name, count, film.count)) is not None:
            count += 1
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if isinstance(source, Path) and before and seconds:
                _tell_uneven(name, seconds - before, film.rate)
            before = seconds
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    _check_end(source, film, count)


@contextmanager
def written(path: Path, rate: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield what adds a picture (h, w, 3) uint8 RGB to a new film.

    The film gets its name when it is whole. If the block raises, what was added before
    is a whole film too, NAME.part.SUFFIX, and that is said. Codecs take even sizes
    only: the last row or column of an odd one is there twice.

    Args:
        path: with a suffix of `CODECS`. A file that is there is replaced.
        rate: pictures a second.

    Raises:
        ImportError: OpenCV is not there.
        ValueError: the rate is none, no picture came, or one is of another size.
        OSError: the film cannot be written.
    """
    if fault := number(0, 1000, above=True).fault("rate", rate):
        raise ValueError(fault)
    reel = _Reel(path, rate)
    with atomic_path(path) as reel.file:
        try:
            yield reel.add
            if not reel.count:
                raise ValueError(f"no picture came for {path}: nothing is written.")
            reel.close()
        except BaseException:
            reel.keep_part()
            raise


class _Reel:
    """A film that is being written to a temporary file."""

    file: Path

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self.rate, self.cv2 = path, rate, opencv()
        self.count, self.shape, self.writer = 0, (0, 0, 3), None

    def add(self, picture: np.ndarray) -> None:
        """Write one picture more."""
        if self.writer is None:
            self.shape = picture.shape
            self.writer = self._opened()
        if picture.shape != self.shape:
            sizes = [f"{h} x {w}" for h, w, *_ in (picture.shape, self.shape)]
            raise ValueError(
                f"picture {self.count} for {self.path} is {sizes[0]}, those before it "
                f"are {sizes[1]}: a film has one size. Write them to a folder."
            )
        odd = [(0, side % 2) for side in picture.shape[:2]]
        if any(map(any, odd)):
            picture = np.pad(picture, [*odd, (0, 0)], "edge")
        self.writer.write(self.cv2.cvtColor(picture, self.cv2.COLOR_RGB2BGR))
        self.count += 1

    def _opened(self) -> Any:
        height, width = (side + side % 2 for side in self.shape[:2])
        code = self.cv2.VideoWriter_fourcc(*CODECS[self.path.suffix.lower()])
        # MPEG-4 counts time in parts of up to 1 / 65535 of a second.
        rate = round(self.rate, 3 if self.rate < 65 else 2)
        writer = self.cv2.VideoWriter(str(self.file), code, rate, (width, height))
        if not writer.isOpened():
            raise OSError(
                f"{self.path} cannot be written as a film of {width} x {height} pixels "
                f"by this OpenCV ({self.cv2.__version__}): try .avi, or a folder."
            )
        return writer

    def close(self) -> None:
        """End the film; OSError if it does not hold all pictures, as on a full disk."""
        self.writer.release()
        self.writer = None
        there = about(self.file).count if self.file.stat().st_size else 0
        if there != self.count:
            raise OSError(
                f"{self.path} holds {there} of {self.count} pictures: see whether the "
                "disk is full."
            )

    def keep_part(self) -> None:
        """Give what there is a name that tells that it is not all."""
        if self.writer is None:
            return
        self.writer.release()
        part = self.path.with_name(f"{self.path.stem}.part{self.path.suffix}")
        os.replace(self.file, part)
        print(f"{part} holds the {self.count} pictures so far.", file=sys.stderr)


def _name(source: Path | int) -> str:
    return str(source) if isinstance(source, Path) else f"camera {source}"


@contextmanager
def _opened(source: Path | int) -> Iterator[Any]:
    """Yield OpenCV's capture, with its pictures upright."""
    cv2 = opencv()
    if isinstance(source, Path):
        with open(source, "rb") as file:
            head = file.read(HEAD)
        if head.startswith(LISTS) or min(head, default=9) >= 9:
            raise ValueError(f"{source} is no film: give a film, or a picture.")
    capture = cv2.VideoCapture(str(source) if isinstance(source, Path) else source)
    try:
        if not capture.isOpened():
            raise _closed(source)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield capture
    finally:
        capture.release()


def _closed(source: Path | int) -> Exception:
    """Return what to say of what cannot be opened."""
    if isinstance(source, Path):
        return ValueError(
            f"{source} is no film that OpenCV can read, or is cut short: fetch it "
            "again, or save it anew as MP4."
        )
    return OSError(
        f"camera {source} cannot be opened: see that it is connected and not in use. "
        "The first has the number 0."
    )


def _about(capture: Any) -> Film:
    cv2 = opencv()
    rate, count = (
        capture.get(key) for key in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)
    )
    known = math.isfinite(rate) and 0 < rate <= 1000
    stated = int(count) if math.isfinite(count) else 0
    return Film(rate if known else USUAL_RATE, max(0, stated))


def _next(capture: Any, name: str, count: int, stated: int) -> np.ndarray | None:
    """Return the next picture, BGR; None at the end.

    OpenCV says of a picture that it cannot decode what it says of the end. So it is
    asked again, as often as pictures should follow, or `LOOKED` times.
    """
    try:
        found, picture = capture.read()
        times = 0 if found else min(stated - count, LOOKED)
        later = any(capture.read()[0] for _ in range(times))
    except opencv().error as error:
        raise ValueError(f"{name} breaks off at picture {count} ({error}).") from error
    if later:
        raise ValueError(
            f"{name} is damaged at picture {count}, of {stated}: fetch it again, or "
            "cut it there."
        )
    return picture if found else None


def _tell_uneven(name: str, seconds: float, rate: float) -> None:
    """Say it, once, if a picture is not where the rate puts it."""
    if abs(seconds * rate - 1) > 0.5:
        once(
            f"{name} has no constant rate: {rate:.5g} pictures a second are its mean. "
            "Each picture counts once; a film that is written shows them evenly."
        )


def _check_end(source: Path | int, film: Film, count: int) -> None:
    """Raise if a film ended early; say it if it is less than a second, or trimmed."""
    if not isinstance(source, Path):
        raise OSError(
            f"camera {source} gives no more pictures after {count}: see that it is "
            "still connected."
        )
    missing = film.count - count
    if not count or (missing > film.rate and not _may_be_trimmed(source)):
        raise ValueError(
            f"{source} breaks off at picture {count}, of {film.count} that it states: "
            "fetch it again, or save what there is as a film of its own."
        )
    if missing > 0:
        once(
            f"{source}: {count} of the {film.count} pictures that it states are read; "
            "it is trimmed, or damaged at its end."
        )


def _may_be_trimmed(path: Path) -> bool:
    """Tell whether a file is an MP4 whose boxes are all there (ISO/IEC 14496-12).

    Telephones trim such films by a list of what is to be shown.
    """
    place, size = 0, path.stat().st_size
    with open(path, "rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            if place == 0 and head[4:8] != b"ftyp":
                return False
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # too long for 32 bits
                length = int.from_bytes(head[8:], "big")
            if length < 8:  # 0 is up to the end
                return length == 0
            place += length
    return place == size
