"""AP while a network trains: the numbers of `evaluate`, and nothing is moved."""

from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import Accuracy, accuracy, collect
from mrcnn.evaluation.coco import average_precision, overall
from mrcnn.structures import Stage

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

NAMES = ("BG", "square", "circle", "triangle")
REPORTED = {"val_box_ap", "val_mask_ap", "val_mask_ap50"}
BOX, NEAR, FAR = (10, 10, 30, 30), (10, 10, 30, 23), (40, 40, 60, 60)


@pytest.fixture
def val():
    return ShapesDataset(5, height=64, width=64, seed=8)


def fitted(config, dataset, *callbacks, epochs=2, steps=1, **options):
    """Return a model and the history of its training."""
    model = build.model(config, seed=3, precision="float32")
    history = training.fit(
        model,
        build.batches(config, dataset, steps=steps, shuffle=True, seed=5),
        stages=options.pop("stages", Stage("heads", epochs, 0.01)),
        optimizer=partial(build.optimizer, config),
        callbacks=callbacks,
        verbose=0,
        **options,
    )
    return model, history


@pytest.mark.usefixtures("deterministic")
def test_a_training_is_the_same_with_and_without(tiny_config, tiny_shapes, val):
    """To the last bit: weights, losses, and what comes next."""
    (plain, losses), (watched, numbers) = (
        fitted(tiny_config, tiny_shapes, *callbacks, steps=2)
        for callbacks in ((), (Accuracy(val),))
    )
    assert set(numbers) - set(losses) == REPORTED
    for name in set(losses) - {"seconds"}:
        assert losses[name] == numbers[name]
    for one, other in zip(plain.weights, watched.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    np.testing.assert_array_equal(
        plain.sampling_seed.state, watched.sampling_seed.state
    )


@pytest.mark.parametrize("task", ["box", "mask"])
def test_the_short_way_has_the_same_averages(make_scene, task):
    scenes = [
        make_scene([(1, BOX), (2, FAR)], [(1, NEAR, 0.9), (1, FAR, 0.95)]),
        make_scene([(1, FAR), (-1, BOX)], [(1, FAR, 0.8), (2, BOX, 0.7)], image_id=1),
    ]
    whole, short = (f(scenes, NAMES, task) for f in (average_precision, overall))
    assert 0 < whole.ap < whole.ap50 < 1
    for name in ("ap", "ap50", "ap75", "recall", "per_class"):
        np.testing.assert_equal(getattr(short, name), getattr(whole, name))
    np.testing.assert_array_equal(short.precision, whole.precision)


@pytest.mark.usefixtures("eager")
def test_an_epoch_has_the_numbers_of_a_report(
    tiny_config, tiny_shapes, val, make_scene, monkeypatch
):
    # 13 / 20 of the box: right at four of ten thresholds, and at the first.
    scene = make_scene([(1, BOX)], [(1, NEAR, 0.9)])
    asked = []

    def found(model, dataset, **options):
        asked.append(options["image_ids"])
        return [scene]

    monkeypatch.setattr(accuracy, "collect", found)
    _, history = fitted(tiny_config, tiny_shapes, Accuracy(val, images=2), epochs=1)
    assert asked == [[0, 2]]
    assert history["val_box_ap"] == history["val_mask_ap"] == pytest.approx([0.4])
    assert history["val_mask_ap50"] == pytest.approx([1.0])


@pytest.mark.usefixtures("eager")
def test_epochs_that_are_not_measured_have_no_number(tiny_config, tiny_shapes, val):
    stages = [Stage("heads", 3, 0.0), Stage("heads", 2, 0.0)]
    _, history = fitted(
        tiny_config, tiny_shapes, Accuracy(val, every=2, images=1), stages=stages
    )
    assert {len(values) for values in history.values()} == {5}
    for name in REPORTED:  # every second one, and the last of each stage
        missing = np.isnan(history[name]).tolist()
        assert missing == [True, False, False, False, False]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_a_part_of_the_images_is_spread_over_the_set(val, count):
    ids = Accuracy(val, images=count).image_ids
    assert len(set(ids)) == len(ids) == min(count, 5)
    assert max(np.diff([*ids, 5])) <= np.ceil(5 / len(ids))


# --- What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every": 0}, "^every is 0; it must be a whole number"),
        ({"every": 1.5}, r"^every is 1\.5"),
        ({"images": 0}, "^images is 0"),
        ({"batch_size": 0}, "^batch_size is 0"),
        ({"overlap": 8}, "overlap is 8 without tiles"),
    ],
)
def test_numbers_that_are_none(val, options, said):
    with pytest.raises(ValueError, match=said):
        Accuracy(val, **options)


def test_what_is_no_data_set(val, tiny_config):
    with pytest.raises(TypeError, match="give an instance of"):
        Accuracy(type(val))
    with pytest.raises(TypeError, match="is a Batches"):
        Accuracy(build.batches(tiny_config, val))


@pytest.mark.usefixtures("eager")
def test_images_that_cannot_be_measured_are_refused_before_the_first_step(
    tiny_config, tiny_shapes, val
):
    seen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: 1 / 0)
    val.load_mask = lambda i: (np.zeros((64, 64, 0), bool), np.zeros(0, np.int32))
    with pytest.raises(ValueError, match="none of 5 images shows an object to find"):
        fitted(tiny_config, tiny_shapes, Accuracy(val), seen)
    other = ShapesDataset(2, height=64, width=64, seed=8)
    other.add_class("shapes", 4, "star")
    other.prepare()
    with pytest.raises(ValueError, match="classes of the model are"):
        fitted(tiny_config, tiny_shapes, Accuracy(other), seen)


@pytest.mark.usefixtures("eager")
def test_it_looks_at_what_a_model_finds(tiny_config, tiny_shapes, val):
    """The same as `collect` by hand, once training is over."""
    model, history = fitted(tiny_config, tiny_shapes, Accuracy(val), epochs=1)
    scenes = collect(model, val)
    assert history["val_box_ap"] == [overall(scenes, NAMES, "box").ap]
