"""Keeping in memory what is loaded again and again, if it is the same every time."""

import logging
import threading
from collections.abc import Callable

import numpy as np

LOGGER = logging.getLogger(__name__)

COMPARED = 100
"""Images that are loaded a second time and compared before the others are believed."""

Arrays = tuple[np.ndarray, ...]


class ImageCache:
    """Keeps the arrays of images as long as loading them repeats.

    Where `load_image` crops at random, say, what was kept would be the same crop for
    ever. So the first `COMPARED` images that are asked for again are loaded again, and
    one that differs ends the keeping of all.
    """

    def __init__(self, size: int, name: Callable[[int], str]) -> None:
        """Be empty.

        Args:
            size: bytes to keep at most; 0 keeps nothing.
            name: returns what an image is called in messages.
        """
        self._name = name
        self._left = size
        self._kept: dict[int, Arrays] = {}
        self._compared: set[int] = set()
        self._lock = threading.Lock()

    def get(self, image_id: int, load: Callable[[], Arrays]) -> Arrays:
        """Return what `load` makes of an image, not to be written to."""
        kept = self._kept.get(image_id)
        if kept is None:
            loaded = load()
            self._keep(image_id, loaded)
            return loaded
        if image_id in self._compared or len(self._compared) >= COMPARED:
            return kept
        loaded = load()
        if all(map(np.array_equal, kept, loaded)):
            self._compared.add(image_id)
        else:
            self._end(self._name(image_id))
        return loaded

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
            "chance in it, and no image is kept in memory.",
            name,
        )
