"""What all programs of `peers` do alike: works, their pictures, and their limits."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mrcnn.benchmarks.workloads import noise
from mrcnn.data.shapes import ShapesDataset
from mrcnn.ops.masks import boxes_of_masks

PROPOSALS = 1000
"""Of an image in detection, in every program; a threshold of 1 drops none for another,
so that random weights find as many as trained ones may."""
PROPOSAL_IOU, BOX_IOU = 1.0, 0.7
"""Above which a proposal or a detection gives way to a better one."""
BATCH, ROIS = 8, 32
"""Images of a training step, and regions that are sampled in each."""


class Work(NamedTuple):
    """One thing to do."""

    side: int  # pixels, of square images
    classes: int  # background included
    detections: int  # that an image has
    training: bool = False


WORKS = {
    "detect R50 128, 10 objects": Work(128, 1 + 3, 10),
    "detect R50 128, 100 objects": Work(128, 1 + 3, 100),
    "detect R50 1024, 10 objects": Work(1024, 1 + 80, 10),
    "detect R50 1024, 100 objects": Work(1024, 1 + 80, 100),
    "train R50 128": Work(128, 1 + 3, 100, training=True),
}
"""By name."""


def picture(side: int) -> np.ndarray:
    """Return the picture (side, side, 3) uint8 in which all detect."""
    return noise(side)


def training_images(
    work: Work,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield images, boxes (n, 4), class ids (n,) and masks (h, w, n) of one batch."""
    dataset = ShapesDataset(BATCH, height=work.side, width=work.side, seed=1)
    for i in dataset.image_ids:
        masks, class_ids = dataset.load_mask(i)
        yield dataset.load_image(i), boxes_of_masks(masks), class_ids, masks
