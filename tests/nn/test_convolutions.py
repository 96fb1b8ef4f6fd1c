"""Convolutions as products, against Keras' own: values, gradients, shapes, files."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.nn import convolutions
from mrcnn.nn.convolutions import Conv2D, Doubling
from mrcnn.ops.portable import only_convolutions

CASES = {
    "1 x 1": ((2, 5, 6, 3), {"kernel_size": 1}),
    "1 x 1, one pixel": ((4, 1, 1, 3), {"kernel_size": 1}),
    "1 x 1, stride 2": ((2, 5, 6, 3), {"kernel_size": 1, "strides": 2}),
    "1 x 1, strides": ((2, 5, 7, 3), {"kernel_size": 1, "strides": (3, 2)}),
    "1 x 1, padded": (
        (2, 5, 6, 3),
        {"kernel_size": 1, "strides": 2, "padding": "same"},
    ),
    "1 x 1 without bias": ((2, 5, 6, 3), {"kernel_size": 1, "use_bias": False}),
    "as large as its input": ((4, 3, 3, 2), {"kernel_size": 3}),
    "not square": ((4, 2, 3, 2), {"kernel_size": (2, 3)}),
    "as large, a stride": ((4, 3, 3, 2), {"kernel_size": 3, "strides": 2}),
}
CONVOLUTIONS = {
    "1 x 1, stride 2, not narrow": (
        (2, 5, 6, 16),
        {"filters": 16, "kernel_size": 1, "strides": 2},
    ),
    "as large, padded": ((2, 3, 3, 2), {"kernel_size": 3, "padding": "same"}),
    "smaller": ((2, 5, 5, 2), {"kernel_size": 3}),
    "groups": ((2, 5, 6, 4), {"kernel_size": 1, "groups": 2}),
    "dilated": ((2, 3, 3, 2), {"kernel_size": 2, "dilation_rate": 2}),
}


def _twins(kind, keras_kind, shape, **options):
    """Return a layer of ours and Keras', with the same random weights, and inputs."""
    rng = np.random.default_rng(0)
    twins = kind(**options), keras_kind(**options)
    for layer in twins:
        layer.build(shape)
    weights = [rng.normal(size=w.shape) for w in twins[0].weights]
    for layer in twins:
        layer.set_weights(weights)
    return *twins, rng.normal(size=shape).astype(np.float32)


def _products(monkeypatch):
    """Count the products of matrices."""
    calls = []
    matmul = ops.matmul
    monkeypatch.setattr(
        convolutions.ops, "matmul", lambda *x: calls.append(1) or matmul(*x)
    )
    return calls


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("name", [*CASES, *CONVOLUTIONS])
def test_the_same_as_keras(name, activation, monkeypatch):
    shape, options = (CASES | CONVOLUTIONS)[name]
    options = {"filters": 4, "activation": activation, **options}
    ours, theirs, x = _twins(Conv2D, keras.layers.Conv2D, shape, **options)
    expected = ops.convert_to_numpy(theirs(x))
    calls = _products(monkeypatch)
    found = ops.convert_to_numpy(ours(x))
    assert len(calls) == (name in CASES)
    assert found.shape == expected.shape == ours.compute_output_shape(shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_doubling_is_a_transposed_convolution(activation, use_bias, monkeypatch):
    options = {"filters": 3, "activation": activation, "use_bias": use_bias}

    def keras_layer(**options):
        return keras.layers.Conv2DTranspose(kernel_size=2, strides=2, **options)

    ours, theirs, x = _twins(Doubling, keras_layer, (2, 3, 4, 5), **options)
    expected = ops.convert_to_numpy(theirs(x))
    calls = _products(monkeypatch)
    found = ops.convert_to_numpy(ours(x))
    assert len(calls) == 1
    assert found.shape == (2, 6, 8, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_doubling_by_hand():
    layer = Doubling(1)
    layer.build((1, 1, 2, 1))
    layer.set_weights([np.array([[1, 2], [3, 4]])[..., None, None], np.array([0.5])])
    found = ops.convert_to_numpy(layer(np.array([[[[1.0], [10.0]]]])))
    assert found[0, ..., 0].tolist() == [
        [1.5, 2.5, 10.5, 20.5],
        [3.5, 4.5, 30.5, 40.5],
    ]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="by a tape")
@pytest.mark.parametrize("name", [*CASES, "doubling"])
def test_the_same_gradients(name):
    import tensorflow as tf

    if name == "doubling":
        options = {"filters": 3, "kernel_size": 2, "strides": 2, "activation": "relu"}
        twins = _twins(Doubling, keras.layers.Conv2DTranspose, (2, 3, 4, 5), **options)
    else:
        shape, options = CASES[name]
        options = {"filters": 4, "activation": "relu", **options}
        twins = _twins(Conv2D, keras.layers.Conv2D, shape, **options)
    *layers, x = twins
    gradients = []
    for layer in layers:
        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(tf.sin(layer(inputs)))
        sources = [inputs, *(w.value for w in layer.trainable_weights)]
        gradients.append(tape.gradient(loss, sources))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_types_are_those_of_keras(dtype):
    x = ops.ones((1, 2, 2, 4))
    for layer in (Conv2D(3, 1, dtype=dtype), Doubling(3, dtype=dtype)):
        found = keras.backend.standardize_dtype(layer(x).dtype)
        assert found == layer.compute_dtype
        assert keras.backend.standardize_dtype(layer.kernel.dtype) == "float32"


def test_any_size_and_any_batch():
    image = keras.Input((None, None, 3))
    layer = Conv2D(4, 1)
    model = keras.Model(image, Doubling(2)(layer(image)))
    assert model.output_shape == (None, None, None, 2)
    for shape in ((1, 4, 6, 3), (3, 5, 2, 3), (0, 2, 2, 3)):
        found = model(np.ones(shape, np.float32))
        assert tuple(found.shape) == (shape[0], 2 * shape[1], 2 * shape[2], 2)


def test_only_convolutions_is_keras_path(monkeypatch):
    ours, theirs, x = _twins(
        Conv2D, keras.layers.Conv2D, (2, 5, 6, 3), filters=4, kernel_size=1
    )
    calls = _products(monkeypatch)
    with only_convolutions():
        found = ours(x)
        Doubling(2)(x)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(found), ops.convert_to_numpy(theirs(x))
    )
    assert not calls
    ours(x)
    assert len(calls) == 1


def test_fully_connected_layers_are_products_everywhere(monkeypatch):
    ours, theirs, x = _twins(
        Conv2D, keras.layers.Conv2D, (4, 3, 3, 2), filters=4, kernel_size=3
    )
    expected = ops.convert_to_numpy(theirs(x))
    calls = _products(monkeypatch)
    with only_convolutions():
        found = ops.convert_to_numpy(ours(x))
    assert len(calls) == 1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_made_again_from_their_configuration():
    for layer in (Conv2D(4, 1, activation="relu", name="a"), Doubling(3, name="b")):
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        assert type(again) is type(layer)
        assert again.get_config() == layer.get_config()
