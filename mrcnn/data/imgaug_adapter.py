"""An augmenter of imgaug as an augmentation: pictures and masks in step, or refused.

One segmentation map goes through the augmenter together with the picture. It holds the
place of each pixel, and so comes back as the answer to "where does this pixel come
from?", by which the masks are looked up, however many there are. What comes from
nowhere, such as a border filled with a colour, belongs to no object. Augmenters of
which imgaug does not know, or not exactly, what they move are refused by name.
"""

import copy
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from mrcnn.data import imgaug_mends
from mrcnn.structures import Augmentation

MOVES = (
    *("Affine", "PiecewiseAffine", "PerspectiveTransform", "ElasticTransformation"),
    *("Fliplr", "Flipud", "Rot90", "Jigsaw", "CropAndPad", "Resize", "Lambda"),
    *("PadToFixedSize", "CropToFixedSize"),
)
"""Classes of imgaug that move pixels, with their subclasses (such as Crop and Rotate);
containers move them if a child does."""

SPLITS = {
    "WithChannels": "some channels",
    "WithBrightnessChannels": "the brightness",
    "WithHueAndSaturation": "hue and saturation",
    "BlendAlphaMask": "some pixels",
    "BlendAlpha": "a share of each pixel",
}
"""Containers that let their children act on a part of the picture, and on which."""

REFUSED = {
    "BlendAlphaSegMapClassIds": "asks for maps of classes, and there are masks of "
    "objects: use Sometimes or BlendAlphaSomeColors",
    "BlendAlphaBoundingBoxes": "asks for boxes, which are made of masks afterwards: "
    "use Sometimes or BlendAlphaSomeColors",
    "RemoveCBAsByOutOfImageFraction": "removes boxes and polygons, of which there are "
    "none: leave it out (objects without a pixel are dropped)",
    "SaveDebugImageEveryNBatches": "draws maps of classes, and there are masks of "
    "objects: leave it out and look with visualize.show_augmentations",
}
"""Classes of imgaug that ask for what an image with masks lacks, and the way out."""

CORRUPTIONS = {
    "ElasticTransform": ("moves the picture only", "ElasticTransformation"),
    "Fog": ("fails under NumPy 2", "Fog"),
    "GaussianBlur": ("fails on today's scikit-image", "GaussianBlur"),
    "GlassBlur": ("fails on today's scikit-image", "GaussianBlur"),
}
"""Augmenters of imgcorruptlike that cannot be used, why, and what does the same."""

MODES_OF_MAPS = {
    *("_mode_segmentation_maps", "_pad_mode_segmentation_maps", "_pad_mode_heatmaps"),
}
"""Attributes that have the borders of maps filled with a constant, even where those of
the picture are its mirror image; None stands for "as the picture"."""


def is_imgaug(augmentation: Any) -> bool:
    """Tell whether something is an augmenter of imgaug, or of a class made from one."""
    return any(
        kind.__name__ == "Augmenter" and _within_imgaug(kind)
        for kind in type(augmentation).__mro__
    )


