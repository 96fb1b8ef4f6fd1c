"""A session of Matterport's: what is set late, its folder and its weight files."""

import os
from functools import partial
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import mrcnn.model as modellib
from mrcnn import build, training
from mrcnn.tasks import LOSS_NAMES
from mrcnn.training_state import read_state
from mrcnn.weight_names import WITHOUT_WEIGHTS
from mrcnn.weights import WeightFileError, load_weights, save_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture
def session(tiny_config, tmp_path):
    """Return a function that opens a session of one step an epoch."""

    def open_session(mode="training", model_dir=tmp_path / "logs", **settings):
        plain = {"NAME": "leaf", "STEPS_PER_EPOCH": 1, "VALIDATION_STEPS": 1, "SEED": 0}
        config = type("LeafConfig", (type(tiny_config),), plain | settings)()
        return modellib.MaskRCNN(mode, config, model_dir)

    return open_session


@pytest.fixture(scope="module")
def untouched(tiny_config, tmp_path_factory):
    """Return a session that no test may change."""
    return modellib.MaskRCNN("training", tiny_config, tmp_path_factory.mktemp("logs"))


# --- What is set after the model was built


def total(model) -> tuple[float, float]:
    """Return the loss of the last epoch, and the plain sum of the five."""
    history = model.keras_model.history.history
    return history["loss"][-1], sum(history[name][-1] for name in LOSS_NAMES)


def test_weights_of_the_losses_are_those_of_the_training(session, tiny_shapes):
    model = session()
    model.train(tiny_shapes, None, 1e-9, 1, "heads")
    loss, plain = total(model)
    assert loss == pytest.approx(plain, rel=1e-5)
    model.config.LOSS_WEIGHTS = dict.fromkeys(LOSS_NAMES, 3.0)
    model.train(tiny_shapes, None, 1e-9, 2, "heads")
    loss, plain = total(model)
    assert loss == pytest.approx(3 * plain, rel=1e-5)


def test_weight_decay_is_that_of_the_training(session, tiny_shapes):
    model = session()
    model.config.WEIGHT_DECAY = 1.0
    model.train(tiny_shapes, None, 1e-9, 1, "heads")
    penalty = sum(
        float(np.mean(np.square(weight)))
        for weight in model.keras_model.trainable_weights
        if weight.name not in ("gamma", "beta")
    )
    loss, plain = total(model)
    assert loss - plain == pytest.approx(penalty, rel=1e-2)
    model.config.OPTIMIZER = "adamw"  # whose decay is no part of the loss
    model.train(tiny_shapes, None, 1e-9, 2, "heads")
    loss, plain = total(model)
    assert loss == pytest.approx(plain, rel=1e-5)


def test_compile_takes_them_up_too(session):
    model = session()
    model.config.LOSS_WEIGHTS = {"mrcnn_mask_loss": 5.0}
    model.compile(0.1, 0.9)
    assert np.asarray(model.keras_model.loss_weights).tolist() == [1, 1, 1, 1, 5]


@pytest.mark.parametrize("built", [True, False])
def test_masks_of_another_kind_are_refused(session, tiny_shapes, built):
    model = session(USE_MINI_MASK=built)
    model.config.USE_MINI_MASK = not built
    with pytest.raises(ValueError, match=r"train was made .*\(USE_MINI_MASK\)"):
        model.train(tiny_shapes, None, 1e-9, 1, "heads")
    assert not Path(model.log_dir).exists()


def test_what_comes_too_late_is_said(session, tiny_shapes, capsys):
    model = session()
    model.config.TRAIN_ROIS_PER_IMAGE = 12
    model.train(tiny_shapes, None, 1e-9, 1, "heads")
    said = "LeafConfig was changed after the model was built from it: TRAIN_ROIS_PER_"
    assert f"{said}IMAGE 8 -> 12." in capsys.readouterr().out


# --- Where runs are kept


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("model_dir", [None, 5, ["logs"]])
def test_a_model_dir_that_is_no_path(tiny_config, mode, model_dir):
    with pytest.raises(TypeError, match=r"model_dir is .*: give the path"):
        modellib.MaskRCNN(mode, tiny_config, model_dir)


