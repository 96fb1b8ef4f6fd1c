"""Names of class ids, and what to say where the two do not belong together."""

import logging
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

LOGGER = logging.getLogger(__name__)
BACKGROUND = ("", "bg", "background", "none", "void", "unlabeled", "unlabelled")
"""How the first name is called, in small letters and without signs around it."""


def names_of(class_ids: np.ndarray, class_names: Sequence[str]) -> list[str]:
    """Return a name for each class id (n,); negative ids are crowds of their class.

    Logs, once for each list, if the first name is not like that of a background: ids
    begin at 1 for objects, so that all names are then one place too far.

    Raises:
        ValueError: an id has no name, or is no whole number.
    """
    if isinstance(class_names, str):
        raise ValueError(
            f"class_names is the text {class_names!r}: give a list, background first."
        )
    names = [str(name) for name in class_names]
    numbers = np.asarray(class_ids)
    ids = numbers.astype(int) if numbers.size else np.zeros(0, int)
    if (ids != numbers.reshape(ids.shape)).any():
        raise ValueError(f"class ids {numbers[:5].tolist()} are no whole numbers.")
    if ids.size and abs(ids).max() >= len(names):
        first = f"{names[0]!r} would be the background. " if names else ""
        raise ValueError(
            f"there is a class {abs(ids).max()}, but class_names has {len(names)} "
            f"names: {first}Give a name for each class, first one for the background, "
            "as dataset.class_names does."
        )
    if ids.size:
        _doubt(tuple(names))
    return [f"{names[-i]} (crowd)" if i < 0 else names[i] for i in ids.tolist()]


@lru_cache(maxsize=64)
def _doubt(names: tuple[str, ...]) -> None:
    if names[0].casefold().strip("_-[]() ") not in BACKGROUND:
        LOGGER.warning(
            "class_names[0] is %r and taken for the background: class 1 is %s. If that "
            'is wrong, put "BG" in front.',
            names[0],
            repr(names[1]) if len(names) > 1 else "nothing",
        )
