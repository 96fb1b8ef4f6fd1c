"""Keeping in memory what is loaded again and again, if it is the same every time."""

import logging
import threading
from collections.abc import Callable

import numpy as np

LOGGER = logging.getLogger(__name__)

COMPARED = 100
"""Images that are loaded again and compared at first, whichever they are."""

Arrays = tuple[np.ndarray, ...]


class ImageCache:
    """Keeps the arrays of images as long as loading them repeats.

    Where `load_image` crops at random, say, what was kept would be the same crop for
    ever. So the first `COMPARED` times that a kept image is asked for it is loaded
    again, so that the images of a small set are each compared often; and after that one
    image an epoch, for what changes later. One that differs ends the keeping of all.
    Where loading repeats, what is compared changes no image.
    """

    def __init__(self, size: int, name: Callable[[int], str]) -> None:
        """Be empty.

        Args:
            size: bytes to keep at most; 0 keeps nothing.
            name: returns what an image is called in messages.
        """
        self._name = name
        self._compared = self._believed = 0
        self._left = size
        self._kept: dict[int, Arrays] = {}
        self._lock = threading.Lock()

    def get(self, image_id: int, load: Callable[[], Arrays]) -> Arrays:
        """Return what `load` makes of an image, not to be written to."""
        kept = self._kept.get(image_id)
        if kept is None:
            loaded = load()
            self._keep(image_id, loaded)
            return loaded
        if not self._to_compare():
            return kept
        loaded = load()
        if not all(map(np.array_equal, kept, loaded)):
            self._end(self._name(image_id))
        return loaded

    def _to_compare(self) -> bool:
        """Tell whether the kept image that is asked for now is to be loaded again."""
        with self._lock:
            if self._compared >= COMPARED and self._believed < len(self._kept):
                self._believed += 1
                return False
            self._compared, self._believed = self._compared + 1, 0
            return True  # after all and one more: without shuffling, the next image

    def _keep(self, image_id: int, arrays: Arrays) -> None:
        size = sum(array.nbytes for array in arrays)
        with self._lock:
            if size <= self._left and image_id not in self._kept:
                self._left -= size
                # Copies: the arrays may be parts of others that a data set goes on
                # using, or that are larger. In their order, which masks are quick in.
                self._kept[image_id] = tuple(array.copy("K") for array in arrays)

    def _end(self, name: str) -> None:
        """Keep nothing from now on, and tell once."""
        with self._lock:
            if self._left < 0:
                return
            self._left = -1
            self._kept.clear()
        LOGGER.warning(
            "%s is another one when it is loaded again: load_image or load_mask has "
            "chance in it, or follows something that changes, and no image is kept in "
            "memory from now on.",
            name,
        )
