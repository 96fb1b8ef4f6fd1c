"""HDF5 files: written whole or not at all, and read wherever they come from.

Only numbers are read: no code, no pickles, no links to other files.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from mrcnn.files import atomic_path

MAX_CHUNK = 2**20
"""Bytes of the largest chunk that h5py chooses by itself."""


class WeightFileError(ValueError):
    """A weight file that cannot be used; the message names file, layer and way out."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading; FileNotFoundError or WeightFileError if it cannot be."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no weight file {path}.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise WeightFileError(
            f"{path} is not a readable HDF5 file ({error}); it may be cut off: fetch "
            "or train it again."
        ) from None


def inside(group: h5py.Group, name: str, path: Path) -> h5py.Group | h5py.Dataset:
    """Return what lies under a name in this file and nowhere else."""
    place, what = group, f"{path}: {group.name}/{name}"
    with _readable(what):
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
    with _readable(what):
        kind, shape, chunks = place.dtype, place.shape, place.chunks
    if kind.kind not in "biuf" or kind.itemsize > 8 or shape is None:
        raise WeightFileError(
            f"{what} holds no plain numbers, but {kind}; only real numbers of at most "
            "8 bytes are read."
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
    with _readable(f"{path}: {dataset.name}"):
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
        with _readable(f"{path}: {group.name}/{prefix}"):
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
    with _readable(f"{path}: {place.name}"):
        return h5py.h5o.get_info(place.id).addr


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn what HDF5 and h5py raise about a damaged file into one error."""
    try:
        yield
    except WeightFileError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise WeightFileError(
            f"{what} is damaged or holds no plain numbers ({error}); fetch the file or "
            "train again."
        ) from None


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Yield a file that `open_hdf5` opens; damage that shows later is one error too."""
    with open_hdf5(path) as file, _readable(str(path)):
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
