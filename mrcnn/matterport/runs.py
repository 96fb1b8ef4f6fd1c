"""The folders and weight files of training runs, in Matterport's naming.

`model_dir/shapes20260131T0915/mask_rcnn_shapes_0003.h5` holds the weights after the
third epoch of a run that began on 31 January 2026 at 9:15.
"""

import errno
import importlib.util
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

import keras

from mrcnn.weights import save_weights

_WEIGHT_FILE = re.compile(
    r".*[/\\][\w-]+(?P<start>\d{8}T\d{4})[/\\]mask_rcnn_[\w-]+(?P<epoch>\d{4})\.h5"
)


class RunFolder(NamedTuple):
    """Where a run writes, and how many epochs it has behind it."""

    folder: Path
    file_name: str  # of weights, with "{epoch:04d}" in it
    epoch: int

    @classmethod
    def of(
        cls, name: str, model_dir: str | Path, weights: str | Path | None = None
    ) -> Self:
        """Return a new run's folder, or that of the run which wrote a weight file.

        Args:
            name: of the configuration.
            model_dir: where runs keep their folders.
            weights: a file of a run; any other file starts a new run.

        Raises:
            ValueError: if the configuration has no name.
        """
        if not name:
            raise ValueError("The configuration has no NAME: runs are filed under it.")
        match = _WEIGHT_FILE.fullmatch(str(weights)) if weights else None
        start, epoch = f"{datetime.now():%Y%m%dT%H%M}", 0
        if match:
            start, epoch = match["start"], int(match["epoch"])
        name = name.lower()
        file_name = f"mask_rcnn_{name}_{{epoch:04d}}.h5"
        return cls(Path(model_dir) / f"{name}{start}", file_name, epoch)


def last_weights(name: str, model_dir: str | Path) -> Path:
    """Return the newest weight file of the newest run of a configuration.

    Raises:
        FileNotFoundError: if there is none; names the folder.
    """
    # The name and nothing but the time: "coco" is not "coco_people".
    pattern = re.compile(re.escape(name.lower()) + r"\d{8}T\d{4}")
    root = Path(model_dir)
    folders = root.iterdir() if root.is_dir() else ()
    runs = sorted(f for f in folders if f.is_dir() and pattern.fullmatch(f.name))
    if not runs:
        raise FileNotFoundError(
            errno.ENOENT, f"No run of the configuration {name!r} is in", str(root)
        )
    files = sorted(runs[-1].glob("mask_rcnn_*.h5"))
    if not files:
        raise FileNotFoundError(errno.ENOENT, "No weight file is in", str(runs[-1]))
    return files[-1]


class EpochWeights(keras.callbacks.Callback):
    """Writes the weights after every epoch, whole or not at all."""

    def __init__(self, path: str) -> None:
        """Take the files' path, with "{epoch:04d}" for the epoch, counted from 1."""
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the file of this epoch."""
        save_weights(self.model, self.path.format(epoch=epoch + 1))


def recorders(checkpoint_path: str) -> list[keras.callbacks.Callback]:
    """Return what writes a weight file an epoch, and logs for TensorBoard beside it.

    Without TensorBoard installed there are no logs. The folder is made.
    """
    folder = Path(checkpoint_path).parent
    folder.mkdir(parents=True, exist_ok=True)
    weights = EpochWeights(checkpoint_path)
    if importlib.util.find_spec("tensorboard") is None:
        print("TensorBoard is not installed: losses are not logged for it.")
        return [weights]
    return [weights, keras.callbacks.TensorBoard(str(folder), write_graph=False)]
