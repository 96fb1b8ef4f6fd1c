"""Files that are no weights of this model: named for what they are, and refused."""

import gzip
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn import model as modellib
from mrcnn.hdf5 import open_hdf5
from mrcnn.weights import CLASS_LAYERS, WeightFileError, load_weights, save_weights

PAGE = "\n <!DOCTYPE html><title>404</title>"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.fixture(scope="module")
def saved(tiny_model, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "leaf.h5"
    save_weights(tiny_model, path)
    return path


def refused(model, path: Path | str, said: str, **options) -> str:
    """Loading fails, names the file, and leaves every weight alone."""
    before = model.get_weights()
    with pytest.raises((WeightFileError, FileNotFoundError), match=said) as caught:
        load_weights(model, path, **options)
    assert str(path) in str(caught.value)
    assert all(map(np.array_equal, model.get_weights(), before))
    return str(caught.value)


def archive(path: Path, *names: str) -> None:
    """Write a zip archive of files that nothing may read."""
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "poison")


# --- Other programs' files

BYTES = {
    "page.h5": (PAGE.encode(), "HTML or XML"),
    "bom.h5": (b"\xef\xbb\xbf<html>", "HTML or XML"),
    "pointer.h5": (LFS.encode(), "a pointer of Git LFS: run `git lfs pull`"),
    "annex.h5": (b"/annex/objects/SHA256E-s9--0.h5", "git-annex"),
    "config.h5": (b'{"class_name": "Model"}', "JSON text"),
    "packed.h5": (gzip.compress(b"x"), "compressed: unpack it first"),
    "old.pth": (b"\x80\x02\x8a\nl\xfc", "a pickle.*never read"),
    "model.tflite": (b"\x1c\0\0\0TFL3", "a LiteRT model"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch", "an ONNX model"),
    "graph.pb": (b"\n\x0b\n\x05", "a TensorFlow graph"),
    "model.ckpt.index": (b"\0\0\0", "a part of a TensorFlow checkpoint"),
    "m.safetensors": (b"\x40\0\0\0\0\0\0\0{", "a file of safetensors"),
    "nothing.h5": (b"", "it is empty"),
    "noise.h5": (b"\x01\x02\x03" * 99, "may be cut off"),
}


@pytest.mark.parametrize("name", list(BYTES))
@pytest.mark.parametrize("partial", [False, True])
def test_what_a_file_is_by_its_bytes(tiny_model, tmp_path, name, partial):
    content, said = BYTES[name]
    (tmp_path / name).write_bytes(content)
    refused(tiny_model, tmp_path / name, said, partial=partial)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["config.json", "metadata.json", "model.weights.h5"], r"Keras 3 \(\.keras\)"),
        (["archive/data.pkl", "archive/data/0"], "PyTorch's, a pickle"),
        (["arr_0.npy"], "NumPy's"),
        (["mask_rcnn_coco.h5"], "a zip archive: unpack it"),
    ],
)
def test_what_an_archive_is_by_its_names(tiny_model, tmp_path, names, said):
    archive(tmp_path / "weights.h5", *names)
    refused(tiny_model, tmp_path / "weights.h5", said)
    cut = tmp_path / "weights.h5"
    cut.write_bytes(cut.read_bytes()[:-9])
    refused(tiny_model, cut, "a zip archive that is cut off")


def test_what_a_damaged_archive_is(tiny_model, tmp_path):
    archive(tmp_path / "weights.h5", "été.npy", "a/data.pkl")
    whole = (tmp_path / "weights.h5").read_bytes()
    for place in range(4, len(whole)):
        content = bytearray(whole)
        content[place] ^= 0xFF
        (tmp_path / "weights.h5").write_bytes(content)
        with pytest.raises(WeightFileError, match=r"weights\.h5 .*: it is"):
            open_hdf5(tmp_path / "weights.h5")


def test_folders(tiny_model, tmp_path, saved):
    refused(tiny_model, tmp_path, r"is a folder: give a weight file; there is no \.h5")
    refused(tiny_model, saved.parent, "is a folder.*such as leaf.h5")
    (tmp_path / "saved_model.pb").touch()
    refused(tiny_model, tmp_path, "TensorFlow SavedModel")


