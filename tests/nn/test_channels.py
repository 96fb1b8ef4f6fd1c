"""Channel groups against the network that is built: every axis in exactly one group."""

import keras
import pytest

from mrcnn import build
from mrcnn.nn.channels import channel_groups
from mrcnn.nn.layers import BatchNorm
from mrcnn.weights import single_layers

GIVEN = {"conv1"}  # reads the image
OUTPUTS = {
    *("rpn_class_raw", "rpn_bbox_pred", "mrcnn_class_logits", "mrcnn_bbox_fc"),
    "mrcnn_mask",
}


@pytest.fixture(params=["compact", "resnet50", "resnet101"])
def built(request, tiny_config):
    """Return groups, and a network in which no two groups have the same width."""
    groups = channel_groups(request.param)
    widths = {name: 4 + i for i, g in enumerate(groups) for name in g.makers}
    changes = {"BACKBONE": request.param, "LAYER_WIDTHS": widths}
    config = type("Own", (type(tiny_config),), changes)()
    return groups, build.model(config, precision="float32")


def test_each_layer_makes_and_reads_the_channels_of_one_group(built):
    groups, model = built
    layers = {layer.name: layer for layer in single_layers(model)}
    kernels = {name for name, layer in layers.items() if hasattr(layer, "kernel")}
    makers = [name for group in groups for name in group.makers]
    readers = [name for group in groups for name in group.readers]
    norms = [name for group in groups for name in group.norms]
    assert sorted(makers) == sorted(kernels - OUTPUTS)
    assert sorted(readers) == sorted(kernels - GIVEN)
    assert sorted(norms) == sorted(
        name for name, layer in layers.items() if isinstance(layer, BatchNorm)
    )


def test_maps_have_all_makers_once_and_all_readers(built):
    for group in built[0]:
        makers = [name for features in group.maps for name in features.makers]
        readers = {name for features in group.maps for name in features.readers}
        assert sorted(makers) == sorted(group.makers)
        assert readers == set(group.readers)


def test_widths_are_those_of_the_groups(built):
    groups, model = built
    layers = {layer.name: layer for layer in single_layers(model)}
    for width, group in enumerate(groups, start=4):
        for name in group.makers:
            assert layers[name].bias.shape == (width,)
        for name in group.norms:
            assert layers[name].gamma.shape == (width,)
        for name in group.readers:
            layer = layers[name]
            # Transposed convolutions keep their inputs last.
            last = isinstance(layer, keras.layers.Conv2DTranspose)
            assert layer.kernel.shape[-1 if last else -2] == width


def test_numbers_and_texts():
    # One for the stem, two for each block, one for each stage; two for the pyramid, one
    # for proposals, two and five for the heads.
    for architecture, blocks in (("compact", 8), ("resnet50", 16), ("resnet101", 33)):
        assert len(channel_groups(architecture)) == 1 + 2 * blocks + 4 + 2 + 1 + 2 + 5
    assert len(channel_groups(lambda image: image)) == 10
    groups = {group.name: str(group) for group in channel_groups("compact")}
    assert groups["proposals"] == (
        "proposals: rpn_conv_shared -> rpn_class_raw, rpn_bbox_pred"
    )
