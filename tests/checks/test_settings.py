"""Settings of every wrong type and range, and settings that contradict each other."""

import json
import re
from functools import partial

import numpy as np
import pytest

from mrcnn import build, notices, training
from mrcnn.checks import kinds
from mrcnn.config import Config
from mrcnn.nn.resnet import BLOCKS
from mrcnn.presets import CompactConfig, ShapesConfig
from mrcnn.tasks import LOSS_NAMES

NEVER: dict[type, list] = {
    bool: [1, 0.0, "yes", [True]],
    int: [2.0, "2", True, -1, float("nan"), [2], np.float32(2)],
    float: ["0.5", True, -0.5, float("nan"), float("inf"), [0.5], 1j],
    tuple: [32, "abc", (), [[1, 2]], [float("nan")] * 5, [1, "2", 3, 4, 5], {1, 2}],
    np.ndarray: [3, "abc", (), [0.1, float("inf"), 0.1], np.ones((2, 2))],
    str: [1, None, "nothing of the kind", b"square"],
    dict: [1.0, [1.0] * 5, {"rpn_class_loss": -1.0}, {"rpn_class_loss": "1"}],
}
"""By the type of a default, values that no attribute with such a default may have."""


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    """Let every test print its remarks."""
    monkeypatch.setattr(notices, "_said", set())


def config(base: type = Config, **settings) -> Config:
    """Return a user's configuration."""
    return type("MyConfig", (base,), {"NUM_CLASSES": 2, **settings})()


def cases() -> list:
    """Return an attribute and a wrong value for each."""
    defaults = Config().to_dict() | {"IMAGE_MIN_SCALE": 0.0}  # no count, though 0
    return [
        pytest.param(name, wrong, id=f"{name}-{wrong!r}")
        for name, default in defaults.items()
        for wrong in NEVER.get(type(default), [frozenset()])
    ]


def test_every_attribute_is_checked():
    assert set(kinds.KINDS) == set(Config().to_dict())


@pytest.mark.parametrize(("name", "wrong"), cases())
def test_no_attribute_takes_another_type(name, wrong):
    with pytest.raises(ValueError, match=rf"MyConfig\.{name} is .*must be"):
        config(**{name: wrong}).validate()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"RPN_ANCHOR_SCALES": (32, 64, 128, 256)}, "has 4 entries for 5 pyramid lev"),
        ({"RPN_ANCHOR_SCALES": 32}, "RPN_ANCHOR_SCALES is 32; .* list or tuple of"),
        ({"RPN_ANCHOR_SCALES": (8, 16, 0, 64, 128)}, "greater than 0"),
        (
            {"RPN_ANCHOR_SCALES": [8] * 4, "BACKBONE_STRIDES": [4, 8, 16, 32]},
            "BACKBONE_STRIDES is .* list or tuple of 5",
        ),
        ({"BACKBONE_STRIDES": (8, 16, 32, 64, 128)}, r"levels of resnet101 .* \[4, 8"),
        (
            {"BACKBONE": lambda *a, **k: [], "BACKBONE_STRIDES": (4, 8, 16, 32, 48)},
            "each stride is twice the one before",
        ),
        ({"RPN_ANCHOR_RATIOS": (0.5, 0)}, "RPN_ANCHOR_RATIOS is .*greater than 0"),
        ({"MINI_MASK_SHAPE": 56}, "MINI_MASK_SHAPE is 56; .* list or tuple of 2"),
        ({"MINI_MASK_SHAPE": None}, "MINI_MASK_SHAPE is None with USE_MINI_MASK"),
        ({"BBOX_STD_DEV": (0.1, 0.1, 0.2)}, "BBOX_STD_DEV is .* list or tuple of 4"),
        ({"IMAGES_PER_GPU": 2.0}, r"IMAGES_PER_GPU is 2\.0; .* whole number \(int\)"),
        ({"NUM_CLASSES": 3.0}, r"NUM_CLASSES is 3\.0; .* whole number"),
        ({"LEARNING_RATE": "0.001"}, "LEARNING_RATE is '0.001'; .* a number"),
        ({"DETECTION_NMS_THRESHOLD": 30}, "DETECTION_NMS_THRESHOLD is 30; .* 0 to 1"),
        ({"DETECTION_MIN_CONFIDENCE": 1.5}, "is 1.5; .* from 0 to 1"),
        ({"ROI_POSITIVE_RATIO": 0.001}, "leaves none of 200 regions"),
        ({"MASK_POOL_SIZE": 7, "MASK_SHAPE": (28, 28)}, r"twice MASK_POOL_SIZE, \(14"),
        ({"MASK_SHAPE": [56, 56]}, r"MASK_SHAPE is \(56, 56\)"),
        ({"MEAN_PIXEL": [100, 100]}, "MEAN_PIXEL has 2 values for images of 3 chann"),
        ({"IMAGE_MIN_DIM": 512, "IMAGE_MAX_DIM": 256}, "IMAGE_MIN_DIM is 512, but IM"),
        ({"IMAGE_SHAPE": [64, 64, 3]}, r"IMAGE_SHAPE is \[64, 64, 3\].*1024, 1024, 3"),
        ({"IMAGE_META_SIZE": 12}, "IMAGE_META_SIZE is 12, but NUM_CLASSES gives 14"),
        (
            {"IMAGE_RESIZE_MODE": "crop", "IMAGE_MIN_DIM": 100},
            "IMAGE_MIN_DIM gives images of 100 pixels.*Take 128",
        ),
        ({"PRECISION": "bfloat16"}, "PRECISION is 'bfloat16'; .* auto, float32, mixed"),
        ({"LAYER_WIDTHS": {"fpn_p2": 8.5}}, "LAYER_WIDTHS is .* names of layers"),
    ],
)
def test_refused_with_the_way_out(settings, match):
    with pytest.raises(ValueError, match=match):
        build.model(config(**settings))


