"""One image with its objects: sizes, masks, metas, augmentation and what forks pass."""

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.augment import imgaug
from mrcnn.data.dataset import Dataset
from mrcnn.matterport.inputs import load_image_gt, log
from mrcnn.matterport.metas import parse_image_meta


class Small(Config):
    """Images of 64 pixels."""

    NUM_CLASSES = 3
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    MINI_MASK_SHAPE = (8, 8)


class Picture(Dataset):
    """One image with given masks, from the second of two sources."""

    def __init__(self, masks, labels, image=None):
        super().__init__()
        self.masks, self.labels = masks, labels
        shape = (*masks.shape[:2], 3) if masks.size else (32, 32, 3)
        self.image = np.zeros(shape, np.uint8) if image is None else image
        self.add_class("other", 1, "thing")
        self.add_class("boxes", 1, "box")
        self.add_image("boxes", "a", None)
        self.prepare()

    def load_image(self, image_id):
        return self.image

    def load_mask(self, image_id):
        return self.masks, np.array(self.labels)


def rectangles(*boxes, shape=(32, 64)):
    """Return masks (h, w, n) that fill these boxes."""
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


CONFIG = Small()
TWO = rectangles((0, 0, 8, 16), (4, 40, 32, 64))


def meta_of(loaded):
    """Return the parsed meta."""
    return {k: v.tolist()[0] for k, v in parse_image_meta(loaded[1][None]).items()}


def test_an_image_by_hand():
    loaded = load_image_gt(Picture(TWO, [2, -2]), CONFIG, 0)
    image, meta, class_ids, bbox, mask = loaded
    assert [a.dtype for a in loaded] == [np.uint8, float, np.int32, np.int32, bool]
    assert image.shape == (64, 64, 3)
    assert class_ids.tolist() == [2, -2]
    assert bbox.tolist() == [[16, 0, 24, 16], [20, 40, 48, 64]]
    np.testing.assert_array_equal(mask[16:48], TWO)
    assert mask.sum() == TWO.sum()
    assert meta.shape == (15,)
    assert meta_of(loaded) == {
        "image_id": 0,
        "original_image_shape": [32, 64, 3],
        "image_shape": [64, 64, 3],
        "window": [16, 0, 48, 64],
        "scale": 1.0,
        "active_class_ids": [1, 0, 1],
    }


def test_mini_masks_are_cut_and_resized():
    half = TWO.copy()
    half[:, 52:, 1] = False
    half[4:32, 63, 1] = True  # so that the box stays
    mask = load_image_gt(Picture(half, [2, 2]), CONFIG, 0, use_mini_mask=True)[-1]
    assert mask.shape == (8, 8, 2)
    assert mask.dtype == bool
    # 28 x 24 pixels to 8 x 8: the left half is 4 columns; the last column is too thin.
    np.testing.assert_array_equal(mask[..., 1], [[1, 1, 1, 1, 0, 0, 0, 0]] * 8)


@pytest.mark.parametrize("use_mini_mask", [False, True])
@pytest.mark.parametrize("nothing", [np.empty((0, 0, 0)), rectangles()])
def test_an_image_without_objects(nothing, use_mini_mask):
    picture = Picture(nothing, np.empty(0, np.int32))
    loaded = load_image_gt(picture, CONFIG, 0, use_mini_mask=use_mini_mask)
    side = 8 if use_mini_mask else 64
    assert [a.shape for a in loaded[2:]] == [(0,), (0, 4), (side, side, 0)]
    assert [a.dtype for a in loaded[2:]] == [np.int32, np.int32, bool]


def test_an_image_of_one_pixel():
    loaded = load_image_gt(Picture(np.ones((1, 1, 1), bool), [1]), CONFIG, 0)
    assert loaded[3].tolist() == [[0, 0, 64, 64]]
    assert loaded[4].all()
    assert meta_of(loaded)["scale"] == 64
    assert meta_of(loaded)["original_image_shape"] == [1, 1, 3]