def test_files_that_are_not_there(tiny_model, tmp_path, saved):
    refused(tiny_model, saved.with_name("laef.h5"), r"laef\.h5; leaf\.h5 is there")
    refused(tiny_model, tmp_path / "logs" / "a.h5", "there is no folder .*logs")
    (tmp_path / "model.ckpt.index").touch()
    refused(tiny_model, tmp_path / "model.ckpt", "checkpoint of TensorFlow")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="all may be read")
def test_a_file_that_must_not_be_read(tiny_model, tmp_path):
    (tmp_path / "w.h5").touch(mode=0)
    with pytest.raises(PermissionError):
        load_weights(tiny_model, tmp_path / "w.h5")


# --- HDF5, but of another model


def small() -> keras.Model:
    """Return a Keras model that has nothing to do with ours."""
    layers = [keras.layers.Input((3,)), keras.layers.Dense(2, name="leaves")]
    return keras.Sequential(layers)


@pytest.mark.parametrize("partial", [False, True])
def test_the_layout_of_keras_3(tiny_model, tiny_config, tmp_path, partial):
    path = tmp_path / "best.weights.h5"
    for model in (small(), build.model(tiny_config)):
        model.save_weights(path)
        refused(
            tiny_model, path, r"layout of Keras 3 \(\.weights\.h5\)", partial=partial
        )
    small().save(tmp_path / "best.keras")
    refused(tiny_model, tmp_path / "best.keras", r"whole model of Keras 3 \(\.keras\)")


