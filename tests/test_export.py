"""Exported models find what `detect` finds."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest

from mrcnn import build, export, runtimes
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.formats import FORMATS, Format
from mrcnn.formats.saved_model import write_saved_model
from mrcnn.nn.deployed import in_float32
from mrcnn.nn.mask_rcnn import MaskRCNN
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
@pytest.mark.parametrize("name", ["saved_model", "litert"])
def test_every_type_exports(name, tmp_path, capfd):
    """Without a word about operations that do not know the type."""
    model = build.model(ShapesConfig(), precision="mixed_bfloat16")
    model.export(tmp_path / "exported", format=name)
    assert (tmp_path / "exported").exists()
    assert "error" not in "".join(capfd.readouterr()).lower()


def test_float32_twins_have_the_same_weights(model, images):
    """What is written as ONNX and LiteRT, of a model that computes in fewer bits."""
    half = build.model(ShapesConfig(), precision="mixed_bfloat16")
    load_weights(half, shipped("shapes"))
    twin = MaskRCNN(in_float32(half.parts), half.settings, half.preprocessing, seed=0)
    assert (half.precision, twin.precision) == ("mixed_bfloat16", "float32")
    inputs, _ = prepare(model, images[:1])
    expected = keras.tree.flatten(model.stages(inputs))
    for ours, theirs in zip(
        keras.tree.flatten(twin.stages(inputs)), expected, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert in_float32(model.parts) == model.parts


def test_a_method_for_every_format(model, tmp_path, monkeypatch):
    """`model.export` writes a size that all images have, unless another is named."""
    written = []
    for name in FORMATS:
        keep = Format(lambda exported, path: written.append((exported, path)), True)
        monkeypatch.setitem(FORMATS, name, keep)
        model.export(tmp_path / name, format=name)
        assert written[-1][0].image_shape == (128, 128, 3)
        assert written[-1][1] == tmp_path / name
    model.export(tmp_path / "default", image_shape=(64, 192))
    assert written[-1][0].image_shape == (64, 192, 3)
    for to in (export.to_saved_model, export.to_onnx, export.to_litert):
        assert to(model, tmp_path / "x", SHAPE) == tmp_path / "x"
    assert len(written) == len(FORMATS) + 4


def test_what_cannot_be_exported(model, tmp_path):
    with pytest.raises(
        ValueError,
        match=r"no format 'onxx'.* tf_saved_model, saved_model, onnx, litert",
    ):
        model.export(tmp_path / "x", format="onxx")
    with pytest.raises(ValueError, match=r"\(100, 128\): .* divide by 64"):
        model.export(tmp_path / "x", image_shape=(100, 128))
    varied = type("Varied", (ShapesConfig,), {"IMAGE_RESIZE_MODE": "pad64"})()
    with pytest.raises(ValueError, match=r"many sizes.*image_shape=\(H, W\)"):
        build.model(varied, precision="float32").export(tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_onnx(model, images, tmp_path):
    pytest.importorskip("tf2onnx")
    onnx, runtime = map(pytest.importorskip, ("onnx", "onnxruntime"))
    path = export.to_onnx(model, tmp_path / "model.onnx", SHAPE)
    nodes = onnx.load(path).graph.node
    # Each bin is sampled 2 x 2 times where it is cut out, not pooled afterwards.
    assert not [node for node in nodes if node.op_type == "AveragePool"]
    # The box head's four dense layers, two of which are convolutions by name, and not
    # the regions: those would lose digits.
    assert sum(node.op_type in ("MatMul", "Gemm") for node in nodes) == 4
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


def test_two_that_write_one_saved_model_take_turns(tmp_path, monkeypatch):
    """Issue 30: both wrote into one folder beside it, and each removed the other's."""
    folder, begun, second = tmp_path / "saved", [], []

    class Archive:
        track = add_endpoint = lambda *_, **__: None

        def write_out(self, path, verbose):
            begun.append(path)
            Path(path).mkdir()
            if len(begun) == 1:
                second.append(pool.submit(write_saved_model, MagicMock(), folder))
                with pytest.raises(TimeoutError):
                    second[0].result(timeout=0.5)
            Path(path, "model").write_text(str(len(begun)))

    monkeypatch.setattr("keras.export.ExportArchive", Archive)
    with ThreadPoolExecutor(1) as pool:
        write_saved_model(MagicMock(), folder)
        with pytest.raises(FileExistsError, match="saved exists"):
            second[0].result(timeout=30)
    assert (folder / "model").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
