"""Normalisation by valid elements where a batch has few of them, or none (issue 26)."""

import keras
import numpy as np
import pytest

from mrcnn.nn.layers import BatchNorm, LayerFactory
from mrcnn.nn.roi_heads import (
    box_head_widths,
    build_box_head,
    build_mask_head,
    mask_head_widths,
)


def array(tensor) -> np.ndarray:
    """Return a tensor, or a variable, as an array that knows of no gradients."""
    return keras.ops.convert_to_numpy(tensor)


def layer_with_a_past(rng, channels: int, **options) -> BatchNorm:
    """Return a layer whose weights all matter."""
    layer = BatchNorm(**options)
    layer.build((None, 2, 2, channels))
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])
    return layer


@pytest.mark.parametrize("rows", [3, 0])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_nothing_valid_is_normalised_as_in_inference(rng, dtype, rows):
    x = rng.normal(3, 2, (rows, 2, 2, 4)).astype(np.float32)
    layer = layer_with_a_past(rng, 4, dtype=dtype)
    before = layer.get_weights()
    found = layer(x, training=True, valid=np.zeros((rows, 1, 1), bool))
    expected = layer(x, training=False)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(
        array(keras.ops.cast(found, "float32")),
        array(keras.ops.cast(expected, "float32")),
        rtol=1e-5 if dtype == "float32" else 0.03,
        atol=1e-5 if dtype == "float32" else 0.03,
    )
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_valid_is_normalised_as_keras_does_with_a_mask(rng):
    x = rng.normal(3, 2, (5, 2, 2, 4)).astype(np.float32)
    valid = np.array([True, False, True, True, False])[:, None, None]
    ours = layer_with_a_past(rng, 4, momentum=0.7)
    theirs = keras.layers.BatchNormalization(momentum=0.7)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    found = array(ours(x, training=True, valid=valid))
    mask = np.broadcast_to(valid, x.shape[:-1])
    np.testing.assert_allclose(
        found, array(theirs(x, training=True, mask=mask)), rtol=1e-5, atol=1e-6
    )
    for own, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 4])
def test_what_is_not_valid_may_be_no_number(rng, channels):
    x = rng.normal(size=(3, 2, 2, channels)).astype(np.float32)
    x[1], x[2] = np.inf, np.nan
    layer, plain = BatchNorm(), BatchNorm()
    y = layer(x, training=True, valid=np.array([True, False, False])[:, None, None])
    plain(x[:1], training=True)
    assert np.isfinite(array(y)[0]).all()
    for own, other in zip(layer.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)


def test_a_layer_that_does_not_learn_keeps_its_statistics(rng):
    x = rng.normal(3, 2, (3, 2, 2, 4)).astype(np.float32)
    layer = layer_with_a_past(rng, 4)
    layer.trainable = False
    before = layer.get_weights()
    found = layer(x, training=True, valid=np.ones((3, 1, 1), bool))
    np.testing.assert_allclose(
        array(found), array(layer(x, training=False)), rtol=1e-5, atol=1e-5
    )
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(params=["box", "mask"])
def head(request) -> keras.Model:
    """One head in half precision, whose numbers overflow where they can."""
    make = LayerFactory(
        dtype="mixed_float16", train_statistics=True, bn_momentum=0.97, seed=0
    )
    if request.param == "box":
        return build_box_head(8, 3, box_head_widths(16), 4, make)
    return build_mask_head(8, 3, mask_head_widths(16), 4, make)


def test_a_head_without_regions_says_finite_things_and_learns_nothing(rng, head):
    features = rng.normal(0, 5, (6, 3, 3, 8)).astype(np.float16)
    for _ in range(3):  # statistics that are not those of a new layer
        head([features, np.ones(6, bool)], training=True)
    before = head.get_weights()
    found = head([features, np.zeros(6, bool)], training=True)
    expected = head([features, np.ones(6, bool)], training=False)
    found, expected = (x if isinstance(x, list) else [x] for x in (found, expected))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=0.05, atol=0.01)
    for old, new in zip(before, head.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def gradients(head: keras.Model, features: np.ndarray, valid: np.ndarray) -> list:
    """Return the gradients of the sum of all outputs."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = head([features, valid], training=True)
        parts = outputs if isinstance(outputs, list) else [outputs]
        total = sum(keras.ops.sum(part) for part in parts)
    return tape.gradient(total, [v.value for v in head.trainable_variables])


def test_the_gradients_of_a_batch_without_regions_are_finite(rng, head):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the tape is TensorFlow's")
    features = rng.normal(0, 5, (6, 3, 3, 8)).astype(np.float16)
    head([features, np.ones(6, bool)], training=True)
    for gradient in gradients(head, features, np.zeros(6, bool)):
        assert np.isfinite(np.asarray(gradient)).all()
