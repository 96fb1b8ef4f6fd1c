"""What is written: a function of images and windows, and what it computes with."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from mrcnn.structures import Tensor


class Exported(NamedTuple):
    """A function of images (1, H, W, C) and windows (1, 4) that gives named tensors."""

    function: Callable[[Tensor, Tensor], dict[str, Tensor]]
    model: keras.Model  # holds the variables that the function reads
    image_shape: tuple[int, int, int]  # (H, W, C)

    @property
    def signature(self) -> list[Any]:
        """The types of the inputs, for TensorFlow.

        Raises:
            ValueError: if the backend is another.
        """
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"Export needs TensorFlow, and Keras runs on "
                f"{keras.backend.backend()}: set KERAS_BACKEND=tensorflow, and load "
                "the weights again."
            )
        import tensorflow as tf

        return [
            tf.TensorSpec((1, *self.image_shape), tf.float32, name="images"),
            tf.TensorSpec((1, 4), tf.float32, name="windows"),
        ]
