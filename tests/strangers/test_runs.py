"""Runs under any name, found again, counted right, and repeated by a seed."""

import errno
import json
import os
import pickle
import re
import unicodedata
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn import model as modellib
from mrcnn.matterport import runs
from mrcnn.matterport.runs import EpochWeights, RunFolder, RunWeights, last_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]

NAMES = [
    *("leaf.v2", "leaf v2", "Größe", "LEAF", "leaf2", "leaf_2026", "leaf20260101"),
    *(
        "leaf{1}",
        "{epoch}",
        "leaf[ab]*",
        "a+b(c)",
        "-",
        ".hidden",
        "树叶",
        "100%",
        "x" * 200,
    ),
]


def touch(path: Path) -> Path:
    """Make an empty file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def configure(base, **settings):
    """Return a configuration of one's own, of one step an epoch."""
    settings = {"NAME": "leaf", "STEPS_PER_EPOCH": 1, "VALIDATION_STEPS": 1} | settings
    return type("LeafConfig", (type(base),), settings)()


@pytest.fixture
def session(tiny_config, tmp_path):
    """Return a function that opens a training session under `tmp_path`."""

    def open_session(mode="training", model_dir=tmp_path, **settings):
        return modellib.MaskRCNN(mode, configure(tiny_config, **settings), model_dir)

    return open_session


# --- Names and places


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("epoch", [1, 9999, 10000, 123456])
def test_any_name_that_a_folder_can_have_goes_on(tmp_path, name, epoch):
    new = RunFolder.of(name, tmp_path)
    file = touch(Path(new.checkpoint_path.format(epoch=epoch)))
    assert file.parent == new.folder == tmp_path / new.folder.name
    assert last_weights(name, tmp_path) == file
    again = RunFolder.of(name, tmp_path, file)
    assert (again.folder, again.epoch) == (new.folder, epoch)
    assert again.note == f"Re-starting from epoch {epoch}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("birds/leaf", "'/'"),
        ("birds\\leaf", r"'\\\\'"),
        ("leaf\n", r"'\\n'"),
        ("a\0b", r"'\\x00'"),
        ("ß" * 101, "at most 200 bytes"),
        ("", "has no NAME"),
        ("  ", "has no NAME"),
        (2026, "has no NAME"),
    ],
)
def test_names_that_no_folder_can_have(tmp_path, name, said):
    for use in (RunFolder.of, last_weights):
        with pytest.raises(ValueError, match=said) as caught:
            use(name, tmp_path)
        assert repr(name) in str(caught.value)


def test_folders_and_paths_however_they_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for model_dir in (".", "", "./", "logs", "logs/", "logs//deep/..", Path("logs")):
        new = RunFolder.of("leaf", model_dir)
        file = touch(Path(new.checkpoint_path.format(epoch=3)))
        assert RunFolder.of("leaf", model_dir, str(file)).epoch == 3
        assert RunFolder.of("leaf", model_dir, f"{file}/").epoch == 3
        assert RunFolder.of("leaf", model_dir, file).note == "Re-starting from epoch 3"
    monkeypatch.chdir(new.folder)
    assert RunFolder.of("leaf", "..", file.name).epoch == 3
    elsewhere = r"D:logs\leaf20260131T0915\mask_rcnn_leaf_0007.h5"
    run = RunFolder.of("leaf", tmp_path, elsewhere)
    assert (run.folder, run.epoch) == (tmp_path / "leaf20260131T0915", 7)


def test_a_folder_may_be_called_with_braces(tmp_path, tiny_model):
    run = RunFolder.of("leaf", tmp_path / "{user}")
    write = EpochWeights(run.checkpoint_path, done=print)
    write.set_model(tiny_model)
    write.set_params({"steps": 0})
    write.on_train_begin()
    write.on_epoch_end(0)
    assert last_weights("leaf", tmp_path / "{user}").name == "mask_rcnn_leaf_0001.h5"


def test_letters_with_accents_apart(tmp_path):
    apart = unicodedata.normalize("NFD", "größe20260131T0915")
    file = touch(tmp_path / apart / "mask_rcnn_größe_0001.h5")
    assert last_weights(unicodedata.normalize("NFC", "Größe"), tmp_path) == file


