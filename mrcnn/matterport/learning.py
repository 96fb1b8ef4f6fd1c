"""What `MaskRCNN.train` does: arguments are checked, then `mrcnn.training` learns."""

import math
from collections.abc import Callable, Collection
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from mrcnn import build, training
from mrcnn.callbacks import as_callbacks
from mrcnn.config import Config, checked
from mrcnn.data.annotations import check_dataset, check_same_classes
from mrcnn.data.dataset import Dataset
from mrcnn.matterport.keras_model import KerasModel
from mrcnn.matterport.runs import mention_later_files, recorders
from mrcnn.matterport.stale import take_up
from mrcnn.rates import Schedule


def learn(
    model: KerasModel,
    config: Config,
    train_dataset: Dataset,
    val_dataset: Dataset | None,
    *,
    learning_rate: float | Schedule,
    epochs: int,
    layers: str,
    augmentation: Any,
    custom_callbacks: Any,
    no_augmentation_sources: str | Collection[str] | None,
    seed: int,
    first_epoch: int,
    checkpoint_path: str,
    done: Callable[[int], None],
) -> None:
    """Train a model as `MaskRCNN.train` says.

    Args:
        model: of a session.
        config: what it was built from.
        train_dataset: see there, as for all others that are not named here.
        seed: of the order of images.
        first_epoch: how many epochs are done.
        checkpoint_path: of a run's weight files, see `runs.EpochWeights`.
        done: is called with the number of whole epochs.
    """
    _check_datasets(train_dataset, val_dataset)
    rate = _as_rate(learning_rate)
    _check_epochs(epochs)
    if epochs <= first_epoch:
        print(
            f"Nothing to train: {first_epoch} epochs are done, and epochs={epochs} "
            "is the total, not an increment."
        )
        return
    callbacks = as_callbacks(custom_callbacks)
    sources = _some_sources(no_augmentation_sources, train_dataset)
    mention_later_files(checkpoint_path, first_epoch)
    take_up(checked(config), model)
    batches = partial(build.batches, config, shuffle=True, seed=seed)
    stage = build.stage(config, epochs - first_epoch, layers)
    training.fit(
        model,
        batches(
            train_dataset,
            steps=config.STEPS_PER_EPOCH,
            augmentation=augmentation,
            not_augmented=sources,
        ),
        None
        if val_dataset is None
        else batches(val_dataset, steps=config.VALIDATION_STEPS),
        stages=[stage._replace(learning_rate=rate)],
        optimizer=partial(build.optimizer, config),
        callbacks=[*recorders(checkpoint_path, done), *callbacks],
        first_epoch=first_epoch,
        verbose=1,
    )


def _check_datasets(train_dataset: Any, val_dataset: Any) -> None:
    """Refuse what is no data set, and say if training is its own validation."""
    check_dataset(train_dataset, "train_dataset")
    if val_dataset is not None:
        check_dataset(val_dataset, "val_dataset")
        check_same_classes(train_dataset, val_dataset)
    if val_dataset is train_dataset:
        print(
            "val_dataset is train_dataset: val_loss says nothing about images that the "
            "model has not learnt from."
        )


def _check_epochs(epochs: Any) -> None:
    if not isinstance(epochs, int | np.integer) or isinstance(epochs, bool):
        raise TypeError(
            f"epochs is {epochs!r}: give the total number of epochs as a whole number."
        )
    if epochs < 0:
        raise ValueError(f"epochs is {epochs}: give the total, which is 1 or more.")


def _as_rate(learning_rate: Any) -> float | Schedule:
    """Return the learning rate as a number, or as one of Keras' schedules."""
    if isinstance(learning_rate, Schedule):
        return learning_rate
    if not isinstance(learning_rate, Real) or isinstance(learning_rate, bool):
        raise TypeError(
            f"learning_rate is {learning_rate!r}: give a number, such as "
            "config.LEARNING_RATE."
        )
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate is {learning_rate}: it must be above 0.")
    return float(learning_rate)


def _some_sources(
    sources: str | Collection[str] | None, dataset: Dataset
) -> Collection[str]:
    """Return sources that a user named, one or several or none; say which is none."""
    named = [sources] if isinstance(sources, str) else list(sources or ())
    known = {info["source"] for info in dataset.image_info}
    if unknown := [name for name in named if name not in known]:
        print(
            f"no_augmentation_sources names {', '.join(map(repr, unknown))}, but the "
            f"images come from {', '.join(map(repr, sorted(known)))}."
        )
    return named
