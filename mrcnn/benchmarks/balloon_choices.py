"""What helps on few and small data, tried on drawn balloons in pairs of seeds.

    python -m mrcnn.benchmarks.balloon_choices FOLDER [--seeds 0 1 2] [--only NAME ...]

Each choice differs in one thing from the balloon network that the book trains in
minutes (`QuickBalloonConfig`, `CHOICES_TRAINING`). All learn from the pictures of
`mrcnn.benchmarks.balloons`, which FOLDER has or gets, and are measured on the
validation pictures of `datasets/balloons.zip`. Of one seed, weights, order and samples
begin alike. Repeated, the command goes on with the rows that are left.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mrcnn import build, training
from mrcnn.benchmarks.accuracy import RESULTS
from mrcnn.benchmarks.balloon_trials import (
    HeadByOverlap,
    Pointed,
    ProposalsByOverlap,
)
from mrcnn.benchmarks.balloons import KINDS, drawn, embedded, measures
from mrcnn.benchmarks.rows import Row, measure_all
from mrcnn.benchmarks.timing import environment
from mrcnn.config import Config, with_settings
from mrcnn.data import augment
from mrcnn.data.copy_paste import CopyPaste
from mrcnn.data.splitting import Part, spread
from mrcnn.evaluation import collect
from mrcnn.hardware import seed_everything
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import CHOICES_TRAINING, QuickBalloonConfig
from mrcnn.structures import Augmentation
from mrcnn.views import Views

OUT = RESULTS / "balloon_choices.json"
COLOURS = augment.colour_jitter(hue=0.5)
BOOK = "the book's"
"""The choice that all others are compared with."""
LOOKS = {
    "seen mirrored too": Views(flip=True),
    "seen mirrored and larger too": Views(flip=True, sides=(384, 512)),
}
"""How the book's network is looked through once more: a choice without a training."""


class Choice(NamedTuple):
    """What one network has otherwise than the book's."""

    settings: Mapping[str, Any] = {}
    augmentation: Augmentation = augment.for_balloons()
    paste: CopyPaste | None = None
    kinds: Sequence[str] = KINDS
    pictures: int = CHOICES_TRAINING.train_images
    epochs: int = CHOICES_TRAINING.epochs
    model: type[MaskRCNN] = MaskRCNN

    def config(self) -> Config:
        """Return the configuration of the network."""
        return with_settings(QuickBalloonConfig(), self.settings)


def _sized(side: int) -> Mapping[str, Any]:
    """Return the settings for another size of image, with anchors to fit."""
    usual = QuickBalloonConfig()
    factor = side / usual.IMAGE_MAX_DIM
    scales = tuple(round(scale * factor) for scale in usual.RPN_ANCHOR_SCALES)
    sides = dict.fromkeys(("IMAGE_MIN_DIM", "IMAGE_MAX_DIM"), side)
    return {**sides, "RPN_ANCHOR_SCALES": scales}


CHOICES = {
    BOOK: Choice(),
    "160 pictures": Choice(pictures=160),
    "plain pictures only": Choice(kinds=("plain",)),
    "varied pictures only": Choice(kinds=("varied",)),
    "no change of scale": Choice(augmentation=augment.compose(augment.flip, COLOURS)),
    "large-scale jitter": Choice(
        augmentation=augment.compose(
            augment.flip, augment.large_scale_jitter(), COLOURS
        )
    ),
    "copy-paste": Choice(paste=CopyPaste()),
    "averaged weights": Choice({"EMA_MOMENTUM": 0.99}),
    "1,600 steps": Choice(epochs=2 * CHOICES_TRAINING.epochs),
    "512 pixels": Choice(_sized(512)),
    "640 pixels": Choice(_sized(640)),
    "masks of 28 x 28": Choice({"MASK_POOL_SIZE": 14}),
    "masks not blurred": Choice({"DETECTION_MASK_SMOOTHING": 0}),
    "16 masks an image": Choice({"MASK_ROIS_PER_IMAGE": 16}),
    "outlines by points": Choice(model=Pointed),
    "box head by GIoU": Choice(model=HeadByOverlap),
    "box head and proposals by GIoU": Choice(model=ProposalsByOverlap),
}


def trained(folder: Path, choice: Choice, seed: int) -> tuple[MaskRCNN, float]:
    """Return the network of a choice, and the CPU seconds of its training.

    Args:
        folder: has or gets the pictures.
        choice: of `CHOICES`, or another.
        seed: of weights, order, augmentation and samples.
    """
    config, pictures = choice.config(), drawn(folder, choice.kinds)
    seed_everything(seed)
    model = build.model(config, seed=seed, model_class=choice.model)
    batches = build.batches(
        config,
        Part(pictures, spread(pictures.num_images, choice.pictures)),
        steps=CHOICES_TRAINING.steps,
        shuffle=True,
        seed=seed,
        augmentation=choice.augmentation,
        paste=choice.paste,
    )
    started = time.process_time()
    training.fit(
        model,
        batches,
        stages=[build.stage(config, choice.epochs)],
        optimizer=partial(build.optimizer, config),
    )
    return model, time.process_time() - started


def measured(folder: Path, row: Row) -> Row:
    """Train the choice of a row with its seed, and return the rest of the row."""
    choice = CHOICES[row["name"]]
    model, seconds = trained(folder, choice, row["seed"])
    test = embedded(folder)

    def look(views: Views | None = None) -> Row:
        return measures(collect(model, test, views=views), test.class_names)

    looks = LOOKS if row["name"] == BOOK else {}
    return {
        "cpu_seconds": seconds,
        "steps": choice.epochs * CHOICES_TRAINING.steps,
        **look(),
        "looks": {name: look(views) for name, views in looks.items()},
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
