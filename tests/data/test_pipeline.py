"""Batches: order, static slots, and bad input named before training starts."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches, active_class_ids, load_annotated
from mrcnn.data.preflight import check_sizes
from mrcnn.structures import Preprocessing

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


class Boxes(Dataset):
    """Images with `counts[i]` squares of 4 pixels, class 1, in a row."""

    def __init__(self, counts, image=None, mask_shape=(64, 64)):
        super().__init__()
        self.counts, self.image, self.mask_shape = counts, image, mask_shape
        self.add_class("boxes", 1, "box")
        self.add_class("other", 1, "thing")
        for i in range(len(counts)):
            self.add_image("boxes", f"id{i}", f"photo{i}.png")
        self.prepare()

    def load_image(self, image_id):
        blank = np.full((64, 64, 3), image_id, np.uint8)
        return blank if self.image is None else self.image

    def load_mask(self, image_id):
        count = self.counts[image_id]
        masks = np.zeros((*self.mask_shape, count), bool)
        for i in range(count):
            masks[8:12, 5 * i : 5 * i + 4, i] = True
        return masks, np.ones(count, np.int32)

    def image_reference(self, image_id):
        return self.image_info[image_id]["path"]


def batches(dataset, **options):
    defaults = {"batch_size": 2, "instances": 3, "mini_mask_shape": None}
    return Batches(dataset, SQUARE, **{**defaults, **options})


def seen(pipeline: Batches, epochs: int) -> list[int]:
    return [
        image
        for epoch in range(epochs)
        for index in range(len(pipeline))
        for image in pipeline.image_ids(epoch, index)
    ]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_each_image_once_a_turn(shuffle, steps):
    order = seen(batches(Boxes([1] * 5), shuffle=shuffle, steps=steps), 10)
    for start in range(0, len(order) - 4, 5):
        assert sorted(order[start : start + 5]) == [0, 1, 2, 3, 4]
    assert (order[:5] == order[5:10]) is not shuffle


def test_an_epoch_is_each_image_once_by_default():
    assert len(batches(Boxes([1] * 5))) == 3
    assert batches(Boxes([1] * 5)).image_ids(0, 2) == [4, 0]


def test_the_order_depends_on_the_seed_alone():
    orders = [
        seen(batches(Boxes([1] * 9), shuffle=True, seed=seed), 2) for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_an_epoch_is_taken_up_where_it_was_left():
    def noise(image, masks, rng):
        return rng.integers(0, 256, image.shape, dtype=np.uint8), masks

    options = {"shuffle": True, "augmentation": noise, "steps": 3, "instances": 1}
    first, second = (batches(Boxes([2] * 5), **options) for _ in range(2))
    for epoch in range(3):
        first.epoch = epoch
        whole = [first[i][0] for i in range(3)]
    second.epoch = 2  # at once, and in another order
    for index in (2, 0, 1):
        for key, value in second[index][0].items():
            np.testing.assert_array_equal(value, whole[index][key], err_msg=key)


@pytest.mark.parametrize("mini", [None, (28, 28)])
def test_static_slots(mini):
    pipeline = batches(Boxes([0, 1, 3, 7]), batch_size=4, mini_mask_shape=mini)
    (batch,) = pipeline[0]
    assert batch["images"].shape == (4, 64, 64, 3)
    assert batch["images"].dtype == np.float32
    assert batch["gt_masks"].shape == (4, 3, *(mini or (64, 64)))
    assert batch["gt_valid"].sum(axis=1).tolist() == [0, 1, 3, 3]
    assert (batch["gt_class_ids"] == batch["gt_valid"]).all()
    for key in ("gt_boxes", "gt_masks"):
        assert not batch[key][~batch["gt_valid"]].any()
    expected = np.array([8, 0, 12 - 1, 4 - 1]) / 63
    np.testing.assert_allclose(batch["gt_boxes"][1, 0], expected, rtol=1e-6)
    # Of a mini mask only the outermost corners may be lost to the resizing.
    expected = 16 if mini is None else pytest.approx(28 * 28, rel=0.03)
    assert int(batch["gt_masks"][1, 0].sum()) == expected
    assert batch["active_class_ids"].tolist() == [[1, 1, 0]] * 4


def test_objects_beyond_the_slots_are_a_random_choice():
    pipeline = batches(Boxes([7]), batch_size=1)
    kept = set()
    for pipeline.epoch in range(30):
        lefts = (pipeline[0][0]["gt_boxes"][0, :, 1] * 63).round().astype(int)
        assert len(set(lefts)) == 3
        kept |= set(lefts.tolist())
    assert kept == {0, 5, 10, 15, 20, 25, 30}


def test_an_object_that_augmentation_removes_leaves_no_slot():
    def erase(image, masks, rng):
        masks = masks.copy()
        masks[..., 0] = False
        return image, masks

    (batch,) = batches(Boxes([3]), batch_size=1, augmentation=erase)[0]
    assert batch["gt_valid"].tolist() == [[True, True, False]]
    assert batch["gt_boxes"][0, 0, 1] > 0


def test_the_cache_changes_nothing():
    cached = batches(Boxes([1, 2]))
    plain = batches(Boxes([1, 2]), cache_bytes=0)
    for _ in range(2):
        for key, value in cached[0][0].items():
            np.testing.assert_array_equal(value, plain[0][0][key])


def test_bad_input_is_named():
    nan = np.full((64, 64, 3), np.nan)
    with pytest.raises(ValueError, match=r"photo0\.png: 12288 pixel values are NaN"):
        batches(Boxes([1], image=nan))[0]
    with pytest.raises(ValueError, match=r"photo0\.png has 64 x 64 .* 32 x 64"):
        batches(Boxes([1], mask_shape=(32, 64)))[0]
    with pytest.raises(ValueError, match="holds no images"):
        batches(Boxes([]))


def test_masks_and_class_ids_must_agree():
    dataset = Boxes([2])
    masks, _ = dataset.load_mask(0)
    for answer in ((masks, [1]), (masks[..., 0], [1, 1])):
        dataset.load_mask = lambda i, answer=answer: answer
        with pytest.raises(ValueError, match=r"load_mask of photo0\.png .* class ids"):
            batches(dataset)[0]


def test_annotations_of_any_type_become_bool_and_int32():
    dataset = Boxes([2])
    masks, _ = dataset.load_mask(0)
    dataset.load_mask = lambda i: (masks * 255.0, [1, -1])
    _, loaded, class_ids = load_annotated(dataset, 0)
    assert (loaded.dtype, class_ids.dtype) == (bool, np.int32)
    np.testing.assert_array_equal(loaded, masks)
    assert class_ids.tolist() == [1, -1]


def test_an_image_without_objects_has_masks_of_its_size():
    dataset = Boxes([0])
    dataset.load_mask = lambda i: (np.empty((0, 0, 0)), np.empty(0, int))
    assert load_annotated(dataset, 0)[1].shape == (64, 64, 0)


def test_active_classes_are_those_of_the_source_and_background():
    assert active_class_ids(Boxes([1]), 0).tolist() == [1, 1, 0]


def test_another_class_count_is_refused(tiny_config):
    with pytest.raises(
        ValueError, match=r"NUM_CLASSES is 4.*3 classes.*BG, box, thing"
    ):
        build.batches(tiny_config, Boxes([1]))


def sized(sides, mode):
    """Return batches of blank images of these (h, w), in a resize mode."""
    dataset = Boxes([0] * len(sides))
    dataset.load_image = lambda i: np.zeros((*sides[i], 3), np.uint8)
    options = {"batch_size": 1, "instances": 1, "mini_mask_shape": None}
    return Batches(dataset, SQUARE._replace(mode=mode), **options)


@pytest.mark.parametrize("mode", ["square", "crop", "pad64"])
def test_images_that_become_one_size_are_taken(mode):
    check_sizes(sized([(65, 100), (70, 128)], mode))


@pytest.mark.parametrize(("mode", "other"), [("pad64", (64, 130)), ("none", (64, 128))])
def test_images_of_several_sizes_are_refused(mode, other):
    several = sized([(64, 64), (64, 64), other], mode)
    with pytest.raises(ValueError, match=r"photo2\.png becomes 64 x .*photo0\.png 64"):
        check_sizes(several)


def test_a_side_that_does_not_divide_names_its_image():
    with pytest.raises(ValueError, match=r"photo1\.png: .* does not divide by 64"):
        check_sizes(sized([(64, 64), (64, 70)], "none"))
