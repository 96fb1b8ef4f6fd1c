"""How well balloons are found in photographs, and what that rests on.

    python -m mrcnn.benchmarks.photographs FOLDER --backbone FILE [--real FOLDER]
        [--seeds 0 1 2] [--ways ...] [--splits ...]

Ways to a network (`WAYS`), each measured twice: on the 13 photographs of "val" after
training on the 61 of "train"; and on all 74, each by one of five networks that have
seen the other four fifths only. Photographs are looked at once, and in several views
(`VIEWS`). That they are resized to 640 pixels goes back to a comparison with 384 on the
13; nothing else was chosen on any of them. Trained weights stay in FOLDER, rows in the
results: repeated, the command goes on where it was interrupted.

FILE is what `mrcnn backbone` writes, for the ways that begin with ImageNet
(`mrcnn.benchmarks.balloons_pretrained`). Drawn pictures for one of them lie in FOLDER
too, where `mrcnn.benchmarks.balloons` may have left them. The photographs are fetched
by `python -m mrcnn.data.fetch`.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mrcnn import build, pretrained, weights
from mrcnn.benchmarks import balloons_pretrained
from mrcnn.benchmarks.accuracy import RESULTS, ROOT
from mrcnn.benchmarks.balloons import measures, teach
from mrcnn.benchmarks.rows import Row, measure_all
from mrcnn.benchmarks.timing import environment
from mrcnn.config import Config
from mrcnn.data.balloon import SUBSETS, BalloonDataset
from mrcnn.data.dataset import Dataset
from mrcnn.data.splitting import Part
from mrcnn.evaluation import collect
from mrcnn.evaluation.bootstrap import interval, resampled_headline
from mrcnn.evaluation.scenes import Scene
from mrcnn.hardware import seed_everything
from mrcnn.hdf5 import WeightFileError
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import PHOTOGRAPHS_TRAINING, PhotographsConfig
from mrcnn.structures import Stage
from mrcnn.views import Views

FOLDS = 5
SPLITS = ("official", "folds")


class Way(NamedTuple):
    """What a network has learnt from, one after the other."""

    imagenet: bool = False
    """Its backbone, see `balloons_pretrained`; else weights begin at random."""
    drawn: bool = False
    photographs: bool = True


WAYS = {
    "drawn": Way(drawn=True, photographs=False),
    "photographs": Way(),
    "drawn, then photographs": Way(drawn=True),
    "ImageNet, then photographs": Way(imagenet=True),
    "ImageNet, drawn, then photographs": Way(imagenet=True, drawn=True),
}
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


def configured(way: Way) -> Config:
    """Return the configuration of a way's network."""
    config = PhotographsConfig()
    return balloons_pretrained.on_backbone(config) if way.imagenet else config


def stages(way: Way) -> list[Stage]:
    """Return the stages of a way over photographs, which all have as many steps."""
    config, epochs = configured(way), PHOTOGRAPHS_TRAINING.epochs
    if way.imagenet:
        return balloons_pretrained.stages(config, epochs)
    return [build.stage(config, epochs)]


def begun(way: Way, seed: int, folder: Path, backbone: Path | None) -> MaskRCNN:
    """Return the network of a way before it sees a photograph.

    Args:
        way: of `WAYS`.
        seed: of weights that begin at random.
        folder: has or gets what follows from drawn pictures on `backbone`.
        backbone: the file for a way that begins with ImageNet.
    """
    learnt = None
    if way.drawn and way.imagenet:
        learnt = balloons_pretrained.after_drawn(folder, backbone)
    elif way.drawn:
        learnt = pretrained.shipped("balloon")
    seed_everything(seed)
    if way.imagenet and not learnt:
        return balloons_pretrained.begun(configured(way), backbone, seed)
    model = build.model(configured(way), seed=seed)
    if learnt:
        print(weights.load_weights(model, learnt))
    return model


def look(
    name: str,
    dataset: Dataset,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    seed: int,
    folder: Path,
    backbone: Path | None,
) -> tuple[list[Scene], list[Scene]]:
    """Return what the networks of all parts find in the photographs held back.

    In one look, and in several views.
    """
    once: list[Scene] = []
    several: list[Scene] = []
    way, steps = WAYS[name], PHOTOGRAPHS_TRAINING.steps
    for learnt, held in parts:
        own = (
            folder / f"{name.replace(', ', ' ')} {seed} {'-'.join(map(str, held[:3]))}"
        )
        model = begun(way, seed, folder, backbone)
        if way.photographs:
            pictures, plan = Part(dataset, learnt), stages(way)
            teach(model, configured(way), pictures, steps, plan, own)
        once += collect(model, dataset, image_ids=held)
        several += collect(model, dataset, image_ids=held, views=VIEWS)
    return once, several


def resampled(scenes: Sequence[Scene], names: Sequence[str]) -> Row:
    """Return `measures`, and what other pictures would make of each task's number."""
    of_tasks = resampled_headline(scenes, names)
    intervals = {f"{task}_interval": interval(v) for task, v in of_tasks.items()}
    return {**measures(scenes, names), **intervals}


def measured(folder: Path, real: Path, backbone: Path | None, row: Row) -> Row:
    """Go the way of a row with its seed and split, and return the rest of the row."""
    dataset, (official, *folds) = load(real)
    parts = [official] if row["split"] == "official" else folds
    once, several = look(row["name"], dataset, parts, row["seed"], folder, backbone)
    names, plan = dataset.class_names, PHOTOGRAPHS_TRAINING
    steps = plan.epochs * plan.steps if WAYS[row["name"]].photographs else 0
    views = {"views": resampled(several, names)}
    return {"steps": steps, **resampled(once, names), **views}


def fault(ways: Sequence[str], backbone: Path | None) -> str | None:
    """Return what is wrong with the file of the backbone, if some way needs it."""
    needing = [name for name in ways if WAYS[name].imagenet]
    if not needing:
        return None
    if backbone is None:
        return (
            f"--backbone is missing, and {needing[0]!r} begins with it: give the file "
            "that `mrcnn backbone` writes, or other --ways."
        )
    try:
        balloons_pretrained.begun(configured(WAYS[needing[0]]), backbone, seed=0)
    except (FileNotFoundError, WeightFileError) as error:
        return str(error)
    return None


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for checkpoints and weights")
    parser.add_argument("--real", type=Path, default=ROOT / "datasets" / "balloon")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
    parser.add_argument("--backbone", type=Path, help="weights of ImageNet")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    if wrong := fault(args.ways, args.backbone):
        parser.error(wrong)
    wanted = [
        {"name": way, "split": split, "seed": seed}
        for split in args.splits
        for seed in args.seeds
        for way in args.ways
    ]
    work = partial(measured, args.folder, args.real, args.backbone)
    for row in measure_all(wanted, work, args.out, environment()):
        print(row)


if __name__ == "__main__":
    main()
