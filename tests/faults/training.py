"""A small training with all that a training remembers, to be killed at any moment.

It goes on from what the folder holds and ends with `weights.h5` and `history.json` in
it.
"""

import json
from functools import partial
from pathlib import Path

import keras

from mrcnn import build, training
from mrcnn.data import augment
from mrcnn.data.shapes import ShapesDataset
from mrcnn.presets import ShapesConfig
from mrcnn.pruning import METHODS, Pruner, Schedule
from mrcnn.structures import Stage
from mrcnn.weights import save_weights
from tests.tiny import TinyConfig

STAGES = [Stage("heads", 6, 0.05), Stage("all", 3, 0.01)]


class SmallConfig(TinyConfig):
    """With the optimizer of the book, which has more to remember."""

    OPTIMIZER, WEIGHT_DECAY = ShapesConfig.OPTIMIZER, ShapesConfig.WEIGHT_DECAY
    EMA_MOMENTUM, GRADIENT_ACCUMULATION_STEPS = 0.9, 3


def train(folder: Path) -> None:
    """Train with patience, two stages, a plateau and pruning; write what came out."""
    config = SmallConfig()
    batches = partial(
        build.batches, config, ShapesDataset(6, height=64, width=64, seed=7), steps=2
    )
    model = build.model(config, seed=3, precision="float32")
    pruner = Pruner(
        METHODS["TBP"],
        Schedule(target=0.8, start=1, end=9, updates=4),
        batches(seed=6),
        seed=1,
    )
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", patience=1)
    history = training.fit(
        model,
        batches(shuffle=True, augmentation=augment.flip, seed=5),
        batches(),
        stages=STAGES,
        optimizer=partial(build.optimizer, config),
        folder=folder,
        patience=1,
        callbacks=[plateau, pruner],
        verbose=0,
    )
    save_weights(model, folder / "weights.h5")
    del history["seconds"]
    (folder / "history.json").write_text(json.dumps(history))


def calm() -> None:
    """Let this process compute the same numbers each time, without a graph."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
        tf.config.run_functions_eagerly(True)  # a graph costs more than a few steps
