"""Objects of one image in another: pixels, masks and classes, worked out by hand."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.augment import (
    CopyPaste,
    compose,
    flip,
    large_scale_jitter,
    scale_jitter,
)
from mrcnn.data.copy_paste import partner, pasted
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.structures import Preprocessing
from mrcnn.training_origin import _plain, differences

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))
ALWAYS = CopyPaste(share=1.0)


def loaded(rng, class_ids, shape=(40, 50)):
    """Return noise with rectangles at random, which may overlap and be empty."""
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    masks = np.zeros((*shape, len(class_ids)), bool)
    for i in range(len(class_ids)):
        (top, bottom), (left, right) = (np.sort(rng.integers(0, n, 2)) for n in shape)
        masks[top:bottom, left:right, i] = True
    return image, masks, np.array(class_ids, np.int32)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_on_top_comes_as_it_is_and_takes_what_it_covers(seed):
    rng = np.random.default_rng(seed)
    image = loaded(rng, [1, 2, -1, 3][: seed % 5])
    other = loaded(rng, [4, -5, 6, 7][: 1 + seed % 4])
    kept = [array.copy() for array in (*image, *other)]
    paste = CopyPaste(1.0, least_visible=[0.0, 0.1, 0.6, 1.0][seed % 4])
    pixels, masks, class_ids = pasted(image, other, rng, paste)
    for array, before in zip((*image, *other), kept, strict=True):
        np.testing.assert_array_equal(array, before)
    n = len(image[2])
    # Those on top are some of the source's objects, no crowd and none without a pixel.
    assert (class_ids[n:] > 0).all()
    whole = [i for i in range(len(other[2])) if other[1][..., i].any()]
    found = [int(np.flatnonzero(other[2] == c)[0]) for c in class_ids[n:]]
    assert found == sorted(set(found)) and set(found) <= set(whole)
    assert found or not [i for i in whole if other[2][i] > 0]
    np.testing.assert_array_equal(masks[..., n:], other[1][..., found])
    cover = masks[..., n:].any(-1)
    np.testing.assert_array_equal(pixels[cover], other[0][cover])
    np.testing.assert_array_equal(pixels[~cover], image[0][~cover])
    # Those below keep their place and lose what is covered, or all if too much is.
    np.testing.assert_array_equal(class_ids[:n], image[2])
    for i in range(n):
        was, left = image[1][..., i], image[1][..., i] & ~cover
        gone = image[2][i] > 0 and left.sum() < paste.least_visible * was.sum()
        np.testing.assert_array_equal(masks[..., i], left & (not gone))
    assert (pixels.dtype, masks.dtype, class_ids.dtype) == (np.uint8, bool, np.int32)


def test_from_one_to_all_objects_are_pasted():
    rng = np.random.default_rng(0)
    other = loaded(rng, [1, 1, 1])
    other[1][0, :3] = np.eye(3, dtype=bool)  # each has a pixel
    empty = loaded(rng, [])
    counts = [len(pasted(empty, other, rng, ALWAYS)[2]) for _ in range(60)]
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize("class_ids", [[], [-1]])
def test_nothing_to_paste(class_ids):
    rng = np.random.default_rng(0)
    image = loaded(rng, [1])
    assert pasted(image, loaded(rng, class_ids), rng, ALWAYS) is image


# --- In batches


class Marked(Dataset):
    """Image i is all of level 10 * (i + 1), with one square of 8 at a place of its own.

    The last image is of another source, and shows another class.
    """

    def __init__(self, count=4):
        super().__init__()
        for i, source in enumerate(("one", "two"), 1):
            self.add_class(source, i, source)
        for i in range(count):
            self.add_image("one" if i < count - 1 else "two", i, f"{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 64, 3), 10 * (image_id + 1), np.uint8)

    def load_mask(self, image_id):
        masks = np.zeros((64, 64, 1), bool)
        masks[16 * (image_id % 4) :, 16 * (image_id // 4) :][:8, :8] = True
        last = image_id == self.num_images - 1
        return masks, np.array([2 if last else 1])


def batches(dataset=None, **options):
    defaults = {"batch_size": 2, "instances": 8, "mini_mask_shape": None, "seed": 3}
    dataset = dataset or Marked()
    return Batches(dataset, SQUARE, **{**defaults, "paste": ALWAYS, **options})


def sample(pipeline, epoch):
    pipeline.epoch = epoch
    return [pipeline[i][0] for i in range(len(pipeline))]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_objects_come_from_images_of_the_same_source():
    """Of another one, a class may be unknown here, and its loss would be left out."""
    pipeline, seen = batches(batch_size=1), set()
    for epoch in range(20):
        for i, batch in enumerate(sample(pipeline, epoch)):
            levels = np.unique(batch["images"]).astype(int) // 10 - 1
            seen |= {(i, int(level)) for level in levels}
            assert set(batch["gt_class_ids"][0]) - {0} == {2 if i == 3 else 1}
    assert seen == {(i, j) for i in range(3) for j in range(3)} | {(3, 3)}


def test_boxes_and_masks_are_those_of_what_is_seen():
    (batch,) = sample(batches(batch_size=4), 0)
    for image, masks, valid in zip(
        batch["images"], batch["gt_masks"], batch["gt_valid"], strict=True
    ):
        assert valid.sum() in (1, 2)  # its own in its place is the same object
        for mask in masks[valid]:
            assert mask.sum() == 64
            assert len(np.unique(image[mask > 0])) == 1


def test_share_says_how_many_images_get_objects():
    pasted_on = [
        int((batch["gt_valid"].sum(axis=1) > 1).sum())
        for epoch in range(60)
        for batch in sample(batches(paste=CopyPaste(0.5), batch_size=3), epoch)[:1]
    ]
    # Half of the images, and of these two thirds get those of another one.
    assert sum(pasted_on) / 180 == pytest.approx(1 / 3, abs=0.1)
    for none in (None, CopyPaste(share=0.0)):
        for batch in sample(batches(paste=none), 0):
            assert (batch["gt_valid"].sum(axis=1) == 1).all()


AUGMENTED = {
    "augmentation": compose(flip, large_scale_jitter(0.5, 1.5)),
    "shuffle": True,
    "steps": 3,
}


def test_a_seed_repeats_it_whatever_is_kept_in_memory():
    first, again, uncached, other = (
        batches(**AUGMENTED, **options)
        for options in ({}, {}, {"cache_bytes": 0}, {"seed": 4})
    )
    for epoch in (0, 2):
        wanted = sample(first, epoch)
        again.epoch = epoch
        assert_same([again[i][0] for i in (2, 1, 0)], wanted[::-1])
        assert_same(sample(uncached, epoch), wanted)
        with ThreadPoolExecutor(4) as pool:
            assert_same(
                [batch for (batch,) in pool.map(first.__getitem__, range(3))], wanted
            )
    with pytest.raises(AssertionError):
        assert_same(sample(other, 2), wanted)


def test_both_images_are_augmented_each_by_itself():
    calls = []

    def mark(image, masks, rng):
        calls.append(rng.random())
        return image + 1, masks

    dataset = Marked()
    for batch in sample(batches(dataset, augmentation=mark, batch_size=4), 0):
        assert set(np.unique(batch["images"]).astype(int)) == {11, 21, 31, 41}
    assert len(set(calls)) == 8
    calls.clear()
    plain = sample(batches(dataset, augmentation=mark, not_augmented=["one", "two"]), 0)
    assert not calls
    for batch in plain:  # nor is anything pasted into them
        assert (batch["gt_valid"].sum(axis=1) == 1).all()


def test_without_it_batches_are_what_they_were():
    """No number is drawn: the same crops, and the same choice among many objects."""

    def noise(image, masks, rng):
        return rng.integers(0, 256, image.shape, dtype=np.uint8), masks

    ours = sample(batches(paste=None, augmentation=noise), 0)
    rng = np.random.default_rng([3, 1, 0])
    expected = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(ours[0]["images"][0], expected)


def test_an_image_that_cannot_be_read_is_left_out_of_pasting_too():
    dataset = Marked()
    load = dataset.load_image

    def broken(image_id):
        if image_id == 1:
            raise OSError("cut off")
        return load(image_id)

    dataset.load_image = broken
    pipeline = batches(dataset, faulty=0.5)
    for epoch in range(10):
        for batch in sample(pipeline, epoch):
            assert 20 not in np.unique(batch["images"])
    assert 1 in pipeline.findings


def test_partners_are_all_of_a_source():
    dataset, rng = Marked(), np.random.default_rng(0)
    assert {partner(dataset, 0, rng) for _ in range(60)} == {0, 1, 2}
    assert partner(dataset, 3, rng) == 3


def test_another_pasting_is_another_training():
    def told(paste):
        return json.loads(json.dumps(batches(paste=paste), default=_plain))

    assert told(ALWAYS)["paste"] == {"share": 1.0, "least_visible": 0.1}
    assert differences(told(ALWAYS), told(None))
    assert not differences(told(ALWAYS), told(CopyPaste(1.0)))


@pytest.mark.parametrize("paste", [0.5, True, (0.5, 0.1), CopyPaste])
def test_what_is_no_copy_paste(tiny_config, tiny_shapes, paste):
    with pytest.raises(TypeError, match=r"^paste is .*: give mrcnn.data.augment.CopyP"):
        build.batches(tiny_config, tiny_shapes, paste=paste)


@pytest.mark.parametrize("field", CopyPaste._fields)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "half", None])
def test_shares_that_are_none(tiny_config, tiny_shapes, field, value):
    paste = CopyPaste(**{field: value})
    with pytest.raises(ValueError, match=rf"^paste\.{field} is .*a number from 0 to 1"):
        build.batches(tiny_config, tiny_shapes, paste=paste)


# --- Large-scale jitter


def grid(side=80):
    """Return a picture of a square, its mask, and how large it is shown."""
    masks = np.zeros((side, side, 1), bool)
    masks[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = True
    return np.repeat(masks * np.uint8(255), 3, axis=-1), masks


def test_all_factors_are_equally_likely():
    """Shrunk, a square is as large as the factor says."""
    jitter, small, rng = large_scale_jitter(0.1, 1.0), [], np.random.default_rng(0)
    for _ in range(600):
        _, masks = jitter(*grid(), rng)
        small.append(np.sqrt(masks.sum()) / 40)
    assert min(small) < 0.15 and max(small) > 0.95
    expected = [0.1, 0.325, 0.55, 0.775, 1.0]
    found = np.quantile(small, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found, expected, atol=0.06)


def test_one_factor_is_that_of_the_other_jitter():
    """One formula, but for the draw: the same pictures wherever that is the same."""
    for factor in (0.3, 1.0, 1.7):
        ours, theirs = (
            jitter(factor, factor)(*grid(), np.random.default_rng(5))
            for jitter in (large_scale_jitter, scale_jitter)
        )
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("least", "most"), [(0, 1), (2, 1), (-1, 1)])
def test_scales_that_are_none(least, most):
    with pytest.raises(ValueError, match="large_scale_jitter needs 0 < least <= most"):
        large_scale_jitter(least, most)
