"""One run of the study: from the dense checkpoint to the metrics of a pruned model."""

import math
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mrcnn import build, training, weights
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.evaluation import evaluate
from mrcnn.files import sha256
from mrcnn.hardware import best_policy
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning import Pruner, masks_of, prunable_layers, sparsity
from mrcnn.pruning.budget import CALIBRATION_SEED
from mrcnn.pruning.schedules import check
from mrcnn.structures import Augmentation
from mrcnn.study.cells import SMALLER, Cell
from mrcnn.study.smaller import as_small_as
from mrcnn.study.subjects import SUBJECTS, Subject
from mrcnn.tasks import Task
from mrcnn.training_state import History

BATCH_SIZE = 8  # of detection


class Pruned(NamedTuple):
    """A model after a run, and what happened on the way."""

    model: MaskRCNN
    pruner: Pruner | None  # None for the controls that prune nothing
    history: History


def prune(
    cell: Cell,
    config: Config,
    train: Dataset,
    checkpoint: str | Path | None,
    *,
    epochs: int = 1,
    augmentation: Augmentation | None = None,
) -> Pruned:
    """Take a trained model, prune it while it trains on, and return it.

    Args:
        cell: method, sparsity, seed and budget.
        config: of the model.
        train: images to train on, and to measure gradients on.
        checkpoint: weights to start from; None starts from random ones.
        epochs: into which the training is divided; what is left over is not trained.
        augmentation: of the training images.
    """
    model = build.model(config, seed=cell.seed)
    if checkpoint:
        weights.load_weights(model, checkpoint)
    batches = partial(
        build.batches, config, train, shuffle=True, augmentation=augmentation
    )
    pruner = None
    if cell.method_used:
        check(cell.schedule, cell.training_steps // epochs * epochs)
        calibration = batches(seed=cell.seed + CALIBRATION_SEED)
        pruner = Pruner(cell.method_used, cell.schedule, calibration, seed=cell.seed)
    history = training.fit(
        model,
        batches(steps=cell.training_steps // epochs, seed=cell.seed),
        stages=[cell.stage(config, epochs)],
        optimizer=partial(build.optimizer, config),
        callbacks=[pruner] if pruner else [],
        verbose=0,
    )
    return Pruned(model, pruner, history)


def run_cell(
    cell: Cell, subject: str, checkpoint: str | Path, images: str
) -> dict[str, Any]:
    """Prune, train and measure; return plain numbers for the ledger.

    Args:
        cell: which run.
        subject: what is pruned, a key of `SUBJECTS`.
        checkpoint: its dense weights.
        images: on which to measure, a key of `IMAGES`.
    """
    started = time.perf_counter()
    studied = SUBJECTS[subject]
    if cell.method == SMALLER:
        config = as_small_as(studied.config, cell.sparsity)
        steps = studied.dense.epochs * studied.dense.steps + cell.steps
        model = from_scratch(config, studied, steps, cell.seed)
    else:
        steps = cell.training_steps
        model = prune(cell, studied.config, studied.training_images(), checkpoint).model
    trained = time.perf_counter()
    found = masks_of(prunable_layers(model))
    return {
        **cell._asdict(),
        "training_steps": steps,
        "weights": sum(int(mask.sum()) for mask in found.values()),
        "measured_sparsity": sparsity(found),
        "layer_density": {name: float(mask.mean()) for name, mask in found.items()},
        "checkpoint": sha256(checkpoint),
        **_metrics(model, studied, images),
        "precision": best_policy(),
        "training_seconds": trained - started,
        "seconds": time.perf_counter() - started,
    }


def from_scratch(
    config: Config, subject: Subject, steps: int, seed: int = 0
) -> MaskRCNN:
    """Train a network of random weights on a subject's images, and return it.

    Args:
        config: of the network, the subject's or a narrower one.
        subject: whose training images.
        steps: of training.
        seed: of weights, data order and sampled RoIs.
    """
    model = build.model(config, seed=seed)
    training.fit(
        model,
        build.batches(
            config, subject.training_images(), steps=steps, shuffle=True, seed=seed
        ),
        stages=[build.stage(config, 1)],
        optimizer=partial(build.optimizer, config),
        verbose=0,
    )
    return model


def train_dense(subject: str, checkpoint: str | Path) -> None:
    """Train a subject's dense network and write its weights."""
    studied = SUBJECTS[subject]
    steps = studied.dense.epochs * studied.dense.steps
    model = from_scratch(studied.config, studied, steps)
    Path(checkpoint).parent.mkdir(parents=True, exist_ok=True)
    weights.save_weights(model, checkpoint)


def dense_metrics(subject: str, checkpoint: str | Path, images: str) -> dict[str, Any]:
    """Return the metrics of the dense checkpoint, against which drops are counted."""
    studied = SUBJECTS[subject]
    model = build.model(studied.config)
    weights.load_weights(model, checkpoint)
    return {"checkpoint": sha256(checkpoint), **_metrics(model, studied, images)}


def _metrics(model: MaskRCNN, subject: Subject, images: str) -> dict[str, Any]:
    report = evaluate(model, subject.measured_images(images), batch_size=BATCH_SIZE)
    return {
        "images": images,
        "headline": _plain(report.headline),
        "isolated": _plain(report.isolated_headline),
        "proposal_recall": report.proposal_recall,
    }


def _plain(metrics: Mapping[Task, float]) -> dict[str, float | None]:
    """Return metrics for JSON, with None where there was nothing to measure."""
    return {
        str(task): None if math.isnan(value) else float(value)
        for task, value in metrics.items()
    }