def test_all_faults_are_in_one_error():
    wrong = dict.fromkeys(list(kinds.KINDS)[:8], object())
    with pytest.raises(ValueError) as raised:
        build.model(config(**wrong))
    assert all(f"MyConfig.{name} is" in str(raised.value) for name in wrong)
    assert str(raised.value).startswith("MyConfig has 8 faults:\n")


def test_more_than_twenty_faults_are_counted():
    names = [name for name in kinds.KINDS if kinds.KINDS[name].wanted != "a function"]
    with pytest.raises(ValueError, match=r"faults:(\n.*){20}\n- and \d+ more\.$"):
        config(**dict.fromkeys(names, object())).validate()


def test_what_strangers_write_is_taken():
    taken = config(
        NUM_CLASSES=np.int64(3),
        IMAGES_PER_GPU=np.int32(2),
        STEPS_PER_EPOCH=np.int64(7) // 2,
        LEARNING_RATE=np.float32(0.01),
        RPN_ANCHOR_SCALES=[8, 16, 32, 64.5, 128],
        RPN_ANCHOR_RATIOS=np.array([0.5, 1, 2]),
        BBOX_STD_DEV=[0.1, 0.1, 0.2, 0.2],
        IMAGE_MIN_SCALE=2.0,
        IMAGE_MIN_DIM=None,
        USE_MINI_MASK=np.bool_(False),
        MINI_MASK_SHAPE=None,
        WEIGHT_DECAY=0,
        GRADIENT_CLIP_NORM=None,
        TRAIN_BN=None,
    )
    taken.validate()
    assert build.preprocessing(taken).min_dim == 0


@pytest.mark.parametrize("function", [build.model, lambda c: build.batches(c, None)])
def test_a_class_in_place_of_an_instance(function):
    with pytest.raises(TypeError, match=r"Config is a class.*calling it: Config\(\)"):
        function(Config)
    with pytest.raises(TypeError, match=r"dict is no mrcnn\.config\.Config"):
        function({"NUM_CLASSES": 2})


def test_a_class_has_no_computed_values():
    with pytest.raises(AttributeError, match=r"BATCH_SIZE .* call it, ShapesConfig"):
        _ = ShapesConfig.BATCH_SIZE
    assert "BATCH_SIZE" in dir(ShapesConfig)


def test_computed_values_follow_what_is_set_later():
    mine = config()
    mine.IMAGE_MAX_DIM, mine.IMAGES_PER_GPU, mine.NUM_CLASSES = 256, 5, 4
    mine.MASK_POOL_SIZE = 7
    assert mine.IMAGE_SHAPE.tolist() == [256, 256, 3]
    assert (mine.BATCH_SIZE, mine.IMAGE_META_SIZE, mine.MASK_SHAPE) == (5, 16, (14, 14))
    with pytest.raises(ValueError, match="read-only"):  # not lost without a word
        mine.IMAGE_SHAPE[0] = 512


