"""How well balloons are found in photographs, and what that rests on.

    python -m mrcnn.benchmarks.photographs FOLDER [--real FOLDER] [--seeds 0 1 2]

Ways to a network (`WAYS`), each measured twice: on the 13 photographs of "val" after
training on the 61 of "train"; and on all 74, each by one of five networks that have
seen the other four fifths only. Photographs are looked at once, and in several views
(`VIEWS`). That they are resized to 640 pixels goes back to a comparison with 384 on the
13; nothing else was chosen on any of them. Trained weights stay in FOLDER, rows in the
results: repeated, the command goes on where it was interrupted.

The photographs are fetched by `python -m mrcnn.data.fetch`.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mrcnn import build, pretrained, training, weights
from mrcnn.benchmarks.accuracy import RESULTS, ROOT
from mrcnn.benchmarks.balloons import measures
from mrcnn.benchmarks.rows import Row, measure_all
from mrcnn.benchmarks.timing import environment
from mrcnn.data import augment
from mrcnn.data.balloon import SUBSETS, BalloonDataset
from mrcnn.data.dataset import Dataset
from mrcnn.data.splitting import Part
from mrcnn.evaluation import collect
from mrcnn.evaluation.bootstrap import interval, resampled_headline
from mrcnn.evaluation.scenes import Scene
from mrcnn.hardware import seed_everything
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import PHOTOGRAPHS_TRAINING, PhotographsConfig
from mrcnn.views import Views

FOLDS = 5
WAYS = ("drawn", "photographs", "drawn, then photographs")
"""What a network has learnt from, from random weights on."""
VIEWS = Views(flip=True, sides=(640, 896))
"""The size of the training and a larger one: many balloons are small."""
OUT = RESULTS / "photographs.json"


def load(folder: Path) -> tuple[BalloonDataset, list[tuple[np.ndarray, np.ndarray]]]:
    """Return all photographs, and ids to train and to measure on.

    First those of the official split, then those of the folds.
    """
    dataset, counts = BalloonDataset(), []
    for subset in SUBSETS:
        dataset.load_balloon(folder, subset)
        counts.append(len(dataset.image_info))
    dataset.prepare()
    ids = dataset.image_ids
    shuffled = np.random.default_rng(0).permutation(ids)
    parts = [np.sort(part) for part in np.array_split(shuffled, FOLDS)]
    folds = [(np.setdiff1d(ids, part), part) for part in parts]
    return dataset, [(ids[: counts[0]], ids[counts[0] :]), *folds]


def learns(way: str) -> bool:
    """Return whether a way leads over photographs."""
    return way.endswith("photographs")


def train(way: str, dataset: Dataset, seed: int, folder: Path) -> MaskRCNN:
    """Return a network that has gone a way, as it was or is kept in a folder.

    Args:
        way: of `WAYS`.
        dataset: photographs to train on.
        seed: of weights, order, augmentation and samples.
        folder: of checkpoints and weights.
    """
    config, plan = PhotographsConfig(), PHOTOGRAPHS_TRAINING
    seed_everything(seed)
    model = build.model(config, seed=seed)
    if way.startswith("drawn"):
        print(weights.load_weights(model, pretrained.shipped("balloon")))
    if not learns(way):
        return model
    batches = build.batches(
        config,
        dataset,
        steps=plan.steps,
        shuffle=True,
        seed=seed,
        augmentation=augment.for_balloons(),
    )
    training.fit(
        model,
        batches,
        stages=[build.stage(config, plan.epochs)],
        optimizer=partial(build.optimizer, config),
        folder=folder,
    )
    return model


def look(
    way: str,
    dataset: Dataset,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    seed: int,
    folder: Path,
) -> tuple[list[Scene], list[Scene]]:
    """Return what the networks of all parts find in the photographs held back.

    In one look, and in several views.
    """
    once: list[Scene] = []
    several: list[Scene] = []
    for learnt, held in parts:
        own = folder / f"{way.replace(', ', ' ')} {seed} {'-'.join(map(str, held[:3]))}"
        model = train(way, Part(dataset, learnt), seed, own)
        once += collect(model, dataset, image_ids=held)
        several += collect(model, dataset, image_ids=held, views=VIEWS)
    return once, several


def resampled(scenes: Sequence[Scene], names: Sequence[str]) -> Row:
    """Return `measures`, and what other pictures would make of each task's number."""
    of_tasks = resampled_headline(scenes, names)
    intervals = {f"{task}_interval": interval(v) for task, v in of_tasks.items()}
    return {**measures(scenes, names), **intervals}


def measured(folder: Path, real: Path, row: Row) -> Row:
    """Go the way of a row with its seed and split, and return the rest of the row."""
    dataset, (official, *folds) = load(real)
    parts = [official] if row["split"] == "official" else folds
    once, several = look(row["name"], dataset, parts, row["seed"], folder)
    names, plan = dataset.class_names, PHOTOGRAPHS_TRAINING
    steps = plan.epochs * plan.steps if learns(row["name"]) else 0
    views = {"views": resampled(several, names)}
    return {"steps": steps, **resampled(once, names), **views}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for checkpoints and weights")
    parser.add_argument("--real", type=Path, default=ROOT / "datasets" / "balloon")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--splits", nargs="+", default=["official", "folds"])
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    wanted = [
        {"name": way, "split": split, "seed": seed}
        for split in args.splits
        for seed in args.seeds
        for way in args.ways
    ]
    work = partial(measured, args.folder, args.real)
    for row in measure_all(wanted, work, args.out, environment()):
        print(row)


if __name__ == "__main__":
    main()
