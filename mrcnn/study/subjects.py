"""What the study prunes: networks, and the images they are trained and measured on."""

from pathlib import Path
from typing import NamedTuple

from mrcnn.config import Config
from mrcnn.data.shapes import ShapesDataset
from mrcnn.presets import (
    SHAPES_TEST_SEED,
    SHAPES_TRAIN_SEED,
    SHAPES_TRAINING,
    SHAPES_VALIDATION_SEED,
    Profile,
    ShapesConfig,
)

ROOT = Path(__file__).resolve().parents[2]

IMAGES: dict[str, int] = {
    "test": SHAPES_TEST_SEED,
    "validation": SHAPES_VALIDATION_SEED,
}
"""Seeds of the images on which runs are measured: methods are made on the validation
images, and judged on the test images."""

MEASURED_IMAGES = 1600
"""Four times fewer left the order of methods to the choice of images: one and the same
pair of methods was two per cent apart on one set, and the other way round on another.
"""


class HarderShapesConfig(ShapesConfig):
    """Shapes from 12 pixels on, turned, low in contrast, on clouds and noise."""

    RPN_ANCHOR_SCALES = (14, 24, 40, 64, 96)


class ResNet50ShapesConfig(ShapesConfig):
    """The same heads on a backbone of many times the weights."""

    BACKBONE = "resnet50"


class Subject(NamedTuple):
    """A network, its images, and the training that gives its dense checkpoint."""

    config: Config
    dense: Profile = SHAPES_TRAINING
    harder: bool = False  # images

    def training_images(self) -> ShapesDataset:
        """Return what dense and pruned networks are trained on."""
        return ShapesDataset(
            self.dense.train_images, seed=SHAPES_TRAIN_SEED, harder=self.harder
        )

    def measured_images(self, images: str) -> ShapesDataset:
        """Return what runs are measured on, for a key of `IMAGES`."""
        return ShapesDataset(MEASURED_IMAGES, seed=IMAGES[images], harder=self.harder)


SUBJECTS: dict[str, Subject] = {
    "compact": Subject(ShapesConfig()),
    "harder": Subject(HarderShapesConfig(), harder=True),
    "resnet50": Subject(ResNet50ShapesConfig(), SHAPES_TRAINING._replace(epochs=8)),
}
"""The first is the study proper. On harder images its metrics are not saturated, and
the last is another network, of ten times the weights."""


def ledger_path(subject: str = "compact", images: str = "test") -> Path:
    """Return where the book keeps the results of a subject's runs.

    Args:
        subject: a key of `SUBJECTS`.
        images: a key of `IMAGES`.
    """
    return ROOT / "book" / "results" / f"study_{subject}_{images}.jsonl"


def checkpoint_path(subject: str = "compact") -> Path:
    """Return a subject's dense weights: as shipped, or as the study trains them."""
    if subject == "compact":
        return ROOT / "mrcnn" / "checkpoints" / "shapes.h5"
    return ROOT / "outputs" / "study" / f"{subject}.h5"