@pytest.mark.parametrize(
    "file",
    [
        "downloads/mask_rcnn_leaf_0012.h5",  # copied elsewhere
        "leaf20260131T0915_best/mask_rcnn_leaf_0012.h5",  # a folder renamed
    ],
)
def test_a_file_out_of_its_run_starts_a_new_one_and_it_is_said(tmp_path, file):
    run = RunFolder.of("leaf", tmp_path, tmp_path / file)
    assert run.epoch == 0
    assert "mask_rcnn_leaf_0012.h5 lies in no folder of a run" in run.note
    assert RunFolder.of("leaf", tmp_path, tmp_path / "mask_rcnn_coco.h5").note == ""


def test_another_folder_to_go_on_in_is_named(tmp_path):
    file = tmp_path / "other" / "tree20260131T0915" / "mask_rcnn_tree_0012.h5"
    run = RunFolder.of("leaf", tmp_path, file)
    assert run.note.endswith(f"epoch 12 in {tmp_path / 'leaf20260131T0915'}")


def test_two_runs_of_one_minute_do_not_share_a_folder(tmp_path):
    first = RunFolder.of("leaf", tmp_path).folder
    first.mkdir()
    second = RunFolder.of("leaf", tmp_path).folder
    assert second != first
    assert second.name > first.name


# --- Finding the last weights


def test_newer_runs_without_weights_are_passed_over_and_named(tmp_path, capsys):
    touch(tmp_path / "leaf20250101T0000" / "mask_rcnn_leaf_0009.h5")
    whole = touch(tmp_path / "leaf20260101T0000" / "mask_rcnn_leaf_0002.h5")
    touch(tmp_path / "leaf20260102T0000" / "events.out")
    (tmp_path / "leaf20260103T0000").mkdir()
    assert last_weights("leaf", tmp_path) == whole
    (said,) = capsys.readouterr().out.splitlines()
    assert "leaf20260102T0000, leaf20260103T0000" in said
    assert f"taking the last of {whole.parent}" in said


def test_epochs_are_numbers_not_text(tmp_path):
    folder = tmp_path / "leaf20260101T0000"
    for epoch in ("9999", "10001", "10000"):
        touch(folder / f"mask_rcnn_leaf_{epoch}.h5")
    touch(folder / "mask_rcnn_leaf_best.h5")  # by a callback of the user's
    assert last_weights("leaf", tmp_path).name == "mask_rcnn_leaf_10001.h5"


def test_a_folder_with_a_longer_name_is_left_out_and_named(tmp_path, capsys):
    renamed = touch(tmp_path / "leaf20270101T0000 good" / "mask_rcnn_leaf_0002.h5")
    touch(tmp_path / "leaf_blight20270101T0000" / "mask_rcnn_leaf_blight_0002.h5")
    with pytest.raises(FileNotFoundError, match="No run of the configuration 'leaf'"):
        last_weights("leaf", tmp_path)
    (said,) = capsys.readouterr().out.splitlines()
    assert str(renamed.parent) in said


def test_nothing_is_there(tmp_path):
    (tmp_path / "leaf20260101T0000").mkdir()
    with pytest.raises(FileNotFoundError, match="leaf20260101T0000") as caught:
        last_weights("leaf", tmp_path)
    assert caught.value.errno == errno.ENOENT


@pytest.fixture
def found(tmp_path):
    """Return what `find_last` returns, with a real file behind it."""
    path = tmp_path / "leaf20260101T0000" / "mask_rcnn_leaf_0003.h5"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["x"] = [1.0]
    return RunWeights(last_weights("leaf", tmp_path))


def test_scripts_that_expect_a_pair(found, tmp_path):
    assert found[1] == str(found)
    assert found[0] == str(tmp_path / "leaf20260101T0000")
    folder, path = found
    assert (folder, path) == (found[0], found[1])
    assert type(found[1]) is type(found[0]) is str


