"""HDF5 files: written whole or not at all, and read wherever they come from.

Only numbers are read: no code, no pickles, no links to other files.
"""

import difflib
import io
import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mrcnn.files import atomic_path

MAX_CHUNK = 2**20
"""Bytes of the largest chunk that h5py chooses by itself."""

DAMAGE = (OSError, RuntimeError, KeyError)
"""What h5py raises about damage; about one place in the file, ValueError and TypeError
too."""

FORMATS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "a pointer of Git LFS: run `git lfs pull`"),
    (0, b"/annex/objects", "a pointer of git-annex: run `git annex get`"),
    (0, b"<", "HTML or XML, such as the page that a failed download leaves"),
    (0, b"{", "JSON text, which holds no weights"),
    (0, b"\x1f\x8b", "compressed: unpack it first"),
    (0, b"\x80", "a pickle, as PyTorch writes them, and those are never read"),
    (4, b"TFL3", "a LiteRT model, whose weights cannot be read back"),
)
"""Place and bytes by which other files are known, and what they are."""

ENDINGS = {
    ".ckpt": "a checkpoint of TensorFlow or PyTorch",
    ".index": "a part of a TensorFlow checkpoint",
    ".onnx": "an ONNX model, whose weights cannot be read back",
    ".pb": "a TensorFlow graph, whose weights cannot be read back",
    ".pt": "a file of PyTorch's",
    ".pth": "a file of PyTorch's",
    ".safetensors": "a file of safetensors",
}
"""What files are by their names, if their bytes do not say it."""


class WeightFileError(ValueError):
    """A weight file that cannot be used; the message names file, layer and way out."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading.

    Raises:
        FileNotFoundError: if there is no such file; names one of a similar name.
        WeightFileError: if it is a folder or no HDF5 file; says what it is.
        OSError: if it must not be read, or is being written.
    """
    if path.is_dir():
        raise WeightFileError(_what_folder(path))
    if not path.is_file():
        raise FileNotFoundError(_what_else(path))
    try:
        return h5py.File(path, "r")
    except (PermissionError, BlockingIOError):
        raise
    except OSError as error:
        known = _what_file(path)
        what = f": it is {known}" if known else f" ({error}); it may be cut off"
        raise WeightFileError(
            f"{path} is not a readable HDF5 file{what}. Give an .h5 file that this "
            "package or Matterport's wrote; if it was one, fetch or train it again."
        ) from None


def _what_file(path: Path) -> str | None:
    """Return what a file is that is no HDF5, by its first bytes; None if unknown."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "empty"
    if head.startswith(b"\x89HDF"):
        return None
    if head.startswith(b"PK"):
        return _what_archive(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for place, mark, what in FORMATS:
        if (head if place else text)[place:].startswith(mark):
            return what
    return ENDINGS.get(path.suffix.lower())


def _what_archive(path: Path) -> str:
    """Return what a zip archive is, by the names in it; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return "a zip archive that is cut off or damaged"
    if "model.weights.h5" in names:
        return (
            "a whole model of Keras 3 (.keras): open it by keras.saving.load_model, "
            "and write its weights by save_weights"
        )
    if any(name.endswith("data.pkl") for name in names):
        return "a file of PyTorch's, a pickle, and those are never read"
    if any(name.endswith(".npy") for name in names):
        return "an archive of NumPy's (.npz)"
    return "a zip archive: unpack it first"


def _what_folder(path: Path) -> str:
    """Return an error about a folder that was given in place of a file."""
    if (path / "saved_model.pb").is_file():
        return (
            f"{path} is a TensorFlow SavedModel, whose weights cannot be read back: "
            "give an .h5 file."
        )
    files = sorted(path.glob("*.h5"))
    such = f", such as {files[-1].name}" if files else "; there is no .h5 file in it"
    return f"{path} is a folder: give a weight file{such}."


def _what_else(path: Path) -> str:
    """Return an error about a file that is not there."""
    if path.with_name(f"{path.name}.index").is_file():
        return (
            f"{path} is a checkpoint of TensorFlow, which cannot be read: give an .h5 "
            "file."
        )
    if not path.parent.is_dir():
        return f"There is no weight file {path}: there is no folder {path.parent}."
    near = [each.name for each in path.parent.glob("*.h5")]
    near = difflib.get_close_matches(path.name, near, n=1)
    found = f"; {near[0]} is there" if near else ""
    return f"There is no weight file {path}{found}."


