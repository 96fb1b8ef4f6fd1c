"""What the network for Shapes reaches, seed by seed, as data.

    python -m mrcnn.benchmarks.accuracy shapes [--seeds 0 1 2] [--quick] [--out FILE]

The compact network from random weights (`SHAPES_TRAINING`), measured on 200 images that
no training saw. A run that the file already holds is not done again, and each is
written as soon as it ends: an interrupted command continues when it is repeated.
"""

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

from mrcnn import build, training, weights
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import evaluate
from mrcnn.files import atomic_path, locked, read_json
from mrcnn.hardware import best_policy
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import (
    QUICK_SHAPES_TRAINING,
    SHAPES_TEST_SEED,
    SHAPES_TRAIN_SEED,
    SHAPES_TRAINING,
    QuickShapesConfig,
    ShapesConfig,
)

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "book" / "results"


def _measures(model: MaskRCNN, dataset: Dataset) -> dict[str, float]:
    report = evaluate(model, dataset, batch_size=1)
    return {
        "box_ap": report.box.ap,
        "box_ap50": report.box.ap50,
        "mask_ap": report.mask.ap,
        "mask_ap50": report.mask.ap50,
        "class_accuracy": report.class_accuracy,
    }


def _read(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {"runs": []}


def _append(path: Path, run: dict[str, Any]) -> None:
    """Add a run to the file, and the summary of all runs of the same name."""
    with locked(path):  # a second benchmark may add to it, too
        results = _read(path)
        results["runs"].append(run)
        by_name: dict[str, list[dict[str, Any]]] = {}
        for known in results["runs"]:
            by_name.setdefault(known["name"], []).append(known)
        results["rows"] = [_summary(name, runs) for name, runs in by_name.items()]
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(results, indent=1) + "\n")


def _summary(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over seeds, and sample standard deviations as `..._std`."""
    row: dict[str, Any] = {"name": name, "seeds": len(runs)}
    keys = ("box_ap", "box_ap50", "mask_ap", "mask_ap50", "class_accuracy", "seconds")
    for key in keys:
        values = [run[key] for run in runs if key in run]
        if not values:
            continue
        row[key] = statistics.fmean(values)
        row[f"{key}_std"] = statistics.stdev(values) if len(values) > 1 else None
    return row


def _missing(path: Path, name: str, seed: int) -> bool:
    """Return whether a run is still to be done, and say so."""
    found = any((r["name"], r["seed"]) == (name, seed) for r in _read(path)["runs"])
    print(f"{name}, seed {seed}: {'already measured' if found else 'to do'}")
    return not found


def shapes(
    seeds: list[int],
    out: Path,
    keep: Path | None = None,
    quick: bool = False,
) -> None:
    """Train and measure the Shapes model once for each seed.

    Args:
        seeds: of weights, data order and sampling.
        out: the results.
        keep: folder for the trained weights; None throws them away.
        quick: whether to stop at an AP of 0.90, and to get there by fewer masks a step.
    """
    config, plan = ShapesConfig(), SHAPES_TRAINING
    if quick:
        config, plan = QuickShapesConfig(), QUICK_SHAPES_TRAINING
    for seed in seeds:
        if not _missing(out, "shapes", seed):
            continue
        train = ShapesDataset(plan.train_images, seed=SHAPES_TRAIN_SEED)
        test = ShapesDataset(plan.test_images, seed=SHAPES_TEST_SEED)
        model = build.model(config, seed=seed)
        started = time.perf_counter()
        training.fit(
            model,
            build.batches(config, train, steps=plan.steps, shuffle=True, seed=seed),
            stages=[build.stage(config, plan.epochs)],
            optimizer=partial(build.optimizer, config),
        )
        seconds = time.perf_counter() - started
        if keep:
            weights.save_weights(model, keep / f"shapes_{seed}.h5", dtype="float16")
        run = {
            "name": "shapes",
            "seed": seed,
            "seconds": seconds,
            "steps": plan.epochs * plan.steps,
            "precision": best_policy(),
            "parameters": sum(
                layer.count_params() for layer in weights.weighted_layers(model)
            ),
            "images": plan.test_images,
            **_measures(model, test),
        }
        _append(out, run)
        print(json.dumps(run))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("shapes",))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS / "shapes.json")
    parser.add_argument("--keep", type=Path, help="folder for the trained weights")
    parser.add_argument("--quick", action="store_true", help="Shapes to AP 0.90 only")
    args = parser.parse_args()
    shapes(args.seeds, args.out, args.keep, args.quick)


if __name__ == "__main__":
    main()
