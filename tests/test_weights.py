"""Weight files: Matterport's layout, exact round trips, and files that are refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mrcnn import build
from mrcnn.training_state import load_checkpoint
from mrcnn.weights import (
    CLASS_LAYERS,
    WeightFileError,
    load_weights,
    save_weights,
    weighted_layers,
)

CONV1 = "conv1/conv1/kernel:0"


@pytest.fixture
def saved(tiny_model, tmp_path) -> Path:
    save_weights(tiny_model, tmp_path / "saved.h5")
    return tmp_path / "saved.h5"


@pytest.fixture(scope="module")
def shared_other(tiny_config):
    return build.model(tiny_config, seed=8, precision="float32")


@pytest.fixture
def other(shared_other):
    """A model of other weights that `unchanged` can be asked about; restored after."""
    weights = shared_other.get_weights()
    yield shared_other
    shared_other.set_weights(weights)


def same(model, weights: list[np.ndarray]) -> bool:
    return all(map(np.array_equal, model.get_weights(), weights))


def refused(model, path: Path, match: str, **options) -> None:
    """Loading must fail with the file's name and leave every weight alone."""
    before = model.get_weights()
    with pytest.raises(WeightFileError, match=match) as caught:
        load_weights(model, path, **options)
    assert str(path) in str(caught.value)
    assert same(model, before)


def test_round_trip_is_exact(tiny_model, other, saved):
    report = load_weights(other, saved)
    assert same(other, tiny_model.get_weights())
    assert report.loaded == [layer.name for layer in weighted_layers(tiny_model)]
    assert not (report.missing or report.excluded or report.unused)
    count = len(report.loaded)
    assert str(report) == f"{count} of {count} layers from saved.h5"