def test_a_model_dir_at_home(session, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    model = session("inference", "~/logs")
    assert model.model_dir == str(tmp_path / "logs")
    assert Path(model.log_dir).parent == tmp_path / "logs"


def test_a_model_dir_that_is_a_file(session, tmp_path):
    file = tmp_path / "leaf.h5"
    file.touch()
    for model_dir in (file, file / "logs"):
        with pytest.raises(NotADirectoryError, match=r"leaf\.h5 is a file: name a fol"):
            session(model_dir=model_dir)
    session("inference", file)  # where nothing is written


def test_a_model_dir_that_is_protected(session, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "access", lambda place, mode: asked.append(place))
    with pytest.raises(PermissionError, match=f"can be written to {tmp_path}: name"):
        session(model_dir=tmp_path / "logs" / "deep")
    assert asked == [tmp_path]


# --- Weight files


@pytest.mark.parametrize("given", [None, 5, ["leaf.h5"], b"leaf.h5"])
def test_things_that_are_no_weight_file(untouched, given):
    for load in (untouched.load_weights, untouched.keras_model.load_weights):
        with pytest.raises(TypeError, match=r"^filepath is .*: give the path of one"):
            load(given)
    with pytest.raises(TypeError, match=r"^path is "):
        load_weights(untouched, given)
    with pytest.raises(TypeError, match=r"^path is "):
        save_weights(untouched, given)


def test_an_empty_path(untouched):
    with pytest.raises(ValueError, match=r"^filepath is an empty text"):
        untouched.load_weights("")


def test_a_weight_file_at_home(untouched, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    save_weights(untouched, "~/leaf.h5")
    assert (tmp_path / "leaf.h5").is_file()
    assert len(untouched.load_weights("~/leaf.h5").loaded) > 30


def test_layers_of_matterports_graph_without_weights(untouched, tmp_path):
    path = tmp_path / "leaf.h5"
    save_weights(untouched, path)
    names = ["ROI", "mrcnn_class", "mrcnn_class_loss", "anchors", "rpn_bbox"]
    assert set(names) <= set(WITHOUT_WEIGHTS)
    report = untouched.load_weights(path, exclude=names)
    assert (report.excluded, report.missing) == ([], [])
    with pytest.raises(WeightFileError, match=r"'ROIs'"):
        untouched.load_weights(path, exclude=["ROIs"])


def test_no_layer_of_weights_is_called_weightless(untouched):
    held = {layer.name for layer in untouched.get_trainable_layers()}
    assert not held & set(WITHOUT_WEIGHTS)


def test_a_file_without_anything(untouched, tmp_path):
    h5py.File(tmp_path / "leaf.h5", "w").close()
    with pytest.raises(WeightFileError, match="it holds nothing: the file is empty"):
        untouched.load_weights(tmp_path / "leaf.h5", by_name=True)


def test_keras_methods_on_a_native_model(tiny_model, tmp_path):
    ours, keras3 = tmp_path / "leaf.h5", tmp_path / "leaf.weights.h5"
    save_weights(tiny_model, ours)
    way_out = r"mrcnn\.weights\.{}\(model, path\) is for the \.h5 layout"
    for method in ("load_weights", "save_weights"):
        with pytest.raises(ValueError, match=way_out.format(method)):
            getattr(tiny_model, method)(ours)
    tiny_model.save_weights(keras3)
    tiny_model.load_weights(str(keras3))
    keras3.write_bytes(ours.read_bytes())  # Matterport's layout under Keras' name
    with pytest.raises(ValueError, match=way_out.format("load_weights")):
        tiny_model.load_weights(keras3)


# --- Training past `train`


def test_the_batches_of_matterports_graph(untouched, tiny_config, tiny_shapes):
    generator = modellib.data_generator(tiny_shapes, tiny_config)
    network = untouched.keras_model
    for fit in (network.fit, network.fit_generator):
        with pytest.raises(TypeError, match=r"call train\(train_dataset, val_dataset"):
            fit(generator, epochs=1)


def test_a_plateau_on_a_given_schedule(session, tiny_shapes):
    rate = keras.optimizers.schedules.ExponentialDecay(1e-6, 1, 0.5)
    with pytest.raises(ValueError, match=r"does \(the ExponentialDecay given as"):
        session(LEARNING_RATE_SCHEDULE="constant").train(
            *(tiny_shapes, None, rate, 1, "heads"),
            custom_callbacks=keras.callbacks.ReduceLROnPlateau("loss"),
        )


def test_a_whole_training_of_its_own(session, tiny_shapes, tmp_path):
    """What is left of a session may be trained by `training.fit` as well."""
    model = session()
    history = training.fit(
        model,
        build.batches(model.config, tiny_shapes, steps=1),
        stages=build.stage(model.config, 1),
        optimizer=partial(build.optimizer, model.config),
        folder=tmp_path / "run",
        verbose=0,
    )
    assert read_state(tmp_path / "run" / "checkpoint.h5").history == history
