"""How large weights are, without copies of them."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mrcnn.structures import Tensor


def mean_squares(weights: Sequence[keras.Variable]) -> Tensor:
    """Return the sum over weights of each one's mean square, a float32 scalar."""
    if not weights:
        return ops.zeros(())
    factors = [1 / math.prod(weight.shape) for weight in weights]
    sums = [_sum_of_squares(ops.cast(weight, "float32")) for weight in weights]
    return ops.sum(ops.stack(sums) * ops.convert_to_tensor(factors, "float32"))


def _sum_of_squares(tensor: Tensor) -> Tensor:
    if keras.backend.backend() != "tensorflow":
        return ops.sum(ops.square(tensor))
    import tensorflow as tf

    # Its gradient is one product. That of a square is written four times over.
    return 2.0 * tf.nn.l2_loss(tensor)
