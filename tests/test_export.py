"""Exported models find what `detect` finds."""

import sys

import keras
import numpy as np
import pytest

from mrcnn import build, export, runtimes
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.presets import DeployedShapesConfig, ShapesConfig
from mrcnn.pretrained import shipped
from mrcnn.pruning.surgery import Plan, shrink
from mrcnn.weights import load_weights

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports from TensorFlow"
)
SHAPE = (128, 128)


@pytest.fixture(scope="module")
def model():
    model = build.model(ShapesConfig(), precision="float32")
    load_weights(model, shipped("shapes"))
    return model


@pytest.fixture(scope="module")
def images():
    """Return images of two sizes, and one that shows nothing."""
    found = [ShapesDataset(2, seed=5).load_image(i) for i in range(2)]
    return [*found, found[0][:90, 10:120], np.full((128, 128, 3), 90, np.uint8)]


def check(run, model, images):
    """Compare an exported model with `detect`, image by image."""
    expected = detect(model, images)
    assert len(expected[0]["rois"])
    for image, truth in zip(images, expected, strict=True):
        inputs, (geometry,) = prepare(model, [image])
        outputs = run(inputs)
        slots = model.settings.detections
        assert {name: tuple(value.shape) for name, value in outputs.items()} == {
            "boxes": (1, slots, 4),
            "class_ids": (1, slots),
            "scores": (1, slots),
            "valid": (1, slots),
            "masks": (1, slots, 28, 28),
        }
        found = export.detections(outputs, geometry)
        np.testing.assert_array_equal(found["rois"], truth["rois"])
        np.testing.assert_array_equal(found["class_ids"], truth["class_ids"])
        np.testing.assert_allclose(found["scores"], truth["scores"], atol=1e-4)
        different = np.count_nonzero(found["masks"] != truth["masks"])
        assert different <= 1e-4 * truth["masks"].size


@pytest.mark.slow
def test_saved_model(model, images, tmp_path):
    import tensorflow as tf

    settings = model.settings
    detect(model, images[:1])  # a model that was used before exports all the same
    folder = export.to_saved_model(model, tmp_path / "saved", SHAPE)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert model.settings == settings
    loaded = tf.saved_model.load(str(folder))  # its variables live as long as it does

    def run(inputs):
        return loaded.serve(**{k: tf.constant(v) for k, v in inputs.items()})

    check(run, model, images)
    with pytest.raises(FileExistsError, match="saved exists"):
        export.to_saved_model(model, folder, SHAPE)


@pytest.mark.slow
def test_a_narrower_model_with_fewer_slots(images, tmp_path):
    import tensorflow as tf

    config = DeployedShapesConfig()
    dense = build.model(config, precision="float32")
    load_weights(dense, shipped("shapes"))
    plan = Plan({"mask head 2": tuple(range(0, 64, 2)), "stem": tuple(range(1, 32))})
    model, _ = shrink(dense, config, plan)
    loaded = tf.saved_model.load(
        str(export.to_saved_model(model, tmp_path / "saved", SHAPE))
    )

    def run(inputs):
        return loaded.serve(**{k: tf.constant(v) for k, v in inputs.items()})

    check(run, model, images)


@pytest.mark.slow
def test_litert(model, images, tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = export.to_litert(model, tmp_path / "model.tflite", SHAPE)
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
    check(runtimes.litert(path, threads=1), model, images)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_onnx(model, images, tmp_path):
    pytest.importorskip("tf2onnx")
    onnx, runtime = map(pytest.importorskip, ("onnx", "onnxruntime"))
    path = export.to_onnx(model, tmp_path / "model.onnx", SHAPE)
    nodes = onnx.load(path).graph.node
    # Each bin is sampled 2 x 2 times where it is cut out, not pooled afterwards.
    assert not [node for node in nodes if node.op_type == "AveragePool"]
    # The box head's two dense layers, and not the regions: those would lose digits.
    assert sum(node.op_type in ("MatMul", "Gemm") for node in nodes) == 2
    # What is there or not is chosen, and not added up after products with 0 and 1.
    assert not [node for node in nodes if node.op_type == "Not"]
    crops = [
        {attribute.name: attribute.i for attribute in node.attribute}
        for node in nodes
        if node.op_type == "RoiAlign"
    ]
    assert [(crop["output_height"], crop["sampling_ratio"]) for crop in crops] == [
        *((7, 2), (14, 2)),
    ]
    session = runtime.InferenceSession(str(path))
    names = [output.name for output in session.get_outputs()]

    def run(inputs):
        return dict(zip(names, session.run(names, inputs), strict=True))

    check(run, model, images)


def test_without_the_converter(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match="pip install tf2onnx"):
        export.to_onnx(model, tmp_path / "model.onnx", SHAPE)
    assert not list(tmp_path.iterdir())
