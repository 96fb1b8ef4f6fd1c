"""Training: schedules, stages, interruptions that leave no trace, and NaN."""

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
from mrcnn.structures import Stage
from mrcnn.tasks import LOSS_NAMES
from mrcnn.training_state import Progress, TrainingState, read_state, save_checkpoint
from mrcnn.weights import load_weights

STATE = TrainingState({}, Progress(0, 1), {}, {})
STAGE = Stage("all", epochs=2, learning_rate=0.01)


pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture
def train(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=2, shuffle=True, seed=5)


def new_model(config):
    return build.model(config, seed=3, precision="float32")


def fit(config, train, model, *, stages=(STAGE,), **options):
    return training.fit(
        model,
        train,
        stages=stages,
        optimizer=lambda rate: build.optimizer(config, rate),
        verbose=0,
        **options,
    )


def numbers(history):
    """Return what repeats: all but the time it took."""
    return {name: values for name, values in history.items() if name != "seconds"}


def assert_same(ours, theirs):
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


def scrambled(config, seed=3):
    """Return the model that a training begins with, with other weights."""
    model = build.model(config, seed=seed, precision="float32")
    for weight in model.weights:
        weight.assign(weight + 1)
    return model


def rates(stage: Stage, steps: int, at: list[int]) -> list[float]:
    schedule = training.learning_rate(stage, steps)
    return [float(schedule(step)) for step in at]


def test_constant_rate_is_a_number():
    assert training.learning_rate(STAGE, 100) == 0.01


def test_warm_up_then_constant():
    stage = STAGE._replace(warmup_steps=4)
    expected = [0, 0.0025, 0.005, 0.01, 0.01, 0.01]
    np.testing.assert_allclose(
        rates(stage, 10, [0, 1, 2, 4, 7, 20]), expected, rtol=1e-5
    )


def test_cosine_ends_at_one_percent():
    stage = STAGE._replace(schedule="cosine")
    # Halfway down the cosine: the mean of 1 and 0.01.
    np.testing.assert_allclose(
        rates(stage, 100, [0, 50, 100]), [0.01, 0.00505, 0.0001], rtol=1e-5
    )
    warm = stage._replace(warmup_steps=20)
    np.testing.assert_allclose(
        rates(warm, 100, [0, 10, 20, 60, 100, 500]),
        [0, 0.005, 0.01, 0.00505, 0.0001, 0.0001],
        rtol=1e-5,
    )


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_stage_shorter_than_its_warm_up(steps):
    stage = STAGE._replace(schedule="cosine", warmup_steps=50)
    assert np.isfinite(rates(stage, steps, list(range(steps + 1)))).all()


@pytest.mark.parametrize(
    ("layers", "trained", "kept"),
    [
        ("heads", {"fpn_p2", "rpn_model", "mrcnn_mask"}, {"conv1", "res5a_branch2a"}),
        ("5+", {"res5a_branch2a", "bn5a_branch1", "fpn_p2"}, {"res4a_branch2a"}),
        ("4+", {"res4a_branch2a", "bn5a_branch1"}, {"res3a_branch2a", "bn_conv1"}),
        ("3+", {"res3a_branch2a", "mrcnn_bbox_fc"}, {"res2a_branch2a", "conv1"}),
        ("all", {"conv1", "bn_conv1", "rpn_model", "mrcnn_mask"}, set()),
        ("mrcnn_mask.*", {"mrcnn_mask", "mrcnn_mask_bn1"}, {"mrcnn_bbox_fc"}),
    ],
)
def test_what_a_stage_trains(tiny_config, layers, trained, kept):
    model = new_model(tiny_config)
    names = training.set_trainable(model, layers)
    assert trained <= set(names)
    assert not kept & set(names)
    learning = {part for v in model.trainable_variables for part in v.path.split("/")}
    assert trained - {"rpn_model"} <= learning
    assert ("rpn_conv_shared" in learning) == ("rpn_model" in names)
    assert not kept & learning
    count = len(model.trainable_variables)
    training.set_trainable(model, "all")  # and back
    assert len(model.trainable_variables) >= count + 2 * len(kept)


def test_a_stage_of_nothing(tiny_config):
    with pytest.raises(ValueError, match=r"'head'.*heads, 3\+"):
        training.set_trainable(new_model(tiny_config), "head")


