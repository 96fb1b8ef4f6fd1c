"""The models of the frontier: dense, pruned by channels, and small from the start."""

import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import keras

from mrcnn import build, export, runtimes, training, weights
from mrcnn.config import Config
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import prepare
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import SHAPES_TRAIN_SEED, DeployedShapesConfig
from mrcnn.pruning.surgery import load_plan
from mrcnn.study.channels import prune_channels
from mrcnn.study.run import from_scratch
from mrcnn.study.subjects import SUBJECTS, checkpoint_path

SUBJECT = SUBJECTS["compact"]
DEPLOYED = DeployedShapesConfig()

FOLDER = Path(
    f"outputs/frontier_{DEPLOYED.POST_NMS_ROIS_INFERENCE}_proposals"
    f"_{DEPLOYED.DETECTION_MAX_INSTANCES}_detections"
)
"""Named after the slots: files of another configuration are not taken for these."""

STEPS = 1000
"""The budget of each pruned model in training steps, gradients included."""

CALIBRATION = 200
"""Images on which 8-bit ranges are measured."""

TIMED_EPOCHS, TIMED_STEPS = 4, 25
"""Of training, by which the speeds of two networks are compared."""


class Entry(NamedTuple):
    """A model, by the part of the dense model's work that is left to it."""

    part: float  # see `pruning.selection.Work`; 1 for the dense model itself
    control: bool = False  # the pruned model's widths, trained from random weights

    def __str__(self) -> str:
        """Return a name for tables and folders, such as "pruned to 0.25"."""
        if self.part == 1:
            return "dense"
        return f"{'from scratch at' if self.control else 'pruned to'} {self.part}"

    def saved(self, what: str) -> Path:
        """Return a file of the model, such as "model.onnx"."""
        return FOLDER / str(self) / what

    @property
    def weights(self) -> Path:
        """The file of its weights; the dense model's are shipped."""
        return checkpoint_path() if self.part == 1 else self.saved("model.h5")

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


def make(entry: Entry) -> None:
    """Train and export a model, as far as that has not been done.

    A control needs the plan of the pruned model of the same size. It is not exported:
    in other programs it costs what that model costs.
    """
    entry.saved("").mkdir(parents=True, exist_ok=True)
    if not entry.weights.exists():
        print(f"training: {entry}", file=sys.stderr, flush=True)
        train = _control if entry.control else _pruned
        # Half precision, as the dense weights are shipped: sizes can be compared.
        weights.save_weights(train(entry), entry.weights, dtype="float16")
    if not entry.control:
        _export(entry)


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

    A step of the smaller network is shorter: it takes more of them.
    """
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


def _export(entry: Entry) -> None:
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