def test_computed_values_may_be_set_where_they_agree():
    mine = config(IMAGE_SHAPE=(1024, 1024, 3), IMAGE_META_SIZE=14)
    mine.validate()
    mine = config(IMAGE_RESIZE_MODE="none", IMAGE_SHAPE=np.array([128, 192, 3]))
    mine.validate()
    assert mine.to_dict()["IMAGE_SHAPE"].tolist() == [128, 192, 3]


@pytest.mark.parametrize(
    ("base", "settings", "later", "batch"),
    [
        (Config, {}, {}, 2),
        (Config, {"BATCH_SIZE": 4}, {}, 4),
        (ShapesConfig, {"BATCH_SIZE": 4}, {}, 4),
        (Config, {"IMAGES_PER_GPU": 3, "GPU_COUNT": 2, "BATCH_SIZE": 6}, {}, 6),
        (Config, {"IMAGES_PER_GPU": 3}, {"BATCH_SIZE": 1}, 1),
        (Config, {"BATCH_SIZE": 4}, {"BATCH_SIZE": 1}, 1),
        (Config, {"IMAGES_PER_GPU": 3, "BATCH_SIZE": 4}, {}, None),
        (Config, {"BATCH_SIZE": 4}, {"IMAGES_PER_GPU": 1}, None),
        (Config, {}, {"BATCH_SIZE": 4, "IMAGES_PER_GPU": 1}, None),
        (Config, {"BATCH_SIZE": 4.0}, {}, None),
    ],
)
def test_a_batch_size_is_honoured_or_refused(base, settings, later, batch):
    mine = config(base, **settings)
    for name, value in later.items():
        setattr(mine, name, value)
    if batch is None:
        with pytest.raises(ValueError, match="BATCH_SIZE is 4"):
            mine.validate()
    else:
        mine.validate()
        assert batch == mine.BATCH_SIZE


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"mrcnn_mask_loss": 2.0}, (1, 1, 1, 1, 2)),
        ({}, (1, 1, 1, 1, 1)),
        (dict.fromkeys(LOSS_NAMES, 0), (0, 0, 0, 0, 0)),
    ],
)
def test_losses_that_are_not_named_count_once(given, expected):
    mine = config(LOSS_WEIGHTS=given)
    mine.validate()
    assert build.settings(mine).loss_weights == expected


def test_a_misspelt_loss_is_refused():
    with pytest.raises(ValueError, match=r"'mrcnn_masks_loss'.*mrcnn_mask_loss to a"):
        config(LOSS_WEIGHTS={"mrcnn_masks_loss": 2.0}).validate()


@pytest.mark.parametrize(
    ("base", "settings", "match"),
    [
        (
            CompactConfig,
            {"DETECTION_MAX_INSTANCES": 300},
            "POST_NMS_ROIS_INFERENCE is 100.*Set POST_NMS_ROIS_INFERENCE to 300 or mor",
        ),
        (
            CompactConfig,
            {"DETECTION_MAX_INSTANCES": 900, "POST_NMS_ROIS_INFERENCE": 1000},
            "(PRE_NMS_LIMIT is 512(.|\n)*){2}",
        ),
        (Config, {"POST_NMS_ROIS_TRAINING": 7000}, "PRE_NMS_LIMIT is 6000"),
        (
            CompactConfig,
            {"MASK_ROIS_PER_IMAGE": 70},
            "MASK_ROIS_PER_IMAGE is 70, but TRAIN_ROIS_PER_IMAGE is 64",
        ),
    ],
)
def test_slots_that_nothing_can_fill_are_refused(base, settings, match):
    with pytest.raises(ValueError, match=match):
        config(base, **settings).validate()


