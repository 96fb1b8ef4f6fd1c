"""A network without its dead channels answers as before, at the borders too."""

import numpy as np
import pytest
from keras import ops, tree

from mrcnn import build
from mrcnn.nn.roi_heads import RoiHeads
from mrcnn.ops.roi_align import pack_pyramid
from mrcnn.pruning import load_plan, remove_dead
from mrcnn.pruning.surgery import channel_axes
from mrcnn.weights import load_weights, save_weights, single_layers

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
SIDE = 64
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def config(tiny_config):
    """Return a configuration that detects something whatever the scores."""
    return type("Unsure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 0.0})()


@pytest.fixture(scope="module")
def trained(config):
    """Return a model with biases and statistics as a trained one has."""
    model, rng = build.model(config, seed=1, precision="float32"), _rng(2)
    for layer in single_layers(model):
        for weight in layer.weights:
            if weight.name in ("gamma", "moving_variance"):
                weight.assign(rng.uniform(0.5, 1.0, weight.shape))
            elif weight.name != "kernel":
                weight.assign(rng.normal(0, 0.2, weight.shape))
        if layer.name.startswith(("res", "fpn")):
            layer.kernel.assign(layer.kernel * 0.7)  # else features grow and grow
    bias = layer_of(model, "mrcnn_class_logits").bias
    bias.assign(np.array([-3, 0, 0.1, 0.2]))  # never the background
    return model


@pytest.fixture
def model(trained):
    """Return the same once more."""
    weights = [np.array(weight) for weight in trained.weights]
    yield trained
    for weight, value in zip(trained.weights, weights, strict=True):
        weight.assign(value)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def layer_of(model, name):
    """Return a layer by name."""
    return next(layer for layer in single_layers(model) if layer.name == name)


def kill(model, name, channels, bias=None) -> None:
    """Make filters of a layer zero, and their biases something."""
    layer = layer_of(model, name)
    kernel = np.moveaxis(np.array(layer.kernel), channel_axes(layer)[1], -1)
    kernel[..., channels] = 0
    layer.kernel.assign(np.moveaxis(kernel, -1, channel_axes(layer)[1]))
    if bias is not None:
        values = np.array(layer.bias)
        values[channels] = bias
        layer.bias.assign(values)


def ignore(model, name, channels) -> None:
    """Let a layer not read some channels."""
    layer = layer_of(model, name)
    kernel = np.moveaxis(np.array(layer.kernel), channel_axes(layer)[0], -1)
    kernel[..., channels] = 0
    layer.kernel.assign(np.moveaxis(kernel, -1, channel_axes(layer)[0]))


def noise(seed: int) -> np.ndarray:
    """Return two images."""
    return _rng(seed).normal(size=(2, SIDE, SIDE, 3)).astype(np.float32)


def outputs(model) -> list[np.ndarray]:
    """Return every output of every part, on noise, and on regions in all its corners.

    Some reach over the border, where features are zero.
    """
    pyramid = model.fpn(model.backbone(noise(3)))
    canvas = pack_pyramid(pyramid[:4])
    heads = RoiHeads(
        *(model.box_head, model.mask_head, canvas, (SIDE, SIDE), model.settings, False)
    )
    corners = [[0, 0, 0.3, 0.4], [0.6, 0.7, 1, 1], [-0.2, 0.5, 0.5, 1.3], [0, 0, 1, 1]]
    regions = ops.convert_to_tensor(np.array([corners, corners], np.float32))
    valid = ops.ones((2, 4), "bool")
    found = [out for level in pyramid for out in model.rpn(level)]
    found += [*heads.classify(regions, valid), heads.outline(regions, valid)]
    return [np.asarray(array) for array in found]


def same(model, other) -> None:
    """Compare all that two networks say."""
    for old, new in zip(outputs(model), outputs(other), strict=True):
        np.testing.assert_allclose(new, old, **CLOSE)
        assert np.abs(old).max() < 100  # so that this is no matter of rounding


def pruned(config, model):
    """Return the network without what is dead, once it has shown to be the same."""
    before = [np.array(weight) for weight in model.weights]
    found = remove_dead(model, config)
    same(model, found.model)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    return found


def row(found, name):
    """Return what became of a layer."""
    return next(row for row in found.layers if row.name == name)


def test_where_nothing_is_dead_nothing_changes(config, model):
    found = remove_dead(model, config)
    assert found.plan.kept == {}
    assert not any(row.dead or row.removed for row in found.layers)
    assert found.table() == "No filter is dead, and each is read."
    for ours, theirs in zip(found.model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert build.layer_widths(found.config) == build.layer_widths(config)


@pytest.mark.parametrize(
    ("maker", "group"),
    [
        ("rpn_conv_shared", "proposals"),
        ("mrcnn_class_conv1", "box head 1"),
        ("mrcnn_class_conv2", "box head 2"),
        ("mrcnn_mask_deconv", "mask head 5"),
        ("res4a_branch2b", "block 4a, second"),
        ("conv1", "stem"),
    ],
)
def test_constants_that_a_product_reads_become_part_of_its_bias(
    maker, group, config, model
):
    kill(model, maker, [1, 2, 6], bias=[0.7, -0.4, 2.0])
    found = pruned(config, model)
    width = build.layer_widths(config)[maker]
    assert found.plan.kept == {
        group: tuple(i for i in range(width) if i not in (1, 2, 6))
    }
    assert row(found, maker) == (maker, width, 3, 3, 0, 0)


@pytest.mark.parametrize(
    ("maker", "norm", "group"),
    [
        ("res3b_branch2a", "bn3b_branch2a", "block 3b, first"),
        ("mrcnn_mask_conv2", "mrcnn_mask_bn2", "mask head 2"),
        ("mrcnn_mask_conv4", "mrcnn_mask_bn4", "mask head 4"),
    ],
)
def test_of_constants_that_a_larger_kernel_reads_one_stays(
    maker, norm, group, config, model
):
    """The largest; what is zero after the rectifier goes with the others."""
    kill(model, maker, [0, 1, 2, 6])
    beta = np.array(layer_of(model, norm).beta)
    mean = layer_of(model, norm).moving_mean
    layer_of(model, maker).bias.assign(mean)  # so that beta is what remains
    beta[[0, 1, 2, 6]] = 0.5, -0.3, 0.8, 0.1
    layer_of(model, norm).beta.assign(beta)
    found = pruned(config, model)
    assert found.plan.kept == {group: (2, 3, 4, 5, 7)}
    assert row(found, maker) == (maker, 8, 4, 3, 0, 1)


def test_a_channel_whose_normalisation_is_shut_is_constant(config, model):
    norm = layer_of(model, "mrcnn_class_bn1")
    norm.gamma.assign(np.where(np.arange(16) < 5, 0, np.array(norm.gamma)))
    assert pruned(config, model).plan.kept == {"box head 1": tuple(range(5, 16))}


def test_what_is_added_up_goes_only_where_all_of_it_is_constant(config, model):
    makers = [f"res3{name}" for name in ("a_branch1", "a_branch2c", "b_branch2c")]
    for name in makers:
        kill(model, name, [4], bias=0.6)
    kill(model, makers[1], [2, 3], bias=0.6)
    found = pruned(config, model)
    assert found.plan.kept == {"stage 3": (0, 1, 2, 3, 5, 6, 7)}
    assert row(found, makers[1]) == (makers[1], 8, 3, 1, 2, 0)


def test_a_channel_may_be_constant_for_some_and_unread_by_others(config, model):
    """Constant in stage 3's first block, alive after its second, where nobody reads."""
    for name in ("res3a_branch1", "res3a_branch2c"):
        kill(model, name, [5], bias=0.6)
    for name in ("res4a_branch1", "res4a_branch2a", "fpn_c3p3"):
        ignore(model, name, [5])
    found = pruned(config, model)
    assert found.plan.kept == {"stage 3": (0, 1, 2, 3, 4, 6, 7)}
    assert row(found, "res3b_branch2c") == ("res3b_branch2c", 8, 0, 1, 0, 0)


LEVELS = [f"fpn_p{level}" for level in (2, 3, 4, 5)]
LATERALS = [f"fpn_c{level}p{level}" for level in (2, 3, 4, 5)]


def test_levels_share_their_readers_so_that_one_level_frees_no_channel(config, model):
    kill(model, "fpn_p5", range(7))
    kill(model, "fpn_p4", range(4))
    found = pruned(config, model)
    assert found.plan.kept == {}
    assert row(found, "fpn_p5") == ("fpn_p5", 8, 7, 0, 7, 0)
    assert "| fpn_p5" in found.table() and "| fpn_p3" not in found.table()


@pytest.mark.parametrize(
    ("bias", "kept"),
    [
        (0.0, 1),  # nothing beyond what is alive
        (0.3, 2),  # a multiple of one pattern of the four levels
        (None, 5),  # four independent ones
    ],
)
def test_of_what_is_dead_in_all_levels_as_much_stays_as_is_independent(
    bias, kept, config, model
):
    for name in LEVELS:
        kill(model, name, range(7), bias=bias)
    found = pruned(config, model)
    assert len(found.plan.kept["pyramid"]) == kept
    assert 7 in found.plan.kept["pyramid"]


def test_what_comes_down_the_pyramid_is_added_up(config, model):
    for name in LATERALS:
        kill(model, name, [0, 3], bias=0.0)
    kill(model, "fpn_c5p5", [5], bias=0.0)
    found = pruned(config, model)
    assert found.plan.kept == {"laterals": (1, 2, 4, 5, 6, 7)}
    assert row(found, "fpn_c5p5") == ("fpn_c5p5", 8, 3, 2, 1, 0)


def test_what_nobody_reads_goes_and_with_it_what_only_that_has_read(config, model):
    ignore(model, "mrcnn_mask", [0, 1, 2])
    layer = layer_of(model, "mrcnn_mask_deconv")
    kernel = np.array(layer.kernel)  # (2, 2, filters, inputs)
    kernel[:, :, 3:, 6] = 0  # channel 6 is for those filters alone
    layer.kernel.assign(kernel)
    found = pruned(config, model)
    assert found.plan.kept == {
        "mask head 5": (3, 4, 5, 6, 7),
        "mask head 4": (0, 1, 2, 3, 4, 5, 7),
    }
    assert row(found, "mrcnn_mask_conv4") == ("mrcnn_mask_conv4", 8, 0, 1, 0, 0)


def test_what_dies_of_a_removal_goes_too(config, model):
    kill(model, "mrcnn_mask_conv1", [2], bias=-99)  # zero after the rectifier
    kernel = np.array(layer_of(model, "mrcnn_mask_conv2").kernel)
    kernel[:, :, [0, 1, 3, 4, 5, 6, 7], 5] = 0  # reads nothing else
    layer_of(model, "mrcnn_mask_conv2").kernel.assign(kernel)
    layer_of(model, "mrcnn_mask_bn2").beta.assign(np.full(8, -9))
    layer_of(model, "mrcnn_mask_bn2").moving_mean.assign(np.zeros(8))
    layer_of(model, "mrcnn_mask_conv2").bias.assign(np.zeros(8))
    found = pruned(config, model)
    assert 2 not in found.plan.kept["mask head 1"]
    assert 5 not in found.plan.kept["mask head 2"]


def test_a_layer_that_is_wholly_dead_keeps_one_filter(config, model):
    kill(model, "rpn_conv_shared", range(8))
    kill(model, "mrcnn_mask_conv3", range(8), bias=-99)
    found = pruned(config, model)
    assert found.plan.kept["proposals"] == (0,)
    assert found.plan.kept["mask head 3"] == (0,)


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_masks(seed, config, model):
    """Filters dead at random, whole channels, and zeros everywhere else."""
    rng = _rng(seed)
    for layer in single_layers(model):
        if hasattr(layer, "kernel"):
            keep = rng.random(layer.kernel.shape) > 0.3
            layer.kernel.assign(np.array(layer.kernel) * keep)
    for group in build.channels(config):
        dead = np.flatnonzero(rng.random(8) < 0.3)
        for name in group.makers:
            kill(model, name, np.union1d(dead, np.flatnonzero(rng.random(8) < 0.2)))
        ignored = np.flatnonzero(rng.random(8) < 0.1)
        for name in group.readers:
            ignore(model, name, ignored)
    found = pruned(config, model)
    assert len(found.plan.kept) > 10
    images = {"images": noise(seed), "windows": np.tile([0, 0, 1, 1], (2, 1))}
    images["windows"] = images["windows"].astype(np.float32)
    old, new = model.stages(images), found.model.stages(images)
    assert old.detections.valid.any()
    for ours, theirs in zip(tree.flatten(old), tree.flatten(new), strict=True):
        np.testing.assert_allclose(theirs, ours, **CLOSE)
    again = remove_dead(found.model, found.config)
    assert again.plan.kept == {}


def test_a_plan_and_weights_give_the_network_again(config, model, tmp_path):
    kill(model, "rpn_conv_shared", [0, 3], bias=0.5)
    found = remove_dead(model, config)
    found.plan.save(tmp_path / "plan.json")
    save_weights(found.model, tmp_path / "small.h5")
    widths = load_plan(tmp_path / "plan.json").widths(build.channels(config))
    again = build.model(build.with_widths(config, widths), precision="float32")
    load_weights(again, tmp_path / "small.h5")
    for ours, theirs in zip(outputs(again), outputs(found.model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
