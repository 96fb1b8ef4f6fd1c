"""Augmentation: masks follow the image, seeds repeat, and results are checked."""

import sys
from importlib.machinery import PathFinder

import numpy as np
import pytest

from mrcnn.data.augment import (
    NAMES,
    CopyPaste,
    as_augmentation,
    colour_jitter,
    compose,
    flip,
    for_nuclei,
    from_imgaug,
    imgaug,
    named,
    rehearse,
    scale_jitter,
    turn,
)

ia = imgaug()
iaa = ia.augmenters


def augment(augmenter, image, masks, seed):
    """Return image and masks as a seed changes them."""
    return as_augmentation(augmenter)(image, masks, np.random.default_rng(seed))


@pytest.fixture
def sample():
    """Two objects, whose masks the red and the green channel repeat."""
    masks = np.zeros((60, 80, 2), bool)
    masks[10:30, 15:40, 0] = True
    masks[35:55, 50:75, 1] = True
    image = np.zeros((60, 80, 3), np.uint8)
    image[..., :2] = masks * np.uint8(255)
    return image, masks


def assert_in_step(image, masks, border=0):
    """Compare masks with their channels; `border` pixels may be blurred edges."""
    bright = image[..., : masks.shape[2]] > 127
    assert masks.any(), "a test without objects shows nothing"
    assert (bright != masks).sum() <= border


MOVES = {
    "flip": lambda: iaa.Fliplr(1.0),
    "affine": lambda: iaa.Affine(rotate=(-40, 40), scale=(0.7, 1.3), shear=(-9, 9)),
    "crop": lambda: iaa.Crop(percent=(0, 0.2)),
    "pad": lambda: iaa.Pad(px=(0, 9)),
    "rotate": lambda: iaa.Rotate(30),
    "turn": lambda: iaa.Rot90(2),
    "perspective": lambda: iaa.PerspectiveTransform(0.1),
    "nested": lambda: iaa.SomeOf(
        (1, 3),
        [
            iaa.Fliplr(0.5),
            iaa.OneOf([iaa.Affine(rotate=90), iaa.Affine(rotate=180)]),
            iaa.Sometimes(0.5, iaa.Flipud(1.0)),
        ],
    ),
    "with noise": lambda: iaa.Sequential([iaa.Fliplr(1.0), iaa.Multiply((0.8, 1.0))]),
}


@pytest.mark.parametrize("name", MOVES)
def test_masks_follow_the_image(sample, name):
    for seed in range(5):
        image, masks = augment(MOVES[name](), *sample, seed)
        assert (masks.dtype, masks.shape) == (bool, sample[1].shape)
        assert_in_step(image, masks, border=90 if name == "perspective" else 24)


def positions(side):
    """Return the eight positions of a square picture whose pixels all differ."""
    picture = np.arange(side * side, dtype=np.uint8).reshape(side, side)
    turned = [np.rot90(picture, i) for i in range(4)]
    return [*turned, *(each[:, ::-1] for each in turned)]


def test_all_eight_positions_of_a_square_come_up_equally_often():
    rng, known = np.random.default_rng(0), [each.tobytes() for each in positions(5)]
    image = np.repeat(positions(5)[0][..., None], 3, axis=-1)
    masks = np.stack([image[..., 0] % n == 0 for n in (2, 3, 5)], axis=-1)
    seen = []
    for _ in range(800):
        moved, follow = turn(image, masks, rng)
        for i, n in enumerate((2, 3, 5)):
            np.testing.assert_array_equal(follow[..., i], moved[..., 0] % n == 0)
        seen.append(known.index(moved[..., 0].tobytes()))
    assert len(set(known)) == 8
    assert np.bincount(seen, minlength=8).min() > 70  # of 100


def test_what_is_not_square_keeps_its_size():
    rng = np.random.default_rng(0)
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    seen = set()
    for _ in range(60):
        moved, masks = turn(image, image[..., :2] % 2 == 0, rng)
        assert moved.shape == image.shape
        np.testing.assert_array_equal(masks, moved[..., :2] % 2 == 0)
        seen.add(moved.tobytes())
    ways = (image, image[::-1], image[:, ::-1], image[::-1, ::-1])
    assert seen == {each.tobytes() for each in ways}


@pytest.mark.parametrize("shape", [(64, 64), (48, 80)])
def test_masks_of_nuclei_follow_their_pixels(shape):
    masks = np.zeros((*shape, 2), bool)
    masks[6:26, 8:30, 0] = masks[24:40, 36:58, 1] = True
    image = np.full((*shape, 3), 40, np.uint8)
    image[masks.any(axis=-1)] = 200
    once, again = ([], [])
    for found in (once, again):
        for seed in range(8):
            moved, follow = for_nuclei()(image, masks, np.random.default_rng(seed))
            assert (moved.shape, follow.shape) == (image.shape, masks.shape)
            assert (moved.dtype, follow.dtype) == (np.uint8, bool)
            # Exposed otherwise, grey stays grey, and objects are brighter than ground.
            assert int(np.ptp(moved.astype(int), axis=-1).max()) <= 1
            middle = (int(moved.min()) + int(moved.max())) / 2
            differ = (moved[..., 0] > middle) != follow.any(axis=-1)
            assert follow.any() and differ.sum() <= 0.03 * differ.size
            found.append(moved)
    np.testing.assert_array_equal(once, again)
    assert len({each.tobytes() for each in once}) == 8


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")
def test_piecewise_affine_keeps_masks_in_step(sample):
    image, masks = augment(iaa.PiecewiseAffine(0.03), *sample, 1)
    assert (masks != sample[1]).any()
    assert_in_step(image, masks, border=20)


