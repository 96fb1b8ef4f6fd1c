"""What lies in the folder that a training goes on from, and who may go on from it."""

from functools import partial

import h5py
import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
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
def test_another_training_is_refused(run, changes, named):
    run()
    with pytest.raises(ValueError, match=r"checkpoint\.h5 is of another training") as e:
        run(**changes)
    assert named in str(e.value)
    assert "resume=False" in str(e.value)


def test_a_folder_is_begun_anew(run):
    run()
    assert_same(run(seed=4, resume=False), run(seed=4))


def test_another_data_set_or_configuration_is_refused(run, tiny_config, tiny_shapes):
    run()
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


@pytest.mark.parametrize(
    ("epoch", "method"),
    [(1, "on_epoch_begin"), (3, "on_epoch_begin"), (5, "on_epoch_begin")],
)
def test_early_stopping_goes_on(run, tmp_path, epoch, method):
    """It stops stage 1 after epoch 4, back at the weights of epoch 2."""
    whole = run(*stopping(), stages=PATIENT, folder=None)
    assert len(whole.history_of_epochs["loss"]) == 4 + 1
    with pytest.raises(KeyboardInterrupt):
        run(*stopping(Interruption(epoch, method)), stages=PATIENT)
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
def test_a_kill_right_after_a_checkpoint(run, monkeypatch, epoch):
    """What ends a stage is still to be done then."""
    whole = run(*stopping(), stages=PATIENT, folder=None)
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
