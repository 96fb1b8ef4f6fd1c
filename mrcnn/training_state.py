"""The whole state of a training in one file, from which it goes on as if never stopped.

A checkpoint is a weight file (`mrcnn.weights`) with more in it. Only `Record` writes
one, and a training reads it only where it begins.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import h5py
import keras
import numpy as np

from mrcnn.files import locked, remove_leftovers
from mrcnn.hdf5 import (
    WeightFileError,
    inside,
    numbers,
    plain_dataset,
    readable,
    reading,
    walk,
    write_hdf5,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.notices import listed, quoted
from mrcnn.training_origin import differences
from mrcnn.weights import load_weights, weighted_layers, write_weights

STATE_GROUP = "training_state"

History = dict[str, list[float]]

WAY_OUT = (
    "Train in another folder, or begin anew by resume=False (in a command, --restart); "
    "load_weights takes its weights into a new training."
)


class Progress(NamedTuple):
    """How far a training is."""

    stage: int  # its index
    epoch: int  # how many are done, those before this training included
    stopped: bool = False  # no epoch of the stage is left, such as after early stopping
    over: bool = False  # and what ends a stage is done, such as going back to the best


class TrainingState(NamedTuple):
    """What a training remembers beside weights, optimizer and random seeds."""

    origin: Mapping[str, Any]  # what made it, see `training_origin`
    progress: Progress
    history: History
    callbacks: Mapping[str, Mapping[str, np.ndarray]]  # by name, see `resumable`


def save_checkpoint(model: MaskRCNN, path: str | Path, state: TrainingState) -> None:
    """Write weights, and all that a training needs to go on as if never interrupted.

    That is the optimizer's variables, every random seed of the model, the weights of
    the losses, and `state`. The file is a weight file too: `load_weights` reads it.

    Raises:
        ValueError: if a number of the model or the optimizer is none or infinite.
        OSError: if the file cannot be written, such as on a full disk.
    """
    with write_hdf5(path) as file:
        write_weights(model, file, "float32")
        group = file.create_group(STATE_GROUP)
        told = json.dumps([state.origin, state.progress, state.history])
        group.create_dataset("told", data=np.frombuffer(told.encode(), np.uint8))
        callbacks = group.create_group("callbacks")
        for name, arrays in state.callbacks.items():
            tree = callbacks.create_group(name)
            for key, array in arrays.items():
                tree.create_dataset(key, data=array)
        variables = group.create_group("variables")
        for i, variable in enumerate(_variables(model)):
            value = readable(variable, variable.dtype, variable.path)
            variables.create_dataset(str(i), data=value)


def read_state(path: str | Path) -> TrainingState:
    """Return the state that `save_checkpoint` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightFileError: if the file cannot be read or holds no training state.
    """
    path = Path(path)
    with reading(path) as file:
        group = _state_group(file, path)
        told = numbers(plain_dataset(group, "told", path), path)
        named = inside(group, "callbacks", path)
        callbacks = {name: _read_tree(named, name, path) for name in named}
    try:
        origin, progress, history = json.loads(told.tobytes())
        return TrainingState(
            dict(origin),
            Progress(*map(int, progress)),
            {name: list(map(float, values)) for name, values in history.items()},
            callbacks,
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightFileError(
            f"{path} is no checkpoint of this version ({error}). {WAY_OUT}"
        ) from None


def _state_group(file: h5py.File, path: Path) -> h5py.Group:
    if STATE_GROUP not in set(file):
        raise WeightFileError(
            f"{path} holds weights but no training state; use load_weights to "
            "start a new training from it."
        )
    return inside(file, STATE_GROUP, path)


def _read_tree(group: h5py.Group, name: str, path: Path) -> dict[str, np.ndarray]:
    tree = inside(group, name, path)
    return {place: numbers(array, path) for place, array in walk(tree, path)}


def load_checkpoint(model: MaskRCNN, path: str | Path) -> None:
    """Restore into a compiled model what `save_checkpoint` wrote of it.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightFileError: if the file holds no training state, or another optimizer's.
    """
    path, variables = Path(path), _variables(model)
    with reading(path) as file:
        group = inside(_state_group(file, path), "variables", path)
        saved = [plain_dataset(group, str(i), path) for i in range(len(group))]
        if [array.shape for array in saved] != [tuple(v.shape) for v in variables]:
            raise WeightFileError(
                f"{path}: the optimizer's state does not fit this model's; resume with "
                "the stages and the optimizer that the training began with."
            )
        values = [numbers(array, path) for array in saved]
    load_weights(model, path)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _variables(model: MaskRCNN) -> list[keras.Variable]:
    """Return all that changes in a training beside weights: random seeds too."""
    layers = weighted_layers(model)
    weights = {id(weight) for layer in layers for weight in layer.weights}
    others = [v for v in model.variables if id(v) not in weights]
    return [*model.optimizer.variables, *others]


@runtime_checkable
class Resumable(Protocol):
    """A callback whose state goes into the checkpoints, and comes back from them.

    It may have a method `origin` too, which returns what it was made with: a checkpoint
    refuses to go on with another, see `training_origin`.
    """

    def state(self) -> dict[str, np.ndarray]:
        """Return all that the callback must remember."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""


