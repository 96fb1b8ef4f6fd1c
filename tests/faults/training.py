"""A small training with all that a training remembers, to be killed at any moment.

    python -m tests.faults.training FOLDER [--kill-at N]

It goes on from what the folder holds and ends with `weights.h5` and `history.json` in
it. With `--kill-at` the process kills itself before it opens, renames or removes a file
of the folder for the N-th time.
"""

import argparse
import json
import os
import signal
import sys
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
FILE_EVENTS = {"open", "os.rename", "os.remove", "os.truncate"}


class SmallConfig(TinyConfig):
    """With the optimizer of the book, which has more to remember."""

    OPTIMIZER, WEIGHT_DECAY = ShapesConfig.OPTIMIZER, ShapesConfig.WEIGHT_DECAY
    EMA_MOMENTUM, GRADIENT_ACCUMULATION_STEPS = 0.9, 3


def kill_process_at(folder: Path, count: int) -> None:
    """Let this process kill itself at its `count`-th use of a file of the folder."""
    left = count

    def hook(event: str, arguments: tuple) -> None:
        nonlocal left
        if event in FILE_EVENTS and str(folder) in str(arguments[0]):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


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


def run(folder: Path, kill_at: int | None = None) -> None:
    """Train in a folder, in this process, which may be killed on the way."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
        tf.config.run_functions_eagerly(True)  # a graph costs more than a few steps
    if kill_at:
        kill_process_at(folder.resolve(), kill_at)
    train(folder.resolve())


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kill-at", type=int)
    options = parser.parse_args()
    run(options.folder, options.kill_at)


if __name__ == "__main__":
    main()
