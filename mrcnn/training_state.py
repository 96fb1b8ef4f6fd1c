"""The whole state of a training in one file, from which it goes on as if never stopped.

A checkpoint is a weight file (`mrcnn.weights`) with more in it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import keras
import numpy as np

from mrcnn.files import atomic_path, read_json
from mrcnn.hdf5 import (
    WeightFileError,
    inside,
    numbers,
    plain_dataset,
    reading,
    walk,
    write_hdf5,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.weights import load_weights, write_weights

STATE_GROUP, CALLBACK_GROUP = "training_state", "callback_states"

History = dict[str, list[float]]


def save_checkpoint(
    model: MaskRCNN,
    path: str | Path,
    progress: dict[str, int],
    states: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Write weights, and all that a training needs to go on as if never interrupted.

    That is the optimizer's variables, the state of the sampling seed, the weights of
    the losses, `progress`, and the `states` of callbacks by their names. The file is a
    weight file too: `load_weights` reads it.
    """
    with write_hdf5(path) as file:
        write_weights(model, file, "float32")
        state = file.create_group(STATE_GROUP)
        for i, variable in enumerate(_state(model)):
            state.create_dataset(str(i), data=np.asarray(variable))
        for key, value in progress.items():
            state.attrs[key] = int(value)
        callbacks = file.create_group(CALLBACK_GROUP)
        for name, arrays in (states or {}).items():
            group = callbacks.create_group(name)
            for key, array in arrays.items():
                group.create_dataset(key, data=array)


def read_states(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the callbacks' states that `save_checkpoint` wrote, by their names."""
    path = Path(path)
    with reading(path) as file:
        callbacks = inside(file, CALLBACK_GROUP, path)
        states: dict[str, dict[str, np.ndarray]] = {name: {} for name in callbacks}
        for place, array in walk(callbacks, path):
            name, _, key = place.partition("/")
            states[name][key] = numbers(array, path)
        return states


def read_progress(path: str | Path) -> dict[str, int]:
    """Return the progress that `save_checkpoint` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightFileError: if the file cannot be read or holds no training state.
    """
    path = Path(path)
    with reading(path) as file:
        if STATE_GROUP not in set(file):
            raise WeightFileError(
                f"{path} holds weights but no training state; use load_weights to "
                "start a new training from it."
            )
        attributes = inside(file, STATE_GROUP, path).attrs
        return {key: int(value) for key, value in attributes.items()}


def read_history(path: Path, epochs: int) -> History:
    """Return the history that `Checkpoint` wrote, of so many epochs.

    It may hold one more: an interruption may have come between it and the checkpoint.

    Raises:
        ValueError: if it is gone, damaged or of another training; names the file and
            the way out.
    """
    fault = "" if path.is_file() else f"{path} is missing."
    try:
        history = {} if fault else read_json(path)
    except ValueError as error:
        fault = str(error)
    if not fault and not (
        isinstance(history, dict)
        and all(isinstance(values, list) for values in history.values())
        and len(history.get("loss", ())) >= epochs
    ):
        fault = f"{path} is no history of the {epochs} epochs that are done."
    if fault:
        raise ValueError(
            f"{fault} Put back the file that was written beside checkpoint.h5, train "
            "in another folder, or begin anew by resume=False."
        )
    return {name: values[:epochs] for name, values in history.items()}


def load_checkpoint(model: MaskRCNN, path: str | Path) -> dict[str, int]:
    """Restore what `save_checkpoint` wrote into a compiled model; return its progress.

    Raises:
        WeightFileError: if the file holds no training state, or another optimizer's.
    """
    path = Path(path)
    progress, variables = read_progress(path), _state(model)
    with reading(path) as file:
        group = inside(file, STATE_GROUP, path)
        saved = [plain_dataset(group, str(i), path) for i in range(len(group))]
        if [array.shape for array in saved] != [tuple(v.shape) for v in variables]:
            raise WeightFileError(
                f"{path}: the optimizer's state does not fit this model's; resume with "
                "the stages and the optimizer that the training began with."
            )
        state = [numbers(array, path) for array in saved]
    load_weights(model, path)
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)
    return progress


def _state(model: MaskRCNN) -> list[keras.Variable]:
    return [
        *model.optimizer.variables,
        model.sampling_seed.state,
        model.loss_weights,
    ]


@runtime_checkable
class Resumable(Protocol):
    """A callback whose state goes into the checkpoints, and comes back from them."""

    def state(self) -> dict[str, np.ndarray]:
        """Return all that the callback must remember."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""


class Checkpoint(keras.callbacks.Callback):
    """After every epoch, write what a resumed training needs, and the history."""

    def __init__(
        self,
        folder: Path,
        stage: int,
        history: History,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        super().__init__()
        self.folder, self.stage, self.history = folder, stage, history
        self.callbacks = resumable(callbacks)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        with atomic_path(self.folder / "history.json") as path:
            path.write_text(json.dumps(self.history, indent=1))
        progress = {"stage": self.stage, "epoch": epoch + 1}
        states = {name: each.state() for name, each in self.callbacks.items()}
        save_checkpoint(self.model, self.folder / "checkpoint.h5", progress, states)


def resumable(
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict[str, Resumable]:
    """Return the callbacks that have a state, by names that repeat."""
    return {
        f"{type(callback).__name__}_{i}": callback
        for i, callback in enumerate(callbacks)
        if isinstance(callback, Resumable)
    }
