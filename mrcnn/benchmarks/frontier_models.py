"""The models of the frontier: dense, pruned by channels, and small from the start."""

import hashlib
import json
import sys
import time
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import keras

from mrcnn import build, export, runtimes, training, weights
from mrcnn.config import Config
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import prepare
from mrcnn.files import sha256
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import SHAPES_TRAIN_SEED, DeployedShapesConfig
from mrcnn.pruning import prune_channels
from mrcnn.pruning.surgery import load_plan
from mrcnn.study.cells import DENSE, Cell
from mrcnn.study.run import from_scratch, prune
from mrcnn.study.subjects import SUBJECTS, checkpoint_path

SUBJECT = SUBJECTS["compact"]
DEPLOYED = DeployedShapesConfig()

STEPS = 1000
"""The budget of each pruned model in training steps, gradients included."""

CALIBRATION = 200
"""Images on which 8-bit ranges are measured."""

TIMED_EPOCHS, TIMED_STEPS = 4, 25
"""Of training, by which the speeds of two networks are compared."""


@cache
def folder() -> Path:
    """Return where models are kept: another place for whatever else they are made from.

    The name is of the dense weights, the configuration and the budget. It knows nothing
    of the code: after a change of that, remove the folder.
    """
    made_from = {
        "dense": sha256(checkpoint_path()),
        "configuration": {k: str(v) for k, v in DEPLOYED.to_dict().items()},
        "training": str(SUBJECT.dense),
        "steps": STEPS,
    }
    text = json.dumps(made_from, sort_keys=True)
    return Path(f"outputs/frontier_{hashlib.sha256(text.encode()).hexdigest()[:12]}")


class Entry(NamedTuple):
    """A model, by the part of the dense model's work that is left to it."""

    part: float  # see `pruning.selection.Work`; 1 for the dense model itself
    control: bool = False
    """Not pruned: of the pruned model's widths, trained from random weights; or the
    dense model, trained on for as long as the others are pruned."""

    def __str__(self) -> str:
        """Return a name for tables and folders, such as "pruned to 0.25"."""
        if self.part == 1:
            return "dense, trained on" if self.control else "dense"
        return f"{'from scratch at' if self.control else 'pruned to'} {self.part}"

    def saved(self, what: str) -> Path:
        """Return a file of the model, such as "model.onnx"."""
        return folder() / str(self) / what

    @property
    def weights(self) -> Path:
        """The file of its weights; the dense model's are shipped."""
        return checkpoint_path() if self == DENSE_MODEL else self.saved("model.h5")

    @property
    def made(self) -> bool:
        """Whether its weights are there, and as new as the widths that they follow."""
        if not self.weights.exists():
            return False
        plan = Entry(self.part).saved("plan.json")
        return self.part == 1 or self.weights.stat().st_mtime >= plan.stat().st_mtime

    @property
    def config(self) -> Config:
        """Its configuration; that of a control comes from the pruned model's plan."""
        if self.part == 1:
            return DEPLOYED
        plan = load_plan(Entry(self.part).saved("plan.json"))
        return build.with_widths(DEPLOYED, plan.widths(build.channels(DEPLOYED)))

    def load(self, precision: str = "float32") -> MaskRCNN:
        """Return the model with its weights."""
        model = build.model(self.config, precision=precision)
        weights.load_weights(model, self.weights)
        return model


DENSE_MODEL = Entry(1.0)
TRAINED_ON = Entry(1.0, control=True)


def make(entry: Entry) -> None:
    """Train a model, unless that has been done.

    A control needs the plan of the pruned model of the same size.
    """
    entry.saved("").mkdir(parents=True, exist_ok=True)
    if not entry.made:
        print(f"training: {entry}", file=sys.stderr, flush=True)
        train = _control if entry.control else _pruned
        # Half precision, as the dense weights are shipped: sizes can be compared.
        weights.save_weights(train(entry), entry.weights, dtype="float16")


def _pruned(entry: Entry) -> MaskRCNN:
    narrowed = prune_channels(
        DEPLOYED,  # work is counted with the slots that are measured
        SUBJECT.training_images(),
        checkpoint_path(),
        entry.part,
        steps=STEPS,
    )
    narrowed.plan.save(entry.saved("plan.json"))
    return narrowed.model


def _control(entry: Entry) -> MaskRCNN:
    """Train for as long as the dense training and the pruning took together.

    A step of the smaller network is shorter: it takes more of them. The dense network
    has its training behind it, and trains on for the budget of the pruning.
    """
    if entry.part == 1:
        cell = Cell(DENSE, sparsity=0.0, seed=0, steps=STEPS)
        images = SUBJECT.training_images()
        return prune(cell, SUBJECT.config, images, checkpoint_path()).model
    steps = SUBJECT.dense.epochs * SUBJECT.dense.steps + STEPS
    faster = _step_seconds(SUBJECT.config) / _step_seconds(entry.config)
    print(f"{entry}: steps are {faster:.2f} times as fast", file=sys.stderr, flush=True)
    return from_scratch(entry.config, SUBJECT, round(steps * faster))


def _step_seconds(config: Config) -> float:
    """Return the seconds of a training step, the fastest epoch's, without the first."""
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    training.fit(
        build.model(config),
        build.batches(config, SUBJECT.training_images(), steps=TIMED_STEPS),
        stages=[build.stage(config, TIMED_EPOCHS)],
        optimizer=partial(build.optimizer, config),
        callbacks=[clock],
        verbose=0,
    )
    return min(end - start for start, end in pairwise(ends)) / TIMED_STEPS


def export_formats(entry: Entry) -> None:
    """Write what other programs lack or have of older weights: float32 and 8 bits."""
    model, exported = entry.load(), entry.saved("model.onnx")
    dataset = ShapesDataset(CALIBRATION, seed=SHAPES_TRAIN_SEED)
    images = [dataset.load_image(i) for i in dataset.image_ids]
    batches = [prepare(model, [image])[0] for image in images]
    shape = batches[0]["images"].shape[1:3]
    on_onnx = runtimes.quantize_for_onnx_runtime
    writers = {
        "model.onnx": lambda path: export.to_onnx(model, path, shape),
        "model.tflite": lambda path: export.to_litert(model, path, shape),
        "int8.onnx": lambda path: on_onnx(exported, path, batches),
        "int8.xml": lambda path: runtimes.quantize_for_openvino(
            exported, path, batches
        ),
    }
    for name, write in writers.items():
        path = entry.saved(name)
        if not path.exists() or path.stat().st_mtime < entry.weights.stat().st_mtime:
            write(path)
