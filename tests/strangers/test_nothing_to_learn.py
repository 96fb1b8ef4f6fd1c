"""A set without objects is refused; objects without a slot are told of."""

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.data.preflight import check, check_sizes
from mrcnn.matterport.generators import data_generator
from mrcnn.structures import Preprocessing

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


class Reeds(Dataset):
    """Images of `counts[i]` squares of class 1."""

    def __init__(self, counts, source="reeds", size=4):
        super().__init__()
        self.counts, self.size, self.loaded = counts, size, []
        self.add_class(source, 1, "reed")
        for i in range(len(counts)):
            self.add_image(source, i, f"reed{i}.png")
        self.prepare()

    def load_image(self, image_id):
        self.loaded.append(image_id)
        return np.zeros((64, 64, 3), np.uint8)

    def load_mask(self, image_id):
        count = self.counts[image_id]
        masks = np.zeros((64, 64, count), bool)
        for i in range(count):
            masks[8 : 8 + self.size, 5 * i : 5 * i + self.size, i] = True
        return masks, np.ones(count, np.int32)


def batches(dataset, preprocessing=SQUARE, **options):
    defaults = {"batch_size": 2, "instances": 3, "mini_mask_shape": None}
    return Batches(dataset, preprocessing, **{**defaults, **options})


def test_a_wrong_source_is_named():
    dataset = Reeds([0, 0, 0], source="marsh")
    with pytest.raises(
        ValueError,
        match=r"none of 3 images shows an object .* Reeds returned no mask .*'marsh'",
    ):
        check(batches(dataset), None)


def test_a_crop_that_misses_the_objects_is_no_proof():
    dataset = Reeds([1])
    dataset.load_image = lambda i: np.zeros((6400, 6400, 3), np.uint8)
    mask = np.zeros((6400, 6400, 1), bool)
    mask[0, 0] = True
    dataset.load_mask = lambda i: (mask, np.ones(1, np.int32))
    check(batches(dataset, SQUARE._replace(mode="crop")), None)


def test_bad_images_are_passed_over_by_the_checks():
    dataset = Reeds([1] * 10)

    def load_image(image_id):
        if image_id == 0:
            raise OSError("cut off")
        return np.zeros((64, 64, 3), np.uint8)

    dataset.load_image = load_image
    check(batches(dataset, SQUARE._replace(mode="pad64")), None)


def test_all_images_of_another_size_are_listed():
    sides = [64] * 3 + [65 + i for i in range(25)]
    dataset = Reeds([1] * len(sides))
    dataset.load_image = lambda i: np.zeros((64, sides[i], 3), np.uint8)
    with pytest.raises(ValueError, match="training takes images of one") as caught:
        check_sizes(batches(dataset, SQUARE._replace(mode="pad64")))
    text = str(caught.value)
    assert text.startswith("25 of 28 images") and "\n- and 5 more.\n" in text
    assert text.count("becomes 64 x 128 pixels, but reed0.png 64 x 64") == 20


def test_objects_without_a_slot_are_told_of_once(caplog):
    pipeline = batches(Reeds([3, 5, 7, 4]))
    for pipeline.epoch in range(3):
        for index in range(2):
            assert pipeline[index][0]["gt_valid"].all()
    (record,) = caplog.records
    assert record.message == (
        "reed1.png shows 5 objects, and training takes 3 of them at a time, drawn at "
        "random: raise MAX_GT_INSTANCES to take all."
    )
    assert pipeline.findings.summary() == (
        "3 of 4 images showed more objects than MAX_GT_INSTANCES = 3, up to 7: of each "
        "a random 3 were taken at a time.\n"
    )


def test_the_generator_tells_of_them_too(caplog):
    class Small(Config):
        NUM_CLASSES, IMAGE_MIN_DIM, IMAGE_MAX_DIM = 2, 64, 64
        RPN_ANCHOR_SCALES, MAX_GT_INSTANCES = (4, 8, 16, 32, 64), 3

    generator = data_generator(Reeds([7]), Small())
    for _ in range(3):
        next(generator)
    (record,) = caplog.records
    assert "reed0.png shows 7 objects" in record.message


def test_nothing_is_told_where_nothing_turned_up():
    pipeline = batches(Reeds([3, 0]))
    assert pipeline[0] and pipeline.findings.summary() == ""