def inside(group: h5py.Group, name: str, path: Path) -> h5py.Group | h5py.Dataset:
    """Return what lies under a name in this file and nowhere else."""
    place, what = group, f"{path}: {group.name}/{name}"
    with _refusing(what):
        for part in name.split("/"):
            known = isinstance(place, h5py.Group) and part
            link = place.get(part, getlink=True) if known else None
            if not isinstance(link, h5py.HardLink):
                raise WeightFileError(
                    f"{what} is missing or a link to elsewhere; only plain groups and "
                    "datasets are read."
                )
            place = place[part]
    return place


def plain_dataset(group: h5py.Group, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of numbers that lie in this file and nowhere else.

    Nothing of it is read yet: what another program made may be small in the file and
    large in memory. A type has at most 8 bytes, and a chunk, which is unpacked as a
    whole, no more bytes than the dataset or `MAX_CHUNK`.
    """
    place, what = inside(group, name, path), f"{path}: {group.name}/{name}"
    if not isinstance(place, h5py.Dataset) or place.is_virtual or place.external:
        raise WeightFileError(f"{what} is no plain dataset; only those are read.")
    with _refusing(what):
        kind, shape, chunks = place.dtype, place.shape, place.chunks
    if kind.kind not in "biuf" or kind.itemsize > 8 or shape is None:
        raise WeightFileError(
            f"{what} holds no numbers that are read, but {kind}: give real numbers of "
            "at most 8 bytes."
        )
    unpacked = math.prod(chunks or ()) * kind.itemsize
    if unpacked > max(place.nbytes, MAX_CHUNK):
        raise WeightFileError(
            f"{what} lies in chunks of {unpacked} bytes, more than it holds: write the "
            "file again, without chunks."
        )
    return place


def numbers(dataset: h5py.Dataset, path: Path) -> np.ndarray:
    """Return what a plain dataset holds; WeightFileError if it is damaged."""
    with _refusing(f"{path}: {dataset.name}"):
        return np.asarray(dataset[()])


def walk(group: h5py.Group, path: Path) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield every dataset below a group with its name there, such as "a/b".

    For trees of any size: the links of a group that lead to a place twice, or back, are
    refused, and so are datasets that the file does not hold in full (packed ones, or
    such as were never written).
    """
    seen, left = {_address(group, path)}, [("", group)]
    while left:
        prefix, place = left.pop()
        with _refusing(f"{path}: {group.name}/{prefix}"):
            names = list(place)
        for name in names:
            found, what = inside(place, name, path), f"{prefix}{name}"
            address = _address(found, path)
            if address in seen:
                raise WeightFileError(
                    f"{path}: {group.name}/{what} has more than one link to it; only "
                    "plain trees are read."
                )
            seen.add(address)
            if isinstance(found, h5py.Group):
                left.append((f"{what}/", found))
                continue
            found = plain_dataset(place, name, path)
            if found.nbytes > found.id.get_storage_size():
                raise WeightFileError(
                    f"{path}: {group.name}/{what} is packed or was never written, and "
                    f"would take {found.nbytes} bytes; only plain ones are read."
                )
            yield what, found


def _address(place: h5py.Group | h5py.Dataset, path: Path) -> int:
    with _refusing(f"{path}: {place.name}"):
        return h5py.h5o.get_info(place.id).addr


@contextmanager
def _refusing(
    what: str, errors: tuple[type[Exception], ...] = (*DAMAGE, ValueError, TypeError)
) -> Iterator[None]:
    """Turn what HDF5 and h5py raise about a damaged file into one error."""
    try:
        yield
    except WeightFileError:
        raise
    except errors as error:
        raise WeightFileError(
            f"{what} is damaged or holds no numbers that are read ({error}); fetch the "
            "file or train again."
        ) from None


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Yield a file that `open_hdf5` opens; damage that shows later is one error too."""
    with open_hdf5(path) as file, _refusing(str(path), DAMAGE):
        yield file


@contextmanager
def write_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Yield a new file that is written to `path` when the block ends, whole or not.

    It is filled in memory: HDF5 itself cannot go on, nor end well, after a failed
    write.

    Raises:
        OSError: if it cannot be written, such as on a full disk; see `atomic_path`.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        yield file
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def readable(values: Any, dtype: str, name: str) -> np.ndarray:
    """Return values in a precision; ValueError if `load_weights` would refuse them."""
    exact = np.asarray(values)
    with np.errstate(over="ignore"):  # said below
        stored = exact.astype(dtype)
    if not np.isfinite(stored).all():
        worst = exact[~np.isfinite(stored)].flat[0]
        way_out = (
            "Save it as float32."
            if np.isfinite(worst)
            else "Go back to the last good file; a lower learning rate may help."
        )
        raise ValueError(
            f"Not written: {name} holds {worst:g}, and {dtype} files hold numbers up "
            f"to {np.finfo(dtype).max:g}. {way_out}"
        )
    return stored
