"""One model for any number of threads, sizes and settings."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.shapes import ShapesDataset
from mrcnn.nn.compiled import CompiledSizes

SIZES = ((64, 64), (64, 128), (128, 64))
TWO = SIZES[:2]
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="what TensorFlow keeps"
)


@pytest.fixture
def model(tiny_config):
    config = type("Sure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 0.0})()
    return build.model(config, seed=3, precision="float32")


def batch(height, width):
    image = ShapesDataset(1, height=128, width=128, seed=5).load_image(0)
    return {
        "images": image[None, :height, :width].astype(np.float32) - 128,
        "windows": np.array([[0, 0, 1, 1]], np.float32),
    }


def arrays(stages):
    return [np.asarray(array) for array in keras.tree.flatten(stages)]


def assert_same(found, expected):
    for ours, theirs in zip(arrays(found), arrays(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("bound", "calls"), [(8, 40), (1, 4)])
@pytest.mark.usefixtures("rewritten")
def test_threads_find_what_one_finds(model, bound, calls):
    """To the last bit, also where sizes push each other out."""
    batches = [batch(*size) for size in TWO]
    expected = [arrays(model.stages(inputs)) for inputs in batches]
    assert all(any(array.any() for array in stages) for stages in expected)
    model.make_predict_function(force=True)  # so that threads compile at once, too
    model.compiled_sizes = bound
    work = [i % len(TWO) for i in range(calls)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: model.stages(batches[i]), work))
    for i, stages in zip(work, found, strict=True):
        assert_same(stages, expected[i])


def test_the_size_longest_unused_goes(monkeypatch):
    made = []
    monkeypatch.setattr(
        CompiledSizes, "_compiled", lambda self: made.append(1) or (lambda batch: {})
    )
    sizes = CompiledSizes(SimpleNamespace(settings=(), compiled_sizes=2))
    a, b, c = SIZES
    for size, compiled_so_far in (
        *((a, 1), (b, 2), (a, 2), (c, 3)),  # b is now the one longest unused
        *((a, 3), (c, 3), (b, 4), (c, 4), (a, 5)),
    ):
        sizes({"images": np.zeros((1, *size, 3)), "windows": np.zeros((1, 4))})
        assert len(made) == compiled_so_far, size


@on_tensorflow
def test_what_is_forgotten_is_free(model, monkeypatch):
    """The graphs die, and TensorFlow knows of no more functions than before."""
    import tensorflow as tf
    from tensorflow.python.eager.context import context

    graphs = []
    call = type(model).call

    def watched(self, *args, **kwargs):
        graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return call(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "call", watched)
    model.compiled_sizes = 1
    model.stages(batch(*SIZES[0]))
    known = len(context().list_function_names())
    for size in SIZES[1:]:
        model.stages(batch(*size))
        assert len(context().list_function_names()) <= known
    gc.collect()
    assert [graph() is None for graph in graphs] == [True, True, False]


def test_weights_settings_and_compile_are_obeyed(model):
    inputs = batch(*SIZES[0])
    before = model.stages(inputs)
    bias = model.box_head.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([1e4, 0, 0, 0], np.float32))
    background = model.stages(inputs).class_probabilities[before.proposals.valid][:, 0]
    assert background.min() > 0.9
    bias.assign(np.zeros(4, np.float32))
    assert_same(model.stages(inputs), before)
    model.settings = model.settings._replace(min_confidence=1.0)
    assert not model.stages(inputs).detections.valid.any()
    model.settings = model.settings._replace(min_confidence=0.0)
    model.backbone.trainable = False
    model.compile(optimizer="sgd")
    assert model.predict_function is None  # what was compiled goes with the next call
    assert_same(model.stages(inputs), before)


def test_step_by_step(model):
    inputs = batch(*SIZES[0])
    expected = model.stages(inputs)
    model.compile(optimizer="sgd", run_eagerly=True)
    found = model.stages(inputs)
    for ours, theirs in zip(arrays(found), arrays(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2])
def test_predict_takes_sizes_one_after_the_other(model, steps):
    """Keras' own loop: two images of one size, then of the next."""
    if keras.backend.backend() == "torch" and steps > 1:
        pytest.skip("Keras has one step at a time there")
    model.compile(optimizer="sgd", steps_per_execution=steps)
    for size in TWO:
        inputs = batch(*size)
        twice = {name: np.repeat(array, 2, axis=0) for name, array in inputs.items()}
        found = model.predict(twice, batch_size=1, verbose=0)
        expected = model.stages(inputs)
        for ours, theirs in zip(arrays(found), arrays(expected), strict=True):
            np.testing.assert_allclose(ours, np.repeat(theirs, 2, 0), atol=1e-5)


@on_tensorflow
def test_inside_a_graph_of_tensorflow_1(model):
    import tensorflow as tf

    inputs = batch(*SIZES[0])
    expected = model.stages(inputs)
    with tf.Graph().as_default():
        assert_same(model.stages(inputs), expected)