def table(path: Path, layers: dict[str, int]) -> Path:
    """Write a file with some layers, each a kernel of a width."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, width in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode()]
            group[f"{name}/kernel:0"] = np.zeros((1, 1, width), np.float32)
    return path


@pytest.mark.parametrize("options", [{}, {"partial": True}, {"exclude": CLASS_LAYERS}])
def test_a_file_of_which_nothing_matches(tiny_model, tmp_path, options):
    path = table(tmp_path / "leaves.h5", {"leaves": 2, "stem": 3})
    said = refused(tiny_model, path, "lacks every layer.*holds leaves, stem", **options)
    assert "The model has conv1, bn_conv1" in said


def test_files_of_keras_applications(tiny_model, tmp_path):
    names = ("conv1_conv", "conv1_bn", "conv2_block1_1_conv")
    path = table(tmp_path / "resnet50.h5", dict.fromkeys(names, 2))
    refused(tiny_model, path, "Keras Applications.*get_imagenet_weights", partial=True)


def test_a_file_of_pictures(tiny_model, tmp_path):
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["images"] = np.zeros(3)
    refused(tiny_model, tmp_path / "train.h5", "holds no layers, but images")


def test_a_few_layers_that_match_are_loaded_and_reported(tiny_model, saved, tmp_path):
    with h5py.File(saved) as source, h5py.File(tmp_path / "few.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv1", b"stem"]
        source.copy("conv1", file)
        file.create_group("stem").attrs["weight_names"] = [b"stem/kernel:0"]
    report = load_weights(tiny_model, tmp_path / "few.h5", partial=True)
    assert report.loaded == ["conv1"]
    assert str(report).startswith("1 of ")
    assert "unused: stem" in str(report)


def test_everything_excluded(tiny_model, saved):
    report = load_weights(tiny_model, saved)
    said = refused(tiny_model, saved, "lacks every layer", exclude=report.loaded)
    assert said.endswith("all of them excluded.")


def test_text_where_numbers_belong(tiny_model, saved, tmp_path):
    path = tmp_path / "text.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        del file["conv1/conv1/bias:0"]
        file["conv1/conv1/bias:0"] = [b"leaf"] * 8
    refused(tiny_model, path, "conv1/bias:0 holds no numbers that are read")


# --- Names to exclude


def test_misspelt_names_are_refused_with_those_that_were_meant(tiny_model, saved):
    said = refused(
        *(tiny_model, saved, "no layer of the model or the file"),
        exclude=["mrcnn_maks", "Mrcnn_mask", "conv1", "zebra"],
    )
    assert "'mrcnn_maks' (mrcnn_mask" in said
    assert "'Mrcnn_mask' (mrcnn_mask" in said
    assert "'zebra'" in said
    assert "conv1'" not in said


@pytest.mark.parametrize("pattern", ["mrcnn_.*", "mrcnn_(mask|bbox)"])
def test_patterns_are_not_names(tiny_model, saved, pattern):
    said = refused(tiny_model, saved, "patterns are not understood", exclude=pattern)
    assert "mrcnn_bbox" in said


@pytest.mark.parametrize("broken", ["(mrcnn", "*", "mrcnn_mask["])
def test_broken_patterns_are_not_names(tiny_model, saved, broken):
    refused(tiny_model, saved, "patterns are not understood", exclude=[broken])


def test_a_name_alone_is_a_name(tiny_model, saved):
    assert load_weights(tiny_model, saved, exclude="mrcnn_mask").excluded == [
        "mrcnn_mask"
    ]


def test_a_part_of_the_proposal_network_points_to_the_whole(tiny_model, saved):
    said = "'rpn_class_raw' .a part of rpn_model: exclude that"
    refused(tiny_model, saved, said, exclude=["rpn_class_raw"])
    assert load_weights(tiny_model, saved, exclude=["rpn_model"]).excluded == [
        "rpn_model"
    ]


def test_names_of_layers_without_weights_and_of_the_file_alone(
    tiny_model, saved, tmp_path
):
    load_weights(tiny_model, saved, exclude=["mrcnn_bbox"])  # one of the usual four
    path = tmp_path / "more.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = [*file.attrs["layer_names"], b"stem"]
        file.create_group("stem").attrs["weight_names"] = [b"stem/kernel:0"]
    load_weights(tiny_model, path, exclude=["stem"])


@pytest.mark.parametrize("thing", [3, None, ["mrcnn_mask"]])
def test_things_that_are_no_names(tiny_model, saved, thing):
    with pytest.raises(TypeError, match="exclude takes names of layers"):
        load_weights(tiny_model, saved, exclude=[thing])
    layer = tiny_model.mask_head.get_layer("mrcnn_mask")
    with pytest.raises(TypeError, match="exclude takes names of layers"):
        load_weights(tiny_model, saved, exclude=[layer])


# --- In the facade


def test_weights_of_81_classes_in_a_session_of_two(tiny_config, tmp_path):
    def session(classes):
        settings = {"NUM_CLASSES": classes, "NAME": "leaf"}
        config = type("Leaf", (type(tiny_config),), settings)()
        return modellib.MaskRCNN("inference", config, tmp_path)

    path, model = tmp_path / "mask_rcnn_coco.h5", session(2)
    session(81).keras_model.save_weights(path)
    said = rf"class counts differ: exclude {', '.join(CLASS_LAYERS)}"
    for options in ({}, {"by_name": True}, {"exclude": ["mrcnn_bbox_fc"]}):
        with pytest.raises(WeightFileError, match=said):
            model.load_weights(path, **options)
        with pytest.raises(WeightFileError, match=said):
            model.keras_model.load_weights(path, **options)
    report = model.load_weights(path, by_name=True, exclude=list(CLASS_LAYERS))
    assert not report.missing
    with pytest.raises(WeightFileError, match=r"'mrcnn_msk' \(mrcnn_mask"):
        model.load_weights(path, exclude="mrcnn_msk")
    with pytest.raises(WeightFileError, match="lacks every layer"):
        model.load_weights(table(tmp_path / "l.h5", {"leaves": 2}), by_name=True)


@pytest.mark.parametrize(
    "names",
    [
        h5py.Empty("S10"),
        5,
        "conv1",
        [1.5, 2.5],
        [b"\xff\xfe"],
        [[b"conv1", b"bn_conv1"], [b"a", b"b"]],
        np.zeros(3, [("a", "i4")]),
    ],
    ids=lambda names: type(names).__name__,
)
@pytest.mark.parametrize("place", ["layer_names", "weight_names", "class_names"])
def test_names_that_are_no_names(tiny_model, saved, tmp_path, names, place):
    """No error of Python's or HDF5's own."""
    path = tmp_path / "names.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        attributes = file["conv1" if place == "weight_names" else "/"].attrs
        attributes[place] = names
    if place == "class_names":  # which no file has to have
        load_weights(tiny_model, path)
        tiny_model.class_names = ()
    else:
        refused(tiny_model, path, "lacks every layer|has . arrays|is missing|lacks")
