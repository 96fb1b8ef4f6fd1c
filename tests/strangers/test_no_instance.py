"""An image without an instance, as Matterport's examples say it (issue 26, 27)."""

import numpy as np
import pytest

from mrcnn import build, utils
from mrcnn.data.dataset import load_objects
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation.evaluate import evaluate
from mrcnn.evaluation.report import TaskReport

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
NOTHING = [
    np.empty([0, 0, 0]),
    np.zeros((0, 0, 0), bool),
    np.empty([0, 0, 0], object),
    np.zeros((64, 64, 0)),
    np.zeros((5, 7, 0)),
]


def without_the_first(nothing: np.ndarray) -> ShapesDataset:
    """Return a data set whose first image shows nothing."""

    class Mine(ShapesDataset):
        def load_mask(self, image_id):
            if image_id == 0:
                return nothing, np.empty([0], np.int32)
            return super().load_mask(image_id)

    return Mine(3, height=64, width=64, seed=7)


@pytest.mark.parametrize("nothing", NOTHING, ids=lambda x: f"{x.shape} {x.dtype}")
def test_training_and_evaluation_take_it(tiny_config, tiny_model, nothing):
    dataset = without_the_first(nothing)
    (batch,) = build.batches(tiny_config, dataset)[0]
    assert not batch["gt_valid"][0].any()
    assert batch["gt_valid"][1].any()
    report = evaluate(tiny_model, dataset)
    assert isinstance(report, TaskReport)
    assert report.objects == sum(len(dataset.load_mask(i)[1]) for i in (1, 2))
    assert evaluate(tiny_model, dataset, image_ids=[0]).objects == 0


@pytest.mark.parametrize("nothing", NOTHING, ids=lambda x: f"{x.shape} {x.dtype}")
def test_masks_of_nothing_have_the_size_of_the_image(nothing):
    masks, class_ids = load_objects(without_the_first(nothing), 0, (64, 48))
    assert masks.shape == (64, 48, 0)
    assert masks.dtype == bool
    assert class_ids.shape == (0,)


def test_masks_of_something_must_fit():
    class Mine(utils.Dataset):
        def load_mask(self, image_id):
            return np.ones((3, 4, 1), bool), np.array([1])

    dataset = Mine()
    dataset.add_class("mine", 1, "one")
    dataset.add_image("mine", 0, path="nowhere.png")
    dataset.prepare()
    assert load_objects(dataset, 0, (3, 4))[0].shape == (3, 4, 1)
    with pytest.raises(ValueError, match="masks have 3 x 4: load_mask must match"):
        load_objects(dataset, 0, (5, 5))
