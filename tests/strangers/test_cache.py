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


def test_what_repeats_is_kept_after_enough_comparisons(caplog, monkeypatch):
    monkeypatch.setattr(cache, "COMPARED", 5)
    dataset = Moths(5)
    found = run(batches(dataset, shuffle=True), 6)
    # First, compared at first, and at the 6th, 12th and 18th of the 20 later times.
    assert sum(dataset.loads) == 5 + 5 + 3 and not caplog.records
    plain = run(batches(Moths(5), shuffle=True, cache_bytes=0), 6)
    for one, other in zip(found, plain, strict=True):
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])


def test_the_first_times_are_compared_and_then_one_image_an_epoch(monkeypatch):
    monkeypatch.setattr(cache, "COMPARED", 3)
    dataset = Moths(5)
    run(batches(dataset), 2)
    assert dataset.loads == [2, 2, 2, 1, 1]
    run(batches(dataset), 1)
    dataset.loads = [0] * 5
    pipeline = batches(dataset)
    run(pipeline, 2)
    before = sum(dataset.loads)
    for pipeline.epoch in range(2, 32):  # 150 times: each 6th is compared
        for index in range(5):
            assert pipeline[index]
    assert sum(dataset.loads) - before == 25
    assert min(dataset.loads) >= 6  # all take their turn


def test_a_small_set_is_compared_again_and_again():
    """Of six images each turned with probability 0.1, one differs in 100 loads."""
    for seed in range(20):
        dataset = Moths(6)
        rng = np.random.default_rng(seed)

        def load_image(image_id, dataset=dataset, rng=rng):
            image = Moths.load_image(dataset, image_id)
            return image[:, ::-1].copy() if rng.random() < 0.1 else image

        dataset.load_image = load_image
        run(batches(dataset), 40)
        assert min(dataset.loads) == 40, seed


def test_what_changes_later_is_found_within_an_epoch_or_so(monkeypatch, caplog):
    monkeypatch.setattr(cache, "COMPARED", 8)
    dataset, level = Moths(4), [100]
    dataset.load_image = lambda i: np.full((64, 64, 3), level[0], np.uint8)
    dataset.load_mask = lambda i: (np.ones((64, 64, 1), bool), [1])
    pipeline = batches(dataset)
    run(pipeline, 10)
    level[0] = 150
    for pipeline.epoch in (10, 11):
        last = [pipeline[i][0]["images"].max() for i in range(4)]
    assert last[-1] == 150
    for pipeline.epoch in (12, 13):
        assert all(pipeline[i][0]["images"].max() == 150 for i in range(4))
    assert "follows something that changes" in caplog.text


@pytest.mark.parametrize(
    ("size", "loads"), [(0, [6] * 3), (SIZE - 1, [6] * 3), (2 * SIZE, [3, 3, 6])]
)
def test_memory_is_a_setting(size, loads, monkeypatch):
    monkeypatch.setattr(cache, "COMPARED", 2)

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
