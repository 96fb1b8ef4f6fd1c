"""Reading HDF5 files that come from anywhere.

Only numbers are read: no code, no pickles, no links to other files.
"""

from pathlib import Path

import h5py


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
    place = group
    for part in name.split("/"):
        link = place.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise WeightFileError(
                f"{path}: {group.name}/{name} is missing or a link to elsewhere; only "
                "plain groups and datasets are read."
            )
        place = place[part]
    return place


def plain_dataset(group: h5py.Group, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset whose numbers lie in this file and nowhere else."""
    place = inside(group, name, path)
    if not isinstance(place, h5py.Dataset) or place.is_virtual or place.external:
        raise WeightFileError(
            f"{path}: {group.name}/{name} is no plain dataset; only those are read."
        )
    return place
