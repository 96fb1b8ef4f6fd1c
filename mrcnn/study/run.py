"""One run of the study: from the dense checkpoint to the metrics of a pruned model."""

import math
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras

from mrcnn import build, training, weights
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import evaluate
from mrcnn.hardware import best_policy
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import (
    SHAPES_TEST_SEED,
    SHAPES_TRAIN_SEED,
    SHAPES_VALIDATION_SEED,
    ShapesConfig,
    profile,
)
from mrcnn.pruning import Pruner, masks_of, prunable_layers, sparsity
from mrcnn.pruning.schedules import check
from mrcnn.study.cells import SMALLER, Cell
from mrcnn.study.smaller import as_small_as
from mrcnn.tasks import Task

DENSE = profile("shapes", "cpu")
"""The training that gave the dense checkpoint."""

MEASURED_IMAGES = 400

IMAGES: dict[str, int] = {
    "test": SHAPES_TEST_SEED,
    "validation": SHAPES_VALIDATION_SEED,
}
"""Seeds of the images on which runs are measured: methods are made on the validation
images, and judged on the test images."""

CALIBRATION_SEED = 10_000
"""Added to a run's seed, so that gradients see other batches than the training does."""

BATCH_SIZE = 8  # of detection


def run_cell(cell: Cell, checkpoint: str | Path, images: str) -> dict[str, Any]:
    """Prune, train and measure; return plain numbers for the ledger.

    Args:
        cell: which run.
        checkpoint: weights of the dense Shapes model.
        images: on which to measure, a key of `IMAGES`.
    """
    keras.backend.clear_session()  # a worker's earlier run
    config, steps, stage = ShapesConfig(), cell.training_steps, cell.stage
    if cell.method == SMALLER:
        config = as_small_as(config, cell.sparsity)
        steps += DENSE.epochs * DENSE.steps
        stage = partial(build.stage, epochs=1)
    started = time.perf_counter()
    model = build.model(config, seed=cell.seed)
    if cell.method != SMALLER:
        weights.load_weights(model, checkpoint)
    train = ShapesDataset(DENSE.train_images, seed=SHAPES_TRAIN_SEED)
    callbacks = []
    if cell.method_used:
        check(cell.schedule, cell.training_steps)
        calibration = build.batches(
            config, train, shuffle=True, seed=cell.seed + CALIBRATION_SEED
        )
        callbacks.append(
            Pruner(cell.method_used, cell.schedule, calibration, seed=cell.seed)
        )
    training.fit(
        model,
        build.batches(config, train, steps=steps, shuffle=True, seed=cell.seed),
        stages=[stage(config)],
        optimizer=partial(build.optimizer, config),
        callbacks=callbacks,
        verbose=0,
    )
    trained = time.perf_counter()
    found = masks_of(prunable_layers(model))
    return {
        **cell._asdict(),
        "training_steps": steps,
        "weights": sum(int(mask.sum()) for mask in found.values()),
        "measured_sparsity": sparsity(found),
        "layer_density": {name: float(mask.mean()) for name, mask in found.items()},
        **_metrics(model, images),
        "precision": best_policy(),
        "training_seconds": trained - started,
        "seconds": time.perf_counter() - started,
    }


def dense_metrics(checkpoint: str | Path, images: str) -> dict[str, Any]:
    """Return the metrics of the dense checkpoint, against which drops are counted."""
    model = build.model(ShapesConfig())
    weights.load_weights(model, checkpoint)
    return _metrics(model, images)


def _metrics(model: MaskRCNN, images: str) -> dict[str, Any]:
    dataset = ShapesDataset(MEASURED_IMAGES, seed=IMAGES[images])
    report = evaluate(model, dataset, batch_size=BATCH_SIZE)
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
