"""Pipelines of Albumentations: repeated by a seed, in step, or refused by name.

The first tests need no Albumentations: they use objects that answer as its own do.
`make test-backends` has the package, and runs the last ones.
"""

import numpy as np
import pytest

from mrcnn.data.augment import as_augmentation, rehearse


@pytest.fixture
def sample():
    """Two objects, whose masks the red and the green channel repeat."""
    masks = np.zeros((48, 64, 2), bool)
    masks[6:26, 8:32, 0] = True
    masks[26:42, 36:60, 1] = True
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., :2] = masks * np.uint8(255)
    return image, masks


def kind(name, parent=object, **members):
    """Return a class as Albumentations has it."""
    return type(name, (parent,), {"__module__": "albumentations.made_up", **members})


def seeded(self, seed):
    self.rng = np.random.default_rng(seed)


BasicTransform = kind(
    "BasicTransform",
    set_random_seed=seeded,
    targets_as_params=(),
    targets={"image": 1, "masks": 1},
)
ImageOnlyTransform = kind("ImageOnlyTransform", BasicTransform, targets={"image": 1})


def roll(self, image, masks):
    shift = int(self.rng.integers(-9, 9))
    assert all(mask.dtype == np.uint8 for mask in masks)
    image[0] = image[0]  # is allowed to write
    return {
        "image": np.roll(image, shift, 1),
        "masks": [np.roll(mask, shift, 1) for mask in masks],
    }


