"""Seeds, scenes and image ids of `evaluate`: refused before anything is detected."""

import numpy as np
import pytest

from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import collect, evaluate


@pytest.fixture(scope="module")
def scenes(tiny_model, tiny_shapes):
    return collect(tiny_model, tiny_shapes, image_ids=[0, 5])


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_is_a_whole_number(tiny_model, tiny_shapes, seed, monkeypatch):
    monkeypatch.setattr(type(tiny_model), "predict_on_batch", None)  # not called
    with pytest.raises(ValueError, match=r"seed is .* must be a whole number"):
        evaluate(tiny_model, tiny_shapes, seed=seed)


def test_no_seed_is_zero(tiny_model, tiny_shapes, scenes):
    none = evaluate(tiny_model, tiny_shapes, scenes=scenes, seed=None)
    zero = evaluate(tiny_model, tiny_shapes, scenes=scenes, seed=np.int64(0))
    np.testing.assert_equal(none.to_dict(), zero.to_dict())
    assert none.seed == 0


def test_scenes_come_from_any_iterable(tiny_model, tiny_shapes, scenes):
    expected = evaluate(tiny_model, tiny_shapes, scenes=scenes).to_dict()
    for given in (iter(scenes), tuple(scenes), (scene for scene in scenes)):
        found = evaluate(tiny_model, tiny_shapes, scenes=given).to_dict()
        np.testing.assert_equal(found, expected)
    with pytest.raises(ValueError, match="no image to evaluate"):
        evaluate(tiny_model, tiny_shapes, scenes=iter([]))


def test_scenes_of_another_set(tiny_model, scenes, monkeypatch):
    monkeypatch.setattr(type(tiny_model), "predict_on_batch", None)
    other = ShapesDataset(2, height=64, width=64, seed=1)
    with pytest.raises(ValueError, match=r"scenes has images 5, but .* images 0 to 1"):
        evaluate(tiny_model, other, scenes=scenes)
    for wrong, match in ((3, "scenes is 3"), ([1], "scenes has 1"), ("ab", "has 'a'")):
        with pytest.raises(TypeError, match=rf"{match}: .*what `collect` returned"):
            evaluate(tiny_model, other, scenes=wrong)


@pytest.mark.parametrize("ids", [slice(0, 2), 1.5, np.array(3), object])
def test_image_ids_are_a_list(tiny_model, tiny_shapes, ids):
    with pytest.raises(TypeError, match=r"image_ids is .*: give a list, internal ids"):
        collect(tiny_model, tiny_shapes, image_ids=ids)
