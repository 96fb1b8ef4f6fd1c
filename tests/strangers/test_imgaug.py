"""Each augmenter of imgaug acts in step with the masks, or is refused by name."""

import re
import warnings

import numpy as np
import pytest

from mrcnn.data.augment import as_augmentation, imgaug

import augmenters
import pictures

iaa = imgaug().augmenters
NAMES = augmenters.augmenters()
# The edges, blobs and colours that these draw are not those of the objects.
REDRAWN = {
    *("Canny", "Cartoon", "FastSnowyLandscape", "KMeansColorQuantization", "Solarize"),
    *("pillike.FilterContour", "pillike.FilterEmboss", "pillike.FilterFindEdges"),
    *("pillike.Solarize", "RelativeRegularGridVoronoi", "Superpixels"),
    *("Grayscale", "MultiplyHue", "RemoveSaturation"),
}
# Colours change in these too.
COMPOSITES = {"RandAugment", "TotalDropout"}


def iou(one, other):
    union = (one | other).sum()
    return (one & other).sum() / union if union else 1.0


def in_step(image, masks):
    """Return the least IoU of a mask with the channel that shows its object."""
    return min(iou(image[..., i] > 127, masks[..., i]) for i in range(masks.shape[2]))


def visible(image, mask):
    """Return the IoU with the mask of what some threshold parts best in a channel."""
    parts = [image[..., c] > t for c in range(3) for t in range(8, 256, 16)]
    return max(max(iou(part, mask), iou(~part, mask)) for part in parts)


@pytest.fixture(scope="module")
def shown():
    """What the page says of each augmenter: masks that move, stay, or the way out."""
    numbers = pictures.numbers_of(augmenters.PAGE)
    rows = [line.strip("| ").split(" | ") for line in numbers["taken"].splitlines()[2:]]
    said = {name.strip("`"): what for what, names in rows for name in names.split(", ")}
    rows = [row.strip("| ").split(" | ") for row in numbers["refused"].splitlines()[2:]]
    return said | {name.strip("`"): why for name, why in rows}


def test_the_page_tells_of_every_augmenter(shown):
    optional = {name for name in NAMES if augmenters.OPTIONAL.match(name)}
    assert shown.keys() == NAMES.keys() - optional
    assert len(optional) == 15
    numbers = pictures.numbers_of(augmenters.PAGE)
    assert numbers["count"] == str(len(NAMES))
    for name in ("taken", "refused"):  # columns of text are read from the left
        assert numbers[name].splitlines()[1] == "| --- | --- |"
    used = re.findall(r"\{\{ (\w+) \}\}", augmenters.PAGE.read_text())
    assert sorted(used) == sorted(numbers)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in NAMES if not augmenters.OPTIONAL.match(n)])
def test_masks_and_pictures_stay_in_step(name, shown):
    image, masks = augmenters.picture()
    moved, clear = False, []
    for augmenter in augmenters.made(name, NAMES[name]):
        try:
            augmentation = as_augmentation(augmenter)
        except ValueError as error:
            assert shown[name] in str(error)
            assert name in str(error)
            return
        for seed in augmenters.SEEDS:
            results = [
                augmentation(image, masks, np.random.default_rng(seed)) for _ in "ab"
            ]
            (changed, new), (again, same) = results
            np.testing.assert_array_equal(changed, again)
            np.testing.assert_array_equal(new, same)
            moved |= bool((new != masks).any())
            if (new != masks).any() and name not in COMPOSITES:
                assert in_step(changed, new) > 0.9, seed
            clear.append(min(visible(changed, new[..., i]) for i in range(2)))
    assert shown[name] == (augmenters.MOVING if moved else augmenters.STILL)
    assert np.median(clear) > 0.7 or name in REDRAWN
    np.testing.assert_array_equal(image, augmenters.picture()[0])


def moving():
    return iaa.Affine(rotate=40)


