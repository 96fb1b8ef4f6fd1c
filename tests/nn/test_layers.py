"""Batch normalisation, frozen and masked, and the layers' initial weights."""

import keras
import numpy as np
import pytest

from mrcnn.nn.layers import BatchNorm, LayerFactory, Upsampling


def array(tensor) -> np.ndarray:
    """Return a tensor, or a variable, as an array that knows of no gradients."""
    return keras.ops.convert_to_numpy(tensor)


def set_random(layer: keras.layers.Layer, rng: np.random.Generator) -> None:
    """Give gamma, beta, mean and variance values that all matter."""
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])


@pytest.mark.parametrize("training", [False, True])
def test_frozen_statistics_are_keras_inference(rng, training):
    x = rng.normal(3, 2, (2, 4, 5, 6)).astype(np.float32)
    ours = BatchNorm(frozen_statistics=True, epsilon=0.01)
    reference = keras.layers.BatchNormalization(epsilon=0.01)
    ours.build(x.shape)
    reference.build(x.shape)
    set_random(ours, rng)
    reference.set_weights(ours.get_weights())
    before = ours.get_weights()
    np.testing.assert_allclose(
        array(ours(x, training=training)),
        array(reference(x, training=False)),
        rtol=1e-5,
        atol=1e-5,
    )
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_every_pixel_becomes_four(rng, shape, dtype):
    x = rng.integers(0, 256, shape).astype(np.float32)  # bfloat16 knows them all
    found = Upsampling(dtype=dtype)(x)
    expected = x.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(array(keras.ops.cast(found, "float32")), expected)


def test_sides_that_are_not_known_yet_can_grow():
    features = keras.Input((None, 6, 3))
    assert Upsampling()(features).shape == (None, None, 12, 3)


def test_frozen_statistics_leave_gamma_and_beta_trainable():
    layer = BatchNorm(frozen_statistics=True)
    layer.build((None, 3))
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]


@pytest.mark.parametrize("momentum", [0.7, 0.0])
def test_trained_statistics_are_keras_training(rng, momentum):
    ours = BatchNorm(momentum=momentum)
    reference = keras.layers.BatchNormalization(momentum=momentum)
    for _ in range(3):
        x = rng.normal(3, 2, (2, 4, 5, 6)).astype(np.float32)
        found, expected = ours(x, training=True), reference(x, training=True)
        # Sums in another order: values near 0 differ by the rounding of values near 1.
        np.testing.assert_allclose(array(found), array(expected), rtol=1e-6, atol=1e-6)
    for own, theirs in zip(ours.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_statistics_are_those_of_the_valid_rows(rng, count):
    x = rng.normal(size=(5, 2, 2, 4)).astype(np.float32)
    x[count:] = 1e4  # would show at once
    valid = np.arange(5)[:, None, None] < count
    masked, plain = BatchNorm(momentum=0.5), BatchNorm(momentum=0.5)
    y = masked(x, training=True, valid=np.broadcast_to(valid, (5, 1, 1)))
    expected = plain(x[:count], training=True)
    np.testing.assert_allclose(array(y)[:count], array(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        array(masked.moving_mean), array(plain.moving_mean), rtol=1e-4
    )
    np.testing.assert_allclose(
        array(masked.moving_variance), array(plain.moving_variance), rtol=1e-4
    )
    mean = x[:count].mean((0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(
        array(masked.moving_mean), mean / 2, rtol=1e-4, atol=1e-6
    )


def test_no_valid_row_gives_finite_numbers(rng):
    x = rng.normal(size=(3, 2, 2, 4)).astype(np.float32)
    layer = BatchNorm()
    y = layer(x, training=True, valid=np.zeros((3, 1, 1), bool))
    assert np.isfinite(array(y)).all()
    assert all(np.isfinite(w).all() for w in layer.get_weights())


def test_config_round_trip():
    layer = BatchNorm(
        frozen_statistics=True, momentum=0.9, epsilon=0.02, name="bn2a_branch1"
    )
    again = BatchNorm.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.frozen_statistics
    assert (again.momentum, again.epsilon, again.name) == (0.9, 0.02, "bn2a_branch1")
    assert not BatchNorm.from_config(BatchNorm().get_config()).frozen_statistics


def test_a_saved_layer_loads_by_its_registered_name():
    config = keras.saving.serialize_keras_object(BatchNorm(frozen_statistics=True))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is BatchNorm
    assert again.frozen_statistics


def test_initial_weights_depend_on_seed_and_name():
    def kernel(seed: int, name: str) -> np.ndarray:
        make = LayerFactory(
            dtype="float32", train_statistics=True, bn_momentum=0.9, seed=seed
        )
        layer = make.conv(name, 4, 3)
        layer.build((None, 8, 8, 3))
        return layer.get_weights()[0]

    np.testing.assert_array_equal(kernel(1, "a"), kernel(1, "a"))
    assert not np.allclose(kernel(1, "a"), kernel(1, "b"))
    assert not np.allclose(kernel(1, "a"), kernel(2, "a"))


def test_outputs_start_near_zero_in_float32():
    make = LayerFactory(
        dtype="mixed_bfloat16", train_statistics=True, bn_momentum=0.9, seed=0
    )
    predictor = make.predictor("p", 4)
    predictor.build((None, 8, 8, 64))
    assert predictor.compute_dtype == "float32"
    assert make.conv("c", 4, 1).compute_dtype == "bfloat16"
    assert 0.005 < float(np.std(array(predictor.kernel))) < 0.02