def test_masks_of_any_type_become_bool():
    for masks in (TWO.astype(np.uint8) * 255, TWO.astype(float)):
        mask = load_image_gt(Picture(masks, [1, 1]), CONFIG, 0)[-1]
        assert mask.dtype == bool
        assert mask.sum() == TWO.sum()


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"image a of boxes returned .* 1 class ids"):
        load_image_gt(Picture(TWO, [1]), CONFIG, 0)
    picture = Picture(TWO, [1, 1], np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a of boxes has 9 x 9 .* 32 x 64"):
        load_image_gt(picture, CONFIG, 0)


def bright(masks):
    """Return an image whose red channel repeats the masks."""
    image = np.zeros((*masks.shape[:2], 3), np.uint8)
    image[..., 0] = masks.any(axis=-1) * np.uint8(255)
    return Picture(masks, [1] * masks.shape[-1], image)


def mirror_and_lose(image, masks, rng):
    """Mirror an image, and lose the first object."""
    masks = masks[:, ::-1].copy()
    masks[..., 0] = False
    return image[:, ::-1], masks


def test_masks_that_augmentation_loses_are_dropped():
    picture = Picture(TWO, [1, 2])
    loaded = load_image_gt(picture, CONFIG, 0, augmentation=mirror_and_lose)
    assert loaded[2].tolist() == [2]
    assert loaded[3].tolist() == [[20, 0, 48, 24]]
    assert loaded[4].shape == (64, 64, 1)


def test_augment_mirrors_half_of_the_images():
    np.random.seed(0)
    lefts = [load_image_gt(bright(TWO), CONFIG, 0, augment=True) for _ in range(40)]
    for image, *_, mask in lefts:
        np.testing.assert_array_equal(image[..., 0] > 0, mask.any(axis=-1))
    firsts = [bbox[0].tolist() for *_, bbox, _ in lefts]
    assert 8 <= firsts.count([16, 48, 24, 64]) <= 32
    assert firsts.count([16, 0, 24, 16]) == 40 - firsts.count([16, 48, 24, 64])


@pytest.mark.parametrize("how", ["keyword", "fork, by place", "Matterport, by place"])
def test_an_augmenter_is_taken_wherever_it_is_passed(how):
    mirror = imgaug().augmenters.Fliplr(1.0)
    given = {"keyword": (), "fork, by place": (mirror,)}.get(how, (False, mirror))
    options = {"augmentation": mirror} if how == "keyword" else {}
    image, *_, bbox, mask = load_image_gt(bright(TWO), CONFIG, 0, *given, **options)
    assert bbox.tolist() == [[16, 48, 24, 64], [20, 0, 48, 24]]
    np.testing.assert_array_equal(image[..., 0] > 0, mask.any(axis=-1))
    assert mask.shape == (64, 64, 2)  # not mini masks, as in forks


def test_a_forks_none_is_no_augmentation():
    loaded = load_image_gt(bright(TWO), CONFIG, 0, None)
    assert loaded[3].tolist() == [[16, 0, 24, 16], [20, 40, 48, 64]]


def test_what_is_no_augmentation_is_refused():
    with pytest.raises(TypeError, match="two augmentations"):
        load_image_gt(bright(TWO), CONFIG, 0, mirror_and_lose, mirror_and_lose)
    with pytest.raises(TypeError, match="augmentation is a str"):
        load_image_gt(bright(TWO), CONFIG, 0, augmentation="flip")
    crop = imgaug().augmenters.Crop(px=4, keep_size=False)
    with pytest.raises(ValueError, match="keep_size"):
        load_image_gt(bright(TWO), CONFIG, 0, augmentation=crop)


def test_numpys_seed_repeats_augmentations():
    turn = imgaug().augmenters.Affine(rotate=(-30, 30))
    loaded = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        loaded.append(load_image_gt(bright(TWO), CONFIG, 0, augmentation=turn))
    for first, again in zip(*loaded[:2], strict=True):
        np.testing.assert_array_equal(first, again)
    assert (loaded[0][0] != loaded[2][0]).any()


def test_numpys_seed_repeats_crops_and_they_differ():
    config = type("Crop", (Small,), {"IMAGE_RESIZE_MODE": "crop"})()
    picture = bright(rectangles((50, 50, 60, 60), shape=(100, 110)))
    windows = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        image, _, _, bbox, mask = load_image_gt(picture, config, 0)
        assert image.shape == (64, 64, 3)
        np.testing.assert_array_equal(image[..., 0] > 0, mask.any(axis=-1))
        windows.append(bbox.tolist())
    assert windows[0] == windows[1] != windows[2]


def test_without_chance_no_number_is_drawn():
    np.random.seed(3)
    load_image_gt(bright(TWO), CONFIG, 0, use_mini_mask=True)
    drawn = np.random.random()
    np.random.seed(3)
    assert drawn == np.random.random()


def test_log_lines(capsys):
    log("a text")
    log("image", np.array([[0, 255]], np.uint8))
    log("mask", np.array([True]))
    log("nothing", np.zeros((0, 4), np.float32))
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "a text",
        "image shape: (1, 2) min: 0.00000 max: 255.00000 uint8",
        "mask shape: (1,) min: 1.00000 max: 1.00000 bool",
        "nothing shape: (0, 4) min: max: float32",
    ]
    assert len({line.index("shape:") for line in lines[1:]}) == 1
    assert len({line.index("max:") for line in lines[1:]}) == 1
