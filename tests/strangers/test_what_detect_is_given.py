"""Bare images, failed reads, paths, generators and sessions in `detect`, `evaluate`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn import build, notices, training, weights
from mrcnn import model as modellib
from mrcnn.data.dataset import Dataset
from mrcnn.detection import detect, prepare, run
from mrcnn.evaluation import collect, evaluate

GOOD = np.full((64, 64, 3), 90, np.uint8)


@pytest.fixture
def session(tiny_config, tiny_model, tmp_path):
    """Return Matterport's object around the shared network."""
    made = object.__new__(modellib.MaskRCNN)
    made.mode, made.config, made.keras_model = "inference", tiny_config, tiny_model
    return made


@pytest.fixture(params=["native", "facade"])
def find(request, tiny_model, session):
    """Return `detect` of both kinds of model."""
    if request.param == "facade":
        return session.detect
    return lambda images: detect(tiny_model, images)


@pytest.mark.parametrize(
    ("images", "match"),
    [
        (GOOD, r"one array of shape \(64, 64, 3\): put an image in a list, \[image\]"),
        (GOOD[..., 0], r"one array of shape \(64, 64\): .* \[image\]"),
        (np.zeros((5, 64, 64), np.uint8), r"several grey ones come as list\(images\)"),
        (np.zeros((1, 2, 64, 64, 3), np.uint8), r"shape \(1, 2, 64, 64, 3\)"),
        (np.array(3), r"array of shape \(\): give a list"),
        (None, r"images is None, .*cv2\.imread .* in a list"),
        ("leaf.png", r"images is the path 'leaf\.png' .*read_image"),
        (Path("leaf.png"), r"images is the path .*leaf\.png.*read_image"),
        (Image.fromarray(GOOD), r"images is a Pillow image; give np\.asarray"),
        (7, "images is of the type int: give a list of images"),
        ({"a": GOOD}, "images is of the type dict: give a list of images"),
    ],
)
def test_what_is_no_list_of_images_is_refused(find, images, match):
    with pytest.raises(TypeError, match=match):
        find(images)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (None, "image 1 is None, which is what cv2.imread returns"),
        ("leaf.png", r"image 1 is the path 'leaf\.png' and no picture; read it with"),
        (Path("leaf.png"), "image 1 is the path .*read_image"),
        (Image.fromarray(GOOD), r"image 1 is a Pillow image; give np\.asarray"),
        ([GOOD, GOOD], r"image 1 is a list; give an array \(h, w, 3\)"),
        ((GOOD, None), "image 1 is a tuple; give an array"),
        (np.zeros(5), r"image 1: shape \(5,\) is not that of an image"),
        (GOOD[None], r"image 1: shape \(1, 64, 64, 3\) is not that of an image"),
        (GOOD[:0], r"image 1: shape \(0, 64, 3\) is not that of an image"),
    ],
)
def test_the_one_that_is_no_image_is_named(find, bad, match):
    with pytest.raises(ValueError, match=match):
        find([GOOD, bad, GOOD])
    with pytest.raises(ValueError, match=match):
        find(image for image in [GOOD, bad, GOOD])


def test_all_that_are_no_images_are_named_before_anything_is_detected(
    tiny_model, monkeypatch
):
    monkeypatch.setattr(type(tiny_model), "predict_on_batch", None)  # not called
    with pytest.raises(ValueError, match=r"has 2 faults:\n- image 1 .*\n- image 3"):
        detect(tiny_model, [GOOD, None, GOOD, "x"])


@pytest.mark.parametrize(
    "empty", [[], (), np.zeros((0, 8, 8, 3)), np.array([]), iter(())]
)
def test_no_image_gives_nothing(find, empty):
    assert find(empty) == []


def test_a_generator_and_an_array_are_as_good_as_a_list(find, rng):
    images = rng.integers(0, 256, (3, 50, 64, 3), dtype=np.uint8)
    expected = find(list(images))
    for others in (images, iter(images), tuple(images), (i for i in images)):
        found = find(others)
        assert len(found) == 3
        for one, other in zip(expected, found, strict=True):
            for key, value in one.items():
                np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_a_generator_is_asked_for_no_more_than_a_batch_ahead(tiny_model):
    taken = []

    def images():
        for i in range(7):
            taken.append(i)
            yield GOOD

    for done, _ in enumerate(run(tiny_model, images(), batch_size=2), 1):
        assert len(taken) - done <= 2
    assert len(taken) == 7


def test_sizes_by_turns_keep_their_order(tiny_config, rng, monkeypatch):
    settings = {"IMAGE_RESIZE_MODE": "pad64"}
    padded = type("Pad", (type(tiny_config),), settings)()
    model = build.model(padded, precision="float32")
    monkeypatch.setattr(type(model), "predict_on_batch", lambda self, batch: None)
    shapes = [(64, 64), (64, 64), (70, 64), (64, 64), (64, 65), (64, 66)]
    images = [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in shapes]
    found = run(model, images, batch_size=4)
    assert [(row, g.original_shape) for _, row, g in found] == list(
        zip([0, 1, 0, 0, 0, 1], shapes, strict=True)
    )


