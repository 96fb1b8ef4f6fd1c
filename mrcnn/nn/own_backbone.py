"""A backbone that the user wrote, as a function."""

import inspect
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import keras

from mrcnn.structures import Tensor

SIDE = 256
"""Pixels of the image on which the sizes of the feature maps are compared."""


def own_backbone(
    function: Callable[..., Any], image: Tensor, train_bn: bool | None
) -> keras.Model:
    """Return the model image -> [C2, C3, C4, C5] that a function makes.

    Args:
        function: called as Matterport's `resnet_graph`, returns C1 to C5.
        image: symbolic, (B, H, W, C).
        train_bn: passed on.

    Raises:
        ValueError: if it cannot be called so, or returns anything else.
    """
    name = getattr(function, "__name__", type(function).__name__)
    keywords = {"stage5": True, "train_bn": train_bn}
    if not _takes(function, image, keywords):
        raise ValueError(_refused(name, "is called in another way"))
    outputs = function(image, **keywords)
    if not isinstance(outputs, list | tuple) or len(outputs) not in (4, 5):
        found = type(outputs).__name__
        if isinstance(outputs, list | tuple):
            found += f" of {len(outputs)}"
        raise ValueError(_refused(name, f"returned a {found}"))
    maps = list(outputs)[-4:]
    if any(len(getattr(x, "shape", ())) != 4 for x in maps):
        raise ValueError(_refused(name, "returned other things than feature maps"))
    backbone = keras.Model(image, maps, name="backbone")
    shapes = backbone.compute_output_shape((1, SIDE, SIDE, image.shape[-1]))
    sides = [tuple(shape[1:3]) for shape in shapes]
    if any((-(-a // 2), -(-b // 2)) != after for (a, b), after in pairwise(sides)):
        found = ", ".join(f"{height} x {width}" for height, width in sides)
        raise ValueError(
            _refused(name, f"makes maps of {found} from {SIDE} x {SIDE} pixels")
        )
    return backbone


def _takes(function: Callable[..., Any], image: Tensor, keywords: dict) -> bool:
    if isinstance(function, keras.layers.Layer):  # takes anything, for its own call
        return False
    try:
        inspect.signature(function).bind(image, **keywords)
    except TypeError:
        return False
    except ValueError:  # it has no signature that Python knows
        return True
    return True


def _refused(name: str, why: str) -> str:
    return (
        f"BACKBONE is {name}, which {why}. It is to be a function, called as f(image, "
        "stage5=True, train_bn=...), that returns a list of the feature maps C1 to C5 "
        "(B, h, w, C), each from C2 on half as large as the one before: wrap a network "
        "of keras.applications in such a function."
    )