def test_the_path_is_a_string_in_all_else(found):
    path = str(found)
    assert found == path and path == found
    assert hash(found) == hash(path)
    assert {path: 1}[found] == 1
    assert len(found) == len(path)
    assert "leaf" in found
    assert found[:5] == path[:5] and found[-3:] == ".h5" and found[2] == path[2]
    assert found[-1] == "5"
    assert (
        f"{found}" == path and found + "x" == path + "x" and repr(found) == repr(path)
    )
    assert json.loads(json.dumps({"weights": found})) == {"weights": path}
    assert pickle.loads(pickle.dumps(found)) == path
    for function in (
        *(os.path.basename, os.path.dirname, os.path.abspath, os.path.normpath),
        *(os.path.split, os.path.splitext, os.path.realpath, os.path.getsize),
        *(os.fspath, os.path.isfile, Path, np.array, os.path.isabs, os.path.splitdrive),
    ):
        assert function(found) == function(path)
    assert os.path.join(found, "x") == os.path.join(path, "x")
    assert os.path.relpath(found, found[0]) == "mask_rcnn_leaf_0003.h5"
    with open(found, "rb") as file:
        assert file.read(4) == b"\x89HDF"
    with h5py.File(found) as file:
        assert file["x"][0] == 1
        assert RunFolder.of("leaf", ".", found).epoch == 3


def test_an_old_script_loads_what_it_found(session):
    first = session()
    first.keras_model.save_weights(first.checkpoint_path.format(epoch=4))
    again = session("inference")
    again.load_weights(again.find_last()[1], by_name=True)
    assert again.epoch == 4
    assert again.log_dir == again.find_last()[0]


# --- Epochs


def stopping(at_epoch: int, hook: str, error: type[BaseException] | None = None):
    """Return a callback that ends training from a hook of an epoch."""

    class Stop(keras.callbacks.Callback):
        epoch = 0

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch
            self.at("on_epoch_begin")

        def on_train_batch_end(self, batch, logs=None):
            self.at("on_train_batch_end")

        def on_epoch_end(self, epoch, logs=None):
            self.at("on_epoch_end")

        def at(self, where):
            if (self.epoch, where) != (at_epoch, hook):
                return
            if error:
                raise error
            self.model.stop_training = True

    return Stop()


def weight_files(model) -> list[str]:
    return sorted(path.name[-7:-3] for path in Path(model.log_dir).glob("*.h5"))


def test_epochs_after_early_stopping_are_those_trained(session, tiny_shapes):
    model = session(NAME="Leaf v.2 {ä}")
    model.train(
        *(tiny_shapes, None, 1e-6, 10, "heads"),
        custom_callbacks=stopping(1, "on_epoch_end"),
    )
    assert model.epoch == 2
    assert weight_files(model) == ["0001", "0002"]
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda e, logs: seen.append(e)
    )
    model.train(tiny_shapes, None, 1e-6, 3, "heads", custom_callbacks=[watch])
    assert seen == [2]
    assert model.epoch == 3
    again = session(NAME="Leaf v.2 {ä}")
    again.load_weights(again.find_last())
    assert again.epoch == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end"])
def test_an_interruption_leaves_the_whole_epochs(session, tiny_shapes, error, hook):
    model = session()
    with pytest.raises(error):
        model.train(
            *(tiny_shapes, None, 1e-6, 10, "heads"),
            custom_callbacks=[stopping(1, hook, error)],
        )
    assert model.epoch == 1
    assert weight_files(model) == ["0001"]


def test_an_epoch_cut_short_does_not_count(session, tiny_shapes, capsys):
    model = session(STEPS_PER_EPOCH=2)
    stop = stopping(0, "on_train_batch_end")
    model.train(tiny_shapes, None, 1e-6, 10, "heads", custom_callbacks=[stop])
    assert model.epoch == 0
    assert "Epoch 1 was stopped after 1 of 2 steps" in capsys.readouterr().out
    assert weight_files(model) == ["0001"]  # what was learnt is not lost


def test_files_of_later_epochs_are_mentioned(session, tiny_shapes, capsys):
    model = session()
    for epoch in (1, 2):
        model.keras_model.save_weights(model.checkpoint_path.format(epoch=epoch))
    model.set_log_dir(model.checkpoint_path.format(epoch=1))
    capsys.readouterr()
    model.train(tiny_shapes, None, 1e-6, 2, "heads")
    assert "already holds mask_rcnn_leaf_0002.h5" in capsys.readouterr().out
    model.train(tiny_shapes, None, 1e-6, 3, "heads")
    assert "already holds" not in capsys.readouterr().out


