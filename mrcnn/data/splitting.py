"""A part of a data set kept back, where its maker has not said what to measure on."""

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
        dataset: prepared.
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
    return Part(dataset, ids[~kept]), Part(dataset, ids[kept])


class Part(Dataset):
    """Some images of a prepared data set, with all of its classes."""

    def __init__(self, whole: Dataset, image_ids: Iterable[int]) -> None:
        """Take the images of these ids, in this order."""
        super().__init__()
        self.whole, self.chosen = whole, [int(i) for i in image_ids]
        self.class_info = whole.class_info
        self.image_info = [whole.image_info[i] for i in self.chosen]
        self.prepare()

    def load_image(self, image_id: int) -> np.ndarray:
        """Return what the whole data set does."""
        return self.whole.load_image(self.chosen[image_id])

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what the whole data set does."""
        return self.whole.load_mask(self.chosen[image_id])

    def image_reference(self, image_id: int) -> str:
        """Return what the whole data set does."""
        return self.whole.image_reference(self.chosen[image_id])


def spread(count: int, most: int) -> list[int]:
    """Return at most so many of the numbers below `count`, evenly, the first first."""
    few = min(count, most)
    return [i * count // few for i in range(few)]
