"""The balloon network that the project ships: trained on drawn pictures.

    python -m mrcnn.benchmarks.balloons FOLDER [--seed 0]

draws pictures that no set of the book contains, plain and varied ones, trains the
compact network on them from random weights (`BalloonConfig`, `DRAWN_TRAINING`), and
measures it on the validation pictures of `datasets/balloons.zip`. All that it makes
lies in FOLDER; repeated, the command goes on where it was interrupted. `balloon.h5`
there is what `mrcnn/checkpoints` has.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mrcnn import build, training, weights
from mrcnn.benchmarks.accuracy import RESULTS, ROOT
from mrcnn.benchmarks.rows import Row, measure_all
from mrcnn.benchmarks.timing import environment
from mrcnn.config import Config
from mrcnn.data import augment
from mrcnn.data.archive import extract
from mrcnn.data.balloon import BalloonDataset, load_balloons
from mrcnn.data.dataset import Dataset
from mrcnn.data.synthetic import write_set
from mrcnn.evaluation import boundary_ap, collect, outline_distance
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Scene
from mrcnn.hardware import best_policy, seed_everything
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import DRAWN_TRAINING, BalloonConfig
from mrcnn.structures import Stage
from mrcnn.training_state import History

DRAWN_SEED = 1
"""Of the pictures to train on; the embedded set has 0."""
KINDS = ("plain", "varied")
"""Of scenes: those of `mrcnn.data.synthetic` and of `mrcnn.data.varied`."""
OUT = RESULTS / "balloon_drawn.json"


def drawn(folder: Path, kinds: Sequence[str] = KINDS) -> BalloonDataset:
    """Return the pictures to train on; they are drawn if the folder lacks them.

    Args:
        folder: has or gets a set of each kind.
        kinds: of `KINDS`, which are as many pictures each.
    """
    dataset = BalloonDataset()
    for kind in kinds:
        if not (folder / kind).exists():
            write_set(
                folder / kind,
                train=DRAWN_TRAINING.train_images // len(KINDS),
                val=0,
                size=BalloonConfig.IMAGE_MAX_DIM,
                seed=DRAWN_SEED,
                varied_scenes=kind == "varied",
            )
        dataset.load_balloon(folder / kind, "train")
    dataset.prepare()
    return dataset


def embedded(folder: Path) -> BalloonDataset:
    """Return the validation pictures of the set that the project ships."""
    place = extract(ROOT / "datasets" / "balloons.zip", folder / "balloons")
    return load_balloons(place, "val")


def train(folder: Path, seed: int) -> tuple[MaskRCNN, float]:
    """Return the network trained on drawn pictures, and the seconds it took.

    Args:
        folder: of the pictures and checkpoints; what it has is not made again.
        seed: of weights, order, augmentation and samples.
    """
    config, plan = BalloonConfig(), DRAWN_TRAINING
    pictures = drawn(folder)
    seed_everything(seed)
    model = build.model(config, seed=seed)
    place = folder / f"training_{seed}"
    stages = [build.stage(config, plan.epochs)]
    history = teach(model, config, pictures, plan.steps, stages, place)
    return model, sum(history["seconds"])


def teach(
    model: MaskRCNN,
    config: Config,
    pictures: Dataset,
    steps: int,
    stages: Sequence[Stage],
    folder: Path,
) -> History:
    """Train a model on balloons in the order of its seed, or go on where it was.

    Args:
        model: of the configuration.
        config: of batches and optimizer.
        pictures: to learn from, in batches that are augmented.
        steps: of an epoch.
        stages: of the training.
        folder: of its checkpoints.

    Returns:
        What `training.fit` returns.
    """
    batches = build.batches(
        config,
        pictures,
        steps=steps,
        shuffle=True,
        seed=model.seed,
        augmentation=augment.for_balloons(),
    )
    optimizer = partial(build.optimizer, config)
    return training.fit(
        model, batches, stages=stages, optimizer=optimizer, folder=folder
    )


def measures(scenes: Sequence[Scene], names: Sequence[str]) -> Row:
    """Return COCO's measures and those of outlines, as a row.

    Args:
        scenes: of `mrcnn.evaluation.collect`.
        names: of the classes, background first.
    """
    box, mask = (average_precision(scenes, names, task) for task in ("box", "mask"))
    outlines = outline_distance(scenes)
    return {
        "images": len(scenes),
        "objects": sum(len(scene.truth) for scene in scenes),
        "box_ap": box.ap,
        "box_ap50": box.ap50,
        "mask_ap": mask.ap,
        "mask_ap50": mask.ap50,
        "boundary_ap": boundary_ap(scenes, names).ap,
        "outline_pixels": outlines.mean,
        "outline_relative": outlines.mean_relative,
        "missed": outlines.missed,
    }


def measured(folder: Path, row: Row) -> Row:
    """Train with the seed of a row, keep the weights, return the rest of the row."""
    model, seconds = train(folder, row["seed"])
    weights.save_weights(model, folder / "balloon.h5", dtype="float16")
    test, plan = embedded(folder), DRAWN_TRAINING
    return {
        "seconds": seconds,
        "steps": plan.epochs * plan.steps,
        "precision": best_policy(),
        **measures(collect(model, test), test.class_names),
    }


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for pictures, checkpoints, weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    wanted = [{"name": "drawn", "seed": args.seed}]
    print(measure_all(wanted, partial(measured, args.folder), args.out, environment()))


if __name__ == "__main__":
    main()
