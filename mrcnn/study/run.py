"""One run of the study: from the dense checkpoint to the metrics of a pruned model."""

import math
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mrcnn import build, training, weights
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import evaluate
from mrcnn.hardware import best_policy
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import (
    SHAPES_TEST_SEED,
    SHAPES_TRAIN_SEED,
    ShapesConfig,
)
from mrcnn.pruning import Pruner, masks_of, prunable_layers, sparsity
from mrcnn.pruning.schedules import check
from mrcnn.study.cells import Cell
from mrcnn.tasks import Task

TRAIN_IMAGES, TEST_IMAGES = 2000, 400
CALIBRATION_SEED = 10_000
"""Added to a run's seed, so that gradients see other batches than the training does."""

BATCH_SIZE = 8  # of detection


def run_cell(cell: Cell, checkpoint: str | Path) -> dict[str, Any]:
    """Prune, train and measure; return plain numbers for the ledger.

    Args:
        cell: which run.
        checkpoint: weights of the dense Shapes model.
    """
    config = ShapesConfig()
    started = time.perf_counter()
    model = build.model(config, seed=cell.seed)
    weights.load_weights(model, checkpoint)
    train = ShapesDataset(TRAIN_IMAGES, seed=SHAPES_TRAIN_SEED)
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
        build.batches(
            config, train, steps=cell.training_steps, shuffle=True, seed=cell.seed
        ),
        stages=[build.stage(config, 1)],
        optimizer=partial(build.optimizer, config),
        callbacks=callbacks,
        verbose=0,
    )
    trained = time.perf_counter()
    found = masks_of(prunable_layers(model))
    return {
        **cell._asdict(),
        "training_steps": cell.training_steps,
        "measured_sparsity": sparsity(found),
        "layer_density": {name: float(mask.mean()) for name, mask in found.items()},
        **_metrics(model),
        "precision": best_policy(),
        "training_seconds": trained - started,
        "seconds": time.perf_counter() - started,
    }


def dense_metrics(checkpoint: str | Path) -> dict[str, Any]:
    """Return the metrics of the dense checkpoint, against which drops are counted."""
    model = build.model(ShapesConfig())
    weights.load_weights(model, checkpoint)
    return _metrics(model)


def _metrics(model: MaskRCNN) -> dict[str, Any]:
    test = ShapesDataset(TEST_IMAGES, seed=SHAPES_TEST_SEED)
    report = evaluate(model, test, batch_size=BATCH_SIZE)
    return {
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
