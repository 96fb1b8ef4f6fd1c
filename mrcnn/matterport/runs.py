"""The folders, weight files and seeds of training runs, in Matterport's naming.

`model_dir/shapes20260131T0915/mask_rcnn_shapes_0003.h5` holds the weights after the
third epoch of a run that began on 31 January 2026 at 9:15.
"""

import errno
import importlib.util
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

import keras
import numpy as np

from mrcnn.weights import save_weights

_FOLDER = re.compile(r".+(?P<start>\d{8}T\d{4})")
_WEIGHT_FILE = re.compile(r"mask_rcnn_.+_(?P<epoch>\d{4,})\.h5")
_MINUTE = "%Y%m%dT%H%M"
_NO_FOLDER = set("/\\" + ('<>:"|?*' if os.name == "nt" else ""))
LONGEST_NAME = 200
"""Bytes: file systems take 255, and files get a prefix and an epoch."""


class RunFolder(NamedTuple):
    """Where a run writes, and how many epochs it has behind it."""

    folder: Path
    file_name: str  # of weights, with "{epoch:04d}" in it
    epoch: int
    note: str  # what a user should know of the choice; "" for an ordinary new run

    @classmethod
    def of(
        cls, name: str, model_dir: str | Path, weights: str | Path | None = None
    ) -> Self:
        """Return a new run's folder, or that of the run which wrote a weight file.

        Args:
            name: of the configuration; anything that a folder can be called.
            model_dir: where runs keep their folders.
            weights: a file of a run; any other file starts a new run.

        Raises:
            ValueError: if the configuration has no name, or none for a folder.
        """
        name, root = checked_name(name).lower(), Path(model_dir)
        file_name = f"mask_rcnn_{_literal(name)}_{{epoch:04d}}.h5"
        # Either separator: a path may have been written down on another system.
        parts = re.split(r"[/\\]", os.path.abspath(weights)) if weights else ["", ""]
        file, place = _WEIGHT_FILE.fullmatch(parts[-1]), _FOLDER.fullmatch(parts[-2])
        if file and place:
            folder, epoch = root / f"{name}{place['start']}", int(file["epoch"])
            own = os.path.abspath(folder) == os.path.dirname(os.path.abspath(weights))
            note = f"Re-starting from epoch {epoch}" + ("" if own else f" in {folder}")
            return cls(folder, file_name, epoch, note if epoch else "")
        note = (
            f"{parts[-1]} lies in no folder of a run (NAME, date and time): a new run "
            "starts at epoch 0."
        )
        return cls(_new_folder(root, name), file_name, 0, note if file else "")

    @property
    def checkpoint_path(self) -> str:
        """Return the weight files' path as a text for `str.format`."""
        return os.path.join(_literal(str(self.folder)), self.file_name)


def checked_name(name: str | None) -> str:
    """Return a configuration's name if a folder can have it.

    Raises:
        ValueError: if there is none, or names what no folder is called.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(
            f"The configuration has no NAME ({name!r}): runs are filed under it."
        )
    bad = {c for c in name if c in _NO_FOLDER or unicodedata.category(c) == "Cc"}
    if bad:
        raise ValueError(
            f"NAME is {name!r}, but no folder can be called so: leave out "
            f"{', '.join(map(repr, sorted(bad)))}."
        )
    if len(os.fsencode(name.lower())) > LONGEST_NAME:
        raise ValueError(
            f"NAME is {name!r}, which is too long for a folder: take at most "
            f"{LONGEST_NAME} bytes."
        )
    return name


def _literal(text: str) -> str:
    """Return a text that `str.format` leaves as it was."""
    return text.replace("{", "{{").replace("}", "}}")


def _new_folder(root: Path, name: str) -> Path:
    """Return a folder that is not there: of this minute, or the next that is free."""
    start = datetime.now()
    while (folder := root / f"{name}{start:{_MINUTE}}").exists():
        start += timedelta(minutes=1)
    return folder


class RunWeights(str):
    """The path of a weight file, which was once a pair (folder, path).

    `find_last` of Matterport's first releases returned that pair, and scripts still
    take `find_last()[1]`, or unpack it. So the indices 0 and 1 are the folder and the
    path, and iterating gives these two. In all else it is the path, a plain string:
    slices, `len`, `in`, `==`, `open`, `os.path`, `pathlib`, JSON. (What takes `str` and
    nothing derived from it, as YAML and attributes of HDF5 do, takes `[1]`.)
    """

    __slots__ = ()

    def __getitem__(self, key: int | slice) -> str:
        """Return the folder (0), the path (1), or what a string has there."""
        if isinstance(key, int) and key in (0, 1):
            return str(self) if key else os.path.dirname(self)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        """Yield the folder and the path."""
        return iter((self[0], self[1]))


def last_weights(name: str, model_dir: str | Path) -> Path:
    """Return the newest weight file of the newest run that has one.

    Newer runs without a file are named in a printed line, and so are folders of this
    configuration's runs that were given a longer name.

    Raises:
        FileNotFoundError: if there is none; names the folder.
    """
    # The name and nothing but the time: "coco" is not "coco_people". In normal form:
    # some file systems take letters with accents apart.
    start = re.escape(_normal(checked_name(name).lower())) + r"\d{8}T\d{4}"
    root = Path(model_dir)
    folders = sorted(f for f in (root.iterdir() if root.is_dir() else ()) if f.is_dir())
    runs = [f for f in folders if re.fullmatch(start, _normal(f.name))]
    for f in folders:
        if f not in runs and re.match(start, _normal(f.name)) and _weight_files(f):
            print(f"{f} is called as no run is, and left out: name its file instead.")
    filled = [run for run in runs if _weight_files(run)]
    if filled:
        if empty := runs[runs.index(filled[-1]) + 1 :]:
            names = ", ".join(run.name for run in empty)
            print(f"No weight file is in {names}: taking the last of {filled[-1]}.")
        return _weight_files(filled[-1])[-1]
    if runs:
        raise FileNotFoundError(errno.ENOENT, "No weight file is in", str(runs[-1]))
    raise FileNotFoundError(
        errno.ENOENT, f"No run of the configuration {name!r} is in", str(root)
    )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _weight_files(folder: Path) -> list[Path]:
    """Return a run's weight files, by their epochs and then their names."""
    return sorted(folder.glob("mask_rcnn_*.h5"), key=lambda f: (_epoch(f), f.name))


