"""What lies in the folder that a training goes on from, and who may go on from it."""

import shutil
from functools import partial

import h5py
import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
from mrcnn.pruning import METHODS, Pruner, Schedule
from mrcnn.structures import Stage
from mrcnn.training_state import read_state
from mrcnn.weights import WeightFileError

STAGE = Stage("heads", 1, 0.01)

pytestmark = [
    pytest.mark.usefixtures("deterministic"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


class Interruption(keras.callbacks.Callback):
    """Stop as Ctrl-C does, when an epoch begins or right after its last word."""

    def __init__(self, epoch, method="on_epoch_begin"):
        super().__init__()
        setattr(self, method, lambda at, logs=None: self._stop(at == epoch))

    def _stop(self, now):
        if now:
            raise KeyboardInterrupt


class Scripted(keras.callbacks.Callback):
    """Report these losses, epoch by epoch, in the place of the real ones."""

    def __init__(self, *losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["scripted"] = self.losses[epoch]


@pytest.fixture
def run(tiny_config, tiny_shapes, tmp_path):
    """Train in one folder; each call is like a new process."""

    def run(
        *callbacks, stages=STAGE, folder=tmp_path, config=tiny_config, seed=3, **options
    ):
        batches = {"steps": 1, "shuffle": True, "seed": 5}
        batches |= options.pop("batches", {})
        model = build.model(config, seed=seed, precision="float32")
        model.history_of_epochs = training.fit(
            model,
            build.batches(config, options.pop("dataset", tiny_shapes), **batches),
            stages=stages,
            optimizer=options.pop("optimizer", partial(build.optimizer, config)),
            folder=folder,
            callbacks=callbacks,
            verbose=0,
            **options,
        )
        return model

    return run


def assert_same(ours, theirs):
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    histories = [dict(model.history_of_epochs) for model in (ours, theirs)]
    for history in histories:
        assert len(history.pop("seconds")) == len(history["loss"])
    assert histories[0] == histories[1]


# --- Another training's checkpoint


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder for what `run()` leaves, which is the same each time."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def finished(run, shelf, tmp_path):
    """Let the folder hold what a training by `run()` leaves."""
    if not (shelf / "checkpoint.h5").is_file():
        run(folder=shelf)
    shutil.copytree(shelf, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 4}, "model.seed is 4 here and 3 there"),
        ({"batches": {"seed": 6}}, "train.seed is 6 here and 5 there"),
        ({"batches": {"steps": 2}}, "train.steps is 2 here and 1 there"),
        ({"batches": {"shuffle": False}}, "train.shuffle is False here"),
        ({"batches": {"augmentation": lambda i, m, r: (i, m)}}, "train.augmentation"),
        ({"stages": STAGE._replace(epochs=3)}, "stages.1.epochs is 3 here and 1"),
        ({"stages": STAGE._replace(layers="all")}, "stages.1.layers is 'all' here"),
        ({"stages": STAGE._replace(learning_rate=0.02)}, "learning_rate is 0.0"),
        ({"stages": [STAGE, STAGE]}, "stages.2.layers is 'heads' here and None"),
        ({"optimizer": keras.optimizers.Adam}, "class_name is 'Adam' here and 'SGD'"),
        ({"patience": 1}, "patience is 1 here and None there"),
        ({"first_epoch": 1}, "first_epoch is 1 here and 0 there"),
    ],
)
def test_another_training_is_refused(run, finished, changes, named):
    with pytest.raises(ValueError, match=r"checkpoint\.h5 is of another training") as e:
        run(**changes)
    assert named in str(e.value)
    assert "resume=False" in str(e.value)


def test_a_folder_is_begun_anew(run, finished):
    assert_same(run(seed=4, resume=False), run(seed=4))


def test_another_data_set_or_configuration_is_refused(
    run, finished, tiny_config, tiny_shapes
):
    count = len(tiny_shapes.image_ids)
    other = ShapesDataset(count, height=64, width=64, seed=99)
    with pytest.raises(ValueError, match=rf"train\.dataset is '{count} images, \w+' h"):
        run(dataset=other)
    with pytest.raises(ValueError, match=r"validation\.dataset is '.*' here and None"):
        run(validation=build.batches(tiny_config, other))
    config = type("Other", (type(tiny_config),), {"RPN_NMS_THRESHOLD": 0.6})()
    with pytest.raises(ValueError, match=r"model\.settings\.proposal_iou is 0\.6"):
        run(config=config)