def from_imgaug(augmenter: Any) -> Augmentation:
    """Return an augmenter of imgaug as an augmentation.

    It is copied, and neither changed nor used. Raises ValueError if it, or one inside
    it, cannot be kept in step with masks: all of them are named, with the way out.
    """
    version = sys.modules["imgaug"].__version__
    if version != imgaug_mends.VERSION:
        raise ValueError(
            f"imgaug is {version}, and is known to keep masks in step in "
            f"{imgaug_mends.VERSION}: `pip install imgaug=={imgaug_mends.VERSION}`."
        )
    faults = list(dict.fromkeys(_faults(augmenter)))
    if faults:
        raise ValueError(
            "Masks would not follow this augmentation. "
            + " ".join(f"{fault}." for fault in faults)
        )
    prepared = copy.deepcopy(augmenter)
    for one in _all(prepared):
        _follow_the_picture(one)

    def augmentation(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        return _apply(prepared, image, masks, int(rng.integers(2**31)))

    return augmentation


def _apply(
    prepared: Any, image: np.ndarray, masks: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Apply a prepared augmenter, which is not changed; threads may share it."""
    fresh = copy.deepcopy(prepared)
    fresh.seed_(seed, deterministic_too=True)
    maps = sys.modules["imgaug"].SegmentationMapsOnImage
    places = maps(_places(image.shape[:2]), image.shape)
    changed, moved = fresh.augment(image=image, segmentation_maps=places)
    return changed, _looked_up(masks, moved.arr)


def _places(shape: tuple[int, int]) -> np.ndarray:
    """Return int32 (h, w, 2): row and column of each pixel, from 1."""
    return np.stack(np.indices(shape, np.int32) + 1, axis=-1)


def _looked_up(masks: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return masks (h, w, n) at other places (h, w, 2); False at 0, which is none."""
    rows, columns = np.moveaxis(places, -1, 0)
    return masks[rows - 1, columns - 1] & (rows > 0)[..., None]


def _follow_the_picture(augmenter: Any) -> None:
    """Let the borders of maps be filled from where those of the picture are."""
    for name in vars(augmenter).keys() & MODES_OF_MAPS:
        setattr(augmenter, name, None)


# --- What is refused


def _faults(augmenter: Any) -> Iterator[str]:
    """Yield what is to be said against an augmenter, and against those inside it."""
    name = type(augmenter).__name__
    for refused, why in REFUSED.items():
        if _is(augmenter, refused):
            yield f"{name} {why}"
    if _within(augmenter, "imgcorruptlike"):
        yield from _faults_of_a_corruption(augmenter)
    yield from _faults_of_own_code(augmenter)
    part = next((SPLITS[kind] for kind in SPLITS if _is(augmenter, kind)), None)
    children = list(_children(augmenter))
    movers = [type(c).__name__ for c in children for c in _all(c) if _moves(c)]
    if part and movers and not _all_or_nothing(augmenter):
        yield (
            f"{name} moves {part} with {movers[0]} and leaves the rest in place: put "
            f"{movers[0]} beside it, or in Sometimes"
        )
    for child in children:
        yield from _faults(child)


def _faults_of_a_corruption(augmenter: Any) -> Iterator[str]:
    """Yield what is to be said against the augmenters that wrap `imagecorruptions`."""
    kind = type(augmenter).__name__
    name = f"imgcorruptlike.{kind}"
    if kind in CORRUPTIONS:
        why, instead = CORRUPTIONS[kind]
        yield f"{name} {why}: use {instead} of imgaug.augmenters"
    elif importlib.util.find_spec("imagecorruptions") is None:
        yield (
            f"{name} needs the package imagecorruptions, which is not installed: use "
            "the augmenters of imgaug.augmenters"
        )


def _faults_of_own_code(augmenter: Any) -> Iterator[str]:
    """Yield what is to be said against a user's function or class.

    Only its author knows whether it moves pixels, and how.
    """
    if type(augmenter).__name__ == "Lambda" and _within_imgaug(type(augmenter)):
        if augmenter.func_images and not augmenter.func_segmentation_maps:
            yield (
                "Lambda says nothing about masks: give func_segmentation_maps too "
                "(lambda maps, *rest: maps, if it only changes colours)"
            )
        return
    own = [k for k in type(augmenter).__mro__ if not _within_imgaug(k)]
    defined = {name for kind in own for name in vars(kind)}
    knows = {"_augment_segmentation_maps", "_augment_batch_"}
    if "_augment_images" in defined and not defined & knows:
        yield (
            f"{type(augmenter).__name__} says nothing about masks: give the class "
            "_augment_segmentation_maps(self, segmaps, random_state, parents, hooks), "
            "which returns segmaps as they are if it only changes colours"
        )


def _all_or_nothing(augmenter: Any) -> bool:
    """Tell whether a blend shows one of its branches alone."""
    factor = getattr(augmenter, "factor", None)
    return _is(augmenter, "BlendAlpha") and getattr(factor, "value", None) in (0, 1)


def _moves(augmenter: Any) -> bool:
    """Tell whether an augmenter by itself may move pixels; a user's own may."""
    if not _within_imgaug(type(augmenter)):
        return True
    asserts = _is(augmenter, "AssertLambda") or _is(augmenter, "AssertShape")
    return not asserts and any(_is(augmenter, name) for name in MOVES)


def _is(augmenter: Any, name: str) -> bool:
    """Tell whether an augmenter is of a class of imgaug, or of one made from it."""
    return any(
        kind.__name__ == name and _within_imgaug(kind)
        for kind in type(augmenter).__mro__
    )


def _within(augmenter: Any, module: str) -> bool:
    return type(augmenter).__module__ == f"imgaug.augmenters.{module}"


def _within_imgaug(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "imgaug"


def _children(augmenter: Any) -> Iterator[Any]:
    return (child for some in augmenter.get_children_lists() for child in some)


def _all(augmenter: Any) -> Iterator[Any]:
    """Yield an augmenter and all inside it."""
    yield augmenter
    for child in _children(augmenter):
        yield from _all(child)
