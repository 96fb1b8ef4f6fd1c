"""Evaluation of what is found in tiles."""

import numpy as np
import pytest

from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect
from mrcnn.evaluation import collect, evaluate
from mrcnn.evaluation.scenes import detected


@pytest.fixture(scope="module")
def large_shapes():
    return ShapesDataset(2, height=100, width=100, seed=7)


def test_one_tile_is_evaluation_as_ever(tiny_model, large_shapes):
    scenes = collect(tiny_model, large_shapes, batch_size=2)
    plain = evaluate(tiny_model, large_shapes, batch_size=2, scenes=scenes)
    tiled = evaluate(tiny_model, large_shapes, batch_size=2, tile=100)
    np.testing.assert_equal(tiled.to_dict(), plain.to_dict())


def test_scenes_hold_what_tiles_show(tiny_model, large_shapes):
    scenes = collect(tiny_model, large_shapes, tile=64, overlap=30)
    images = [large_shapes.load_image(i) for i in range(2)]
    found = detect(tiny_model, images, tile=64, overlap=30)
    plain = collect(tiny_model, large_shapes)
    for scene, detection, whole in zip(scenes, found, plain, strict=True):
        np.testing.assert_array_equal(scene.found.masks(), detection["masks"])
        np.testing.assert_array_equal(scene.found.boxes, detection["rois"])
        np.testing.assert_array_equal(scene.found.scores, detection["scores"])
        np.testing.assert_array_equal(scene.proposals, whole.proposals)


def test_codes_and_arrays_are_the_same_objects(tiny_model, large_shapes):
    image = large_shapes.load_image(0)
    (array,), (code,) = (
        detect(tiny_model, [image], masks=form) for form in ("array", "rle")
    )
    one, other = detected(array), detected(code, image.shape[:2])
    assert one.image_shape == other.image_shape == (100, 100)
    assert one.encoded == other.encoded
    np.testing.assert_array_equal(one.masks(), other.masks())


def test_bad_tiles_are_refused_before_anything_is_detected(
    tiny_model, large_shapes, monkeypatch
):
    scenes = collect(tiny_model, large_shapes)
    monkeypatch.setattr(type(tiny_model), "predict_on_batch", None)
    for measure in (collect, evaluate):
        with pytest.raises(ValueError, match="tile is 0; it must be"):
            measure(tiny_model, large_shapes, tile=0)
        with pytest.raises(ValueError, match="overlap is 5 without tiles"):
            measure(tiny_model, large_shapes, overlap=5)
    with pytest.raises(ValueError, match="give scenes or tile, not both"):
        evaluate(tiny_model, large_shapes, scenes=scenes, tile=64)
