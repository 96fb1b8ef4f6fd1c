"""Classes of settings as users write them: properties, read-only ones, big arrays."""

import dataclasses
import re
import time

import numpy as np
import pytest

from mrcnn import build, notices
from mrcnn.checks.kinds import KINDS
from mrcnn.config import Config, checked, plain
from mrcnn.detection import detect
from mrcnn.matterport import stale

GOOD = np.full((64, 64, 3), 90, np.uint8)


def derived_from(base):
    """Return classes that set DETECTION_MIN_CONFIDENCE and MEAN_PIXEL by NumPy."""

    class Properties(type(base)):
        @property
        def MEAN_PIXEL(self):
            return np.array([1.0, 2, 3])

        @property
        def DETECTION_MIN_CONFIDENCE(self):
            return np.float32(0.5)

        @property
        def IMAGE_SHAPE(self):
            return np.array([64, 64, 3])

        @property
        def RUN_FOLDER(self):
            raise RuntimeError("not yet started")

    @dataclasses.dataclass(frozen=True)
    class Frozen(type(base)):
        MEAN_PIXEL: np.ndarray = dataclasses.field(
            default_factory=lambda: np.array([1.0, 2, 3])
        )
        DETECTION_MIN_CONFIDENCE: float = np.float64(0.5)

    class Locked(type(base)):
        MEAN_PIXEL = np.array([1.0, 2, 3])
        DETECTION_MIN_CONFIDENCE = np.float32(0.5)

        def __setattr__(self, name, value):
            raise AttributeError("locked")

    return Properties, Frozen, Locked


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_model_is_built_whatever_a_class_lets_be_set(tiny_config, which):
    mine = derived_from(tiny_config)[which]()
    model = build.model(mine, seed=1, precision="float32")
    assert model.preprocessing.mean_pixel == (1, 2, 3)
    assert model.settings.min_confidence == 0.5
    assert type(model.settings.min_confidence) is float
    assert len(detect(model, [GOOD])) == 1
    widths = build.layer_widths(build.narrower(mine, 0.5))
    assert widths["rpn_conv_shared"] == max(4, tiny_config.RPN_CHANNELS // 2)


def test_only_settings_are_read(tiny_config, capsys):
    mine = derived_from(tiny_config)[0]()
    mine.FOLDER = "here"
    assert "RUN_FOLDER" not in mine.to_dict()
    assert mine.to_dict()["FOLDER"] == "here"
    assert set(KINDS) <= set(mine.to_dict()) | {"COMPUTE_BACKBONE_SHAPE"}
    mine.display()
    assert "FOLDER                         here" in capsys.readouterr().out
    assert not hasattr(checked(mine), "FOLDER")


def test_data_of_the_users_own_cost_nothing(tiny_config):
    mine = type("Mine", (type(tiny_config),), {})()
    mine.DATA = np.zeros((40, 512, 512, 3), np.uint8)
    start = time.perf_counter()
    checked(mine)
    assert time.perf_counter() - start < 1  # its list alone would take seconds


def test_what_was_checked_follows_and_is_checked_again(tiny_config):
    """The copy computes what the user did not set, and is as good as the first."""
    mine = type("Mine", (type(tiny_config),), {"POST_NMS_ROIS_TRAINING": 10})()
    again = checked(checked(mine))
    assert type(again).__name__ == "Mine"
    assert build.settings(again) == build.settings(mine)
    again.IMAGE_MAX_DIM = 128
    assert tuple(again.IMAGE_SHAPE) == (128, 128, 3)


def test_a_function_of_the_users_stays_a_function():
    def backbone(image, **kwargs):
        return image

    made = checked(type("Mine", (Config,), {"NUM_CLASSES": 2})())
    assert made.BACKBONE == "resnet101"
    mine = type("Mine", (Config,), {"NUM_CLASSES": 2})()
    mine.BACKBONE = backbone
    assert checked(mine).BACKBONE is backbone


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), ((1, 2),)),
        ([1, (np.int8(2), None)], (1, (2, None))),
        (range(2), (0, 1)),
        ({"a": np.array([1])}, {"a": (1,)}),
        ("ab", "ab"),
    ],
)
def test_settings_are_pythons_own(value, expected):
    assert plain(value) == expected


def test_what_a_network_is_built_from_is_what_is_read_to_build_it(
    tiny_config, monkeypatch
):
    read = set()

    class Watched(type(tiny_config)):
        def __getattribute__(self, name):
            read.add(name)
            return super().__getattribute__(name)

    mine = Watched()
    mine.OPTIMIZER = "sgd"
    monkeypatch.setattr(build, "checked", lambda config: config)
    build.model(mine)
    taken_up = {"LOSS_WEIGHTS", "WEIGHT_DECAY", "OPTIMIZER"}
    read_otherwise = {"INFERENCE_PRECISION"}  # by sessions
    assert set(stale.BUILT_FROM) <= read | read_otherwise
    assert read & set(KINDS) <= set(stale.BUILT_FROM) | taken_up | {"SEED"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RPN_ANCHOR_SCALES", 3, r"RPN_ANCHOR_SCALES \(.*\) -> 3\."),
        ("MEAN_PIXEL", None, r"MEAN_PIXEL \(.*\) -> None\."),
        ("NUM_CLASSES", 9, "NUM_CLASSES 4 -> 9"),
        ("INFERENCE_PRECISION", "mixed_bfloat16", "PRECISION float32 -> mixed_bf"),
        ("BACKBONE", "resnet50", "BACKBONE compact -> resnet50"),
        ("DETECTION_MIN_CONFIDENCE", 0.875, "DETECTION_MIN_CONFIDENCE .* -> 0.875"),
        ("MEAN_PIXEL", [[np.ones(2)], 1], r"MEAN_PIXEL .* -> \(\(\(1.0, 1.0\),\), 1\)"),
    ],
)
def test_what_is_set_too_late_is_said_by_its_name(
    tiny_config, tiny_model, name, value, said, capsys, monkeypatch
):
    monkeypatch.setattr(notices, "_said", set())
    late = type("Late", (type(tiny_config),), {})()
    stale.say_if_stale(late, tiny_model)
    assert capsys.readouterr().out == ""
    setattr(late, name, value)
    stale.say_if_stale(late, tiny_model)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert re.search(said, out)


def test_what_is_read_anew_is_not_said(tiny_config, tiny_model, capsys):
    late = type("Late", (type(tiny_config),), {})()
    late.LEARNING_RATE, late.BATCH_SIZE, late.NAME = 0.5, 3, "other"
    late.DETECTION_MIN_CONFIDENCE = np.float64(late.DETECTION_MIN_CONFIDENCE)
    stale.say_if_stale(late, tiny_model)
    assert capsys.readouterr().out == ""
