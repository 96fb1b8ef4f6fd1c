"""Callbacks that users bring to `train`, and the other arguments of it."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn import model as modellib
from mrcnn.callbacks import as_callbacks
from mrcnn.structures import Stage

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
K = keras.callbacks
SCHEDULES = [{"LEARNING_RATE_SCHEDULE": "cosine"}, {"WARMUP_STEPS": 5}]


def configure(base, **settings):
    """Return a configuration of one step an epoch, with a plain learning rate."""
    plain = {"LEARNING_RATE_SCHEDULE": "constant", "WARMUP_STEPS": 0, "SEED": 0}
    settings = {"NAME": "leaf", "STEPS_PER_EPOCH": 1, "VALIDATION_STEPS": 1} | settings
    return type("LeafConfig", (type(base),), plain | settings)()


@pytest.fixture
def session(tiny_config, tmp_path):
    """Return a function that opens a training session."""

    def open_session(**settings):
        config = configure(tiny_config, **settings)
        return modellib.MaskRCNN("training", config, tmp_path / "logs")

    return open_session


@pytest.fixture(scope="module")
def untouched(tiny_config, tmp_path_factory):
    """Return a session for trainings that are refused, and so leave it as it is."""
    folder = tmp_path_factory.mktemp("logs") / "logs"
    return modellib.MaskRCNN("training", configure(tiny_config), folder)


def refused(model, error, said, dataset, val=None, **arguments) -> None:
    """Training fails at once: nothing is compiled, written or counted."""
    given = {"learning_rate": 1e-6, "epochs": 2, "layers": "heads"} | arguments
    with pytest.raises(error, match=said):
        model.train(dataset, val, **given)
    assert not model.keras_model.compiled
    assert model.epoch == 0
    assert not Path(model.model_dir).exists()


# --- The learning rate


def every_epoch(epoch, rate):
    return rate / 2


SETTERS = {
    "scheduler": lambda: K.LearningRateScheduler(every_epoch),
    "plateau": lambda: K.ReduceLROnPlateau(monitor="loss"),
    "derived": lambda: type("Mine", (K.ReduceLROnPlateau,), {})(monitor="loss"),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("setter", list(SETTERS))
def test_two_that_set_the_learning_rate(session, tiny_shapes, setter, schedule):
    callback = SETTERS[setter]()
    said = (
        f"{type(callback).__name__} would set the learning rate, but a schedule does.*"
        'set LEARNING_RATE_SCHEDULE = "constant" and WARMUP_STEPS = 0'
    )
    model = session(**schedule)
    refused(model, ValueError, said, tiny_shapes, custom_callbacks=[callback])


def test_a_schedule_given_as_the_rate_is_one_too(session, tiny_shapes):
    rate = keras.optimizers.schedules.ExponentialDecay(1e-6, 1, 0.5)
    said = "LearningRateScheduler would set the learning rate"
    refused(
        *(session(), ValueError, said, tiny_shapes),
        learning_rate=rate,
        custom_callbacks=SETTERS["scheduler"](),
    )
    model = session()
    model.train(tiny_shapes, None, rate, 2, "heads")
    rates = model.keras_model.history.history["learning_rate"]
    assert rates == pytest.approx([0.5e-6, 0.25e-6])


def test_native_stages_are_checked_all_before_the_first(tiny_config, tiny_shapes):
    model = build.model(tiny_config, precision="float32")
    stages = [Stage("heads", 1, 0.01), Stage("all", 1, 0.01, "cosine")]
    with pytest.raises(ValueError, match=r"LearningRateScheduler would set.*'cosine'"):
        training.fit(
            model,
            build.batches(tiny_config, tiny_shapes, steps=1),
            stages=stages,
            optimizer=lambda rate: build.optimizer(tiny_config, rate),
            callbacks=SETTERS["scheduler"](),
        )
    assert not model.compiled


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end"])
def test_any_other_callback_that_sets_it_is_told_the_way_out(
    session, tiny_shapes, hook
):
    def lower(self, *arguments):
        self.model.optimizer.learning_rate = 1e-7

    callback = type("Lower", (K.Callback,), {hook: lower})()
    with pytest.raises(TypeError, match="A callback tried to set the learning rate"):
        session(WARMUP_STEPS=5).train(
            tiny_shapes, None, 1e-6, 2, "heads", None, [callback]
        )
    model = session()
    model.train(tiny_shapes, None, 1e-6, 1, "heads", custom_callbacks=[callback])
    assert float(model.keras_model.optimizer.learning_rate) == pytest.approx(1e-7)


def test_type_errors_of_callbacks_stay_their_own(session, tiny_shapes):
    def fail(self, *arguments):
        raise TypeError("of my own")

    callback = type("Fail", (K.Callback,), {"on_epoch_end": fail})()
    with pytest.raises(TypeError, match=r"^of my own$"):
        session().train(tiny_shapes, None, 1e-6, 1, "heads", custom_callbacks=callback)


def test_plain_rates_are_set(session, tiny_shapes):
    model = session()
    model.train(
        *(tiny_shapes, None, 1e-6, 3, "heads"),
        custom_callbacks=[K.LearningRateScheduler(every_epoch)],
    )
    rates = model.keras_model.history.history["learning_rate"]
    assert rates == pytest.approx([0.5e-6, 0.25e-6, 0.125e-6])


def test_a_plateau_lowers_the_rate(session, tiny_shapes):
    model = session()
    # Never better by as much as this: after an epoch without, it is lowered.
    plateau = K.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e9)
    model.train(tiny_shapes, None, 1e-6, 3, "heads", custom_callbacks=[plateau])
    assert float(model.keras_model.optimizer.learning_rate) < 0.5e-6


# --- What is a callback


def foreign() -> object:
    """Return what looks like a callback of another Keras."""
    hooks = {name: lambda self, *a: None for name in dir(K.Callback) if name[0] != "_"}
    hooks["__module__"] = "tf_keras.src.callbacks"
    return type("EarlyStopping", (), hooks)()


def test_one_several_or_none():
    one, two = K.Callback(), K.TerminateOnNaN()
    assert as_callbacks(None) == as_callbacks([]) == as_callbacks(()) == []
    assert as_callbacks(one) == [one]
    assert as_callbacks((one, two)) == as_callbacks(c for c in (one, two)) == [one, two]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (K.EarlyStopping, r"EarlyStopping is a class.*EarlyStopping\(\.\.\.\)"),
        ([K.Callback(), K.CSVLogger], "CSVLogger is a class"),
        (foreign(), r"tf_keras\.src\.callbacks\.EarlyStopping is no callback"),
        ([foreign()], f"runs here, {keras.__version__}: take it from keras.callbacks"),
        ("early_stopping", r"builtins\.str is no callback"),
        ([None], r"builtins\.NoneType is no callback"),
        ([[K.Callback()]], r"builtins\.list is no callback"),
        (lambda epoch: epoch, "function is no callback"),
    ],
)
def test_what_is_no_callback(untouched, tiny_shapes, given, said):
    refused(untouched, TypeError, said, tiny_shapes, custom_callbacks=given)


def test_keras_own_callbacks_work(session, tiny_shapes, tmp_path):
    model, seen = session(), []
    folder = Path(model.log_dir)
    best = tmp_path / "best.weights.h5"
    watch = K.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    callbacks = [
        K.CSVLogger(str(folder / "log.csv")),  # in a folder that training makes
        K.ModelCheckpoint(str(best), "val_loss", save_weights_only=True),
        K.ModelCheckpoint(
            str(tmp_path / "e{epoch:02d}.weights.h5"), save_weights_only=True
        ),
        K.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        K.ReduceLROnPlateau("val_loss"),
        K.TerminateOnNaN(),
        watch,
    ]
    validation = type(tiny_shapes)(2, height=64, width=64, seed=8)
    model.train(tiny_shapes, validation, 1e-6, 2, "all", custom_callbacks=callbacks)
    assert seen == [0, 1]
    with open(folder / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "val_loss", "mrcnn_mask_loss", "learning_rate"} <= set(rows[0])
    assert (tmp_path / "e01.weights.h5").is_file()
    # What ModelCheckpoint writes is a weight file like any other.
    report = model.load_weights(best)
    assert not report.missing and not report.unused


def test_keras_own_backups_go_on_once(session, tiny_shapes, tmp_path):
    """Keras remembers the epoch of a backup for every later training of the model."""

    def fail(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    def train(model, epochs, *others):
        seen = []
        watch = K.Callback()
        watch.on_epoch_begin = lambda epoch, logs=None: seen.append(epoch)
        callbacks = [K.BackupAndRestore(tmp_path / "backup"), *others, watch]
        model.train(
            *(tiny_shapes, None, 1e-6, epochs, "heads"), custom_callbacks=callbacks
        )
        return seen

    with pytest.raises(KeyboardInterrupt):
        train(session(), 3, type("Fail", (K.Callback,), {"on_epoch_begin": fail})())
    again = session()
    assert train(again, 3) == [1, 2]
    assert train(again, 4) == [3]
    assert again.epoch == 4


# --- Other arguments of `train`


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"epochs": 2.5}, TypeError, r"epochs is 2\.5: give the total"),
        ({"epochs": 2.0}, TypeError, r"epochs is 2\.0"),
        ({"epochs": "2"}, TypeError, "epochs is '2'"),
        ({"epochs": None}, TypeError, "epochs is None"),
        ({"epochs": True}, TypeError, "epochs is True"),
        ({"epochs": -1}, ValueError, "epochs is -1"),
        ({"learning_rate": "0.001"}, TypeError, "learning_rate is '0.001'"),
        ({"learning_rate": None}, TypeError, "learning_rate is None"),
        ({"learning_rate": [0.1]}, TypeError, r"learning_rate is \[0.1\]"),
        ({"learning_rate": -0.001}, ValueError, "must be above 0"),
        ({"learning_rate": 0}, ValueError, "must be above 0"),
        ({"learning_rate": float("nan")}, ValueError, "must be above 0"),
        ({"learning_rate": float("inf")}, ValueError, "must be above 0"),
        ({"layers": "head"}, ValueError, r"'head'; take one of heads, 3\+"),
        ({"layers": ["heads"]}, TypeError, r"layers is \['heads'\]"),
        ({"layers": None}, TypeError, "layers is None"),
        ({"layers": "mrcnn_("}, ValueError, "no regular expression"),
        ({"augmentation": 0.5}, TypeError, "augmentation is a float"),
    ],
)
def test_arguments_that_are_refused(untouched, tiny_shapes, arguments, error, said):
    refused(untouched, error, said, tiny_shapes, **arguments)


def test_what_is_no_data_set(untouched, tiny_config, tiny_shapes):
    batches = build.batches(tiny_config, tiny_shapes)
    for given, said in (
        (type(tiny_shapes), "is the class ShapesDataset: give an instance"),
        (batches, r"is a Batches: give an instance of mrcnn\.utils\.Dataset"),
        ("train/", "is a str"),
        (None, "is a NoneType"),
    ):
        refused(untouched, TypeError, f"train_dataset {said}", given)
        if given is not None:
            refused(untouched, TypeError, f"val_dataset {said}", tiny_shapes, given)


@pytest.mark.parametrize(("rate", "epochs"), [(1, 1), (np.float32(1e-6), np.int64(1))])
def test_numbers_of_any_kind(session, tiny_shapes, rate, epochs):
    model = session(GRADIENT_CLIP_NORM=1e-9)
    model.train(tiny_shapes, None, rate, epochs, "heads")
    assert model.epoch == 1
    assert type(model.epoch) is int


def test_nothing_to_train(untouched, tiny_shapes, capsys):
    untouched.train(tiny_shapes, None, 1e-6, 0, "heads")
    assert "Nothing to train: 0 epochs are done" in capsys.readouterr().out
    assert not Path(untouched.model_dir).exists()


def test_training_on_what_is_validated_is_said(session, tiny_shapes, capsys):
    model = session()
    model.train(tiny_shapes, tiny_shapes, 1e-6, 1, "heads")
    assert "val_dataset is train_dataset" in capsys.readouterr().out
    assert "val_loss" in model.keras_model.history.history


def test_sources_that_are_not_augmented(session, tiny_shapes, capsys):
    calls = []

    def augmentation(image, masks, rng):
        calls.append(1)
        return image, masks

    model = session()
    options = {"augmentation": augmentation, "no_augmentation_sources": "shapes"}
    model.train(tiny_shapes, None, 1e-6, 1, "heads", **options)
    assert not calls
    options["no_augmentation_sources"] = ["shape"]
    capsys.readouterr()
    model.train(tiny_shapes, None, 1e-6, 2, "heads", **options)
    assert calls
    said = capsys.readouterr().out
    assert "names 'shape', but the images come from 'shapes'" in said


def test_compiled_and_trained_twice(session, tiny_shapes):
    model = session()
    for rate in (0.5, 0.1):
        model.compile(rate, 0.9)
        assert float(model.keras_model.optimizer.learning_rate) == pytest.approx(rate)
    model.train(tiny_shapes, None, 1e-6, 1, "heads")
    model.train(tiny_shapes, None, 1e-7, 2, "4+")
    assert float(model.keras_model.optimizer.learning_rate) == pytest.approx(1e-7)
    assert model.epoch == 2