@pytest.mark.parametrize("size", [0, -1, 1.5, 2.0, None, True, "2"])
def test_a_batch_has_a_whole_number_of_images(tiny_model, tiny_shapes, size):
    match = rf"batch_size is {size!r}; it must be a whole number \(int\) from 1 on"
    with pytest.raises(ValueError, match=match):
        detect(tiny_model, [GOOD], batch_size=size)
    with pytest.raises(ValueError, match=match):
        evaluate(tiny_model, tiny_shapes, batch_size=size)
    with pytest.raises(ValueError, match=match):
        collect(tiny_model, tiny_shapes, batch_size=size)


def test_images_of_a_batch_are_one_or_more(tiny_model):
    with pytest.raises(ValueError, match="images is empty"):
        prepare(tiny_model, [])


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (modellib.MaskRCNN, "model is the class MaskRCNN: give a model"),
        ("weights.h5", "model is of the type str: give a model that mrcnn.build.model"),
        ([GOOD], "model is of the type list"),
        (None, "model is of the type NoneType"),
    ],
)
def test_what_is_no_model_is_refused(model, match, tiny_shapes, tmp_path):
    calls = [
        lambda: detect(model, [GOOD]),
        lambda: collect(model, tiny_shapes),
        lambda: evaluate(model, tiny_shapes),
        lambda: weights.save_weights(model, tmp_path / "w.h5"),
        lambda: weights.load_weights(model, tmp_path / "w.h5"),
        lambda: training.fit(model, None, stages=[], optimizer=None),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=match):
            call()


def test_a_configuration_is_no_model(tiny_config, tiny_shapes):
    with pytest.raises(TypeError, match="TinyConfig: give a model that mrcnn"):
        evaluate(tiny_config, tiny_shapes)


def test_a_session_is_taken_for_its_network(session, tiny_model, tiny_shapes, tmp_path):
    theirs = evaluate(session, tiny_shapes, image_ids=[0, 1])
    ours = evaluate(tiny_model, tiny_shapes, image_ids=[0, 1])
    assert theirs.to_dict() == ours.to_dict()
    (one,), (other,) = detect(session, [GOOD]), detect(tiny_model, [GOOD])
    np.testing.assert_array_equal(one["scores"], other["scores"])
    weights.save_weights(session, tmp_path / "w.h5")
    assert not weights.load_weights(tiny_model, tmp_path / "w.h5").missing
    assert not weights.load_weights(session, tmp_path / "w.h5").missing


def test_settings_that_come_too_late_are_said_once(
    tiny_config, session, capsys, monkeypatch
):
    monkeypatch.setattr(notices, "_said", set())
    session.config = type("Late", (type(tiny_config),), {})()
    session.detect([GOOD])
    assert capsys.readouterr().out == ""
    session.config.DETECTION_MAX_INSTANCES = 7
    session.config.IMAGE_MAX_DIM = 128
    for _ in range(2):
        session.detect([GOOD])
    assert capsys.readouterr().out == (
        "Late was changed after the model was built from it: "
        "IMAGE_MAX_DIM 64 -> 128, DETECTION_MAX_INSTANCES 5 -> 7. That has no effect; "
        "build the model anew.\n"
    )


def test_generators_are_molded_too(session, rng):
    images = [rng.integers(0, 256, (50, 60, c), dtype=np.uint8) for c in (3, 4)]
    molded, metas, windows = session.mold_inputs(i for i in images)
    assert len(molded) == len(metas) == len(windows) == 2
    assert metas[1, 1:4].tolist() == [50, 60, 3]  # what the model sees


class Leaves(Dataset):
    """One picture of one leaf."""

    def load(self):
        self.add_class("leaves", 1, "leaf")
        self.add_image("leaves", "a", None)
        return self

    def load_image(self, image_id):
        return GOOD

    def load_mask(self, image_id):
        return np.ones((64, 64, 1), bool), np.array([1])


def test_a_data_set_is_prepared_and_has_the_models_classes(tiny_model, tiny_shapes):
    with pytest.raises(ValueError, match=r"1 images, but is not prepared: .*prepare"):
        collect(tiny_model, Leaves().load())
    with pytest.raises(TypeError, match="data set is the class Leaves: give "):
        evaluate(tiny_model, Leaves)
    with pytest.raises(TypeError, match="data set is a list"):
        evaluate(tiny_model, [GOOD])
    leaves = Leaves().load()
    leaves.prepare()
    with pytest.raises(ValueError, match=r"model has 4 classes.*data set 2: BG, leaf"):
        evaluate(tiny_model, leaves)
    with pytest.raises(ValueError, match=r"image_ids has 6, -1, 'a', but .* 0 to 5"):
        collect(tiny_model, tiny_shapes, image_ids=[0, 6, -1, "a"])
    with pytest.raises(TypeError, match="image_ids is 3: put it in a list"):
        evaluate(tiny_model, tiny_shapes, image_ids=3)


def test_an_image_of_a_data_set_is_named_by_its_file(tiny_model, tiny_shapes):
    class Torn(type(tiny_shapes)):
        def load_image(self, image_id):
            image = super().load_image(image_id).astype(float)
            return image if image_id < 3 else image * np.nan

    torn = Torn(6, height=64, width=64, seed=7)
    with pytest.raises(ValueError, match=r"shapes image 3 \(seed 7\): .* are NaN"):
        evaluate(tiny_model, torn, batch_size=2)
