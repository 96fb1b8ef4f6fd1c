"""What the book's two models reach, seed by seed, as data.

    python -m mrcnn.benchmarks.accuracy shapes   [--seeds 0 1 2] [--out FILE]
    python -m mrcnn.benchmarks.accuracy balloons [--real FOLDER] [--out FILE]

Shapes: the compact network from random weights at profile "cpu", measured on 200 images
that no training saw. Balloons: the same network trained on the synthetic set, on the 61
real photographs, and on one after the other, each measured on the 13 real validation
photographs. A run that the file already holds is not done again, and each is written as
soon as it ends: an interrupted command continues when it is repeated.
"""

import argparse
import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from mrcnn import build, training, weights
from mrcnn.data import augment
from mrcnn.data.archive import extract
from mrcnn.data.balloon import load_balloons
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import evaluate
from mrcnn.files import atomic_path
from mrcnn.hardware import best_policy
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import (
    SHAPES_TEST_SEED,
    SHAPES_TRAIN_SEED,
    BalloonConfig,
    ShapesConfig,
    profile,
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
    return json.loads(path.read_text()) if path.is_file() else {"runs": []}


def _append(path: Path, run: dict[str, Any]) -> None:
    """Add a run to the file, and the summary of all runs of the same name."""
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
        values = [run[key] for run in runs]
        row[key] = statistics.fmean(values)
        row[f"{key}_std"] = statistics.stdev(values) if len(values) > 1 else None
    return row


def _missing(path: Path, name: str, seed: int) -> bool:
    """Return whether a run is still to be done, and say so."""
    found = any((r["name"], r["seed"]) == (name, seed) for r in _read(path)["runs"])
    print(f"{name}, seed {seed}: {'already measured' if found else 'training'}")
    return not found


def shapes(seeds: list[int], out: Path, keep: Path | None = None) -> None:
    """Train and measure the Shapes model once for each seed.

    Args:
        seeds: of weights, data order and sampling.
        out: the results.
        keep: folder for the trained weights; None throws them away.
    """
    config, plan = ShapesConfig(), profile("shapes", "cpu")
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


def balloons(real: Path, seeds: list[int], out: Path, keep: Path | None = None) -> None:
    """Train the balloon model in three ways and measure each on real photographs.

    Args:
        real: folder of the real set, with train/ and val/.
        seeds: of weights, data order and sampling.
        out: the results.
        keep: folder for the trained weights; None throws them away.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = extract(ROOT / "datasets" / "balloons.zip", Path(scratch) / "balloons")
        synthetic = load_balloons(folder, "train")
        photographs, test = load_balloons(real, "train"), load_balloons(real, "val")
        for seed in seeds:
            start = (keep or Path(scratch)) / f"balloon_synthetic_{seed}.h5"
            if _missing(out, "synthetic", seed) or not start.is_file():
                _balloon_run("synthetic", synthetic, test, seed, out, None, start)
            for name, weight_file in (
                ("real", None),
                ("synthetic, then real", start),
            ):
                if _missing(out, name, seed):
                    target = keep / f"balloon_{name[:4]}_{seed}.h5" if keep else None
                    _balloon_run(
                        name, photographs, test, seed, out, weight_file, target
                    )


def _balloon_run(
    name: str,
    train: Dataset,
    test: Dataset,
    seed: int,
    out: Path,
    start: Path | None,
    target: Path | None,
) -> None:
    """Train on one set from given weights; append the run, keep the weights."""
    config, plan = BalloonConfig(), profile("balloon", "cpu")
    model = build.model(config, seed=seed)
    if start:
        print(weights.load_weights(model, start))
    started = time.perf_counter()
    training.fit(
        model,
        build.batches(
            config,
            train,
            steps=plan.steps,
            shuffle=True,
            seed=seed,
            augmentation=augment.for_balloons(),
        ),
        stages=[build.stage(config, plan.epochs)],
        optimizer=partial(build.optimizer, config),
    )
    seconds = time.perf_counter() - started
    if target:
        weights.save_weights(model, target, dtype="float16")
    run = {
        "name": name,
        "seed": seed,
        "seconds": seconds,
        "steps": plan.epochs * plan.steps,
        "precision": best_policy(),
        "images": test.num_images,
        **_measures(model, test),
    }
    if _missing(out, name, seed):
        _append(out, run)
    print(json.dumps(run))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("shapes", "balloons"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--real", type=Path, default=ROOT / "datasets" / "balloon")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the trained weights")
    args = parser.parse_args()
    if args.what == "shapes":
        shapes(args.seeds, args.out or RESULTS / "shapes.json", args.keep)
    else:
        out = args.out or RESULTS / "balloon_real.json"
        balloons(args.real, args.seeds, out, args.keep)


if __name__ == "__main__":
    main()
