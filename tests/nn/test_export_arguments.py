"""Names, formats and sizes of exported files: refused before anything is converted."""

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.formats import FORMATS, find_format
from mrcnn.nn import composite


@pytest.fixture
def idle(monkeypatch):
    """No twin is made: what is refused is refused before."""
    monkeypatch.setattr(composite, "in_float32", None)


@pytest.mark.parametrize(
    ("name", "file", "found"),
    [
        (None, "m.onnx", "onnx"),
        (None, "M.ONNX", "onnx"),
        (None, "m.tflite", "litert"),
        (None, "m", "tf_saved_model"),
        (None, "v1.2", "tf_saved_model"),
        ("onnx", "m.onnx", "onnx"),
        ("onnx", "m", "onnx"),
        ("litert", "m.bin", "litert"),
        ("saved_model", "m", "saved_model"),
    ],
)
def test_a_format_by_its_name_or_the_ending(tmp_path, name, file, found):
    assert find_format(name, tmp_path / file) is FORMATS[found]


@pytest.mark.parametrize(
    ("name", "file", "match"),
    [
        ("tf_saved_model", "m.onnx", r"m\.onnx is .* no ending, as it is a folder"),
        ("litert", "m.onnx", r"than litert, which has \.tflite"),
        ("onnx", "m.tflite", r"than onnx, which has \.onnx"),
        (None, "m.keras", r"model\.save writes \.keras"),
        ("onnx", "m.h5", r"m\.h5 is the name of another kind"),
        (["onnx"], "m.onnx", r"no format \['onnx'\]; it must be one of"),
        (7, "m", "no format 7"),
        ("x" * 999, "m", r"no format 'x{70,80}\.\.\."),
    ],
)
def test_names_that_contradict_each_other(
    tiny_model, tmp_path, idle, name, file, match
):
    with pytest.raises(ValueError, match=match):
        tiny_model.export(tmp_path / file, format=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "shape", [(64, 64, 3), 64, (64.0, 64.0), (64,), "64", (0, 64), (True, 64), ()]
)
def test_a_size_is_two_whole_numbers(tiny_model, tmp_path, idle, shape):
    match = r"image_shape is .*must be a list or tuple of 2.*\(H, W\), without channels"
    with pytest.raises(ValueError, match=match):
        tiny_model.export(tmp_path / "m", image_shape=shape)


def test_a_size_may_be_numpys(tiny_model, tmp_path, monkeypatch):
    shapes = []
    keep = FORMATS["onnx"]._replace(write=lambda done, path: shapes.append(done[2]))
    monkeypatch.setitem(FORMATS, "onnx", keep)
    tiny_model.export(tmp_path / "m", "onnx", image_shape=np.array([64, 128]))
    assert shapes == [(64, 128, 3)]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports nothing")
@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_a_folder_in_the_place_of_a_file_is_refused_at_once(
    tiny_model, tmp_path, monkeypatch, name
):
    if name == "onnx":
        pytest.importorskip("tf2onnx")

    def late(*_):
        raise AssertionError("converted first")

    monkeypatch.setattr(f"mrcnn.formats.{name}.write_saved_model", late, raising=False)
    with pytest.raises(OSError, match="folder"):
        tiny_model.export(tmp_path, name)


@pytest.mark.parametrize("size", [None, "4", -3, 2.5, True])
def test_compiled_sizes_are_a_whole_number(tiny_config, size):
    with pytest.raises(ValueError, match=r"compiled_sizes is .*whole number.* from 0"):
        build.model(tiny_config, compiled_sizes=size)
