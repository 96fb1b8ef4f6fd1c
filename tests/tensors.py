"""Tests write arrays; the functions under test take tensors of the backend."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes tensors of the arrays it is given, however nested.

    Only those in its positional arguments: options are numbers. Where it is told to
    compute in NumPy, arrays remain what they are.
    """

    def convert(value: Any) -> Any:
        there = isinstance(value, np.ndarray)
        return keras.ops.convert_to_tensor(value) if there else value

    @functools.wraps(function)
    def converted(*arguments: Any, **options: Any) -> Any:
        if options.get("xp") is not np:
            arguments = keras.tree.map_structure(convert, arguments)
        return function(*arguments, **options)

    return converted
