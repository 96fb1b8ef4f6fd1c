"""EfficientNet-Lite0 as a backbone: shapes and weights by hand, and its statistics."""

import re

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.cost import by_stage, layer_costs
from mrcnn.nn.efficientnet_lite import blocks, efficientnet_lite0
from mrcnn.nn.layers import BatchNorm
from mrcnn.pruning.prunable import prunable_layers
from mrcnn.training import STAGE_LAYERS

CHANNELS = [16, 24, 40, 112, 320]


def size(variables):
    """Return how many numbers some variables hold."""
    return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    image = keras.Input((None, None, 3))
    return keras.Model(image, efficientnet_lite0(image))


@pytest.fixture
def config(tiny_config):
    """The network in miniature on this backbone."""
    settings = {
        "BACKBONE": staticmethod(efficientnet_lite0),
        "LAYER_WIDTHS": None,
        "MEAN_PIXEL": (127, 127, 127),
    }
    return type("Pretrained", (type(tiny_config),), settings)()


def test_maps_halve_five_times(network):
    shapes = network.compute_output_shape((1, 224, 160, 3))
    sides = [(112, 80), (56, 40), (28, 20), (14, 10), (7, 5)]
    expected = [(1, *side, c) for side, c in zip(sides, CHANNELS, strict=True)]
    assert [tuple(shape) for shape in shapes] == expected


def test_without_stage_5_there_is_no_c5():
    maps = efficientnet_lite0(keras.Input((64, 64, 3)), stage5=False)
    assert maps[4] is None
    assert [x.shape[-1] for x in maps[:4]] == CHANNELS[:4]


@pytest.mark.parametrize(
    ("name", "entering", "inside", "leaving", "kernel", "weights_of_it"),
    [
        # 3 x 3 x 32 + 32 x 16, and 2 numbers of each channel's normalisation
        ("2a", 32, 32, 16, 3, 288 + 512 + 2 * (32 + 16)),
        # 16 x 96 + 3 x 3 x 96 + 96 x 24
        ("2b", 16, 96, 24, 3, 1_536 + 864 + 2_304 + 2 * (96 + 96 + 24)),
        ("3b", 40, 240, 40, 5, 9_600 + 6_000 + 9_600 + 2 * (240 + 240 + 40)),
        ("5e", 192, 1152, 320, 3, 221_184 + 10_368 + 368_640 + 2 * 2_624),
    ],
)
def test_a_block_by_hand(
    network, name, entering, inside, leaving, kernel, weights_of_it
):
    layers = [
        layer
        for layer in network.layers
        if re.match(f"(res|bn){name}_", layer.name) and layer.trainable_weights
    ]
    kernels = [tuple(layer.kernel.shape) for layer in layers if "res" in layer.name]
    expected = [
        (1, 1, entering, inside),
        (kernel, kernel, inside, 1),
        (1, 1, inside, leaving),
    ]
    assert kernels == expected[inside == entering :]
    assert size(w for x in layers for w in x.trainable_weights) == weights_of_it


def test_parameters(network):
    """The whole network has 4,652,008: 1,281,000 are the classifier's, 409,600 and
    2 x 1,280 those of the convolution before it."""
    trainable = size(network.trainable_weights)
    assert trainable == 4_652_008 - 1_281_000 - 409_600 - 2_560
    # Two numbers of each channel's normalisation learn, and two are statistics.
    kernels = size(w for w in network.trainable_weights if w.name == "kernel")
    assert size(network.non_trainable_weights) == trainable - kernels


def test_inputs_are_added_where_shapes_allow(network):
    added = {layer.name for layer in network.layers if "_add" in layer.name}
    assert added == {
        f"res{name}_add"
        for name in ("2c", "3b", "4b", "4c", "4e", "4f", "5b", "5c", "5d")
    }
    assert sum(1 for _ in blocks()) == 16


def test_pixels_are_scaled_and_values_end_at_6(network):
    """A pixel of 255 is 1 for the stem; what a rectifier lets through is at most 6."""
    probe = keras.Model(
        network.input,
        [network.get_layer(n).output for n in ("scaled", "conv_stem_relu")],
    )
    image = np.full((1, 64, 64, 3), 128.0, np.float32)
    image[0, 0, 0] = -127
    scaled, rectified = map(keras.ops.convert_to_numpy, probe(1e3 * image))
    np.testing.assert_allclose(scaled[0, 1, 1], 1e3)
    np.testing.assert_allclose(scaled[0, 0, 0], -1e3 * 127 / 128)
    assert rectified.max() == 6 and rectified.min() == 0


@pytest.mark.parametrize(("train_bn", "frozen"), [(None, False), (False, True)])
def test_statistics_train_or_stay(train_bn, frozen, rng):
    image = keras.Input((32, 32, 3))
    network = keras.Model(
        image, efficientnet_lite0(image, train_bn=train_bn, momentum=0.9)
    )
    norms = [
        x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 1 + 2 + 15 * 3
    assert all(
        isinstance(x, BatchNorm) and x.frozen_statistics is frozen for x in norms
    )
    before = [np.array(x.moving_mean) for x in norms]
    network(rng.normal(0, 50, (2, 32, 32, 3)).astype(np.float32), training=True)
    moved = [
        bool((np.array(x.moving_mean) != old).any())
        for x, old in zip(norms, before, strict=True)
    ]
    assert moved == [not frozen] * len(norms)
    assert {x.epsilon for x in norms} == {1e-3} and {x.momentum for x in norms} == {0.9}


@pytest.mark.parametrize("frozen", [None, False])
def test_build_says_which(config, frozen):
    config.TRAIN_BN = frozen
    backbone = build.model(config, precision="float32").backbone
    assert backbone.get_layer("bn_stem").frozen_statistics is (frozen is False)
    assert [x.shape[-1] for x in backbone.outputs] == CHANNELS[1:]


def test_names_are_those_of_stages(config):
    """Stages of a training, costs and pruning go by them."""
    model = build.model(config, precision="float32")
    names = [layer.name for layer in model.backbone.layers if layer.weights]
    chosen = [name for name in names if re.fullmatch(STAGE_LAYERS["5+"], name)]
    assert len(chosen) == 5 * 6
    stages = by_stage(layer_costs(model, (64, 64), rois=1, masks=1))
    assert list(stages["stem"]) == ["conv_stem", "bn_stem"]
    assert {"stage 2", "stage 3", "stage 4", "stage 5"} < set(stages)
    # 16 x 16 outputs of kernels 3 x 3, one for each of 96 channels
    assert stages["stage 2"]["res2b_depthwise"].macs == 16 * 16 * 9 * 96
    prunable = {layer.name: layer.group for layer in prunable_layers(model)}
    assert prunable["res4f_depthwise"] == "stage 4" and "conv_stem" not in prunable


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_a_step_trains_it(config, tiny_shapes, precision):
    model = build.model(config, precision=precision, seed=0)
    model.compile(optimizer=build.optimizer(config, 0.01))
    layers = [model.backbone.get_layer(f"res{n}_depthwise") for n in ("2a", "5e")]
    before = [np.array(layer.kernel) for layer in layers]
    (batch,) = build.batches(config, tiny_shapes)[0]
    assert np.isfinite(model.train_on_batch(batch)).all()
    for layer, old in zip(layers, before, strict=True):
        assert (np.array(layer.kernel) != old).any()
