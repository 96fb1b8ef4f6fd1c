"""Settings from which no model can be built are refused by name."""

import pytest

from mrcnn import build
from mrcnn.config import Config


def config(**settings) -> Config:
    return type("MyConfig", (Config,), {"NUM_CLASSES": 2, **settings})()


def test_defaults_are_valid_and_matterports():
    defaults = config()
    defaults.validate()
    assert defaults.BATCH_SIZE == 2
    assert defaults.IMAGE_SHAPE.tolist() == [1024, 1024, 3]
    assert defaults.IMAGE_META_SIZE == 1 + 3 + 3 + 4 + 1 + 2


def test_computed_settings():
    mine = config(GPU_COUNT=2, IMAGES_PER_GPU=3, IMAGE_RESIZE_MODE="crop")
    assert mine.BATCH_SIZE == 6
    assert mine.IMAGE_SHAPE.tolist() == [800, 800, 3]
    assert mine.to_dict()["BATCH_SIZE"] == 6
    assert "validate" not in mine.to_dict()


def test_display_prints_every_setting(capsys):
    config().display()
    printed = capsys.readouterr().out
    assert all(f"{key} " in printed for key in config().to_dict())


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"NUM_CLASSES": 1}, r"MyConfig\.NUM_CLASSES is 1.*background.*= 2"),
        ({"NUM_CLASSES": 0}, r"NUM_CLASSES is 0"),
        ({"IMAGE_MAX_DIM": 100}, r"IMAGE_MAX_DIM.*100 pixels.*by 64.*Take 128"),
        ({"IMAGE_MAX_DIM": 20}, r"IMAGE_MAX_DIM.*20 pixels.*Take 64"),
        ({"RPN_ANCHOR_SCALES": (8, 16)}, r"RPN_ANCHOR_SCALES has 2 entries for 5"),
        ({"ROI_ALIGN": "round"}, r"ROI_ALIGN is 'round'.*crop_and_resize, aligned"),
        ({"OPTIMIZER": "lion"}, r"OPTIMIZER is 'lion'.*sgd, adamw"),
        ({"LEARNING_RATE_SCHEDULE": "step"}, r"is 'step'.*constant, cosine"),
        ({"IMAGE_RESIZE_MODE": "zoom"}, r"is 'zoom'.*square, pad64, none, crop"),
        ({"USE_RPN_ROIS": False}, r"USE_RPN_ROIS is False.*leave it True"),
        ({"BACKBONE": "vgg16"}, r"BACKBONE is 'vgg16'.*resnet50"),
    ],
)
def test_refused_before_anything_is_built(settings, match):
    with pytest.raises(ValueError, match=match):
        build.model(config(**settings))
