"""Attributes of a `Config` that follow from others, and who set an attribute."""

from collections.abc import Callable
from typing import Any

import numpy as np

PACKAGE = __name__.partition(".")[0]


class Derived:
    """Computes an attribute from others whenever it is asked for.

    A value of the user's, in a class or on an instance, takes its place.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        """Take the function of the configuration."""
        self.compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the attribute's name."""
        self.name = name

    def __get__(self, config: Any, owner: type) -> Any:
        """Compute the value; a class alone has none, as in Matterport's code."""
        if config is None:
            raise AttributeError(
                f"{owner.__name__} is a class, and {self.name} belongs to instances: "
                f"call it, {owner.__name__}()."
            )
        return self.compute(config)


def batch_size(config: Any) -> int:
    """Return how many images a batch has."""
    return config.IMAGES_PER_GPU * config.GPU_COUNT


def image_shape(config: Any) -> np.ndarray:
    """Return (H, W, C) of a padded image; not to be written to, as it is made anew."""
    crop = config.IMAGE_RESIZE_MODE == "crop"
    side = config.IMAGE_MIN_DIM if crop else config.IMAGE_MAX_DIM
    shape = np.array([side, side, config.IMAGE_CHANNEL_COUNT])
    shape.setflags(write=False)
    return shape


def image_meta_size(config: Any) -> int:
    """Return how many numbers a meta has, see `mrcnn.matterport.metas`.

    Image id, original shape, padded shape, window, scale, and active classes.
    """
    return 1 + 3 + 3 + 4 + 1 + config.NUM_CLASSES


def mask_shape(config: Any) -> tuple[int, int]:
    """Return rows and columns of a predicted mask: its crop, enlarged once."""
    return 2 * config.MASK_POOL_SIZE, 2 * config.MASK_POOL_SIZE


def _owner(config: Any, name: str) -> type:
    """Return the class that sets an attribute."""
    return next(c for c in type(config).__mro__ if name in vars(c))


def is_computed(config: Any, name: str) -> bool:
    """Return whether an attribute is computed, and not a value of the user's."""
    return name not in vars(config) and isinstance(
        vars(_owner(config, name))[name], Derived
    )


def is_given(config: Any, name: str) -> bool:
    """Return whether the user set an attribute: on the instance, or in a class.

    What the classes of this package say, its presets too, is a default.
    """
    if name in vars(config):
        return True
    return not is_ours(_owner(config, name))


def is_ours(owner: type) -> bool:
    """Return whether a class belongs to this package."""
    return owner.__module__.partition(".")[0] == PACKAGE
