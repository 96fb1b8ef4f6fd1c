"""Channels removed within a budget of training."""

import math
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mrcnn import build, training, weights
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.budget import (
    CALIBRATION_SEED,
    affordable_updates,
    left_for_training,
    ramp,
    retraining,
)
from mrcnn.pruning.channel_pruner import ChannelPruner
from mrcnn.pruning.methods import BY_TASK
from mrcnn.pruning.saliency import gradient_cost
from mrcnn.pruning.schedules import check
from mrcnn.pruning.surgery import Plan, shrink
from mrcnn.structures import Augmentation

LOSSES = BY_TASK
"""Whose gradients decide apart which channels go."""

BATCHES = 2
"""Of gradients for each choice."""


class Narrowed(NamedTuple):
    """A network without some of its channels."""

    model: MaskRCNN
    config: Config
    plan: Plan


def prune_channels(
    config: Config,
    train: Dataset,
    checkpoint: str | Path | None,
    part: float,
    *,
    steps: int,
    seed: int = 0,
    augmentation: Augmentation | None = None,
) -> Narrowed:
    """Take a trained network, shut channels while it trains on, and remove them.

    Args:
        config: of the network.
        train: images to train on, and to measure gradients on.
        checkpoint: its weights; None starts from random ones.
        part: of its work that remains, see `selection.Work`.
        steps: the whole budget, gradients for the choice of channels included.
        seed: of data order and sampled RoIs.
        augmentation: of the training images.

    Raises:
        ValueError: if choosing channels takes the whole budget.
    """
    model = build.model(config, seed=seed)
    if checkpoint:
        weights.load_weights(model, checkpoint)
    cost = gradient_cost(LOSSES, BATCHES)
    updates = affordable_updates(steps, cost)
    steps = left_for_training(steps, math.ceil(updates * cost), "Pruning of channels")
    schedule = ramp(1 - part, steps, updates)
    check(schedule, steps)
    batches = partial(
        build.batches, config, train, shuffle=True, augmentation=augmentation
    )
    pruner = ChannelPruner(
        build.channels(config),
        schedule,
        batches(seed=seed + CALIBRATION_SEED),
        losses=LOSSES,
        batches=BATCHES,
    )
    training.fit(
        model,
        batches(steps=steps, seed=seed),
        stages=[retraining(config)],
        optimizer=partial(build.optimizer, config),
        callbacks=[pruner],
        verbose=0,
    )
    return Narrowed(*shrink(model, config, pruner.plan), pruner.plan)
