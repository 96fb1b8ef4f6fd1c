"""A part of a data set kept back, where its maker has not said what to measure on."""

import copy
from collections.abc import Iterable

import numpy as np

from mrcnn.data.dataset import Dataset

EVERY = 5
"""Of so many images one is kept back."""


def hold_out(dataset: Dataset, every: int = EVERY) -> tuple[Dataset, Dataset]:
    """Return what to train on and what to measure on, of one data set.

    Each `every`-th image, or the last of fewer, is measured on. Images that resemble
    their neighbours, as those of a film do, so flatter the score: a validation set of
    other films is better.

    Args:
        dataset: prepared; made by `open_dataset`, or of another class that finds what
            it needs of an image in `image_info`.
        every: from one that is kept back to the next.

    Raises:
        ValueError: there are fewer than two images.
    """
    ids = np.arange(dataset.num_images)
    if len(ids) < 2:
        raise ValueError(
            f"The data set has {len(ids)} images, too few to train on some and to "
            "measure on others: add images."
        )
    kept = ids % every == every - 1
    kept[-1] |= not kept.any()
    return part(dataset, ids[~kept]), part(dataset, ids[kept])


def part(dataset: Dataset, image_ids: Iterable[int]) -> Dataset:
    """Return the images of these ids as a data set of the same classes; see above."""
    chosen = copy.copy(dataset)
    chosen.image_info = [dataset.image_info[int(i)] for i in image_ids]
    chosen.prepare()
    return chosen


def spread(count: int, most: int) -> list[int]:
    """Return at most so many of the numbers below `count`, evenly, the first first."""
    few = min(count, most)
    return [i * count // few for i in range(few)]
