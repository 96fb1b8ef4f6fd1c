"""Exported models in other programs: the same instances, also from 8-bit integers."""

import sys

import keras
import numpy as np
import pytest

from mrcnn import build, export, runtimes
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.presets import ShapesConfig
from mrcnn.pretrained import shipped
from mrcnn.weights import load_weights

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports from TensorFlow"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a model, its ONNX file, and the inputs of some images."""
    for package in ("tf2onnx", "onnxruntime", "openvino", "nncf"):
        pytest.importorskip(package)
    model = build.model(ShapesConfig(), precision="float32")
    load_weights(model, shipped("shapes"))
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export.to_onnx(model, path, (128, 128))
    return model, path


@pytest.fixture(scope="module")
def images():
    dataset = ShapesDataset(24, seed=5)
    return [dataset.load_image(i) for i in dataset.image_ids]


def check(run, model, images, *, tolerance: float, more: int) -> None:
    """Look for the instances of `detect`: class and box; `more` or fewer may be there.

    Eight bits move scores a little, some of them over the threshold.
    """
    for image, truth in zip(images, detect(model, images), strict=True):
        inputs, (geometry,) = prepare(model, [image])
        outputs = run(inputs)
        assert set(outputs) == {"boxes", "class_ids", "scores", "valid", "masks"}
        found = export.detections(outputs, geometry)
        assert (
            abs((found["scores"] > 0.5).sum() - (truth["scores"] > 0.5).sum()) <= more
        )
        sure = truth["scores"] > 0.9
        for class_id in np.unique(truth["class_ids"][sure]):
            ours = truth["rois"][sure & (truth["class_ids"] == class_id)]
            theirs = found["rois"][found["class_ids"] == class_id]
            distance = np.abs(ours[:, None] - theirs[None]).max(-1)
            assert distance.min(axis=1).max() <= tolerance


@on_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("program", [runtimes.onnx_runtime, runtimes.openvino])
def test_floats(program, exported, images):
    model, path = exported
    check(program(path, threads=1), model, images[:6], tolerance=1, more=0)


@on_tensorflow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("quantize", "program", "suffix", "tolerance"),
    [
        (runtimes.quantize_for_onnx_runtime, runtimes.onnx_runtime, "onnx", 4),
        (runtimes.quantize_for_openvino, runtimes.openvino, "xml", 2),
    ],
)
def test_integers(quantize, program, suffix, tolerance, exported, images, tmp_path):
    model, path = exported
    batches = [prepare(model, [image])[0] for image in images]
    quantized = quantize(path, tmp_path / f"int8.{suffix}", batches)
    files = {f"int8.{suffix}", "int8.bin"} if suffix == "xml" else {f"int8.{suffix}"}
    assert {file.name for file in tmp_path.iterdir()} == files
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size < 0.5 * path.stat().st_size
    check(program(quantized, threads=1), model, images[:6], tolerance=tolerance, more=1)


@on_tensorflow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_boxes_stay_float_on_their_way_to_the_regions(exported, images, tmp_path):
    openvino = pytest.importorskip("openvino")
    model, path = exported
    batches = [prepare(model, [image])[0] for image in images[:2]]
    quantized = runtimes.quantize_for_openvino(path, tmp_path / "int8.xml", batches)
    network = openvino.Core().read_model(str(quantized))
    on_the_way = set(runtimes._box_arithmetic(network))
    in_eight_bits = {
        node.get_friendly_name()
        for node in network.get_ops()
        if node.get_type_name() == "FakeQuantize"
    }
    assert len(on_the_way) > 100  # decoding, suppression, and the choice of a level
    assert in_eight_bits
    assert not on_the_way & in_eight_bits


@pytest.mark.parametrize(
    ("load", "package"),
    [
        (runtimes.onnx_runtime, "onnxruntime"),
        (runtimes.openvino, "openvino"),
        (runtimes.litert, "ai-edge-litert"),
    ],
)
def test_without_the_program(load, package, monkeypatch):
    module = package.replace("-", "_")
    for loaded in [name for name in sys.modules if name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        load("model.onnx")


def test_bfloat16_is_refused_where_float32_would_take_its_place(monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes, "openvino_has_bfloat16", lambda: False)
    with pytest.raises(ValueError, match="does not compute in bfloat16"):
        runtimes.openvino("model.onnx", precision="bf16")


def test_what_a_program_itself_lacks_is_named(monkeypatch, tmp_path):
    (tmp_path / "onnxruntime.py").write_text("import onnx")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install onnx$"):
        runtimes.onnx_runtime("model.onnx")