def test_resumed_is_as_if_never_interrupted(
    adamw_config, train, tmp_path, deterministic
):
    stages = [Stage("all", 2, 0.01, "cosine", 1)]
    whole = new_model(adamw_config)
    history = fit(adamw_config, train, whole, stages=stages, folder=tmp_path / "whole")

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    folder = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        fit(
            adamw_config,
            train,
            new_model(adamw_config),
            stages=stages,
            folder=folder,
            callbacks=[Stop()],
        )
    resumed = scrambled(adamw_config)
    parts = fit(adamw_config, train, resumed, stages=stages, folder=folder)
    assert_same(resumed, whole)
    assert numbers(parts) == numbers(history)
    assert {len(values) for values in parts.values()} == {2}
    assert parts == read_state(folder / "checkpoint.h5").history
    assert [path.name for path in folder.iterdir()] == ["checkpoint.h5"]


@pytest.mark.parametrize("at", [1, 2])  # between two stages, in the second
def test_resumed_across_stages(tiny_config, tiny_shapes, tmp_path, deterministic, at):
    stages = [Stage("heads", 1, 0.01), Stage("all", 2, 0.005, "cosine")]
    train = build.batches(tiny_config, tiny_shapes, steps=1, shuffle=True, seed=5)
    whole = new_model(tiny_config)
    history = fit(tiny_config, train, whole, stages=stages)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == at:
                raise KeyboardInterrupt

    options = {"stages": stages, "folder": tmp_path}
    stopped = new_model(tiny_config)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_config, train, stopped, callbacks=[Stop()], **options)
    resumed = scrambled(tiny_config)
    assert numbers(fit(tiny_config, train, resumed, **options)) == numbers(history)
    assert_same(resumed, whole)


def test_a_finished_training_is_not_repeated(tiny_config, train, tmp_path):
    stages = [STAGE._replace(epochs=1)]
    model = new_model(tiny_config)
    history = fit(tiny_config, train, model, stages=stages, folder=tmp_path)
    before = (tmp_path / "checkpoint.h5").read_bytes()
    again = new_model(tiny_config)
    assert fit(tiny_config, train, again, stages=stages, folder=tmp_path) == history
    assert (tmp_path / "checkpoint.h5").read_bytes() == before
    assert_same(again, model)
    load_weights(again, tmp_path / "checkpoint.h5")  # a weight file too


def test_history_has_every_loss(tiny_config, tiny_shapes, train):
    validation = build.batches(tiny_config, tiny_shapes, steps=1)
    model = new_model(tiny_config)
    history = fit(
        tiny_config, train, model, stages=[STAGE], validation=validation, patience=5
    )
    names = {"loss", *LOSS_NAMES}
    assert set(history) == names | {f"val_{n}" for n in names} | {
        "learning_rate",
        "seconds",
    }
    assert all(len(v) == 2 and np.isfinite(v).all() for v in history.values())
    assert history["learning_rate"] == pytest.approx([0.01, 0.01])


def test_images_of_several_sizes_are_refused_before_training(tiny_config):
    config = type("Pad", (type(tiny_config),), {"IMAGE_RESIZE_MODE": "pad64"})()
    several = ShapesDataset(2, height=64, width=64, seed=7)
    blank = [np.zeros((64, 64 + 10 * i, 3), np.uint8) for i in range(2)]
    several.load_image = lambda i: blank[i]
    model = new_model(config)
    with pytest.raises(ValueError, match="training takes images of one size"):
        fit(config, build.batches(config, several, steps=1), model)
    assert not model.compiled


def test_nan_names_the_images(tiny_config, tiny_shapes, tmp_path):
    train = build.batches(tiny_config, tiny_shapes, steps=2)
    poisoned = train.image_ids(0, 1)

    class Poisoned(type(train)):
        def __getitem__(self, index):
            (batch,) = super().__getitem__(index)
            if index == 1:
                batch["images"][:] = np.nan
            return (batch,)

    train.__class__ = Poisoned
    with pytest.raises(training.NonFiniteLossError) as caught:
        fit(tiny_config, train, new_model(tiny_config), folder=tmp_path)
    message = str(caught.value)
    assert "Epoch 1, batch 1" in message
    for image in poisoned:
        info = tiny_shapes.image_info[image]
        assert str(tiny_shapes.image_reference(image) or info["id"]) in message
    assert not (tmp_path / "checkpoint.h5").exists()


def test_a_failed_write_leaves_the_old_checkpoint(tiny_config, tmp_path, monkeypatch):
    model = new_model(tiny_config)
    model.compile(optimizer=build.optimizer(tiny_config, 0.01))
    path = tmp_path / "checkpoint.h5"
    save_checkpoint(model, path, STATE)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr("h5py.Group.create_dataset", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(model, path, STATE)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
