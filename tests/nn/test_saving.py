"""Keras' habits: a whole model in one file, and a summary, without running it."""

import json
import zipfile

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.structures import Preprocessing
from mrcnn.tasks import LOSS_NAMES


def a_batch(side=64):
    rng = np.random.default_rng(0)
    return {
        "images": rng.uniform(-128, 128, (1, side, side, 3)).astype(np.float32),
        "windows": np.array([[0, 0, 1, 1]], np.float32),
    }


def round_trip(model, tmp_path):
    model.save(tmp_path / "m.keras")
    return keras.saving.load_model(tmp_path / "m.keras")


def assert_equal(loaded, model):
    assert type(loaded) is type(model)
    assert (loaded.settings, loaded.preprocessing) == (
        model.settings,
        model.preprocessing,
    )
    assert (loaded.seed, loaded.precision) == (model.seed, model.precision)
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    found, expected = loaded.stages(a_batch()), model.stages(a_batch())
    for ours, theirs in zip(
        keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_saved_model_comes_back(tiny_config, tmp_path, precision):
    """The same to the last bit, with widths and ways of preparing images of its own."""
    settings = {
        "DETECTION_MIN_CONFIDENCE": 0.0,
        "IMAGE_RESIZE_MODE": "pad64",
        "MEAN_PIXEL": np.array([1.5, 2.5, 3.5]),
        "LAYER_WIDTHS": {**tiny_config.LAYER_WIDTHS, "mrcnn_mask_conv2": 5},
        "TRAIN_BN": False,
        "RPN_ANCHOR_SCALES": np.array([8, 16, 24, 32, 64]),
        "DETECTION_NMS_THRESHOLD": np.float32(0.3),
    }
    config = type("Own", (type(tiny_config),), settings)()
    model = build.model(config, seed=9, precision=precision, compiled_sizes=3)
    gamma = model.backbone.get_layer("bn_conv1").gamma
    gamma.assign(np.linspace(0.5, 1.5, gamma.shape[0]))  # no longer what a seed gives
    loaded = round_trip(model, tmp_path)
    assert_equal(loaded, model)
    assert loaded.compiled_sizes == 3
    assert loaded.mask_head.get_layer("mrcnn_mask_conv2").filters == 5
    assert loaded.backbone.get_layer("bn_conv1").frozen_statistics
    assert loaded.preprocessing == Preprocessing(
        "pad64", 64, 64, config.IMAGE_MIN_SCALE, (1.5, 2.5, 3.5)
    )


def test_training_goes_on(adamw_config, tiny_shapes, tmp_path, eager):
    """With the optimizer's state, and with what its weight decay leaves out."""
    (batch,) = build.batches(adamw_config, tiny_shapes)[0]
    model = build.model(adamw_config, precision="float32")
    model.compile(optimizer=build.optimizer(adamw_config, 1e-3))
    model.train_on_batch(batch)
    loaded = round_trip(model, tmp_path)
    assert int(loaded.optimizer.iterations) == 1
    for ours, theirs in zip(
        loaded.optimizer.variables, model.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    decayed = [
        {v.path for v in m.trainable_variables if m.optimizer._use_weight_decay(v)}
        for m in (loaded, model)
    ]
    assert decayed[0] == decayed[1]
    assert 0 < len(decayed[0]) < len(model.trainable_variables)
    assert np.isfinite(loaded.train_on_batch(batch)).all()


def test_the_file_is_data(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert sorted(archive.namelist()) == [
            "config.json",
            "metadata.json",
            "model.weights.h5",
        ]
        described = json.loads(archive.read("config.json"))
    assert described["registered_name"] == "mrcnn>MaskRCNN"
    assert described["config"]["settings"]["detections"] == 5


def five_maps(image, stage5=True, train_bn=None, layer=keras.layers.Conv2D):
    """A backbone of the user's: C1 to C5 of an image."""
    maps, x = [], keras.layers.Conv2D(4, 3, strides=2, padding="same")(image)
    for stride in (2, 1, 2, 2, 2):
        x = layer(4, 3, strides=stride, padding="same")(x)
        maps.append(x)
    return maps


class Unregistered(keras.layers.Conv2D):
    """A layer that Keras could not find by its name."""


def with_lambda(image, **arguments):
    first, *others = five_maps(image, **arguments)
    return [first, *(keras.layers.Lambda(lambda x: x + 1)(x) for x in others)]


def with_unregistered(image, **arguments):
    return five_maps(image, layer=Unregistered, **arguments)


def own(tiny_config, backbone):
    settings = {"BACKBONE": staticmethod(backbone), "LAYER_WIDTHS": None}
    config = type("Own", (type(tiny_config),), settings)()
    return build.model(config, precision="float32")


def test_a_backbone_of_keras_layers_needs_no_function(tiny_config, tmp_path):
    model = own(tiny_config, five_maps)
    assert_equal(round_trip(model, tmp_path), model)


@pytest.mark.parametrize(
    ("backbone", "kind"),
    [(with_lambda, "Lambda"), (with_unregistered, "Unregistered")],
)
def test_layers_that_need_code_are_refused(tiny_config, tmp_path, backbone, kind):
    message = rf"is a {kind}, .*register_keras_serializable.*save_weights"
    with pytest.raises(ValueError, match=message):
        own(tiny_config, backbone).save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def rewritten(path, change):
    """Write a saved model anew with another description of itself."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(files["config.json"])
    change(described["config"])
    files["config.json"] = json.dumps(described).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_a_file_of_another_version_is_named(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    tiny_model.save(path)
    rewritten(path, lambda config: config["settings"].update(newer=1))
    with pytest.raises(ValueError, match="Settings differ in newer"):
        keras.saving.load_model(path)


def test_nothing_in_a_file_is_executed(tiny_model, tmp_path):
    """A layer that was put in: marshalled code is refused, a module not imported."""
    path = tmp_path / "m.keras"
    code = {
        "class_name": "__lambda__",
        "config": {"code": "4wA=", "defaults": None, "closure": None},
    }
    evil = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "registered_name": None,
        "config": {"name": "evil", "function": code, "arguments": {}},
    }
    elsewhere = {
        "module": "os",
        "class_name": "system",
        "registered_name": None,
        "config": {},
    }
    for part, refusal in ((evil, "unsafe|lambda"), (elsewhere, "locate")):
        tiny_model.save(path)

        def change(config, part=part):
            config["parts"]["fpn"] = part

        rewritten(path, change)
        with pytest.raises((ValueError, TypeError), match=refusal):
            keras.saving.load_model(path)


def test_a_file_that_is_there_is_kept(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite is False"):
        tiny_model.save(path, overwrite=False)
    assert path.read_text() == "precious"


def test_other_endings_are_refused(tiny_model, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.keras.*save_weights"):
        tiny_model.save(tmp_path / "model.h5")


def test_a_summary_of_a_model_that_never_ran(tiny_config):
    lines = []
    model = build.model(tiny_config, precision="float32")
    model.summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    for part in model.parts:
        assert f"{part.name} (Functional)" in text
        assert f"{part.count_params():,}" in text
    assert "28, 28, 4" in text  # masks of four classes
    assert "unbuilt" not in text
    total = sum(part.count_params() for part in model.parts) + len(LOSS_NAMES)
    assert f"Total params: {total:,}" in text