def test_an_interrupted_training_of_another_seed_is_refused(run):
    with pytest.raises(KeyboardInterrupt):
        run(Interruption(1), batches={"seed": 1}, stages=Stage("heads", 2, 0.01))
    with pytest.raises(ValueError, match=r"train\.seed is 0 here and 1 there"):
        run(batches={"seed": 0}, stages=Stage("heads", 2, 0.01))


# --- Early stopping


LOSSES = [3.0, 1.0, 2.0, 2.5, 4.0, 4.0]


def stopping(*others, patience=2):
    return [
        Scripted(*LOSSES),
        keras.callbacks.EarlyStopping(
            "scripted", patience=patience, mode="min", restore_best_weights=True
        ),
        *others,
    ]


PATIENT = [Stage("heads", 5, 0.01), Stage("all", 1, 0.01)]


@pytest.fixture(scope="module")
def models():
    """Trained models that tests share and none changes."""
    return {}


@pytest.fixture
def whole(run, models):
    """A training that nothing interrupted."""
    if "whole" not in models:
        models["whole"] = run(*stopping(), stages=PATIENT, folder=None)
    return models["whole"]


@pytest.mark.parametrize("epoch", [1, 3, 5])
def test_early_stopping_goes_on(run, whole, epoch):
    """It stops stage 1 after epoch 4, back at the weights of epoch 2."""
    assert len(whole.history_of_epochs["loss"]) == 4 + 1
    with pytest.raises(KeyboardInterrupt):
        run(*stopping(Interruption(epoch)), stages=PATIENT)
    assert_same(run(*stopping(), stages=PATIENT), whole)
    assert_same(run(*stopping(), stages=PATIENT), whole)  # it is finished


def test_patience_of_a_finished_training(run, tiny_config, tiny_shapes, monkeypatch):
    """The best weights are those of the first epoch, not the last."""
    options = {"stages": Stage("heads", 3, 10.0), "patience": 1}
    whole = run(**options, folder=None)
    assert len(whole.history_of_epochs["loss"]) < 3
    assert_same(run(**options), whole)
    assert_same(run(**options), whole)


@pytest.mark.parametrize("epoch", [1, 3])  # in the stage, and after its last epoch
def test_a_kill_right_after_a_checkpoint(run, whole, monkeypatch, epoch):
    """What ends a stage is still to be done then."""
    write = training.Record.on_epoch_end

    def killed(self, at, logs=None):
        write(self, at, logs)
        if at == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.Record, "on_epoch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            run(*stopping(), stages=PATIENT)
    assert_same(run(*stopping(), stages=PATIENT), whole)


def test_a_plateau_goes_on(run):
    def plateau():
        callback = keras.callbacks.ReduceLROnPlateau(
            "scripted", factor=0.5, patience=2, mode="min"
        )
        return Scripted(1.0, 2.0, 2.0, 2.0), callback

    stage = Stage("heads", 4, 0.01)
    whole = run(*plateau(), stages=stage, folder=None)
    with pytest.raises(KeyboardInterrupt):
        run(*plateau(), Interruption(2), stages=stage)
    resumed = run(*plateau(), stages=stage)
    assert_same(resumed, whole)
    rates = resumed.history_of_epochs["learning_rate"]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.01, 0.005])


def test_the_best_file_stays_the_best(run, tmp_path):
    """Also where a stage is over: Keras' callback forgets nothing at the next."""

    def keep(folder):
        return Scripted(1.0, 2.0), keras.callbacks.ModelCheckpoint(
            folder / "best.weights.h5",
            monitor="scripted",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        )

    stages = [STAGE, STAGE]
    with pytest.raises(KeyboardInterrupt):
        run(*keep(tmp_path), Interruption(1), stages=stages)
    best = (tmp_path / "best.weights.h5").stat()
    callbacks = keep(tmp_path)
    run(*callbacks, stages=stages)
    assert callbacks[1].best == 1.0
    assert (tmp_path / "best.weights.h5").stat().st_mtime_ns == best.st_mtime_ns


