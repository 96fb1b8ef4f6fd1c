"""Matterport's conventions that no other test derives by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import build, losses
from mrcnn import model as modellib
from mrcnn.config import Config
from mrcnn.structures import RoiTargets
from mrcnn.weights import weighted_layers
from tests.tensors import on_tensors


@pytest.fixture
def variables():
    """Return two variables at zero, and gradients of norms 3 and 4."""
    values = [keras.Variable(np.zeros(2), dtype="float32") for _ in range(2)]
    return values, [ops.convert_to_tensor(g) for g in ([3.0, 0.0], [0.0, 4.0])]


@pytest.mark.parametrize(("limit", "factor"), [(5.0, 1.0), (2.5, 0.5)])
def test_gradients_are_clipped_by_the_norm_of_all_of_them(variables, limit, factor):
    settings = {"NUM_CLASSES": 2, "GRADIENT_CLIP_NORM": limit}
    config = type("Any", (Config,), settings)()
    weights, gradients = variables
    optimizer = build.optimizer(config, 1.0)
    optimizer.apply_gradients(zip(gradients, weights, strict=True))
    moved = [-factor * np.array(g) for g in ([3.0, 0.0], [0.0, 4.0])]
    for weight, expected in zip(weights, moved, strict=True):
        np.testing.assert_allclose(np.asarray(weight), expected, rtol=1e-6)


def test_momentum_adds_up(variables):
    weights, gradients = variables
    config = type("Any", (Config,), {"NUM_CLASSES": 2})()
    optimizer = build.optimizer(config, 0.1)
    for _ in range(2):
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
    # 0.1 * 3, and then 0.9 of it and as much again.
    np.testing.assert_allclose(np.asarray(weights[0])[0], -0.3 - 0.57, rtol=1e-6)


def test_the_penalty_is_the_mean_square_of_every_weight(
    tiny_config, tiny_shapes, monkeypatch
):
    settings = {"OPTIMIZER": "sgd", "WEIGHT_DECAY": 0.5}
    config = type("Any", (type(tiny_config),), settings)()
    model = build.model(config, precision="float32")
    for layer in weighted_layers(model):  # gamma and beta must not count
        for weight in layer.weights:
            if weight.name in ("gamma", "beta"):
                weight.assign(np.full(weight.shape, 100.0))
    zero = dict.fromkeys(config.LOSS_WEIGHTS, ops.convert_to_tensor(0.0))
    monkeypatch.setattr(type(model), "compute_losses", lambda *arguments: zero)
    (batch,) = build.batches(config, tiny_shapes)[0]
    total = float(model.compute_loss(batch, y_pred=None))
    squares = [
        np.mean(np.asarray(weight, np.float64) ** 2)
        for layer in weighted_layers(model)
        for weight in layer.weights
        if weight.name in ("kernel", "bias")
    ]
    assert total == pytest.approx(0.5 * sum(squares), rel=1e-5)


def test_normalisation_adds_a_thousandth_to_the_variance(tiny_config):
    config = type("Any", (type(tiny_config),), {"TRAIN_BN": False})()
    model = build.model(config, precision="float32")
    layer = model.backbone.get_layer("bn_conv1")
    assert layer.epsilon == 1e-3
    assert layer.momentum == config.BN_MOMENTUM
    assert Config().BN_MOMENTUM == 0.99
    layer.moving_variance.assign(np.zeros(layer.moving_variance.shape))
    x = np.full((1, 1, 1, layer.gamma.shape[0]), 2.0, np.float32)
    found = ops.convert_to_numpy(layer(x, training=True))
    np.testing.assert_allclose(found, 2 / np.sqrt(1e-3), rtol=1e-5)


def test_empty_slots_count_as_background(rng):
    logits = rng.normal(size=(1, 3, 4)).astype(np.float32)
    nothing = np.zeros((1, 3, 4), np.float32)
    flags = np.array([[True, False, False]])
    targets = RoiTargets(nothing, np.array([[2, 0, 0]]), nothing, nothing, flags, flags)
    found = on_tensors(losses.mrcnn_class_loss)(logits, targets, np.ones((1, 4), int))
    probability = np.exp(logits.astype(float))
    probability /= probability.sum(-1, keepdims=True)
    expected = -np.log(probability[0, [0, 1, 2], [2, 0, 0]]).mean()
    assert float(found) == pytest.approx(expected, rel=1e-5)


# --- What users asked for


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_images_of_any_number_of_channels(tiny_config, tmp_path, rng, channels):
    settings = {"IMAGE_CHANNEL_COUNT": channels, "MEAN_PIXEL": [100.0] * channels}
    config = type("Any", (type(tiny_config),), settings)()
    model = modellib.MaskRCNN("inference", config, tmp_path)
    image = rng.integers(0, 256, (40, 50, channels), dtype=np.uint8)
    assert len(model.detect([image])) == 1
    with_alpha = np.concatenate([image, image[..., :1]], axis=-1)
    found, truth = model.detect([with_alpha, image])
    np.testing.assert_array_equal(found["rois"], truth["rois"])
    if channels in (1, 3):
        assert len(model.detect([image[..., 0]])) == 1  # grey


def test_a_mean_pixel_has_a_value_for_each_channel(tiny_config):
    settings = {"IMAGE_CHANNEL_COUNT": 4}
    config = type("Any", (type(tiny_config),), settings)()
    with pytest.raises(ValueError, match=r"MEAN_PIXEL has 3 values for images of 4"):
        build.model(config)