def _epoch(file: Path) -> int:
    """Return the epoch in a weight file's name, -1 if there is none."""
    match = _WEIGHT_FILE.fullmatch(file.name)
    return int(match["epoch"]) if match else -1


def mention_later_files(checkpoint_path: str, epoch: int) -> None:
    """Print which weight files of a run are of later epochs than it goes on from."""
    folder = Path(checkpoint_path.format(epoch=0)).parent
    later = [file.name for file in _weight_files(folder) if _epoch(file) > epoch]
    if later:
        print(
            f"{folder} already holds {', '.join(later)}: this training replaces those "
            "that it comes to, and find_last() takes the last of all."
        )


def run_seed(given: int | None, mode: str) -> int:
    """Return the seed of a session: the one given, else one that is drawn and printed.

    It is drawn from NumPy's global state, so that `numpy.random.seed`, as Matterport's
    users call it, or `keras.utils.set_random_seed` repeats runs too; without them it
    differs from run to run.

    Args:
        given: `Config.SEED`.
        mode: in "inference" none is drawn: weights will be loaded.
    """
    if given is None and mode == "inference":
        return 0
    if given is None:
        seed = int(np.random.randint(2**31))
        print(f"SEED is None: {seed} was drawn. Set it to repeat this training.")
        return seed
    return int(given)


class EpochWeights(keras.callbacks.Callback):
    """Writes the weights after every epoch, whole or not at all, and counts epochs."""

    def __init__(self, path: str, done: Callable[[int], None]) -> None:
        """Take where files go, and who is told the count.

        Args:
            path: with "{epoch:04d}" for the epoch, counted from 1.
            done: is called with the number of whole epochs.
        """
        super().__init__()
        self.path, self.done, self.batches = path, done, 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Make the folder, for the callbacks after this one too."""
        Path(self.path.format(epoch=0)).parent.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Count batches anew."""
        self.batches = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count a batch."""
        self.batches += 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the file of this epoch, and count it if it is whole."""
        path = self.path.format(epoch=epoch + 1)
        save_weights(self.model, path)
        steps = self.params["steps"]
        if self.batches == steps:
            self.done(epoch + 1)
        else:
            print(
                f"Epoch {epoch + 1} was stopped after {self.batches} of {steps} steps: "
                f"{path} has its weights, but it does not count."
            )


def recorders(
    checkpoint_path: str, done: Callable[[int], None]
) -> list[keras.callbacks.Callback]:
    """Return what writes a weight file an epoch, and logs for TensorBoard beside it.

    Without TensorBoard installed there are no logs.

    Args:
        checkpoint_path: see `EpochWeights`.
        done: is called with the number of whole epochs.
    """
    weights = EpochWeights(checkpoint_path, done)
    if importlib.util.find_spec("tensorboard") is None:
        print("TensorBoard is not installed: losses are not logged for it.")
        return [weights]
    folder = Path(checkpoint_path.format(epoch=0)).parent
    return [weights, keras.callbacks.TensorBoard(str(folder), write_graph=False)]