def test_a_new_run_and_other_weights_count_from_zero(session, tmp_path, capsys):
    model = session()
    own = model.checkpoint_path.format(epoch=4)
    model.keras_model.save_weights(own)
    model.keras_model.save_weights(tmp_path / "mask_rcnn_coco.h5")
    model.load_weights(own)
    assert (model.epoch, Path(model.log_dir)) == (4, Path(own).parent)
    capsys.readouterr()
    model.load_weights(tmp_path / "mask_rcnn_coco.h5")
    assert model.epoch == 0
    assert Path(model.log_dir) != Path(own).parent
    assert capsys.readouterr().out == ""
    model.set_log_dir(own)
    assert model.epoch == 4
    model.set_log_dir()
    assert model.epoch == 0


# --- Seeds


def initial(model) -> np.ndarray:
    return np.asarray(model.keras_model.get_layer("mrcnn_mask_conv1").kernel)


def test_two_sessions_differ_and_the_printed_seed_repeats_one(session, capsys):
    first = session()
    (said,) = re.findall(r"SEED is None: (\d+) was drawn", capsys.readouterr().out)
    assert int(said) == first.seed
    second = session()
    assert second.seed != first.seed
    assert not np.array_equal(initial(first), initial(second))
    capsys.readouterr()
    again = session(SEED=int(said))
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(initial(again), initial(first))


def test_seeds_as_matterports_users_set_them(session):
    np.random.seed(5)
    first = session()
    np.random.seed(5)
    assert session().seed == first.seed
    keras.utils.set_random_seed(5)
    assert session().seed == first.seed


def test_inference_draws_nothing(session, capsys):
    before = np.random.get_state()[1].tolist()
    assert session("inference").seed == 0
    assert np.random.get_state()[1].tolist() == before
    assert "SEED" not in capsys.readouterr().out


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True])
def test_seeds_that_are_none(session, seed):
    with pytest.raises(ValueError, match=rf"SEED is {seed!r}; it must be None or "):
        session(SEED=seed)


def test_a_seed_repeats_training_to_the_last_bit(
    session, tiny_shapes, tmp_path, deterministic
):
    def trained(model_dir, seed):
        model = session(model_dir=model_dir, SEED=seed, STEPS_PER_EPOCH=2)
        model.train(tiny_shapes, None, 0.01, 2, "all")
        return model

    models = [trained(tmp_path / str(i), seed) for i, seed in enumerate([3, 3, 4])]
    weights = [model.keras_model.get_weights() for model in models]
    assert all(map(np.array_equal, weights[0], weights[1]))
    assert not all(map(np.array_equal, weights[0], weights[2]))
    losses = [model.keras_model.history.history["loss"] for model in models]
    assert losses[0] == losses[1] != losses[2]


def test_a_run_that_goes_on_goes_on_in_the_order_of_images(
    session, tiny_config, tiny_shapes, monkeypatch
):
    first = session(SEED=3)
    first.keras_model.save_weights(first.checkpoint_path.format(epoch=1))
    asked = {}

    def fit(model, train, validation, *, first_epoch, stages, **others):
        epochs = range(first_epoch, first_epoch + stages[0].epochs)
        asked.update({epoch: train.image_ids(epoch, 0) for epoch in epochs})

    monkeypatch.setattr(training, "fit", fit)
    first.train(tiny_shapes, None, 0.01, 1, "heads")
    again = session(SEED=3)
    again.load_weights(again.find_last())
    again.train(tiny_shapes, None, 0.01, 3, "heads")
    assert list(asked) == [0, 1, 2]
    # Three epochs of two images see all six once.
    assert sorted(i for ids in asked.values() for i in ids) == list(range(6))
    unbroken = build.batches(
        configure(tiny_config), tiny_shapes, steps=1, shuffle=True, seed=3
    )
    assert asked == {epoch: unbroken.image_ids(epoch, 0) for epoch in range(3)}


def test_the_native_functions_take_the_configurations_seed(tiny_config, tiny_shapes):
    seeded = configure(tiny_config, SEED=5)
    assert build.batches(seeded, tiny_shapes).seed == 5
    assert build.batches(seeded, tiny_shapes, seed=0).seed == 0
    assert build.batches(tiny_config, tiny_shapes).seed == 0
    by_setting = build.model(seeded, precision="float32").get_weights()
    by_argument = build.model(tiny_config, seed=5, precision="float32").get_weights()
    assert all(map(np.array_equal, by_setting, by_argument))


def test_names_on_windows(monkeypatch):
    monkeypatch.setattr(runs, "_NO_FOLDER", {*'/\\<>:"|?*'})
    with pytest.raises(ValueError, match="leave out ':'"):
        runs.checked_name("leaf: second")
