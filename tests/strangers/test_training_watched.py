"""Early stopping and the best weights by any number that an epoch has."""

from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.callbacks import settle_watchers
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import Accuracy
from mrcnn.structures import Stage
from mrcnn.training_watchers import in_order

K = keras.callbacks
NAN = float("nan")
STAGE = Stage("heads", 4, 0.01)

pytestmark = [
    pytest.mark.usefixtures("deterministic"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


class Scores(K.Callback):
    """Reports these numbers, epoch by epoch, and keeps the weights of each."""

    reports = {"score": "max"}  # noqa: RUF012
    every = 1

    def __init__(self, *scores):
        super().__init__()
        self.scores, self.weights = scores, []

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.scores[epoch]
        self.weights.append(self.model.get_weights())


class Interruption(K.Callback):
    """Stop as Ctrl-C does, when an epoch begins."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture
def run(tiny_config, tiny_shapes, tmp_path):
    """Train in one folder; each call is like a new process."""

    def run(*callbacks, stages=STAGE, folder=None, **options):
        config = options.pop("config", tiny_config)
        model = build.model(config, seed=3, precision="float32")
        model.numbers = training.fit(
            model,
            build.batches(config, tiny_shapes, steps=1, shuffle=True, seed=5),
            stages=stages,
            optimizer=partial(build.optimizer, config),
            folder=folder and tmp_path,
            callbacks=callbacks,
            verbose=0,
            **options,
        )
        return model

    return run


def assert_weights(model, weights):
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_same(ours, theirs):
    assert_weights(ours, theirs.get_weights())
    for model in (ours, theirs):
        assert len(model.numbers.pop("seconds")) == len(model.numbers["loss"])
    np.testing.assert_equal(ours.numbers, theirs.numbers)  # NaN is NaN


@pytest.mark.parametrize(
    ("scores", "patience", "epochs", "best"),
    [
        ((0.1, 0.3, 0.2, 0.2), 2, 4, 1),
        ((0.1, 0.3, 0.2, 0.4), 1, 3, 1),  # stops before the best
        ((0.1, 0.3, 0.2, 0.4), 2, 4, 3),
        ((0.4, 0.3, 0.2, 0.1), None, 4, 0),  # keeps the best, and never stops
        ((0.1, 0.1, 0.1, 0.1), None, 4, 0),  # no better is no better
        ((0.0, 0.0, 0.0, 0.1), None, 4, 3),
        ((NAN, 0.2, NAN, 0.1), 2, 4, 1),  # not measured is not better
        ((NAN, NAN, NAN, 0.1), None, 4, 3),
        ((0.1, NAN, NAN, 0.2), 2, 3, 0),  # and waits too
    ],
)
def test_a_stage_ends_at_its_best(run, scores, patience, epochs, best):
    seen = Scores(*scores)
    model = run(seen, patience=patience, monitor="score")
    assert len(seen.weights) == epochs
    assert_weights(model, seen.weights[best])
    np.testing.assert_equal(model.numbers["score"], list(scores[:epochs]))


def test_without_a_number_to_watch_it_is_the_last_weights_or_the_loss(run):
    seen = Scores(4.0, 3.0, 2.0, 1.0)
    assert_weights(run(seen), seen.weights[3])
    stopping = in_order([seen], True, 3, None)[1]
    assert (stopping.monitor, stopping.mode, stopping.patience) == (
        "val_loss",
        "min",
        3,
    )
    stopping = in_order([seen], False, 3, None)[1]
    assert stopping.monitor == "loss"
    assert in_order([seen], True, None, None) == [seen]


def test_what_reports_comes_before_what_watches(run, tmp_path):
    """Whatever the order in which callbacks are given."""
    seen = Scores(0.1, 0.3, 0.2, 0.2)
    stopping = K.EarlyStopping("score", patience=1, restore_best_weights=True)
    kept = K.ModelCheckpoint(
        tmp_path / "best.weights.h5",
        "score",
        save_best_only=True,
        save_weights_only=True,
    )
    model = run(stopping, kept, seen)
    assert (stopping.mode, kept.mode) == ("max", "max")
    assert len(seen.weights) == 3
    assert kept.best == 0.3
    assert_weights(model, seen.weights[1])


def test_a_best_that_is_no_number_is_none(run, tmp_path):
    """Keras takes NaN for a first best, and then nothing is better."""
    seen = Scores(NAN, 0.1, 0.3, NAN)
    stopping = K.EarlyStopping("score", patience=3, restore_best_weights=True)
    plateau = K.ReduceLROnPlateau("score", patience=3)
    kept = K.ModelCheckpoint(
        tmp_path / "best.weights.h5",
        "score",
        save_best_only=True,
        save_weights_only=True,
    )
    model = run(seen, stopping, plateau, kept)
    assert stopping.best == plateau.best == kept.best == 0.3
    assert_weights(model, seen.weights[2])


# --- What is refused


@pytest.mark.parametrize("monitor", ["val_mask_ap", "learning_rate", "", 5, ["loss"]])
def test_a_number_that_nothing_reports(run, monitor):
    with pytest.raises(ValueError, match=r"^monitor is .*: take one of loss, rpn"):
        run(monitor=monitor)


def test_validation_losses_without_validation(run):
    with pytest.raises(ValueError, match=r"^monitor is 'val_loss', which train"):
        run(monitor="val_loss", patience=2)


@pytest.mark.parametrize(
    "watcher",
    [K.EarlyStopping("score", patience=2), K.ReduceLROnPlateau("score", patience=2)],
)
def test_a_patience_that_ends_before_the_next_measurement(run, watcher):
    seen = Scores()
    seen.every = 3
    said = "^patience is 2 epochs, but score is measured every 3"
    with pytest.raises(ValueError, match=said):
        run(seen, watcher)
    with pytest.raises(ValueError, match=said):
        run(seen, patience=2, monitor="score")
    in_order([seen], False, 3, "score")
    in_order([seen], False, None, "score")
    in_order([seen], False, 0, "loss")


def test_a_number_that_is_reported_twice(run, tiny_shapes):
    said = (
        "^Accuracy reports val_box_ap, val_mask_ap, val_mask_ap50, which are reported"
    )
    with pytest.raises(ValueError, match=said):
        run(Accuracy(tiny_shapes), Accuracy(tiny_shapes, images=1))


@pytest.mark.parametrize(
    ("reports", "every", "said"),
    [
        ({"score": "Max"}, 1, r"^Scores\.reports says 'Max' of 'score': say \"max\""),
        ({"score": None}, 1, r"reports says None of 'score'"),
        ({"score": "max"}, "2", r"^Scores\.every is '2'; it must be a whole number"),
        ({"score": "max"}, 0, r"^Scores\.every is 0"),
    ],
)
def test_what_is_reported_as_nobody_can_mean(run, reports, every, said):
    """Keras would stop at the end of the first epoch."""
    seen = Scores()
    seen.reports, seen.every = reports, every
    with pytest.raises(ValueError, match=said):
        run(seen, monitor="score")


def test_numbers_of_accuracy_are_known(tiny_shapes):
    measure = Accuracy(tiny_shapes)
    for name in ("val_box_ap", "val_mask_ap", "val_mask_ap50"):
        stopping = K.EarlyStopping(name)
        settle_watchers([measure, stopping], validated=False)
        assert stopping.mode == "max"
    with pytest.raises(ValueError, match=r"EarlyStopping watches 'val_ap'.*mask_ap"):
        settle_watchers([measure, K.EarlyStopping("val_ap")], validated=False)


# --- Interrupted, and taken up again


@pytest.fixture
def averaged(tiny_config):
    settings = {"EMA_MOMENTUM": 0.5, "GRADIENT_ACCUMULATION_STEPS": 2}
    return type("Averaged", (type(tiny_config),), settings)()


STAGES = [Stage("heads", 3, 0.05), Stage("all", 3, 0.01)]


def test_with_all_of_it_a_training_goes_on(run, averaged):
    """AP every second epoch, averages, and gradients that wait between two epochs."""
    val = ShapesDataset(2, height=64, width=64, seed=8)

    def trained(*others, **options):
        score = Scores(0.1, 0.3, 0.2, 0.1, 0.2, 0.2)
        options = {"stages": STAGES, "config": averaged, **options}
        return run(
            *(*others, Accuracy(val, every=2), score),
            patience=2,
            monitor="score",
            **options,
        )

    whole = trained()
    assert len(whole.numbers["loss"]) == 6
    for epoch in (1, 2, 4):
        with pytest.raises(KeyboardInterrupt):
            trained(Interruption(epoch), folder=True)
    again = trained(folder=True)
    assert_weights(trained(folder=True), whole.get_weights())  # it is finished
    assert_same(again, whole)


@pytest.mark.parametrize("before", [True, False])
def test_interrupted_where_early_stopping_ends_the_last_epoch(run, averaged, before):
    """Before the best averages are back in the model, and right after it."""

    def trained(stop=False, **options):
        score, last = Scores(0.3, 0.1), K.Callback()
        if stop:
            (score if before else last).on_train_end = interrupt
        stage = Stage("heads", 2, 0.05)
        options |= {"stages": stage, "config": averaged, "patience": 1}
        return run(last, score, monitor="score", **options), score.weights

    def interrupt(logs=None):
        raise KeyboardInterrupt

    whole, shown = trained()
    assert_weights(whole, shown[0])
    with pytest.raises(KeyboardInterrupt):
        trained(stop=True, folder=True)
    again, _ = trained(folder=True)
    assert_same(again, whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"every": 2}, r"callbacks\.Accuracy_1\.every is 2 here and 1 there"),
        ({"images": 1}, r"callbacks\.Accuracy_1\.images is 1 here and 2 there"),
        ({"monitor": "loss"}, "monitor is 'loss' here and 'val_mask_ap' there"),
        ({"EMA_MOMENTUM": 0.5}, r"config\.use_ema is True here and False there"),
        ({"GRADIENT_ACCUMULATION_STEPS": 2}, "gradient_accumulation_steps is 2 here"),
        ({"none": True}, r"callbacks\.Accuracy_1\..* is None here and .* there"),
    ],
)
def test_another_training_is_refused(run, tiny_config, tiny_shapes, changes, named):
    def trained(monitor="val_mask_ap", none=False, every=1, images=2, **settings):
        config = type("Other", (type(tiny_config),), settings)()
        measure = [] if none else [Accuracy(tiny_shapes, every, images)]
        monitor = None if none else monitor
        stage = Stage("heads", settings.get("GRADIENT_ACCUMULATION_STEPS", 1), 0.0)
        run(*measure, stages=stage, folder=True, monitor=monitor, config=config)

    trained()
    with pytest.raises(ValueError, match=rf"(?s)is of another training.*{named}"):
        trained(**changes)
