"""What makes a training, as data: its checkpoint refuses to be another's."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from types import FunctionType
from typing import Any

import keras
import numpy as np

import mrcnn
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.saving import as_data
from mrcnn.rates import Schedule, learning_rate
from mrcnn.structures import Stage


def describe(
    model: MaskRCNN,
    train: Batches,
    validation: Batches | None,
    stages: Sequence[Stage],
    optimizer: Callable[[float | Schedule], keras.optimizers.Optimizer],
    callbacks: Mapping[str, Any],
    **others: Any,
) -> dict[str, Any]:
    """Return all that decides about the numbers of a training, as JSON has it.

    The same on every machine and in every process: of paths only the names count, and
    of what is no plain data, such as a function, only its own name.

    Args:
        model: seed, precision and settings count, not its weights.
        train: batches to learn from.
        validation: to measure on.
        stages: of the training.
        optimizer: see `training.fit`.
        callbacks: those with a state, by name. What one returns as `origin` counts.
        others: arguments of it that count too.
    """
    origin = {
        "mrcnn": mrcnn.__version__,
        "model": {
            "seed": model.seed,
            "precision": model.precision,
            "settings": as_data(model.settings),
        },
        "train": train,
        "validation": validation,
        "stages": [
            {
                "layers": stage.layers,
                "epochs": stage.epochs,
                "optimizer": _made(optimizer, stage, stage.epochs * len(train)),
            }
            for stage in stages
        ],
        "callbacks": {
            name: each.origin() if hasattr(each, "origin") else "given"
            for name, each in callbacks.items()
        },
        **others,
    }
    return json.loads(json.dumps(origin, default=_plain))


def _made(optimizer: Callable, stage: Stage, steps: int) -> Any:
    made = optimizer(learning_rate(stage, steps))
    try:
        described = keras.optimizers.serialize(made)
    except NotImplementedError:  # a schedule or optimizer of a user's own
        return type(made).__qualname__
    return _nameless(described)


def _nameless(tree: Any) -> Any:
    """Return data without names, which Keras counts, such as "adam_2"."""
    if not isinstance(tree, Mapping):
        return tree
    return {key: _nameless(value) for key, value in tree.items() if key != "name"}


def _batches(batches: Batches) -> dict[str, Any]:
    """Return what decides about the images of batches and their order."""
    return {
        "dataset": fingerprint(batches.dataset),
        "preprocessing": as_data(batches.preprocessing),
        "augmentation": batches.augmentation,
        "not_augmented": sorted(batches.not_augmented),
        "paste": batches.paste and as_data(batches.paste),
        **{
            name: getattr(batches, name)
            for name in ("batch_size", "instances", "mini_mask_shape", "steps")
        },
        "shuffle": batches.shuffle,
        "seed": batches.seed,
    }


def fingerprint(dataset: Dataset) -> str:
    """Return a short hash of a data set's classes, and of all it says of its images."""
    encode = json.JSONEncoder(default=_digested, skipkeys=True).encode
    digest = hashlib.sha256()
    for info in (*dataset.class_info, *dataset.image_info):
        for name, value in info.items():
            try:
                text = encode([name, value])
            except (ValueError, RecursionError):  # it leads back to itself
                text = encode([name, type(value)])
            digest.update(_without_folders(text).encode())
    return f"{len(dataset.image_info)} images, {digest.hexdigest()[:12]}"


def _without_folders(text: str) -> str:
    """Return JSON of whose paths only the last parts are left."""
    if "/" not in text and "\\" not in text:
        return text
    return re.sub(r'"[^"]*(?:/|\\\\)', '"', text)


def _digested(value: Any) -> Any:
    """Return what `_plain` does, but a hash of what may be large, such as pixels."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        content = np.ascontiguousarray(value).tobytes()
        return [str(value.dtype), value.shape, hashlib.sha256(content).hexdigest()]
    if isinstance(value, bytes | bytearray):
        return hashlib.sha256(value).hexdigest()
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return as JSON has it what JSON does not know; of code, its name.

    This package's own functions hold what they were made with: a jitter its factors, a
    chain its links.
    """
    if isinstance(value, Batches):
        return _batches(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    name = getattr(value, "__qualname__", type(value).__qualname__)
    if isinstance(value, FunctionType) and value.__module__.startswith("mrcnn."):
        return [name, *(cell.cell_contents for cell in value.__closure__ or ())]
    return name


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return where two origins differ, such as "train.seed is 0 here and 1 there"."""
    here, there = dict(_leaves(ours)), dict(_leaves(theirs))
    names = [*here, *(name for name in there if name not in here)]
    return [
        f"{name} is {here.get(name)!r} here and {there.get(name)!r} there"
        for name in names
        if here.get(name) != there.get(name)
    ]


def _leaves(tree: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and tree:
        pairs = tree.items()
    elif isinstance(tree, list) and any(isinstance(each, Mapping) for each in tree):
        pairs = enumerate(tree, 1)
    else:
        yield place, tree
        return
    for name, value in pairs:
        yield from _leaves(value, f"{place}.{name}" if place else str(name))
