"""What makes a training, as data: its checkpoint refuses to be another's."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath, PureWindowsPath
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
        others: arguments of it that count too.
    """
    origin = {
        "mrcnn": mrcnn.__version__,
        "model": {
            "seed": model.seed,
            "precision": model.precision,
            "settings": as_data(model.settings),
        },
        "train": _batches(train),
        "validation": _batches(validation) if validation else None,
        "stages": [
            {
                "layers": stage.layers,
                "epochs": stage.epochs,
                "optimizer": _made(optimizer, stage, stage.epochs * len(train)),
            }
            for stage in stages
        ],
        **others,
    }
    return json.loads(json.dumps(origin, default=_plain))


def _made(optimizer: Callable, stage: Stage, steps: int) -> Any:
    made = optimizer(learning_rate(stage, steps))
    try:
        described = keras.optimizers.serialize(made)
    except NotImplementedError:  # a schedule or optimizer of a user's own
        return type(made).__qualname__
    described["config"].pop("name", None)  # Keras counts them, such as "adam_2"
    return described


def _batches(batches: Batches) -> dict[str, Any]:
    """Return what decides about the images of batches and their order."""
    augmentation = batches.augmentation
    return {
        "dataset": fingerprint(batches.dataset),
        "preprocessing": as_data(batches.preprocessing),
        "augmentation": augmentation and _plain(augmentation),
        "not_augmented": sorted(batches.not_augmented),
        **{
            name: getattr(batches, name)
            for name in ("batch_size", "instances", "mini_mask_shape", "steps")
        },
        "shuffle": batches.shuffle,
        "seed": batches.seed,
    }


def fingerprint(dataset: Dataset) -> str:
    """Return a short hash of a data set's classes, and of all it says of its images."""
    digest = hashlib.sha256()
    for info in (*dataset.class_info, *dataset.image_info):
        named = {name: _without_folder(value) for name, value in info.items()}
        digest.update(json.dumps(named, default=_plain, skipkeys=True).encode())
    return f"{len(dataset.image_info)} images, {digest.hexdigest()[:12]}"


def _without_folder(value: Any) -> Any:
    """Return the last part of a path, and anything else as it is."""
    path = isinstance(value, str | PurePath)
    return PureWindowsPath(value).name if path else value  # which knows / and \\


def _plain(value: Any) -> Any:
    """Return as JSON has it what JSON does not know; of code, its name."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return getattr(value, "__qualname__", type(value).__qualname__)


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
