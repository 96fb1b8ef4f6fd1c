"""Original pixels in, instances in original pixels out, whatever the images."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare

SHAPES = [(64, 64), (40, 90), (128, 50), (1, 1), (1, 30), (200, 3)]


@pytest.fixture
def images(rng):
    return [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in SHAPES]


def check(detection, shape: tuple[int, int]) -> None:
    """Assert what every detection of an image of this shape must satisfy."""
    count = len(detection["rois"])
    assert detection["rois"].shape == (count, 4)
    assert detection["rois"].dtype == np.int32
    assert detection["masks"].shape == (*shape, count)
    assert detection["masks"].dtype == bool
    assert detection["class_ids"].shape == detection["scores"].shape == (count,)
    assert (np.diff(detection["scores"]) <= 0).all()
    assert (detection["class_ids"] > 0).all()
    for box, mask in zip(
        detection["rois"], np.moveaxis(detection["masks"], -1, 0), strict=True
    ):
        y1, x1, y2, x2 = box
        assert 0 <= y1 < y2 <= shape[0]
        assert 0 <= x1 < x2 <= shape[1]
        assert mask.sum() == mask[y1:y2, x1:x2].sum()  # none outside the box


def test_any_shape(eager_model, images):
    detections = detect(eager_model, images)
    assert len(detections) == len(images)
    for detection, shape in zip(detections, SHAPES, strict=True):
        check(detection, shape)
    # In an image of one pixel, a box of less than half of it is none.
    assert all(len(d["rois"]) for d in detections[:3])


@pytest.mark.parametrize("batch_size", [2, 4, 100])
def test_the_batch_size_changes_nothing(eager_model, images, batch_size):
    alone = detect(eager_model, images)
    together = detect(eager_model, images, batch_size=batch_size)
    for one, many in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one["rois"], many["rois"])
        np.testing.assert_array_equal(one["class_ids"], many["class_ids"])
        np.testing.assert_allclose(one["scores"], many["scores"], rtol=1e-4)
        changed = (one["masks"] != many["masks"]).sum()
        assert changed <= 1e-3 * one["masks"].size


def test_no_image(eager_model):
    assert detect(eager_model, []) == []


def test_nothing_found(tiny_config):
    sure = type("Sure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 1.0})()
    model = build.model(sure, precision="float32")
    (detection,) = detect(model, [np.zeros((30, 50, 3), np.uint8)])
    check(detection, (30, 50))
    assert len(detection["rois"]) == 0


def test_grey_alpha_and_floats_are_the_same_image(eager_model, rng):
    grey = rng.integers(0, 256, (50, 60), dtype=np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    rgba = np.dstack([rgb, np.full_like(grey, 7)])
    expected, *others = detect(eager_model, [rgb, grey, rgba, rgb.astype(float)])
    for other in others:
        for key, value in expected.items():
            np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_padded_sizes_of_many_kinds(tiny_config, rng):
    """Each padded size compiles apart; the third must work as the first did."""
    padded = type("Pad", (type(tiny_config),), {"IMAGE_RESIZE_MODE": "pad64"})()
    model = build.model(padded, precision="float32")
    shapes = [(64, 64), (64, 100), (130, 64), (64, 64)]
    images = [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in shapes]
    for detection, shape in zip(
        detect(model, images, batch_size=4), shapes, strict=True
    ):
        check(detection, shape)
    with pytest.raises(ValueError, match="different padded sizes"):
        prepare(model, images)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_bad_image_is_named(eager_model, batch_size):
    good, bad = np.zeros((9, 9, 3)), np.full((9, 9, 3), np.nan)
    images = [good, good, bad, good]
    with pytest.raises(ValueError, match=r"image 2: 243 pixel values are NaN"):
        detect(eager_model, images, batch_size=batch_size)


def test_inputs_of_a_shapes_image(tiny_model):
    image = ShapesDataset(1, height=64, width=64).load_image(0)
    inputs, (geometry,) = prepare(tiny_model, [image])
    assert geometry.original_shape == geometry.padded_shape == (64, 64)
    mean = np.array(tiny_model.preprocessing.mean_pixel, np.float32)
    np.testing.assert_allclose(inputs["images"][0] + mean, image, atol=1e-4)
    np.testing.assert_array_equal(inputs["windows"], [[0, 0, 1, 1]])


def test_detection_repeats_to_the_last_bit(eager_model, images):
    for one, again in zip(
        detect(eager_model, images), detect(eager_model, images), strict=True
    ):
        for key, value in one.items():
            np.testing.assert_array_equal(value, again[key], err_msg=key)
