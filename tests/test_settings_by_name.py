"""Settings as data: changed by name, and kept in files."""

import json

import numpy as np
import pytest

from mrcnn import presets
from mrcnn.checks.agreement import limited
from mrcnn.checks.kinds import KINDS
from mrcnn.config import Config, as_values, with_settings
from mrcnn.presets import CompactConfig, OwnImagesConfig, ShapesConfig
from tests.tiny import TinyConfig


class BatchAlone(Config):
    """Says BATCH_SIZE and not the two that make it."""

    NUM_CLASSES = 2
    BATCH_SIZE = 3


class Follows(CompactConfig):
    """Leaves fewer proposals than there are slots by default: those follow."""

    NUM_CLASSES = 2
    POST_NMS_ROIS_INFERENCE = 16
    MEAN_PIXEL = np.array([1, 2, 3], np.float32)
    RPN_ANCHOR_SCALES = tuple(np.array([8, 16, 24, 32, 64]))


PRESETS = [
    made
    for made in vars(presets).values()
    if isinstance(made, type) and issubclass(made, Config)
]


@pytest.mark.parametrize(
    "config", [*PRESETS, TinyConfig, BatchAlone, Follows], ids=lambda c: c.__name__
)
def test_what_a_file_keeps_is_the_same_configuration(config):
    config = with_settings(config(), {"NUM_CLASSES": 3})
    kept = json.loads(json.dumps(as_values(config), allow_nan=False))
    again = with_settings(Config(), kept)
    for name in KINDS:
        np.testing.assert_array_equal(limited(again, name), limited(config, name), name)
    assert as_values(again) == as_values(config)


def test_the_given_configuration_stays_as_it_is():
    config = ShapesConfig()
    changed = with_settings(config, {"IMAGE_MAX_DIM": 192, "IMAGE_MIN_DIM": 192})
    assert (config.IMAGE_MAX_DIM, changed.IMAGE_MAX_DIM) == (128, 192)
    assert tuple(changed.IMAGE_SHAPE) == (192, 192, 3)  # computed anew
    assert changed.LEARNING_RATE == config.LEARNING_RATE


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"IMAGE_MAXDIM": 256}, "'IMAGE_MAXDIM' is no setting: is IMAGE_MAX_DIM meant"),
        ({"IMAGE_PADDING": True}, "is no setting: is IMAGE_RESIZE_MODE meant"),
        ({"zzz": 1, "yyy": 2}, "The settings has 2 faults"),
        ({"LEARNING_RATE": "fast"}, "^LEARNING_RATE is 'fast'; it must"),
        ({"IMAGE_MAX_DIM": 200}, "does not divide by 64"),
        ({"POST_NMS_ROIS_INFERENCE": 8, "DETECTION_MAX_INSTANCES": 9}, "is 8: a prop"),
        ({"__class__": 1}, "'__class__' is no setting"),
        ({"validate": 1}, "'validate' is no setting"),
    ],
)
def test_what_is_no_setting_or_cannot_be_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        with_settings(ShapesConfig(), values)


def test_a_function_is_refused_with_the_way_out():
    class Own(OwnImagesConfig):
        NUM_CLASSES = 2
        BACKBONE = staticmethod(lambda image: image)

    with pytest.raises(ValueError, match=r"BACKBONE of Own is a func.*save_weights"):
        as_values(Own())
