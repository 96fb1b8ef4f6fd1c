"""Batch normalisation in one kernel, against NumPy and Keras' layer."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.nn.layers import BatchNorm
from mrcnn.ops.normalisation import normalise_batch


def _features(shape, seed=0):
    rng = np.random.default_rng(seed)
    return (3 + 2 * rng.normal(size=shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 2, 3), (7, 1, 1, 2)])
def test_formula(shape):
    x = _features(shape)
    scale, offset = _features(shape[-1:], 1), _features(shape[-1:], 2)
    normal, mean, variance = map(
        ops.convert_to_numpy, normalise_batch(x, scale, offset, 1e-3)
    )
    flat = x.astype(np.float64).reshape(-1, shape[-1])
    expected = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-3) * scale + offset
    np.testing.assert_allclose(mean, flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, flat.var(0), rtol=1e-4)
    np.testing.assert_allclose(normal.reshape(flat.shape), expected, atol=2e-4)


def test_one_pixel_has_no_variance():
    """Every value is its mean, whatever the kernel estimates."""
    x = np.array([[[[2.0, -7.0]]]], np.float32)
    one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    normal, mean, variance = map(
        ops.convert_to_numpy, normalise_batch(x, one, zero, 1e-3)
    )
    assert normal.ravel().tolist() == [0, 0]
    assert mean.tolist() == [2, -7]
    assert variance.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_statistics_of_narrow_features_are_float32(dtype):
    x = ops.cast(_features((2, 8, 8, 3)), dtype)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    normal, mean, variance = normalise_batch(x, one, zero, 1e-3)
    exact = ops.convert_to_numpy(ops.cast(x, "float32")).reshape(-1, 3)
    assert keras.backend.standardize_dtype(normal.dtype) == dtype
    for found, expected in ((mean, exact.mean(0)), (variance, exact.var(0))):
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_allclose(
            ops.convert_to_numpy(found), expected, rtol=1e-4, atol=1e-4
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="by a tape")
def test_gradients_are_those_of_keras():
    import tensorflow as tf

    layers = BatchNorm(), keras.layers.BatchNormalization()
    x = tf.constant(_features((2, 4, 3, 5)))
    found = []
    for layer in layers:
        layer.build(x.shape)
        layer.gamma.assign([1, 2, -1, 0.5, 0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(layer(x, training=True)))
        found.append(tape.gradient(loss, [x, layer.gamma.value, layer.beta.value]))
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4)
