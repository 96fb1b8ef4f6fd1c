"""Images are kept in memory only where loading them repeats, and as told."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.config import Config
from mrcnn.data import cache
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.structures import Preprocessing

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))
SIZE = 64 * 64 * 3 + 64 * 64 + 4
"""Bytes of an image with a mask and a class id."""


class Moths(Dataset):
    """Dark images with a bright square of 8 pixels, at random where `chance` says."""

    def __init__(self, count, chance=lambda image_id: False):
        super().__init__()
        self.chance, self.rng = chance, np.random.default_rng(5)
        self.loads = [0] * count
        self.add_class("moths", 1, "moth")
        for i in range(count):
            self.add_image("moths", i, f"moth{i}.png")
        self.prepare()

    def load_image(self, image_id):
        self.loads[image_id] += 1
        y, x = self.rng.integers(0, 56, 2) if self.chance(image_id) else (image_id, 9)
        self.corner = int(y), int(x)
        return 200 * np.repeat(self.square().astype(np.uint8), 3, axis=2)

    def load_mask(self, image_id):
        return self.square(), np.ones(1, np.int32)

    def square(self):
        mask = np.zeros((64, 64, 1), bool)
        y, x = self.corner
        mask[y : y + 8, x : x + 8] = True
        return mask


def batches(dataset, **options):
    defaults = {"batch_size": 1, "instances": 2, "mini_mask_shape": None}
    return Batches(dataset, SQUARE, **{**defaults, **options})


def run(pipeline, epochs):
    """Return the batches of some epochs."""
    found = []
    for pipeline.epoch in range(epochs):
        found += [pipeline[i][0] for i in range(len(pipeline))]
    return found


def test_a_random_crop_differs_every_time(caplog):
    found = run(batches(Moths(4, chance=lambda i: True)), 5)
    boxes = {tuple(batch["gt_boxes"][0, 0]) for batch in found}
    assert len(boxes) == 20
    for batch in found:  # and image and mask are of one crop
        bright = batch["images"][0, ..., 0] > 100
        np.testing.assert_array_equal(bright, batch["gt_masks"][0, 0] > 0)
    (record,) = caplog.records
    assert "moth0.png" in record.message and "no image is kept" in record.message


def test_one_image_with_chance_in_it_is_enough():
    dataset = Moths(30, chance=lambda i: i == 17)
    found = run(batches(dataset), 6)
    boxes = [tuple(batch["gt_boxes"][0, 0]) for batch in found]
    assert len(set(boxes[17::30])) == 6
    for i in set(range(30)) - {17}:
        assert len(set(boxes[i::30])) == 1


def test_chance_in_the_masks_alone_counts_too():
    dataset = Moths(3)
    dataset.load_mask = lambda i: (
        dataset.rng.random((64, 64, 1)) < 0.5,
        np.ones(1, np.int32),
    )
    found = run(batches(dataset), 4)
    assert len({batch["gt_masks"].tobytes() for batch in found}) == 12


def test_what_repeats_is_loaded_twice_and_then_kept(caplog):
    dataset = Moths(5)
    found = run(batches(dataset, shuffle=True), 6)
    assert dataset.loads == [2] * 5 and not caplog.records
    plain = run(batches(Moths(5), shuffle=True, cache_bytes=0), 6)
    for one, other in zip(found, plain, strict=True):
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])


def test_after_enough_comparisons_the_rest_is_believed(monkeypatch):
    monkeypatch.setattr(cache, "COMPARED", 3)
    dataset = Moths(5)
    run(batches(dataset), 4)
    assert dataset.loads == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("size", "loads"), [(0, [6] * 3), (SIZE - 1, [6] * 3), (2 * SIZE, [2, 2, 6])]
)
def test_memory_is_a_setting(size, loads):
    class Few(Config):
        NUM_CLASSES, IMAGE_MIN_DIM, IMAGE_MAX_DIM, IMAGES_PER_GPU = 2, 64, 64, 1
        IMAGE_CACHE_BYTES = size

    dataset = Moths(3)
    run(build.batches(Few(), dataset), 6)
    assert dataset.loads == loads


def test_a_data_set_may_use_its_array_again():
    dataset, shared = Moths(3), np.zeros((64, 64, 3), np.uint8)

    def load_image(image_id):
        shared[...] = Moths.load_image(dataset, image_id)
        return shared

    dataset.load_image = load_image
    for one, other in zip(
        run(batches(dataset), 4), run(batches(Moths(3), cache_bytes=0), 4), strict=True
    ):
        np.testing.assert_array_equal(one["images"], other["images"])


@pytest.mark.parametrize("size", [0, 10**9])
def test_an_augmentation_may_write_in_place(size):
    held = np.full((64, 64, 3), 7, np.uint8)

    def brighten(image, masks, rng):
        image += 10
        masks[:, :32] = False
        return image, masks

    dataset = Moths(1)
    dataset.load_image = lambda i: held
    dataset.load_mask = lambda i: (np.ones((64, 64, 1), bool), np.ones(1, np.int32))
    for batch in run(batches(dataset, augmentation=brighten, cache_bytes=size), 5):
        assert (batch["images"] == 17).all()
        assert batch["gt_masks"].sum() == 64 * 32
    assert (held == 7).all()
