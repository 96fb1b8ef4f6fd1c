"""Passes forward in training mode that leave no trace in the network."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Put back, when the context ends, what a pass forward moves in a model.

    Moving statistics, seeds, and whatever else does not learn: the weights of losses
    too. What learns is moved by an optimizer alone.
    """
    before = [(v, np.array(v)) for v in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)