def test_defaults_follow_what_is_set_and_say_so_once(capsys):
    mine = config(POST_NMS_ROIS_INFERENCE=50, PRE_NMS_LIMIT=400, IMAGE_MAX_DIM=512)
    mine.validate()
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "MyConfig.DETECTION_MAX_INSTANCES follows POST_NMS_ROIS_INFERENCE: 50 in place "
        "of 100.",
        "MyConfig.POST_NMS_ROIS_TRAINING follows PRE_NMS_LIMIT: 400 in place of 2000.",
        "MyConfig.IMAGE_MIN_DIM follows IMAGE_MAX_DIM: 512 in place of 800.",
    ]
    mine.validate()
    assert capsys.readouterr().out == ""
    numbers = build.settings(mine)
    assert (numbers.detections, numbers.proposals_inference) == (50, 50)
    assert (numbers.proposals_training, numbers.pre_nms) == (400, 400)
    assert build.preprocessing(mine).min_dim == 512


def test_only_mode_square_looks_at_the_larger_side(capsys):
    mine = config(IMAGE_RESIZE_MODE="pad64", IMAGE_MAX_DIM=512)
    mine.validate()
    assert build.preprocessing(mine).min_dim == 800
    assert capsys.readouterr().out == ""


def test_names_that_look_misspelt_are_said_once(capsys):
    mine = config(IMAGE_MAXDIM=512, num_classes=7, MY_FOLDER="x", _IMAGE_MAX_DIMS=1)
    mine.DETECTION_MIN_CONFIDENSE = 0.9
    for _ in range(2):
        mine.validate()
    assert capsys.readouterr().out.splitlines() == [
        "MyConfig.DETECTION_MIN_CONFIDENSE is no setting and changes nothing. Is "
        "DETECTION_MIN_CONFIDENCE meant?",
        "MyConfig.IMAGE_MAXDIM is no setting and changes nothing. Is IMAGE_MAX_DIM "
        "meant?",
        "MyConfig.num_classes is no setting and changes nothing. Is NUM_CLASSES meant?",
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"IMAGE_PADDING": True}, "IMAGE_PADDING is no setting .* IMAGE_RESIZE_MODE m"),
        ({"MEAN_PIXEL": (0.485, 0.456, 0.406)}, "MEAN_PIXEL is .* pixels are 0..255"),
        ({"MEAN_PIXEL": (0, 0, 0)}, "^$"),
        ({"MEAN_PIXEL": (0, 2.5, 0)}, "^$"),
    ],
)
def test_what_is_allowed_and_rarely_meant_is_said(settings, said, capsys):
    config(**settings).validate()
    assert re.search(said, capsys.readouterr().out)


def test_the_names_of_backbones_are_those_that_can_be_built():
    assert set(kinds.BACKBONES) == set(BLOCKS)


def numpys(value):
    """Return a value as NumPy would have it."""
    kinds_of = {bool: np.bool_, int: np.int64, float: np.float64, tuple: np.array}
    return kinds_of.get(type(value), lambda other: other)(value)


def test_numbers_of_numpy_are_as_good_as_pythons(tiny_config, tiny_shapes):
    """Keras and TensorFlow do not take them everywhere."""
    values = {
        name: numpys(value)
        for name, value in tiny_config.to_dict().items()
        if name not in ("BATCH_SIZE", "IMAGE_SHAPE", "IMAGE_META_SIZE", "MASK_SHAPE")
    }
    values["LOSS_WEIGHTS"] = dict.fromkeys(LOSS_NAMES, np.float64(1))
    theirs = type("Theirs", (type(tiny_config),), values)()
    model = build.model(theirs, seed=3, precision="float32")
    assert model.settings == build.settings(tiny_config)
    json.dumps([model.settings, model.preprocessing])
    json.dumps([part.get_config() for part in (model.rpn, model.mask_head)])
    batches = build.batches(theirs, tiny_shapes, steps=1)
    optimizer = partial(build.optimizer, theirs)
    stages = [build.stage(theirs, np.int64(1))]
    assert training.fit(model, batches, stages=stages, optimizer=optimizer)["loss"]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"STEPS_PER_EPOCH": 500 / 5}, r"is 100\.0; .*\(a // b is one, a / b none\)"),
        ({"IMAGE_MAX_DIM": np.float64(512)}, r"\(a // b is one, a / b none\)"),
        ({"STEPS_PER_EPOCH": 0}, r"must be a whole number \(int\) from 1 on\."),
        ({"VALIDATION_STEPS": 0}, "val_dataset=None trains without validation"),
    ],
)
def test_numbers_that_were_meant_otherwise_hear_of_it(settings, match):
    with pytest.raises(ValueError, match=match):
        config(**settings).validate()