class Record(keras.callbacks.Callback):
    """The one owner of a training's state: keeps it, writes it, takes it up again.

    It comes last among the callbacks, so that it sees what the others did. It writes
    after each epoch, and once more when a stage is over: early stopping may have gone
    back to the best weights then.

    Attributes:
        origin: what makes the training, see `training_origin`.
        progress: how far the training is.
        history: numbers of its epochs.
    """

    def __init__(
        self, path: Path | None, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        """Stand before the first stage.

        Args:
            path: of the checkpoint; None writes nothing.
            callbacks: all others.
        """
        super().__init__()
        self.path, self.callbacks = path, resumable(callbacks)
        self.origin: Mapping[str, Any] = {}
        self.progress = Progress(-1, 0, over=True)
        self.history: History = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from training in the folder; see `files.locked`.

        What a process that was killed has left half-written there is removed.
        """
        if self.path is None:
            yield
            return
        with locked(self.path):
            remove_leftovers(self.path)
            yield

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Note the epoch and its numbers."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(_number(value, name))
        self._write(epoch=epoch + 1, stopped=bool(self.model.stop_training))

    def end_stage(self) -> None:
        """Note that a stage is over, with all that ended it."""
        self._write(over=True)

    def _write(self, **changes: Any) -> None:
        self.progress = self.progress._replace(**changes)
        if self.path:
            states = {n: _state_of(each, n) for n, each in self.callbacks.items()}
            state = TrainingState(self.origin, self.progress, self.history, states)
            save_checkpoint(self.model, self.path, state)

    def read(self) -> TrainingState:
        """Return the state in the checkpoint.

        Raises:
            ValueError: if it is another training's, such as one with other callbacks;
                see also `read_state`.
        """
        state = read_state(self.path)
        if found := differences(self.origin, state.origin):
            raise ValueError(
                f"{self.path} is of another training:\n{listed(found)}\n{WAY_OUT}"
            )
        return state

    def restore(self, model: MaskRCNN, state: TrainingState) -> None:
        """Take up what `read` returned, into a model compiled for its stage too."""
        load_checkpoint(model, self.path)
        for name, callback in self.callbacks.items():
            callback.restore(state.callbacks[name])
        self.progress, self.history = state.progress, state.history
        print(f"Resuming after epoch {state.progress.epoch} from {self.path.name}.")


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"A callback reports {name!r} as {quoted(value)} in the logs of an epoch: "
            "report numbers there, and keep anything else in the callback."
        ) from None


def resumable(
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict[str, Resumable]:
    """Return the callbacks that have a state, by names that repeat."""
    with_state = [each for each in callbacks if isinstance(each, Resumable)]
    return {
        f"{type(getattr(each, 'callback', each)).__name__}_{i}": each
        for i, each in enumerate(with_state, 1)
    }


def _state_of(callback: Resumable, name: str) -> dict[str, np.ndarray]:
    """Return a callback's state; TypeError if it could not be read back."""
    state = callback.state()
    for key, value in state.items():
        array = np.asarray(value)
        named = isinstance(key, str) and all(key.split("/"))
        if not named or array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(
                f"The state of {name} has {quoted(value)} as {key!r}: give real "
                "numbers of at most 8 bytes under names, such as NumPy's arrays."
            )
    return state