def test_layout_is_matterports(saved):
    with h5py.File(saved) as file:
        names = [name.decode() for name in file.attrs["layer_names"]]
        assert list(file["conv1"].attrs["weight_names"]) == [
            b"conv1/kernel:0",
            b"conv1/bias:0",
        ]
        assert file[CONV1].shape == (7, 7, 3, 8)
        assert [n.decode() for n in file["rpn_model"].attrs["weight_names"]] == [
            f"{layer}/{kind}:0"
            for layer in ("rpn_conv_shared", "rpn_class_raw", "rpn_bbox_pred")
            for kind in ("kernel", "bias")
        ]
        assert [n.decode() for n in file["bn2a_branch1"].attrs["weight_names"]] == [
            f"bn2a_branch1/{kind}:0"
            for kind in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        assert set(names) == set(file)
    assert len(names) == len(set(names))
    assert {"fpn_c5p5", "fpn_p2", "mrcnn_class_conv1", "mrcnn_mask_bn4"} < set(names)


def test_weights_inside_a_whole_keras_model(tiny_model, other, saved, tmp_path):
    nested = tmp_path / "nested.h5"
    with h5py.File(saved) as source, h5py.File(nested, "w") as target:
        source.copy("/", target, "model_weights")
    load_weights(other, nested)
    assert same(other, tiny_model.get_weights())


def test_half_precision_halves_the_file(tiny_model, other, saved, tmp_path):
    half = tmp_path / "half.h5"
    save_weights(tiny_model, half, dtype="float16")
    with h5py.File(half) as file:
        assert file[CONV1].dtype == np.float16
    assert half.stat().st_size < saved.stat().st_size
    load_weights(other, half)
    for own, exact in zip(other.get_weights(), tiny_model.get_weights(), strict=True):
        np.testing.assert_allclose(own, exact, rtol=2**-11, atol=1e-7)


def test_no_file(tiny_model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        load_weights(tiny_model, tmp_path / "nowhere.h5")


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_cut_off(other, saved, kept):
    content = saved.read_bytes()
    size = int(kept * len(content)) if kept < 1 else kept
    saved.write_bytes(content[:size])
    refused(other, saved, "not a readable HDF5 file")


def test_some_other_file(other, tmp_path):
    (tmp_path / "page.h5").write_text("<html>Not found</html>")
    refused(other, tmp_path / "page.h5", "not a readable HDF5 file")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    refused(other, tmp_path / "empty.h5", "lacks")


def test_shapes_that_differ_in_the_last_layer_change_nothing(other, saved):
    with h5py.File(saved, "r+") as file:
        del file["mrcnn_mask/mrcnn_mask/bias:0"]
        file["mrcnn_mask/mrcnn_mask/bias:0"] = np.zeros(81, np.float32)
    refused(other, saved, rf"mrcnn_mask.*\(81,\).*exclude {', '.join(CLASS_LAYERS)}")
    report = load_weights(other, saved, exclude=CLASS_LAYERS)
    assert set(report.excluded) == set(CLASS_LAYERS) - {"mrcnn_bbox"}


def test_another_width_names_the_layer(other, saved):
    with h5py.File(saved, "r+") as file:
        del file[CONV1]
        file[CONV1] = np.zeros((7, 7, 3, 64), np.float32)
    refused(other, saved, r"conv1/kernel:0 has shape \(7, 7, 3, 64\).*exclude conv1")


def test_a_part_of_a_network(tiny_model, other, saved):
    before = other.fpn.get_weights()
    with h5py.File(saved, "r+") as file:
        names = [n for n in file.attrs["layer_names"] if not n.startswith(b"fpn")]
        file.attrs["layer_names"] = names
    refused(other, saved, r"lacks 8 layers.*fpn_.*partial=True")
    report = load_weights(other, saved, partial=True)
    assert len(report.missing) == 8
    assert "missing: fpn_c5p5" in str(report)
    assert all(map(np.array_equal, other.fpn.get_weights(), before))
    for part in ("backbone", "rpn", "box_head", "mask_head"):
        ours, theirs = getattr(other, part), getattr(tiny_model, part)
        assert same(ours, theirs.get_weights())


def test_layers_that_the_model_lacks_are_named(other, saved):
    with h5py.File(saved, "r+") as file:
        file.attrs["layer_names"] = [*file.attrs["layer_names"], b"extra", b"relu"]
        file.create_group("extra").attrs["weight_names"] = [b"extra/kernel:0"]
        file.create_group("relu")  # layers without weights have groups too
    assert load_weights(other, saved).unused == ["extra"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(other, saved, value):
    with h5py.File(saved, "r+") as file:
        file["mrcnn_mask/mrcnn_mask/bias:0"][0] = value
    refused(other, saved, "mrcnn_mask/bias:0 holds NaN or infinite")


@pytest.mark.parametrize("kind", ["external", "soft", "virtual", "raw"])
def test_nothing_outside_the_file_is_read(other, saved, tmp_path, kind):
    elsewhere = tmp_path / "secret.h5"
    elsewhere.write_bytes(saved.read_bytes())
    shape = (7, 7, 3, 8)
    with h5py.File(saved, "r+") as file:
        del file[CONV1]
        if kind == "external":
            file[CONV1] = h5py.ExternalLink(elsewhere.name, CONV1)
        elif kind == "soft":
            file["aside"] = np.zeros(shape, np.float32)
            file[CONV1] = h5py.SoftLink("/aside")
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape, np.float32)
            layout[...] = h5py.VirtualSource(str(elsewhere), CONV1, shape)
            file.create_virtual_dataset(CONV1, layout)
        else:
            place = [(str(elsewhere), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(CONV1, shape, np.float32, external=place)
    refused(other, saved, "conv1/kernel:0 is")


@pytest.mark.parametrize(
    "link", [h5py.ExternalLink("secret.h5", "/conv1"), h5py.SoftLink("/bn_conv1")]
)
def test_no_linked_layer_is_read(other, saved, tmp_path, link):
    (tmp_path / "secret.h5").write_bytes(saved.read_bytes())
    with h5py.File(saved, "r+") as file:
        del file["conv1"]
        file["conv1"] = link
    refused(other, saved, "conv1")


def test_weights_are_no_checkpoint(other, saved):
    other.compile(optimizer="sgd")
    with pytest.raises(WeightFileError, match=r"no training state.*load_weights"):
        load_checkpoint(other, saved)