REFUSED = {
    "blend": lambda: iaa.BlendAlpha((0.0, 1.0), moving()),
    "half": lambda: iaa.BlendAlpha(0.5, iaa.Fliplr(1.0)),
    "background": lambda: iaa.BlendAlpha(0.5, background=iaa.Sequential([moving()])),
    "noise": lambda: iaa.BlendAlphaSimplexNoise(iaa.Crop(px=3)),
    "board": lambda: iaa.BlendAlphaCheckerboard(2, 2, iaa.pillike.Affine(rotate=9)),
    "channels": lambda: iaa.WithChannels(0, iaa.Sometimes(0.5, moving())),
    "brightness": lambda: iaa.WithBrightnessChannels(iaa.PiecewiseAffine(0.1)),
    "hue": lambda: iaa.WithHueAndSaturation(iaa.WithPolarWarping(iaa.Jigsaw(2, 2))),
    "function": lambda: iaa.Lambda(func_images=lambda images, *_: images),
    "corruption": lambda: iaa.imgcorruptlike.ElasticTransform(2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_leaves_masks_behind_is_refused_wherever_it_stands(name):
    augmenter = REFUSED[name]()
    for outer in (augmenter, iaa.Sequential([iaa.OneOf([augmenter, iaa.Noop()])])):
        with pytest.raises(ValueError, match=f"{type(augmenter).__name__} .*[:,]"):
            as_augmentation(outer)


def test_all_faults_are_named_in_one_error():
    both = iaa.Sequential([REFUSED["blend"](), REFUSED["function"](), moving()])
    with pytest.raises(ValueError, match=r"BlendAlpha moves.*Affine.*Lambda says"):
        as_augmentation(both)


def test_augmenters_of_ones_own_say_what_masks_do():
    class Mirror(iaa.Augmenter):
        def _augment_images(self, images, random_state, parents, hooks):
            return [image[:, ::-1] for image in images]

        def get_parameters(self):
            return []

    class Both(Mirror):
        def _augment_segmentation_maps(self, segmaps, random_state, parents, hooks):
            return [segmap.copy(segmap.arr[:, ::-1]) for segmap in segmaps]

    class Turned(iaa.Affine):
        """Adds nothing of its own."""

    with pytest.raises(ValueError, match=r"Mirror says nothing about masks.*segmaps"):
        as_augmentation(iaa.Sequential([Mirror()]))
    image, masks = augmenters.picture()
    for augmenter in (Both(), Turned(rotate=20)):
        changed, new = as_augmentation(augmenter)(
            image, masks, np.random.default_rng(0)
        )
        assert (new != masks).any()
        assert in_step(changed, new) > 0.9
    with pytest.raises(ValueError, match="WithChannels moves some channels with Both"):
        as_augmentation(iaa.WithChannels(0, Both()))


COMPUTED = ["constant", "linear_ramp", "maximum", "mean", "median", "minimum"]


@pytest.mark.parametrize("mode", COMPUTED)
def test_a_computed_border_is_no_object(mode):
    image, masks = augmenters.picture()
    pad = iaa.Pad(px=9, pad_mode=mode, keep_size=False)
    both = iaa.Sequential([pad, iaa.Crop(px=9, keep_size=False)])
    _, new = as_augmentation(both)(image, masks, np.random.default_rng(0))
    np.testing.assert_array_equal(new, masks)
    kept = iaa.Sequential([pad, iaa.CenterCropToFixedSize(64, 48)])
    both = iaa.Sequential([iaa.CropToFixedSize(50, 36), kept])
    changed, new = as_augmentation(both)(image, masks, np.random.default_rng(1))
    assert changed.shape == image.shape
    assert new.any() and not new[:6].any() and not new[-6:].any()


def test_a_repeated_border_repeats_objects():
    image, masks = augmenters.picture()
    for mode in ("reflect", "wrap", "edge", "symmetric"):
        shrink = iaa.Affine(scale=0.4, mode=mode)
        changed, new = as_augmentation(shrink)(image, masks, np.random.default_rng(0))
        assert in_step(changed, new) > 0.9
    assert new.sum() > masks.sum() * 0.4**2


def test_many_masks_cost_no_more_than_one():
    image, _ = augmenters.picture()
    masks = np.random.default_rng(0).random((48, 64, 300)) > 0.5
    _, new = as_augmentation(iaa.Fliplr(1.0))(image, masks, np.random.default_rng(0))
    np.testing.assert_array_equal(new, masks[:, ::-1])


def test_augmenters_are_copied():
    augmenter = iaa.Pad(px=2, pad_mode="reflect")
    augmentation = as_augmentation(augmenter)
    augmenter.keep_size = False
    image, masks = augmenters.picture()
    assert augmentation(image, masks, np.random.default_rng(0))[0].shape == image.shape
    assert augmenter._pad_mode_segmentation_maps == "constant"


def test_other_versions_are_refused(monkeypatch):
    monkeypatch.setattr(imgaug(), "__version__", "0.2.6")
    with pytest.raises(ValueError, match=r"imgaug is 0\.2\.6.*install imgaug==0\.4"):
        as_augmentation(iaa.Fliplr(0.5))


def test_what_only_resembles_imgaug_is_refused():
    class Mirror:
        def to_deterministic(self):
            return self

        def augment_image(self, image, hooks=None):
            return image[:, ::-1]

        __call__ = augment_image

    with pytest.raises(TypeError, match=r"a Mirror: give .*\(image, masks, rng\)"):
        as_augmentation(Mirror())


def test_mended_augmenters_work_without_masks():
    image, _ = augmenters.picture()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for augmenter in (
            iaa.ElasticTransformation(alpha=50, sigma=5),
            iaa.pillike.Autocontrast(5),
            iaa.pillike.Autocontrast((1, 9), per_channel=True),
            iaa.RandAugment(2, 9),
        ):
            assert augmenter(images=[image, image])[1].shape == image.shape


def test_maps_of_classes_follow_pillikes_affine():
    image, _ = augmenters.picture()
    numbers = np.arange(48 * 64, dtype=np.int32).reshape(48, 64, 1) * 300_000
    maps = imgaug().SegmentationMapsOnImage(numbers, (48, 64, 3))
    aside = iaa.pillike.Affine(translate_px={"x": 5}, fillcolor=9)
    for row in range(2):
        _, new = aside(images=[image] * 2, segmentation_maps=[maps] * 2)
        np.testing.assert_array_equal(new[row].arr[:, 5:], numbers[:, :-5])
        assert not new[row].arr[:, :5].any()
    with pytest.raises(ValueError, match=r"not \{'keypoints'\}.*Affine"):
        aside(image=image, keypoints=[(3.0, 4.0)])


def test_resized_maps_hold_the_middle_pixel_and_no_other_number():
    ramp = imgaug().SegmentationMapsOnImage(
        np.arange(6, dtype=np.int32)[None].repeat(2, 0), (2, 6, 3)
    )
    small = ramp.resize((1, 2), interpolation="cubic")
    np.testing.assert_array_equal(small.arr[..., 0], [[1, 4]])
    large = ramp.resize((2, 12))
    np.testing.assert_array_equal(large.arr[0, :, 0], np.arange(12) // 2)
    assert ramp.resize(2.0).arr.shape == (4, 12, 1)
