"""Weights that are written can be read back, and say what half precision costs."""

import errno
import re

import h5py
import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.training_state import (
    Progress,
    TrainingState,
    load_checkpoint,
    read_state,
    save_checkpoint,
)
from mrcnn.weights import WeightFileError, load_weights, save_weights

resource = pytest.importorskip("resource")  # POSIX
STATE = TrainingState({}, Progress(0, 1), {}, {})
CONV1 = "conv1/conv1/kernel:0"
CALLBACK = "training_state/callbacks/A_0"


@pytest.fixture(scope="module")
def shared(tiny_config):
    return build.model(tiny_config, seed=3, precision="float32")


@pytest.fixture
def model(shared):
    """A model of this module's own; its weights are restored."""
    weights = shared.get_weights()
    yield shared
    shared.set_weights(weights)


def kernel(model) -> keras.Variable:
    return model.backbone.get_layer("conv1").kernel


def set_first(variable, values) -> None:
    """Set the first numbers of a variable."""
    flat = np.array(variable)
    flat.reshape(-1)[: len(values)] = values
    variable.assign(flat)


# --- float16


def test_half_precision_is_as_exact_as_it_says(model, tmp_path):
    """Eleven bits down to 2 ** -14, steps of 2 ** -24 below."""
    bits = np.random.default_rng(0).uniform(-28, 15.99, 2000).astype(np.float32)
    values = (2**bits * np.where(bits > 0, 1, -1)).astype(np.float32)
    values = np.resize(values, np.array(kernel(model)).size)
    set_first(kernel(model), values)
    save_weights(model, tmp_path / "half.h5", dtype="float16")
    load_weights(model, tmp_path / "half.h5")
    found = np.array(kernel(model)).reshape(-1).astype(float)
    error, normal = np.abs(found - values), np.abs(values) >= 2.0**-14
    assert (error[normal] <= 2.0**-11 * np.abs(values[normal])).all()
    assert (error[~normal] <= 2.0**-25).all()
    assert (error[~normal] > 2.0**-11 * np.abs(values[~normal])).any()
    assert (found[np.abs(values) < 2.0**-25] == 0).all()


@pytest.mark.parametrize("value", [65_504, -65_504, 65_519.9])
def test_the_largest_that_half_precision_holds(model, tmp_path, value):
    set_first(kernel(model), [value])
    save_weights(model, tmp_path / "half.h5", dtype="float16")
    load_weights(model, tmp_path / "half.h5")
    assert np.array(kernel(model)).reshape(-1)[0] == np.sign(value) * 65_504


@pytest.mark.parametrize("value", [65_520, -1e6, 3e38])
def test_beyond_that_no_file_is_written(model, tmp_path, value):
    target = tmp_path / "half.h5"
    target.write_bytes(b"old")
    set_first(kernel(model), [1, value])
    held = re.escape(f"conv1/kernel:0 holds {value:g}")
    with pytest.raises(ValueError, match=f"{held}, .* up to 65504"):
        save_weights(model, target, dtype="float16")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    save_weights(model, target)
    load_weights(model, target)


@pytest.mark.parametrize("dtype", ["int8", "float64", "bfloat16", "half of it"])
def test_another_precision_is_refused(model, tmp_path, dtype):
    with pytest.raises(ValueError, match=rf"dtype '{dtype}'.*float32.*float16"):
        save_weights(model, tmp_path / "w.h5", dtype=dtype)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_could_not_be_read_back_is_not_written(model, tmp_path, dtype, value):
    bias = model.backbone.get_layer("conv1").bias
    for variable in (kernel(model), bias):
        before = np.array(variable)
        set_first(variable, [1, value])
        with pytest.raises(ValueError, match=rf"conv1/\w+:0 holds {value}"):
            save_weights(model, tmp_path / "w.h5", dtype=dtype)
        variable.assign(before)
    assert list(tmp_path.iterdir()) == []


# --- A full disk


@pytest.fixture
def full_disk():
    """No file may grow beyond 100 kB; Python ignores the signal that tells of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("save", ["weights", "checkpoint"])
def test_a_full_disk_is_one_error(tiny_config, model, tmp_path, save):
    target = tmp_path / "w.h5"
    target.write_bytes(b"old")
    model.compile(optimizer=build.optimizer(tiny_config, 0.01))
    with pytest.raises(OSError, match=r"w\.h5") as caught:
        if save == "weights":
            save_weights(model, target)
        else:
            save_checkpoint(model, target, STATE)
    assert caught.value.errno == errno.EFBIG
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


# --- What others may have made of such a file


@pytest.fixture
def checkpoint(tiny_config, model, tmp_path):
    path = tmp_path / "c.h5"
    model.compile(optimizer=build.optimizer(tiny_config, 0.01))
    states = {"A_0": {"masks/conv1": np.ones([2, 3], bool), "step": np.array(7)}}
    save_checkpoint(model, path, STATE._replace(callbacks=states))
    return path


def test_states_come_back(checkpoint):
    (name, state), *rest = read_state(checkpoint).callbacks.items()
    assert name == "A_0"
    assert not rest
    assert state.keys() == {"masks/conv1", "step"}
    assert state["step"] == 7
    assert state["masks/conv1"].dtype == bool
    np.testing.assert_array_equal(state["masks/conv1"], np.ones([2, 3]))


def test_a_cycle_of_links_is_refused(checkpoint):
    with h5py.File(checkpoint, "r+") as file:
        file["training_state/callbacks/A_0/masks/again"] = file[
            "training_state/callbacks/A_0"
        ]
    with pytest.raises(WeightFileError, match=r"c\.h5: .*again has more than one link"):
        read_state(checkpoint)


@pytest.mark.parametrize("kind", ["c8", "S500000"])
def test_what_are_no_numbers_of_a_model_is_refused(model, checkpoint, kind):
    with h5py.File(checkpoint, "r+") as file:
        shape = file[CONV1].shape
        del file[CONV1]
        file.create_dataset(CONV1, shape, kind)
        shape = file["training_state/variables/0"].shape
        del file["training_state/variables/0"]
        file.create_dataset("training_state/variables/0", shape, kind)
    with pytest.raises(WeightFileError, match=r"c\.h5: /conv1.* no numbers"):
        load_weights(model, checkpoint)
    with pytest.raises(WeightFileError, match=r"c\.h5: /training.* no numbers"):
        load_checkpoint(model, checkpoint)


def test_damage_is_one_error(model, checkpoint):
    with h5py.File(checkpoint, "r+") as file:
        for name in (
            CONV1,
            "training_state/variables/0",
            "training_state/callbacks/A_0/step",
        ):
            values = file[name][()]
            del file[name]
            file.create_dataset(
                name, data=np.atleast_1d(values), chunks=True, fletcher32=True
            )
            place = file[name].id.get_chunk_info(0).byte_offset
            file.flush()
            with open(checkpoint, "r+b") as raw:
                raw.seek(place)
                raw.write(b"\xaa")
    with pytest.raises(WeightFileError, match=r"c\.h5: /conv1.* is damaged"):
        load_weights(model, checkpoint)
    with pytest.raises(WeightFileError, match=rf"c\.h5: /{CALLBACK}.* is damaged"):
        read_state(checkpoint)
