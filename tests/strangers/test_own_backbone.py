"""Backbones of the user's own, and Keras' other order of axes."""

import keras
import pytest

from mrcnn import build


def maps(image, strides):
    return [
        keras.layers.Conv2D(8, 1, strides=stride, padding="same")(image)
        for stride in strides
    ]


def bad():
    model = keras.Sequential([keras.Input((64, 64, 3))])
    return [
        (keras.applications.ResNet50, "ResNet50, which is called in another way"),
        (model, "Sequential, which is called in another way"),
        (lambda image: [image], "which is called in another way"),
        (lambda image, **k: image, "which returned a KerasTensor"),
        (lambda image, **k: None, "which returned a NoneType"),
        (lambda image, **k: maps(image, [4, 8, 16]), "which returned a list of 3"),
        (lambda image, **k: [1, 2, 3, 4, 5], "other things than feature maps"),
        (
            lambda image, **k: maps(image, [4, 4, 4, 4, 4]),
            "makes maps of 64 x 64, 64 x 64, 64 x 64, 64 x 64 from 256 x 256",
        ),
    ]


@pytest.mark.parametrize("case", range(8))
def test_what_is_no_backbone_hears_what_one_is(tiny_config, case):
    backbone, match = bad()[case]
    mine = type("Mine", (type(tiny_config),), {"LAYER_WIDTHS": None})()
    mine.BACKBONE = backbone
    with pytest.raises(ValueError, match=rf"(?s){match}.*f\(image, stage5=True"):
        build.model(mine)


@pytest.mark.parametrize("strides", [(4, 4, 8, 16, 32), (4, 8, 16, 32)])
def test_a_function_is_one(tiny_config, strides):
    def backbone(image, stage5=True, train_bn=None):
        return tuple(maps(image, strides))

    mine = type("Mine", (type(tiny_config),), {"LAYER_WIDTHS": None})()
    mine.BACKBONE = backbone
    assert len(build.model(mine, precision="float32").backbone.outputs) == 4


def test_channels_come_last(tiny_config):
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="'channels_first', and images are"):
            build.model(tiny_config)
    finally:
        keras.config.set_image_data_format("channels_last")
