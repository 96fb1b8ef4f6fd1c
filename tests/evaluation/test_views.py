"""Evaluation of what is found in several views."""

import numpy as np
import pytest

from mrcnn.detection import detect
from mrcnn.evaluation import collect, evaluate
from mrcnn.views import Views

VIEWS = Views(flip=True, sides=(64, 128))


def test_one_view_is_evaluation_as_ever(tiny_model, tiny_shapes):
    scenes = collect(tiny_model, tiny_shapes, batch_size=2)
    seen = collect(tiny_model, tiny_shapes, batch_size=2, views=Views())
    for one, other in zip(scenes, seen, strict=True):
        np.testing.assert_array_equal(one.proposals, other.proposals)
        np.testing.assert_array_equal(one.found.boxes, other.found.boxes)


def test_scenes_hold_what_views_show(tiny_model, tiny_shapes):
    ids = [4, 1, 2]
    scenes = collect(tiny_model, tiny_shapes, image_ids=ids, batch_size=2, views=VIEWS)
    images = [tiny_shapes.load_image(i) for i in ids]
    found = detect(tiny_model, images, views=VIEWS, batch_size=2)
    largest = collect(
        tiny_model, tiny_shapes, image_ids=ids, batch_size=2, views=Views(sides=(128,))
    )
    for scene, detection, whole in zip(scenes, found, largest, strict=True):
        np.testing.assert_array_equal(scene.found.masks(), detection["masks"])
        np.testing.assert_array_equal(scene.found.boxes, detection["rois"])
        np.testing.assert_array_equal(scene.found.scores, detection["scores"])
        np.testing.assert_array_equal(scene.proposals, whole.proposals)
    report = evaluate(tiny_model, tiny_shapes, image_ids=ids, batch_size=2, views=VIEWS)
    again = evaluate(tiny_model, tiny_shapes, batch_size=2, scenes=scenes)
    np.testing.assert_equal(report.to_dict(), again.to_dict())


def test_bad_views_are_refused_before_anything_is_detected(
    tiny_model, tiny_shapes, monkeypatch
):
    scenes = collect(tiny_model, tiny_shapes, image_ids=[0])
    monkeypatch.setattr(type(tiny_model), "predict_on_batch", None)
    for measure in (collect, evaluate):
        with pytest.raises(ValueError, match="views is True; it must be"):
            measure(tiny_model, tiny_shapes, views=True)
        with pytest.raises(ValueError, match="tile is given too"):
            measure(tiny_model, tiny_shapes, views=VIEWS, tile=64)
    with pytest.raises(ValueError, match="give scenes or views, not both"):
        evaluate(tiny_model, tiny_shapes, scenes=scenes, views=VIEWS)