def test_what_ends_a_stage_is_done_where_a_callback_has_stopped(run, monkeypatch):
    class Stopper(keras.callbacks.Callback):
        stopped, ended = False, 0

        def on_epoch_end(self, epoch, logs=None):
            self.stopped = self.model.stop_training = True

        def on_train_end(self, logs=None):
            self.ended += 1

        def state(self):
            return {"stopped": self.stopped}

        def restore(self, state):
            self.stopped = bool(state["stopped"])

    stages = [Stage("heads", 3, 0.01), STAGE]
    with monkeypatch.context() as patch:
        patch.setattr(training.Record, "on_train_end", Interruption._stop)
        with pytest.raises(KeyboardInterrupt):
            run(Stopper(), stages=stages)
    again = Stopper()
    model = run(again, stages=stages)
    assert again.ended == 1
    assert len(model.history_of_epochs["loss"]) == 1


# --- Callbacks that are given again, or others


def pruner(config, shapes, target=0.5, seed=0):
    return Pruner(
        METHODS["TBP"],
        Schedule(target, 1, 3, 3),
        build.batches(config, shapes, seed=6, steps=1),
        seed=seed,
    )


def test_the_same_callback_goes_on(run, tiny_config, tiny_shapes):
    """As where a notebook's block is run again after Ctrl-C: it has gone too far."""
    stage = Stage("heads", 4, 0.01)
    whole = run(pruner(tiny_config, tiny_shapes), stages=stage, folder=None)
    same = pruner(tiny_config, tiny_shapes)
    with pytest.raises(KeyboardInterrupt):
        run(same, Interruption(1, "on_epoch_end"), stages=stage)
    assert_same(run(same, stages=stage), whole)


def test_a_pruner_begins_anew_with_another_model(run, tiny_config, tiny_shapes):
    stage = Stage("heads", 4, 0.01)
    same = pruner(tiny_config, tiny_shapes)
    whole = run(same, stages=stage)
    assert_same(run(same, stages=stage, resume=False), whole)


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        ({"target": 0.5}, {"target": 0.8}, "Pruner_1.schedule.target is 0.8 here and"),
        ({"seed": 0}, {"seed": 1}, "Pruner_1.seed is 1 here and 0 there"),
    ],
)
def test_another_pruning_is_refused(run, tiny_config, tiny_shapes, ours, theirs, named):
    run(pruner(tiny_config, tiny_shapes, **ours))
    with pytest.raises(ValueError, match="is of another training") as caught:
        run(pruner(tiny_config, tiny_shapes, **theirs))
    assert named in str(caught.value)


def test_other_callbacks_are_refused(run):
    plateau = partial(keras.callbacks.ReduceLROnPlateau, "loss")
    run(plateau(patience=2))
    for others in [(), (plateau(patience=3),), (plateau(patience=2),) * 2]:
        with pytest.raises(ValueError, match=r"callbacks\.ReduceLROnPlateau_[12]"):
            run(*others)


def test_callbacks_without_a_state_may_come_and_go(run):
    plateau = partial(keras.callbacks.ReduceLROnPlateau, "loss")
    run(plateau())
    run(keras.callbacks.LambdaCallback(), plateau())


@pytest.mark.parametrize(
    "state",
    [
        {"x": "text"},
        {"x": ["a", "b"]},
        {"x": None},
        {"x": {"y": 1}},
        {"x": b"bytes"},
        {"x": 1j},
        {"": 1.0},
        {"a//b": 1.0},
        {1: 1.0},
    ],
)
def test_a_state_that_could_not_be_read_back(run, state):
    class Own(keras.callbacks.Callback):
        def state(self):
            return state

        def restore(self, state):
            pass

    with pytest.raises(TypeError, match=r"The state of Own_1 has .* as .*: give real"):
        run(Own())


