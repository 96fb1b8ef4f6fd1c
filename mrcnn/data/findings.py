"""What turns up while images are read: some raise errors, some show too many objects.

An image that raises an error is named and left out from then on. Too many of them are
one error that lists them.
"""

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mrcnn.notices import SHOWN, listed

LOGGER = logging.getLogger(__name__)

SECONDS = 10.0
"""How long the rest of a data set is looked through before it is refused."""

PACKAGE = Path(__file__).parents[1]
"""Where this package's own code lies."""

Loaded = TypeVar("Loaded")


class FaultyImagesError(ValueError):
    """More images raise errors than may be left out; the message lists them.

    Attributes:
        fault: what the last image raised; the cause of this error.
    """

    fault: Exception


class Findings:
    """Reads the images of a data set, leaves out those that raise errors, and tells.

    Which images are left out does not depend on when they are read, as long as an image
    raises its error always or never. Any number of threads may read.
    """

    def __init__(
        self,
        image_ids: Sequence[int],
        name: Callable[[int], str],
        *,
        faulty: float,
        slots: int,
    ) -> None:
        """Know of nothing yet.

        Args:
            image_ids: of the data set.
            name: returns what an image is called in messages.
            faulty: share of the images that may be left out, 0 to 1.
            slots: objects of an image that are learnt from at a time.

        Raises:
            ValueError: if the share is none.
        """
        if not 0 <= faulty <= 1:
            raise ValueError(
                f"MAX_FAULTY_IMAGES is {faulty!r}; it is a share, from 0 to 1."
            )
        self._image_ids, self._name, self._slots = image_ids, name, slots
        # Of 70 images a tenth is 7, whatever 0.1 is in binary; one has to be left.
        self._limit = min(
            math.floor(faulty * len(image_ids) + 1e-9), len(image_ids) - 1
        )
        self._faults: dict[int, str] = {}
        self._good: set[int] = set()
        self._crowded: dict[int, int] = {}
        self._refusal: FaultyImagesError | None = None
        self._lock = threading.Lock()

    def __contains__(self, image_id: int) -> bool:
        """Tell whether an image is left out."""
        return image_id in self._faults

    def read(self, image_id: int, load: Callable[[int], Loaded]) -> Loaded | None:
        """Return what `load` makes of an image; None if the image is left out.

        The first error of an image is told, and `load` not called for it again. When
        too many have raised one, or most of the first ones, the rest of the data set is
        looked through, so that the refusal lists all; for `SECONDS` at most.

        Raises:
            FaultyImagesError: lists the images; its cause is the last error.
            MemoryError: as `load` raised it.
        """
        if image_id in self._faults:
            if self._refusal:
                raise self._refusal
            return None
        try:
            loaded = load(image_id)
        except MemoryError:
            raise
        except Exception as error:  # A user's load_mask raises errors of any kind.
            with self._lock:
                self._leave_out(image_id, error, load)
            return None
        self._good.add(image_id)
        return loaded

    def count_objects(self, image_id: int, count: int) -> None:
        """Note an image's objects; tell, once, that there are more than slots."""
        if count <= self._slots:
            return
        with self._lock:
            if not self._crowded:
                LOGGER.warning(
                    "%s shows %d objects, and training takes %d of them at a time, "
                    "drawn at random: raise MAX_GT_INSTANCES to take all.",
                    self._name(image_id),
                    count,
                    self._slots,
                )
            self._crowded[image_id] = max(count, self._crowded.get(image_id, 0))

    def summary(self) -> str:
        """Return lines to be printed after training; empty if nothing turned up."""
        lines = []
        if self._faults:
            lines.append(
                f"{len(self._faults)} of {len(self._image_ids)} images raised errors "
                f"and were left out:\n{listed(list(self._faults.values()))}"
            )
        if self._crowded:
            lines.append(
                f"{len(self._crowded)} of {len(self._image_ids)} images showed more "
                f"objects than MAX_GT_INSTANCES = {self._slots}, up to "
                f"{max(self._crowded.values())}: of each a random {self._slots} were "
                "taken at a time."
            )
        return "".join(f"{line}\n" for line in lines)

    def _leave_out(
        self, image_id: int, error: Exception, load: Callable[[int], Loaded]
    ) -> None:
        """Note an error; FaultyImagesError if that is too many of them."""
        if image_id in self._faults:  # another thread was first
            return
        self._note(image_id, error)
        most = len(self._faults) >= SHOWN and len(self._faults) > len(self._good)
        if len(self._faults) > self._limit or most:
            whole = self._look_through(load)
            if len(self._faults) > self._limit or not whole:
                self._refusal = FaultyImagesError(self._why())
                self._refusal.fault = error
                raise self._refusal from error
        LOGGER.warning("Left out from now on: %s", self._faults[image_id])

    def _note(self, image_id: int, error: Exception) -> None:
        """Keep the text alone: a traceback holds on to the arrays of its frames."""
        name, text = self._name(image_id), told(error)
        self._faults[image_id] = text if name in text else f"{name}: {text}"
        self._good.discard(image_id)

    def _look_through(self, load: Callable[[int], Loaded]) -> bool:
        """Read images that were not read so far; tell whether all have been now."""
        end = time.monotonic() + SECONDS
        for image_id in map(int, self._image_ids):
            if image_id in self._faults or image_id in self._good:
                continue
            if time.monotonic() > end:
                return False
            try:
                load(image_id)
            except MemoryError:
                raise
            except Exception as error:
                self._note(image_id, error)
            else:
                self._good.add(image_id)
        return True

    def _why(self) -> str:
        read, images = len(self._faults) + len(self._good), len(self._image_ids)
        return (
            f"{len(self._faults)} of {read} images raise errors"
            f"{'' if read == images else f' (the other {images - read} were not read)'}"
            f", and {self._limit} may be left out:"
            f"\n{listed(list(self._faults.values()))}\n"
            "Mend them or remove them from the data set, or raise MAX_FAULTY_IMAGES."
        )


def told(error: Exception) -> str:
    """Return one line: an error, and where in whose code it was raised.

    An error that this package raises says itself what is wrong, and needs no place.
    """
    text = next(iter(str(error).splitlines()), "")
    frames = traceback.extract_tb(error.__traceback__)
    ours = isinstance(error, ValueError | OSError) and frames and text
    if ours and Path(frames[-1].filename).is_relative_to(PACKAGE):
        return text
    kind = f"{type(error).__name__}: {text}" if text else type(error).__name__
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    if not frames:
        return kind
    place = (own or frames)[-1]
    return f"{kind} ({Path(place.filename).name}, line {place.lineno})"
