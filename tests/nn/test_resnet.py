"""Backbones: Matterport's layers, shapes and parameter counts; widths as data."""

import keras
import pytest

from mrcnn import build, weights
from mrcnn.config import Config
from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.resnet import build_backbone, default_widths


@pytest.fixture
def make() -> LayerFactory:
    return LayerFactory(
        dtype="float32", train_statistics=False, bn_momentum=0.99, seed=0
    )


def default_backbone(architecture: str, make: LayerFactory) -> keras.Model:
    return build_backbone(architecture, 3, default_widths(architecture), make)


def matterport_kernels(blocks: str, stage: int, inner: int) -> dict[str, tuple]:
    """The kernels of one stage of the Caffe models, written out by rule."""
    outer, entering = 4 * inner, 64 if stage == 2 else 2 * inner
    kernels = {f"res{stage}a_branch1": (1, 1, entering, outer)}
    for block in blocks:
        name = f"res{stage}{block}_branch"
        kernels[name + "2a"] = (1, 1, entering if block == "a" else outer, inner)
        kernels[name + "2b"] = (3, 3, inner, inner)
        kernels[name + "2c"] = (1, 1, inner, outer)
    return kernels


def test_resnet50_has_matterports_layers(make):
    expected = {"conv1": (7, 7, 3, 64)}
    for stage, blocks, inner in (
        (2, "abc", 64),
        (3, "abcd", 128),
        (4, "abcdef", 256),
        (5, "abc", 512),
    ):
        expected |= matterport_kernels(blocks, stage, inner)
    norms = {"bn_conv1"} | {n.replace("res", "bn") for n in expected if n != "conv1"}

    weighted = {
        layer.name: layer for layer in default_backbone("resnet50", make).layers
    }
    weighted = {name: layer for name, layer in weighted.items() if layer.weights}
    assert set(weighted) == set(expected) | norms
    for name, shape in expected.items():
        kernel, bias = weighted[name].weights
        assert (tuple(kernel.shape), tuple(bias.shape)) == (shape, shape[-1:])
    assert [w.name for w in weighted["bn_conv1"].weights] == [
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
    ]


@pytest.mark.parametrize(
    ("backbone", "parameters"), [("resnet50", 44_662_942), ("resnet101", 63_733_406)]
)
def test_parameters_with_two_classes(backbone, parameters):
    class TwoClasses(Config):
        BACKBONE = backbone
        NUM_CLASSES = 2

    model = build.model(TwoClasses(), precision="float32")
    layers = weights.weighted_layers(model)
    assert sum(layer.count_params() for layer in layers) == parameters


def test_resnet101_has_23_blocks_in_stage_4():
    blocks = {n[4] for n in default_widths("resnet101") if n.startswith("res4")}
    assert blocks == set("abcdefghijklmnopqrstuvw")


@pytest.mark.parametrize("architecture", ["compact", "resnet50"])
def test_strides_are_4_to_32(make, architecture):
    shapes = default_backbone(architecture, make).compute_output_shape(
        (None, 128, 64, 3)
    )
    assert [shape[1:3] for shape in shapes] == [(32, 16), (16, 8), (8, 4), (4, 2)]


def test_widths_replace_only_what_they_name(tiny_config):
    widths = {"res3a_branch2a": 5, "mrcnn_mask_conv2": 7}
    model = build.model(build.with_widths(tiny_config, widths))
    layers = {layer.name: layer for layer in weights.single_layers(model)}
    expected = build.layer_widths(tiny_config) | widths
    assert {name: layers[name].filters for name in expected} == expected


def test_other_widths_change_nothing_else_and_leave_the_configuration(tiny_config):
    config = type(tiny_config)()
    config.DETECTION_MIN_CONFIDENCE = 0.123  # on the instance, as users do
    narrower = build.with_widths(config, {"res3a_branch2a": 5})
    assert narrower.LAYER_WIDTHS == config.LAYER_WIDTHS | {"res3a_branch2a": 5}
    assert config.LAYER_WIDTHS == tiny_config.LAYER_WIDTHS
    assert build.settings(narrower) == build.settings(config)
    assert build.settings(narrower).min_confidence == 0.123


def test_unknown_architecture_names_the_choices():
    class Unknown(Config):
        BACKBONE = "vgg16"
        NUM_CLASSES = 2

    with pytest.raises(ValueError, match=r"'vgg16'.*resnet50, resnet101, compact"):
        build.model(Unknown())


def test_unknown_layers_and_layers_that_do_not_add_up_are_named(tiny_config):
    with pytest.raises(ValueError, match=r"LAYER_WIDTHS.*res9z_branch2a"):
        build.model(build.with_widths(tiny_config, {"res9z_branch2a": 8}))
    with pytest.raises(ValueError, match=r"laterals.*'fpn_c2p2': 4.*'fpn_c3p3': 8"):
        build.model(build.with_widths(tiny_config, {"fpn_c2p2": 4}))