Roll = kind("Roll", BasicTransform, __call__=roll)
Dim = kind(
    "Dim",
    ImageOnlyTransform,
    __call__=lambda self, image, masks: {"image": image // 2, "masks": masks},
)


def chain(self, **data):
    for transform in self.transforms:
        transform.set_random_seed(int(self.rng.integers(2**31)))
        data = transform(**data)
    return data


class _Pipeline:
    def __init__(self, transforms, processors=None):
        self.transforms, self.processors = transforms, processors


BaseCompose = kind("BaseCompose", _Pipeline, set_random_seed=seeded, __call__=chain)
Compose = kind("Compose", BaseCompose)
SelectiveChannelTransform = kind("SelectiveChannelTransform", BaseCompose)


@pytest.mark.parametrize("made", [Roll, lambda: Compose([Roll(), Dim()])])
def test_a_pipeline_moves_masks_and_repeats(sample, made):
    pipeline = made()
    augmentation = as_augmentation(pipeline)
    shifts = set()
    for seed in range(6):
        image, masks = augmentation(*sample, np.random.default_rng(seed))
        again = augmentation(*sample, np.random.default_rng(seed))
        np.testing.assert_array_equal(image, again[0])
        np.testing.assert_array_equal(image[..., :2] > 100, masks)
        assert masks.dtype == bool
        shifts.add(masks.tobytes())
    assert len(shifts) > 2
    assert not hasattr(pipeline, "rng")


def test_no_objects_are_no_masks(sample):
    none = np.zeros((48, 64, 0), bool)
    augmentation = as_augmentation(Roll())
    assert augmentation(sample[0], none, np.random.default_rng(0))[1].shape == (
        48,
        64,
        0,
    )


def lambda_of(mask):
    functions = {"image": np.copy, "mask": mask}
    return kind("Lambda", BasicTransform, custom_apply_fns=functions)()


def noop(mask, **rest):
    return mask


REFUSED = {
    "old version": (kind("OldFlip"), "OldFlip is of a version.*2.0.8"),
    "boxes": (lambda: Compose([Dim()], {"bboxes": 1}), "Compose has bbox_params"),
    "other images": (
        kind("FDA", ImageOnlyTransform, targets_as_params=["fda_metadata"]),
        "FDA asks for fda_metadata",
    ),
    "silent boxes": (kind("BBoxSafeRandomCrop", BasicTransform), "asks for bboxes"),
    "volumes": (kind("Pad3D", BasicTransform, targets={"volume": 1}), "Pad3D acts on"),
    "function": (lambda: lambda_of(noop), "Lambda says nothing about masks.*mask="),
    "channels": (lambda: SelectiveChannelTransform([Roll()]), "moves some channels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_masks_is_refused_wherever_it_stands(name):
    made, told = REFUSED[name]
    for pipeline in (made(), Compose([Dim(), Compose([made()])])):
        with pytest.raises(ValueError, match=told):
            as_augmentation(pipeline)


def test_all_faults_are_named_in_one_error():
    both = [REFUSED["volumes"][0](), REFUSED["other images"][0]()]
    with pytest.raises(ValueError, match=r"Compose has bbox.*Pad3D.*FDA"):
        as_augmentation(Compose(both, {"bboxes": 1}))


def test_changes_of_colour_may_be_selective_and_functions_may_know_masks():
    as_augmentation(SelectiveChannelTransform([Dim()]))
    as_augmentation(lambda_of(lambda mask, **rest: mask))


def test_other_sizes_and_types_are_refused():
    def cut(self, image, masks):
        return {"image": image[:9], "masks": [mask[:9] for mask in masks]}

    def normalise(self, image, masks):
        return {"image": image / np.float32(255), "masks": masks}

    for transform, told in (
        (kind("Cut", BasicTransform, __call__=cut)(), r"\(9, 64, 3\).*Resize"),
        (kind("Scaled", BasicTransform, __call__=normalise)(), "float32.*Normalize"),
    ):
        name = type(transform).__name__
        with pytest.raises(ValueError, match=f"augmentation {name} turned.*{told}"):
            rehearse(as_augmentation(transform), (48, 64, 3))


def in_step(image, masks):
    """Return the least IoU of a mask with the channel that shows its object."""
    shown = image[..., :2] > 127
    union = (shown | masks).sum((0, 1))
    return ((shown & masks).sum((0, 1)) / np.maximum(union, 1))[union > 0].min()


MOVES = {
    "HorizontalFlip": {},
    "Rotate": {},
    "Affine": {"rotate": (-30, 30), "scale": (0.7, 1.2)},
    "ShiftScaleRotate": {},
    "ElasticTransform": {"alpha": 60, "sigma": 6},
    "GridDistortion": {},
    "Perspective": {},
    "RandomGridShuffle": {},
    "RandomResizedCrop": {"size": (48, 64), "scale": (0.5, 1.0)},
    "D4": {},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MOVES)
def test_real_transforms_keep_masks_in_step(sample, name):
    albumentations = pytest.importorskip("albumentations")
    image, masks = sample
    if name == "D4":  # would turn a picture that is not square
        image, masks = image[:, :48], masks[:, :48]
    transform = getattr(albumentations, name)(p=1.0, **MOVES[name])
    pipeline = albumentations.Compose([transform, albumentations.ColorJitter(p=0.0)])
    moved = False
    for one in (transform, pipeline):
        augmentation = as_augmentation(one)
        for seed in range(4):
            changed, new = augmentation(image, masks, np.random.default_rng(seed))
            again, _ = augmentation(image, masks, np.random.default_rng(seed))
            np.testing.assert_array_equal(changed, again)
            # Its masks are resized by OpenCV's nearest pixel, which is up to one off.
            assert in_step(changed, new) > (0.85 if "Resized" in name else 0.9)
            moved |= bool((new != masks).any())
    assert moved


@pytest.mark.filterwarnings("ignore")
def test_real_faults_are_refused():
    albumentations = pytest.importorskip("albumentations")
    lambdas = albumentations.Lambda(image=lambda image, **rest: image)
    boxes = albumentations.BboxParams("coco")
    for pipeline, told in (
        (albumentations.Compose([lambdas]), "Lambda says nothing"),
        (albumentations.Compose([], bbox_params=boxes), "bbox_params"),
        (albumentations.OneOf([albumentations.MaskDropout()]), "asks for mask"),
        (albumentations.CoarseDropout3D(), "acts on volumes"),
    ):
        with pytest.raises(ValueError, match=told):
            as_augmentation(pipeline)
    for transform in (
        albumentations.Normalize(p=1.0),
        albumentations.RandomCrop(9, 9, p=1.0),
    ):
        with pytest.raises(ValueError, match="turned an image"):
            rehearse(as_augmentation(transform), (48, 64, 3))
