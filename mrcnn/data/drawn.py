"""Balloons drawn when they are asked for: as many pictures as a training takes."""

from functools import lru_cache

import numpy as np

from mrcnn.data import synthetic, varied
from mrcnn.data.dataset import Dataset

LEAST_SIZE = 64
"""Pixels of the longer side; balloons would be specks below it."""


class DrawnBalloons(Dataset):
    """`count` drawn pictures, class balloon 1; nothing is stored.

    Image i depends on (seed, size, varied, i) only, not on `count` or on what was asked
    for before. Plain ones are those of `python -m mrcnn.data.synthetic` with the same
    seed and size, before compression: the first are its training pictures, and none is
    one of its validation pictures.

    Masks are disjoint: each pixel belongs to the balloon of which it shows most.
    """

    def __init__(
        self, count: int, *, seed: int = 0, size: int = 512, varied: float = 1.0
    ) -> None:
        """Prepare `count` images.

        Args:
            count: of images; 0 or more.
            seed: source of all chance.
            size: longer side, pixels.
            varied: share of the images that are varied scenes; the others are plain.

        Raises:
            ValueError: if one of them is out of its range.
        """
        super().__init__()
        if count < 0:
            raise ValueError(f"count is {count}: give 0 or more images.")
        if size < LEAST_SIZE:
            raise ValueError(f"size is {size}: give at least {LEAST_SIZE} pixels.")
        if not 0 <= varied <= 1:
            raise ValueError(f"varied is {varied}: give a share, 0 to 1.")
        self.seed, self.size, self.varied = seed, size, varied
        self.add_class("balloon", 1, "balloon")
        for i in range(count):
            self.add_image("balloon", i, None)
        self.prepare()

    def image_reference(self, image_id: int) -> str:
        """Name the image by what it is drawn from."""
        kind = "varied" if self.is_varied(image_id) else "plain"
        return f"{kind} drawn balloons, image {image_id} (seed {self.seed})"

    def is_varied(self, image_id: int) -> bool:
        """Tell whether an image is a varied scene rather than a plain one."""
        return np.random.default_rng([self.seed, 3, image_id]).random() < self.varied

    def load_image(self, image_id: int) -> np.ndarray:
        """Draw the image, uint8 RGB (h, w, 3)."""
        return self._picture(image_id)[0].copy()

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what is seen of each balloon, bool (h, w, n), and ones, int32 (n,)."""
        owner = self._picture(image_id)[1]
        numbers = np.unique(owner)
        masks = owner[..., None] == numbers[numbers > 0]
        return masks, np.ones(masks.shape[-1], np.int32)

    def _picture(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        return _drawn(self.is_varied(image_id), self.seed, int(image_id), self.size)


@lru_cache(maxsize=16)
def _drawn(
    is_varied: bool, seed: int, image_id: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw image and owner map once for both who ask for them, one after the other."""
    if is_varied:
        return varied.draw([seed, varied.PART, image_id], size)
    return synthetic.draw([seed, 0, image_id], size)
