"""What helps on few and small data, tried on drawn balloons in pairs of seeds.

    python -m mrcnn.benchmarks.balloon_choices FOLDER [--seeds 0 1 2] [--only NAME ...]

Each choice differs from the balloon network of the book (`BalloonConfig`,
`CHOICES_TRAINING`) in one thing. All learn from the pictures of
`mrcnn.benchmarks.balloons`, which FOLDER has or gets, and are measured on the
validation pictures of `datasets/balloons.zip`. Of one seed, weights, order and samples
begin alike. Repeated, the command goes on with the rows that are left.
"""

import argparse
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mrcnn import build, training
from mrcnn.benchmarks.accuracy import RESULTS
from mrcnn.benchmarks.balloons import drawn, embedded, measures
from mrcnn.benchmarks.rows import Row, measure_all
from mrcnn.benchmarks.timing import environment
from mrcnn.config import with_settings
from mrcnn.data import augment
from mrcnn.data.copy_paste import CopyPaste
from mrcnn.data.splitting import Part, spread
from mrcnn.evaluation import collect
from mrcnn.hardware import seed_everything
from mrcnn.presets import CHOICES_TRAINING, BalloonConfig
from mrcnn.structures import Augmentation

OUT = RESULTS / "balloon_choices.json"
COLOURS = augment.colour_jitter(hue=0.5)


class Choice(NamedTuple):
    """What one network has otherwise than the book's."""

    settings: Mapping[str, Any] = {}
    augmentation: Augmentation = augment.for_balloons()
    paste: CopyPaste | None = None
    pictures: int = CHOICES_TRAINING.train_images


def _sized(side: int) -> Mapping[str, Any]:
    """Return the settings for another size of image, with anchors to fit."""
    scales = [round(s * side / 512) for s in BalloonConfig.RPN_ANCHOR_SCALES]
    sides = dict.fromkeys(("IMAGE_MIN_DIM", "IMAGE_MAX_DIM"), side)
    return {**sides, "RPN_ANCHOR_SCALES": tuple(scales)}


CHOICES = {
    "the book's": Choice(),
    "200 pictures": Choice(pictures=200),
    "384 pixels": Choice(_sized(384)),
    "640 pixels": Choice(_sized(640)),
    "masks of 28 x 28": Choice({"MASK_POOL_SIZE": 14}),
    "16 masks an image": Choice({"MASK_ROIS_PER_IMAGE": 16}),
    "averaged weights": Choice({"EMA_MOMENTUM": 0.99}),
    "no change of scale": Choice(augmentation=augment.compose(augment.flip, COLOURS)),
    "large-scale jitter": Choice(
        augmentation=augment.compose(
            augment.flip, augment.large_scale_jitter(), COLOURS
        )
    ),
    "copy-paste": Choice(paste=CopyPaste()),
}


def measured(folder: Path, row: Row) -> Row:
    """Train the choice of a row with its seed, and return the rest of the row."""
    choice, plan, seed = CHOICES[row["name"]], CHOICES_TRAINING, row["seed"]
    config = with_settings(BalloonConfig(), choice.settings)
    pictures = drawn(folder)
    seed_everything(seed)
    model = build.model(config, seed=seed)
    batches = build.batches(
        config,
        Part(pictures, spread(pictures.num_images, choice.pictures)),
        steps=plan.steps,
        shuffle=True,
        seed=seed,
        augmentation=choice.augmentation,
        paste=choice.paste,
    )
    started = time.process_time()
    training.fit(
        model,
        batches,
        stages=[build.stage(config, plan.epochs)],
        optimizer=partial(build.optimizer, config),
    )
    seconds, test = time.process_time() - started, embedded(folder)
    return {
        "cpu_seconds": seconds,
        "steps": plan.epochs * plan.steps,
        **measures(collect(model, test), test.class_names),
    }


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for pictures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    wanted = [{"name": name, "seed": seed} for seed in args.seeds for name in args.only]
    for row in measure_all(
        wanted, partial(measured, args.folder), args.out, environment()
    ):
        print(row)


if __name__ == "__main__":
    main()
