"""Losses weigh as the settings say after a pruning, however it ends (issue 26)."""

from contextlib import suppress
from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.pruning import METHODS, Guard, Pruner, Schedule
from mrcnn.pruning.methods import SCHEMA
from mrcnn.structures import Stage
from mrcnn.tasks import Task
from mrcnn.training import NonFiniteLossError, fit

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
RAMP = Schedule(target=0.5, start=0, end=2, updates=2)
OWN = [1, 2, 1, 1, 3]


@pytest.fixture
def config(tiny_config):
    given = tiny_config.LOSS_WEIGHTS | {"rpn_bbox_loss": 2, "mrcnn_mask_loss": 3}

    class Weighed(type(tiny_config)):
        LOSS_WEIGHTS = given

    return Weighed()


class Ends(keras.callbacks.Callback):
    """Notes the weights of the losses, and raises after a step."""

    def __init__(self, error=None):
        super().__init__()
        self.error, self.seen = error, []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(np.array(self.model.loss_weights).tolist())
        if self.error and len(self.seen) == 2:
            raise self.error


def train(config, dataset, *callbacks, **options):
    """Prune for two epochs of two steps."""
    model = build.model(config, seed=3, precision="float32")
    calibration = build.batches(config, dataset, shuffle=True, seed=6)
    pruner = Pruner(METHODS[SCHEMA], RAMP, calibration)
    watch = [make(pruner) if isinstance(make, partial) else make for make in callbacks]
    with suppress(KeyboardInterrupt, NonFiniteLossError, RuntimeError):
        fit(
            model,
            build.batches(config, dataset, steps=2, shuffle=True, seed=5),
            stages=[Stage("all", 2, 0.01)],
            optimizer=partial(build.optimizer, config),
            callbacks=[pruner, *watch],
            verbose=0,
            **options,
        )
    return model


@pytest.mark.parametrize(
    "error", [None, KeyboardInterrupt(), NonFiniteLossError("NaN"), RuntimeError("one")]
)
@pytest.mark.parametrize("patience", [None, 1])
def test_after_the_training_losses_weigh_as_the_settings_say(
    config, tiny_shapes, error, patience
):
    watch = Ends(error)
    model = train(config, tiny_shapes, watch, patience=patience)
    assert len(watch.seen) == (2 if error else 4)
    assert all(seen[1] == 4 for seen in watch.seen)  # boxes count double meanwhile
    np.testing.assert_array_equal(model.loss_weights, OWN)


@pytest.mark.parametrize("patience", [None, 1])
def test_a_guard_that_goes_back_does_not_bring_back_the_weights_of_losses(
    config, tiny_shapes, patience
):
    values = iter([0.8, 0.1])

    def falls():
        return dict.fromkeys(Task, 0.8) | {Task.MASK: next(values)}

    guard = partial(Guard, measure=falls, limit=5.0)
    model = train(config, tiny_shapes, guard, patience=patience)
    assert next(values, None) is None  # it did go back
    np.testing.assert_array_equal(model.loss_weights, OWN)


def test_a_resumed_pruning_weighs_losses_as_the_first_did(
    config, tiny_shapes, tmp_path
):
    def watched(**options):
        watch = Ends(options.pop("error", None))
        model = train(config, tiny_shapes, watch, folder=tmp_path, **options)
        np.testing.assert_array_equal(model.loss_weights, OWN)
        return watch.seen

    class Later(Ends):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("in the second epoch")

    train(config, tiny_shapes, Later(), folder=tmp_path)
    seen = watched()
    assert len(seen) == 2
    assert all(weights[1] == 4 for weights in seen)
    assert watched() == []  # nothing is left to train


def test_keras_own_fit_ends_so_too(config, tiny_shapes):
    model = build.model(config, seed=3, precision="float32")
    batches = build.batches(config, tiny_shapes, steps=1)
    pruner, watch = Pruner(METHODS[SCHEMA], RAMP, batches), Ends()
    model.compile(keras.optimizers.SGD(0.001))
    model.fit(batches, epochs=1, callbacks=[pruner, watch], verbose=0)
    assert watch.seen[0][1] == 4
    np.testing.assert_array_equal(model.loss_weights, OWN)


def test_a_training_that_never_begins_weighs_nothing(config, tiny_shapes):
    model = build.model(config, seed=3, precision="float32")
    model.compile(keras.optimizers.SGD(0.001))
    pruner = Pruner(METHODS[SCHEMA], RAMP, build.batches(config, tiny_shapes))
    pruner.set_model(model)  # as a resumption does before it reads its checkpoint
    np.testing.assert_array_equal(model.loss_weights, OWN)
