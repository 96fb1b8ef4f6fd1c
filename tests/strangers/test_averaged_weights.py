"""Averages of the weights and of gradients, as a `Config` asks for them."""

from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
from mrcnn.pruning import METHODS, Pruner, Schedule
from mrcnn.structures import Stage
from mrcnn.weights import load_weights

K = keras.callbacks
MOMENTUM = 0.5
STAGE = Stage("heads", 2, 0.02)

pytestmark = [
    pytest.mark.usefixtures("deterministic"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


def configure(base, **settings):
    return type("Averaged", (type(base),), settings)()


def arrays(model):
    return [np.array(weight) for weight in model.trainable_variables]


class Spy(K.Callback):
    """Keeps the weights of each step, and those that each epoch shows."""

    def __init__(self):
        super().__init__()
        self.steps, self.shown, self.validated = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(arrays(self.model))

    def on_test_begin(self, logs=None):
        self.validated.append(arrays(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.shown.append(arrays(self.model))


@pytest.fixture
def run(tiny_config, tiny_shapes):
    def run(*callbacks, stages=STAGE, steps=3, val=True, **options):
        settings = {name: options.pop(name) for name in list(options) if name.isupper()}
        config = configure(tiny_config, **settings)
        model = build.model(config, seed=3, precision="float32")
        batches = partial(build.batches, config)
        val = batches(ShapesDataset(2, height=64, width=64, seed=8)) if val else None
        model.numbers = training.fit(
            model,
            batches(tiny_shapes, steps=steps, shuffle=True, seed=5),
            val,
            stages=stages,
            optimizer=partial(build.optimizer, config),
            callbacks=callbacks,
            verbose=0,
            **options,
        )
        return model

    return run


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def averages_of(steps, whole=1):
    """Return the running average after each step, the first ones of which are all."""
    found = steps[:whole]
    for weights in steps[whole:]:
        pairs = zip(found[-1], weights, strict=True)
        found.append([MOMENTUM * a + (1 - MOMENTUM) * w for a, w in pairs])
    return found


# --- Averages of weights


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_an_epoch_shows_averages_and_learns_from_the_weights(run, optimizer):
    plain, averaged = Spy(), Spy()
    run(plain, OPTIMIZER=optimizer)
    model = run(averaged, OPTIMIZER=optimizer, EMA_MOMENTUM=MOMENTUM)
    for one, other in zip(plain.steps, averaged.steps, strict=True):
        assert_equal(one, other)  # to the last bit, whatever was shown between
    wanted = averages_of(plain.steps)[2::3]
    for shown in (averaged.shown, averaged.validated):
        for epoch, expected in zip(shown, wanted, strict=True):
            for one, other in zip(epoch, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert_equal(arrays(model), averaged.shown[-1])
    moved = zip(averaged.shown[0], plain.shown[0], strict=True)
    assert any((one != other).any() for one, other in moved)


def test_the_best_are_the_averages_of_an_epoch(run):
    spy = Spy()
    spy.reports = {"score": "max"}
    show = spy.on_epoch_end

    def scored(epoch, logs=None):
        show(epoch, logs)
        logs["score"] = -epoch

    spy.on_epoch_end = scored
    options = {"monitor": "score", "patience": 1, "EMA_MOMENTUM": MOMENTUM}
    model = run(spy, stages=Stage("heads", 4, 0.02), val=False, **options)
    assert len(spy.shown) == 2
    assert_equal(arrays(model), spy.shown[0])


def test_stages_begin_with_averages_of_their_own(run):
    spy = Spy()
    stages = [Stage("heads", 1, 0.02), Stage("all", 1, 0.02), Stage("all", 0, 0.02)]
    model = run(spy, stages=stages, val=False, EMA_MOMENTUM=MOMENTUM)
    assert len(spy.shown[0]) < len(spy.shown[1])
    assert_equal(spy.shown[1], arrays(model))  # no step, nothing changes
    for one, other in zip(spy.shown[1], averages_of(spy.steps[3:])[-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_momentum_of_none_shows_the_weights(run):
    spy = Spy()
    run(spy, val=False, EMA_MOMENTUM=0)
    for shown, step in zip(spy.shown, spy.steps[2::3], strict=True):
        assert_equal(shown, step)


def test_keras_own_callback_is_left_to_do_it(run):
    spy = Spy()
    swap = K.SwapEMAWeights(swap_on_epoch=True)
    run(swap, spy, val=False, EMA_MOMENTUM=MOMENTUM)
    wanted = averages_of(spy.steps)[2::3]
    for epoch, expected in zip(spy.shown, wanted, strict=True):
        for one, other in zip(epoch, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_what_is_pruned_is_zero_in_averages_too(
    run, tiny_shapes, tiny_config, tmp_path
):
    """When an epoch is validated or over, in its checkpoint, and after the training."""
    calibration = build.batches(tiny_config, tiny_shapes, seed=6, steps=1)
    pruner = Pruner(METHODS["TBP"], Schedule(0.8, 1, 5, 3), calibration)
    found = []

    def look(*_):
        masks, checkpoint = pruner.masks.arrays(), tmp_path / "checkpoint.h5"
        found.append(sum(int((mask == 0).sum()) for mask in masks.values()))
        for layer in pruner.layers:
            assert not np.asarray(layer.kernel)[masks[layer.name] == 0].any()
        return checkpoint

    watch = K.LambdaCallback(on_epoch_end=look)
    watch.on_test_begin = look
    options = {"EMA_MOMENTUM": 0.9, "OPTIMIZER": "adamw", "folder": tmp_path}
    model = run(pruner, watch, stages=Stage("heads", 3, 0.02), steps=2, **options)
    written = look()
    assert found[0] < found[-1]
    before = model.get_weights()
    load_weights(model, written)
    assert_equal(before, model.get_weights())
    look()


def test_a_checkpoint_holds_the_averages_as_its_weights(run, tmp_path):
    spy = Spy()

    class Stop(K.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spy, Stop(), val=False, folder=tmp_path, EMA_MOMENTUM=MOMENTUM)
    model = run(stages=STAGE._replace(epochs=0), val=False)
    load_weights(model, tmp_path / "checkpoint.h5")
    assert_equal(arrays(model), spy.shown[0])


# --- Accumulated gradients


def test_weights_move_once_in_so_many_batches(run):
    """By the mean gradient: without momentum, twice the batch is the same step."""
    spy = Spy()
    run(spy, steps=4, val=False, GRADIENT_ACCUMULATION_STEPS=3)
    moved = [
        any((one != other).any() for one, other in zip(*pair, strict=True))
        for pair in zip(spy.steps, spy.steps[1:], strict=False)
    ]
    # Batches 3 and 6 of 8, over the end of an epoch; the rest of a stage is not used.
    assert moved == [False, True, False, False, True, False, False]


def test_a_stage_that_would_learn_nothing(run):
    options = {"GRADIENT_ACCUMULATION_STEPS": 7, "val": False, "steps": 3}
    said = "^Stage 2 has 6 batches, and 7 make one step"
    with pytest.raises(ValueError, match=said):
        run(stages=[STAGE._replace(epochs=0), STAGE], **options)


def test_a_schedule_counts_batches(run):
    stage = Stage("heads", 3, 0.02, "cosine", 3)
    options = {"stages": stage, "steps": 2, "val": False}
    rates = [
        run(**options, GRADIENT_ACCUMULATION_STEPS=n).numbers["learning_rate"]
        for n in (1, 3)
    ]
    assert rates[0] == rates[1]
    assert rates[0][0] < rates[0][1] > rates[0][-1]


def test_averages_count_batches_too(run):
    spy = Spy()
    settings = {"EMA_MOMENTUM": MOMENTUM, "GRADIENT_ACCUMULATION_STEPS": 2}
    run(spy, val=False, steps=4, **settings)
    wanted = averages_of(spy.steps, whole=2)[3::4]  # until weights have moved once
    for epoch, expected in zip(spy.shown, wanted, strict=True):
        for one, other in zip(epoch, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# --- Settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"EMA_MOMENTUM": 1.5},
            r"MOMENTUM is 1\.5; .* None or a number from 0 to 1",
        ),
        ({"EMA_MOMENTUM": True}, "EMA_MOMENTUM is True"),
        ({"GRADIENT_ACCUMULATION_STEPS": 0}, "ACCUMULATION_STEPS is 0; .* from 1 on"),
        ({"GRADIENT_ACCUMULATION_STEPS": 2.0}, r"ACCUMULATION_STEPS is 2\.0"),
        ({"GRADIENT_ACCUMULATION_STEPS": None}, "ACCUMULATION_STEPS is None"),
    ],
)
def test_settings_that_are_none(tiny_config, settings, said):
    with pytest.raises(ValueError, match=said):
        build.optimizer(configure(tiny_config, **settings), 0.1)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_by_default_an_optimizer_is_as_it_was(tiny_config, kind):
    made = build.optimizer(configure(tiny_config, OPTIMIZER=kind), 0.1)
    assert (made.use_ema, made.gradient_accumulation_steps) == (False, None)
    asked = {"EMA_MOMENTUM": 0.9, "GRADIENT_ACCUMULATION_STEPS": 4}
    made = build.optimizer(configure(tiny_config, OPTIMIZER=kind, **asked), 0.1)
    assert (made.use_ema, made.ema_momentum) == (True, 0.9)
    assert made.gradient_accumulation_steps == 4
