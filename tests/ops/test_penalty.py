"""The mean squares that weigh on large weights."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops.gradients import separate_gradients
from mrcnn.ops.penalty import mean_squares


def weights(*values, dtype="float32"):
    return [keras.Variable(np.array(v), dtype=dtype) for v in values]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_each_weight_counts_with_its_mean(dtype):
    found = mean_squares(weights([[1, 2], [0, 1]], [3], 2, dtype=dtype))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert ops.convert_to_numpy(found) == (1 + 4 + 0 + 1) / 4 + 9 + 4


def test_no_weight_at_all_is_no_penalty():
    assert ops.convert_to_numpy(mean_squares([])) == 0


def test_the_gradient_is_twice_the_weight_over_its_size():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    kernel, bias = model.trainable_variables
    bias.assign([5.0, -1.0])
    derive = separate_gradients(
        model,
        lambda batch: ops.stack([mean_squares(model.trainable_variables)]),
        [kernel, bias],
    )
    _, ((of_kernel, of_bias),) = derive({"x": np.zeros((1, 3), "float32")})
    np.testing.assert_allclose(ops.convert_to_numpy(of_bias), [5.0, -1.0])
    expected = ops.convert_to_numpy(kernel) * 2 / 6
    np.testing.assert_allclose(ops.convert_to_numpy(of_kernel), expected, rtol=1e-6)
