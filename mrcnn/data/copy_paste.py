"""Objects of one image pasted into another: Ghiasi et al., arXiv:2012.07177."""

from typing import Any, NamedTuple

import numpy as np

from mrcnn.checks.kinds import SHARE
from mrcnn.data.dataset import Dataset
from mrcnn.notices import all_of, quoted

Loaded = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Image (H, W, C) uint8, masks (H, W, n) bool and class ids (n,) int32."""


class CopyPaste(NamedTuple):
    """How often objects are pasted, and what is left of those below them.

    Give it to `build.batches(..., paste=CopyPaste())`. Both images are augmented first,
    each by itself; the paper mirrors them and takes `augment.large_scale_jitter()`.
    """

    share: float = 0.5  # of the images that get objects of another one
    least_visible: float = 0.1  # an object of which less is left uncovered is dropped


def checked(paste: Any) -> CopyPaste | None:
    """Return what is given as `paste=`.

    Raises:
        TypeError: if it is neither a `CopyPaste` nor None.
        ValueError: names what is no share.
    """
    if paste is None:
        return None
    if not isinstance(paste, CopyPaste):
        raise TypeError(
            f"paste is {quoted(paste)}: give mrcnn.data.augment.CopyPaste(share=0.5), "
            "or None."
        )
    found = [SHARE.fault(f"paste.{name}", v) for name, v in paste._asdict().items()]
    if faults := [fault for fault in found if fault]:
        raise ValueError(all_of(faults, "paste"))
    return paste


def partner(dataset: Dataset, image_id: int, rng: np.random.Generator) -> int:
    """Return the id of any image of an image's source, at times its own.

    Of another source, classes may be annotated that are unknown in this one.
    """
    infos = dataset.image_info
    while True:
        found = int(rng.choice(dataset.image_ids))
        if infos[found]["source"] == infos[image_id]["source"]:
            return found


def pasted(
    image: Loaded, other: Loaded, rng: np.random.Generator, paste: CopyPaste
) -> Loaded:
    """Return an image with some objects of another one of its size on top.

    How many is drawn, from one to all. Pixels, masks and classes come as they are; what
    they cover is taken from the masks below. Crowds are not pasted: nobody knows which
    of their pixels are objects. Those below lose what is covered, and are not dropped.

    Args:
        image: to be pasted into; is not written to.
        other: from which objects come.
        rng: source of chance.
        paste: of an object of which less than `least_visible` is left the mask is
            emptied.
    """
    pixels, masks, class_ids = image
    above, layers, others = other
    candidates = np.flatnonzero(layers.any(axis=(0, 1)) & (others > 0))
    if not len(candidates):
        return image
    count = rng.integers(1, len(candidates), endpoint=True)
    chosen = np.sort(rng.choice(candidates, count, replace=False))
    on_top = layers[..., chosen]
    cover = on_top.any(axis=-1, keepdims=True)
    left = masks & ~cover
    seen, whole = (np.count_nonzero(m, axis=(0, 1)) for m in (left, masks))
    left[..., (class_ids > 0) & (seen < paste.least_visible * whole)] = False
    return (
        np.where(cover, above, pixels),
        np.concatenate([left, on_top], axis=-1),
        np.concatenate([class_ids, others[chosen]]),
    )
