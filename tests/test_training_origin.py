"""What makes a training, as data that are the same wherever its images lie."""

import json
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.data import augment
from mrcnn.data.augment import as_augmentation
from mrcnn.data.dataset import Dataset
from mrcnn.structures import Stage
from mrcnn.training_origin import _plain, describe, differences, fingerprint

CIRCLE: dict = {}
CIRCLE["itself"] = CIRCLE
DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]


def told(**info):
    """Return the fingerprint of a data set that says this of its only image."""
    dataset = Dataset()
    dataset.add_class("own", 1, "thing")
    dataset.add_image("own", 0, info.pop("path", None), **info)
    dataset.prepare()
    return fingerprint(dataset)


@pytest.mark.parametrize(
    "value",
    [
        {3, "a", None},
        {1: 2, "a": 3, (1, 2): 4},
        np.array([{1: 2}, None]),
        float("nan"),
        "\udc80",
        1j,
        len,
        CIRCLE,
        DEEP,
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_data_set_says_has_a_fingerprint(value):
    assert told(value=value) == told(value=value) != told(other=value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"abc", b"abd"),
        (np.zeros(3), np.eye(3)[0]),
        (np.zeros(3), np.zeros((3, 1))),
        ([1, {"x": 2}], [1, {"x": 3}]),
        ("a.png", "b.png"),
    ],
)
def test_content_counts(one, other):
    assert told(value=one) != told(value=other)


@pytest.mark.parametrize("kind", [str, Path])
def test_folders_do_not_count(kind):
    def moved(folder):
        path = kind(f"{folder}/a.png")
        return told(path=path, regions=[{"file": path, "x": [1, 2]}])

    assert moved("/data/one") == moved("/data/two")


def test_a_folder_of_windows_does_not_count():
    assert told(path="C:\\data\\a.png") == told(path="/data/a.png")


def test_names_that_keras_counts_are_no_difference(tiny_config, tiny_shapes):
    """As of the second optimizer inside another in one process."""
    model = build.model(tiny_config, seed=0)
    batches = build.batches(tiny_config, tiny_shapes)

    def scaled(rate):
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate))

    def origin(optimizer):
        return describe(model, batches, None, [Stage("all", 1, 0.1)], optimizer, {})

    assert not differences(origin(scaled), origin(scaled))
    assert differences(origin(scaled), origin(keras.optimizers.Adam))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, augment.flip),
        (augment.flip, augment.scale_jitter(0.5, 2)),
        (augment.scale_jitter(0.5, 2), augment.scale_jitter(0.5, 3)),
        (augment.compose(augment.flip), augment.compose(augment.flip, augment.flip)),
        (partial(augment.flip), partial(augment.flip, rng=None)),
    ],
)
def test_the_augmentation_counts(tiny_config, tiny_shapes, one, other):
    def said(augmentation):
        batches = build.batches(tiny_config, tiny_shapes)
        batches.augmentation = augmentation and as_augmentation(augmentation)
        return json.loads(json.dumps(batches, default=_plain))

    assert not differences(said(one), said(one))
    assert differences(said(one), said(other))
