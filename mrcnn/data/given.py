"""Images as users hand them over: lists, arrays and generators of pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mrcnn.checks.kinds import count
from mrcnn.data.arrays import check_image, no_array
from mrcnn.notices import all_of


def check_batch_size(batch_size: Any) -> None:
    """Raise ValueError unless a batch size is a whole number from 1 on."""
    if fault := count().fault("batch_size", batch_size):
        raise ValueError(fault)


def checked_images(
    images: Any, channels: int, *, first: int = 0
) -> Iterator[np.ndarray]:
    """Return images (h, w, channels) uint8 one by one, as `check_image` makes them.

    A list or an array is checked whole before the first comes; a generator gives one
    after the other.

    Args:
        images: a list, an array (n, h, w, C), or a generator of images.
        channels: of the model.
        first: number of the first image, for errors.

    Raises:
        TypeError: if it is one image, a path, or nothing of the kind.
        ValueError: names each image that is none.
    """
    refuse_one_image(images)
    if not isinstance(images, Sequence | np.ndarray):
        return (_checked(im, i, channels) for i, im in enumerate(images, first))
    checked, faults = [], []
    for i, image in enumerate(images, first):
        try:
            checked.append(_checked(image, i, channels))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError(all_of(faults, f"A list of {len(images)} images"))
    return iter(checked)


def refuse_one_image(images: Any) -> None:
    """Raise TypeError if this holds no images: one alone, a path, a dictionary."""
    if fault := no_array(images):
        raise TypeError(f"images is {fault}, in a list: [image].")
    if hasattr(images, "shape"):  # NumPy's, or a tensor
        shape = tuple(images.shape)
        # Of an array (n, h, w) nobody knows whether it is one image or n grey ones.
        if len(shape) in (2, 3):
            raise TypeError(
                f"images is one array of shape {shape}: put an image in a list, "
                "[image]; several grey ones come as list(images)."
            )
        if len(shape) == 4 and shape[3] == 1 and shape[2] in (3, 4):
            raise TypeError(
                f"images is an array of shape {shape}, with an axis too many: "
                "give [image[..., 0]]; grey ones of such a width come as list(images)."
            )
        if len(shape) == 1 and shape[0] and images.dtype != object:
            raise TypeError(
                f"images is an array of shape {shape}, and no pictures: decode what is "
                "encoded, and give a list of images."
            )
        if len(shape) not in (1, 4):
            raise TypeError(
                f"images is an array of shape {shape}: give a list of images, or an "
                "array (n, h, w, C)."
            )
    if isinstance(images, Mapping) or not isinstance(images, Iterable):
        raise TypeError(
            f"images is of the type {type(images).__name__}: give a list of images, "
            "each an array (h, w, 3)."
        )


def _checked(image: Any, number: int, channels: int) -> np.ndarray:
    name = f"image {number}"
    if fault := no_array(image):
        raise ValueError(f"{name} is {fault}.")
    return check_image(image, name, channels)