@pytest.mark.parametrize("value", ["text", None, np.ones(2)])
def test_a_callback_that_reports_no_number(run, value):
    with pytest.raises(TypeError, match=r"reports 'scripted' as .*: report numbers"):
        run(Scripted(value))


# --- The working folder


def test_a_callback_changes_the_working_folder(run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    move = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: monkeypatch.chdir(tmp_path / "elsewhere")
    )
    run(move, folder="run")
    assert [each.name for each in (tmp_path / "run").iterdir()] == ["checkpoint.h5"]
    assert not list((tmp_path / "elsewhere").iterdir())


def test_averaged_weights_go_on(run, tiny_config):
    """Keras itself takes the averages of the last stage's optimizer for this one's."""
    averaging = partial(keras.optimizers.SGD, use_ema=True, ema_momentum=0.5)

    def trained(*others, stages, **options):
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        return run(swap, *others, stages=stages, optimizer=averaging, **options)

    stages = [Stage("heads", 2, 1e-6), Stage("all", 2, 1e-6)]
    whole, start = trained(stages=stages, folder=None), run(folder=None)
    for weight, before in zip(whole.weights, start.weights, strict=True):
        if weight.name == "kernel":  # such small steps change next to nothing
            np.testing.assert_allclose(weight, before, atol=0.05)
    for epoch in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            trained(Interruption(epoch), stages=stages, resume=epoch > 1)
    assert_same(trained(stages=stages), whole)


# --- All that chance is drawn from


def test_dropout_of_ones_own_goes_on(run, tiny_config):
    def backbone(images, stage5=True, train_bn=None):
        features, outputs = images, []
        for level in range(5):
            features = keras.layers.Conv2D(
                8, 3, strides=2, padding="same", name=f"own_{level}"
            )(features)
            features = keras.layers.Dropout(0.5, name=f"drop_{level}")(features)
            outputs.append(features)
        return outputs

    config = type("Own", (type(tiny_config),), {"LAYER_WIDTHS": None})()
    config.BACKBONE = backbone
    stage = Stage("all", 2, 0.01)
    keras.utils.set_random_seed(1)  # of the seeds that Dropout draws for itself
    whole = run(config=config, stages=stage, folder=None)
    keras.utils.set_random_seed(1)
    with pytest.raises(KeyboardInterrupt):
        run(Interruption(1), config=config, stages=stage)
    keras.utils.set_random_seed(2)
    assert_same(run(config=config, stages=stage), whole)


# --- What is no number


class Poison(keras.callbacks.Callback):
    """Make a variable NaN after the last loss of an epoch is known."""

    def __init__(self, variables, epoch):
        super().__init__()
        self.variables, self.epoch = variables, epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 0:
            variable = self.variables(self.model)[-1]
            variable.assign(variable * np.nan)
        self.epoch -= 1


@pytest.mark.parametrize("folder", [None, "run"])
@pytest.mark.parametrize(
    "variables",
    [lambda m: m.trainable_variables, lambda m: m.optimizer.variables],
    ids=["weight", "optimizer"],
)
def test_no_checkpoint_is_replaced_by_nan(run, tmp_path, folder, variables):
    folder = folder and tmp_path / folder
    with pytest.raises(training.NonFiniteLossError) as caught:
        run(Poison(variables, 1), folder=folder, stages=Stage("heads", 2, 0.01))
    message = str(caught.value)
    assert "Epoch 2, batch 0: " in message
    assert "lower LEARNING_RATE" in message
    if folder:
        assert read_state(folder / "checkpoint.h5").progress.epoch == 1


# --- Damage


@pytest.mark.parametrize(
    "told", [None, b"", b"[1", b"[{}, [0, 1], 5]", b"[[[[[", b"{}"]
)
def test_a_damaged_state_is_one_error(run, tmp_path, told):
    run()
    path = tmp_path / "checkpoint.h5"
    with h5py.File(path, "r+") as file:
        del file["training_state/told"]
        if told is not None:
            file["training_state/told"] = np.frombuffer(told, np.uint8)
    with pytest.raises(WeightFileError, match=r"checkpoint\.h5"):
        run()
