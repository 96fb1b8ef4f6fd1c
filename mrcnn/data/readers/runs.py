"""Masks of pixels within an image, as the lengths of their runs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Shape(Protocol):
    """What an object is drawn with: `regions.Region`, `Runs` and their like."""

    where: str

    def mask(self, height: int, width: int) -> np.ndarray:
        """Return its pixels, bool (height, width); ValueError if there are none."""

    def check(self, height: int, width: int) -> None:
        """Raise ValueError as `mask` would."""


@dataclass(frozen=True)
class Runs:
    """A mask of pixels that is part of an image.

    `counts` are the lengths of its runs along the rows, int64 (m,), the first of them
    outside the object; `left`, `top`, `width` and `height` say where it lies, pixels.
    """

    counts: np.ndarray
    left: int
    top: int
    width: int
    height: int
    where: str

    def check(self, height: int, width: int) -> None:
        """Raise ValueError unless it lies in an image and has a pixel."""
        right, bottom = self.left + self.width, self.top + self.height
        if min(self.left, self.top) < 0 or right > width or bottom > height:
            raise ValueError(
                f"{self.where}: the mask in columns {self.left} to {right} and rows "
                f"{self.top} to {bottom} leaves its image of {height} x {width} "
                "(height x width). Draw it again or remove it."
            )
        if self.counts.sum() != self.width * self.height:
            raise ValueError(
                f"{self.where}: the runs of the mask have {self.counts.sum()} pixels, "
                f"its {self.height} x {self.width} (height x width) has "
                f"{self.width * self.height}. Export it again or remove it."
            )
        if not self.counts[1::2].any():
            raise ValueError(
                f"{self.where}: the mask has no pixel. Draw it again or remove it."
            )

    def mask(self, height: int, width: int) -> np.ndarray:
        """Return its pixels, bool (height, width); raises as `check`."""
        self.check(height, width)
        flat = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        mask = np.zeros((height, width), bool)
        place = np.s_[self.top : self.top + self.height]
        mask[place, self.left : self.left + self.width] = flat.reshape(self.height, -1)
        return mask


def runs_of(mask: np.ndarray) -> np.ndarray:
    """Return the runs of a mask, bool (h, w), as `Runs` counts them."""
    flat = np.concatenate([[False], mask.ravel(), [not mask.flat[-1]]])
    return np.diff(np.flatnonzero(np.diff(flat)), prepend=0)
