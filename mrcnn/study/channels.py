"""Channels removed with the budget of a run of the study."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from mrcnn import build, training, weights
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.channel_pruner import ChannelPruner
from mrcnn.pruning.schedules import Schedule, check
from mrcnn.pruning.surgery import Plan, shrink
from mrcnn.study.cells import RAMP, UPDATES, WARMUP
from mrcnn.study.run import CALIBRATION_SEED


class Narrowed(NamedTuple):
    """A network without some of its channels."""

    model: MaskRCNN
    config: Config
    plan: Plan


def prune_channels(
    config: Config,
    train: Dataset,
    checkpoint: str | Path,
    part: float,
    *,
    steps: int,
    seed: int = 0,
) -> Narrowed:
    """Take a trained network, shut channels while it trains on, and remove them.

    Args:
        config: of the network.
        train: images to train on, and to measure gradients on.
        checkpoint: its weights.
        part: of its multiply-accumulates that remain.
        steps: of training.
        seed: of data order and sampled RoIs.
    """
    model = build.model(config, seed=seed)
    weights.load_weights(model, checkpoint)
    start, end = (round(share * steps) for share in RAMP)
    schedule = Schedule(1 - part, start, end, UPDATES)
    check(schedule, steps)
    batches = partial(build.batches, config, train, shuffle=True)
    pruner = ChannelPruner(
        build.channels(config), schedule, batches(seed=seed + CALIBRATION_SEED)
    )
    training.fit(
        model,
        batches(steps=steps, seed=seed),
        stages=[build.stage(config, 1)._replace(warmup_steps=WARMUP)],
        optimizer=partial(build.optimizer, config),
        callbacks=[pruner],
        verbose=0,
    )
    return Narrowed(*shrink(model, config, pruner.plan), pruner.plan)
