"""What all tests share: a quiet backend, pictures without a window, seeded numbers."""

import gc
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import numpy as np
import pytest

import mrcnn  # noqa: F401 (before TensorFlow, which reads a setting of it)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones: a long test at the end leaves the other worker idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Spend nothing on what a few steps do not repay.

    Looking for garbage among all that was imported is a tenth of tracing, and rewriting
    a graph as much as tracing it: tests of `rewritten` graphs ask for that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if hardware := sys.modules.get("mrcnn.hardware"):
        hardware.rewrite_graphs(False)


@pytest.fixture
def rewritten():
    """Let TensorFlow rewrite graphs as it does for users."""
    from mrcnn.hardware import rewrite_graphs

    rewrite_graphs(True)
    yield
    rewrite_graphs(False)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(20170320)  # the day Mask R-CNN appeared


@pytest.fixture(autouse=True)
def no_figures_left():
    """Close what a test drew: pyplot keeps figures, and warns of too many."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def tiny_config():
    """Return a whole Mask R-CNN in miniature: 64-pixel Shapes, all parts narrow."""
    from tests.tiny import TinyConfig

    return TinyConfig()


@pytest.fixture(scope="session")
def adamw_config(tiny_config):
    """The same with the optimizer of the book, which has more to remember."""

    class TinyAdamWConfig(type(tiny_config)):
        OPTIMIZER, WEIGHT_DECAY = "adamw", 0.01

    return TinyAdamWConfig()


@pytest.fixture(scope="session")
def tiny_shapes():
    """Six images of Shapes for `tiny_config`."""
    from mrcnn.data.shapes import ShapesDataset

    return ShapesDataset(6, height=64, width=64, seed=7)


@pytest.fixture(scope="session")
def tiny_model(tiny_config):
    """An untrained model in float32 that every test shares and none may change."""
    from mrcnn import build

    return build.model(tiny_config, seed=3, precision="float32")


@pytest.fixture
def eager():
    """Step by step: a graph costs more than the few steps of these tests."""
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def deterministic(eager):
    """Sums in a fixed order, for comparisons to the last bit."""
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tensorflow.python.framework import config

    keras.utils.set_random_seed(0)  # determinism asks for one
    config.enable_op_determinism()
    yield
    config.disable_op_determinism()


@pytest.fixture(scope="module")
def eager_model(tiny_config):
    """A model that detects something everywhere: it is content with any score."""
    from mrcnn import build

    unsure = type("Unsure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 0.0})()
    model = build.model(unsure, seed=3, precision="float32")
    for part, name in (("rpn", "rpn_bbox_pred"), ("box_head", "mrcnn_bbox_fc")):
        kernel = getattr(model, part).get_layer(name).kernel
        kernel.assign(np.zeros(kernel.shape))  # every box stays on its anchor
    bias = model.box_head.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([-3, 0, 0.1, 0.2], np.float32))  # never the background
    return model