def test_flip_moves_every_pixel(sample):
    image, masks = augment(iaa.Fliplr(1.0), *sample, 0)
    np.testing.assert_array_equal(image, sample[0][:, ::-1])
    np.testing.assert_array_equal(masks, sample[1][:, ::-1])


@pytest.mark.parametrize(
    "augmenter",
    [
        iaa.GaussianBlur(2.0),
        iaa.Invert(1.0),
        iaa.CoarseDropout(0.5, size_percent=0.1),
        iaa.AdditiveGaussianNoise(scale=50),
        iaa.Fog(),  # Needs NumPy's old `complex`.
    ],
)
def test_colours_and_noise_leave_masks_alone(sample, augmenter):
    image, masks = augment(augmenter, *sample, 0)
    assert (image != sample[0]).any()
    np.testing.assert_array_equal(masks, sample[1])


@pytest.mark.parametrize("value", [0, 127, 255])
def test_a_filled_border_is_no_object(sample, value):
    shrink = iaa.Affine(scale=0.5, cval=value)
    _, masks = augment(shrink, *sample, 0)
    assert masks.sum() == pytest.approx(sample[1].sum() / 4, rel=0.1)


def test_seed_repeats_and_the_augmenter_is_not_changed(sample):
    augmenter = iaa.Affine(rotate=(-180, 180))
    first, again, other = (augment(augmenter, *sample, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()
    assert not augmenter.deterministic


@pytest.mark.parametrize(
    "augmenter", [iaa.Crop(px=4, keep_size=False), iaa.Resize(0.5), iaa.Rot90(1, False)]
)
def test_a_changed_size_is_an_error(sample, augmenter):
    for name, one in (
        (type(augmenter).__name__, augmenter),
        ("Sequential", iaa.Sequential([augmenter])),
    ):
        told = rf"augmentation {name} turned .*\(60, 80, 3\) uint8.* into .*keep_size"
        with pytest.raises(ValueError, match=told):
            augment(one, *sample, 0)
    kept, masks = augment(iaa.KeepSizeByResize(augmenter), *sample, 0)
    assert_in_step(kept, masks, border=90)


def test_sizes_may_change_on_the_way(sample):
    wander = [iaa.PadToFixedSize(100, 90), iaa.CropToFixedSize(80, 60)]
    image, masks = augment(iaa.Sequential(wander), *sample, 3)
    assert (masks != sample[1]).any()
    assert_in_step(image, masks)


def test_results_of_ones_own_function_are_checked(sample):
    def half(image, masks, rng):
        return image[::2], masks[::2]

    def floats(image, masks, rng):
        return image / 255, masks

    def numbers(image, masks, rng):
        return image, masks.astype(np.uint8)

    def fewer(image, masks, rng):
        return image, masks[..., :1]

    for function, told in (
        (
            half,
            r"into an image of shape \(30, 80, 3\) uint8 and masks of .*\(30, 80, 2\)",
        ),
        (floats, r"into an image of shape \(60, 80, 3\) float64"),
        (numbers, r"masks of shape \(60, 80, 2\) uint8"),
        (fewer, r"masks of shape \(60, 80, 1\) bool"),
    ):
        with pytest.raises(
            ValueError, match=f"augmentation {function.__name__}.*{told}"
        ):
            augment(function, *sample, 0)


def test_a_rehearsal_fails_before_the_training():
    rehearse(as_augmentation(iaa.Affine(rotate=(-9, 9))), (32, 48, 3))
    sometimes = iaa.Sometimes(0.5, iaa.Crop(px=2, keep_size=False))
    with pytest.raises(ValueError, match=r"\(32, 48, 3\) uint8.*keep_size"):
        rehearse(as_augmentation(sometimes), (32, 48, 3))
    with pytest.raises(ValueError, match=r"fails .*TypeError: .*takes 1 positional"):
        rehearse(as_augmentation(lambda image: image), (32, 48, 3))
    with pytest.raises(ValueError, match=r"<lambda> returned a ndarray: it has"):
        rehearse(as_augmentation(lambda image, *_: image), (32, 48, 3))
    asserts = iaa.AssertShape((None, 64, 64, 3))
    with pytest.raises(ValueError, match=r"fails on .* of \(32, 48, 3\) .*: Assert"):
        rehearse(as_augmentation(asserts), (32, 48, 3))


BUILT_IN = {
    "flip": flip,
    "zoom": scale_jitter(1.0, 1.5),
    "shrink": scale_jitter(0.4, 1.0),
    "colour": colour_jitter(0.1, 0.1, 0.0),
    "all": compose(flip, scale_jitter(0.6, 1.4), colour_jitter(0.1, 0.1, 0.0)),
    "imgaug": from_imgaug(iaa.Affine(rotate=(-20, 20))),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_augmentations_keep_step_size_and_type(sample, name):
    for seed in range(8):
        image, masks = BUILT_IN[name](*sample, np.random.default_rng(seed))
        assert (image.dtype, image.shape) == (np.uint8, (60, 80, 3))
        assert (masks.dtype, masks.shape) == (bool, (60, 80, 2))
        assert_in_step(image, masks, border=40)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_augmentations_repeat_from_their_seed(sample, name):
    results = [
        BUILT_IN[name](*sample, np.random.default_rng(seed)) for seed in (*range(9), 0)
    ]
    np.testing.assert_array_equal(results[0][0], results[-1][0])
    np.testing.assert_array_equal(results[0][1], results[-1][1])
    assert any((image != results[0][0]).any() for image, _ in results)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("shape", [(60, 80), (1, 1)])
def test_no_objects_and_one_pixel(name, shape):
    image = np.full((*shape, 3), 90, np.uint8)
    masks = np.zeros((*shape, 0), bool)
    changed, none = BUILT_IN[name](image, masks, np.random.default_rng(1))
    assert (changed.shape, none.shape) == (image.shape, masks.shape)


def test_an_object_that_leaves_the_image_stays_in_the_array(sample):
    zoom = scale_jitter(8.0, 8.0)
    _, masks = zoom(*sample, np.random.default_rng(0))
    assert masks.shape == (60, 80, 2)
    assert not masks.all(axis=(0, 1)).all() and (masks.sum(axis=(0, 1)) == 0).any()


def test_zoom_scales_areas():
    masks = np.zeros((100, 100, 1), bool)
    masks[48:52, 48:52] = True
    image = np.zeros((100, 100, 3), np.uint8)
    _, moved = scale_jitter(0.5, 0.5)(image, masks, np.random.default_rng(0))
    assert moved.sum() == 4


def test_hue_turns_colours_but_not_grey():
    jitter = colour_jitter(0.0, 0.0, 0.0, hue=0.5)
    grey = np.full((4, 4, 3), 77, np.uint8)
    masks = np.ones((4, 4, 1), bool)
    unchanged, _ = jitter(grey, masks, np.random.default_rng(0))
    np.testing.assert_array_equal(unchanged, grey)
    stripes = grey.copy()
    stripes[:, :2] = (200, 60, 60)
    changed, _ = jitter(stripes, masks, np.random.default_rng(0))
    assert (changed[:, :2] != stripes[:, :2]).any()


def test_augmenters_and_augmentations_are_told_apart(sample):
    for seed in range(4):
        same = as_augmentation(flip)(*sample, np.random.default_rng(seed))
        wanted = flip(*sample, np.random.default_rng(seed))
        np.testing.assert_array_equal(same[0], wanted[0])
        np.testing.assert_array_equal(same[1], wanted[1])
    mirrored, _ = as_augmentation(iaa.Fliplr(1.0))(*sample, np.random.default_rng(0))
    np.testing.assert_array_equal(mirrored, sample[0][:, ::-1])
    for wrong, told in (
        ([iaa.Fliplr(1.0)], "a list: .*Sequential"),
        (iaa.Fliplr, "the class Fliplr: give an augmenter"),
        ("flip", "a str"),
    ):
        with pytest.raises(TypeError, match=f"augmentation is {told}"):
            as_augmentation(wrong)


def test_bad_scales_are_refused():
    for low, high in ((0, 1), (2, 1)):
        with pytest.raises(ValueError, match="0 < low <= high"):
            scale_jitter(low, high)


def test_missing_imgaug_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "imgaug", None)
    monkeypatch.delitem(sys.modules, "imgaug")
    paths = [f for f in sys.meta_path if f is not PathFinder]
    monkeypatch.setattr(sys, "meta_path", paths)
    with pytest.raises(ImportError, match=r"pip install imgaug.*flip"):
        imgaug()
    assert not hasattr(np, "sctypes")


def test_by_name():
    assert named([]) == (None, None)
    assert named(["flip"]) == (flip, None)
    assert named(["copy-paste", "turn"]) == (turn, CopyPaste())
    image = np.zeros((8, 8, 3), np.uint8)
    masks = np.zeros((8, 8, 1), bool)
    every, _ = named(list(NAMES))
    assert every(image, masks, np.random.default_rng(0))[1].shape == masks.shape
    with pytest.raises(ValueError, match="no augmentation 'flop': choose from flip"):
        named(["flop"])
