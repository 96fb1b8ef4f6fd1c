"""Changing an image and its masks in step.

An augmentation is a callable `(image, masks, rng) -> (image, masks)`: image uint8 RGB
(h, w, 3), masks bool (h, w, n), and a `numpy.random.Generator` as its only source of
chance, so that a seed repeats it. Sizes stay; a mask may become empty, and the pipeline
drops it. Some are here; `from_imgaug` makes one of an imgaug augmenter.
"""

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

Augmentation = Callable[
    [np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]
]

MASK_AUGMENTERS = {
    *("Sequential", "SomeOf", "OneOf", "Sometimes", "Fliplr", "Flipud"),
    *("CropAndPad", "Affine", "PiecewiseAffine"),
    *("Rot90", "PerspectiveTransform", "ElasticTransformation"),
}
"""Classes of imgaug that act on masks too, with their subclasses (such as Crop, Pad and
Rotate, of CropAndPad and Affine). The first nine are Matterport's; the last three move
pixels as well, and without them masks would silently go out of step (its issues #2018
and #2201). All others, such as blur and noise, leave masks alone."""

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""RGB to luma and two colour axes, round which hue turns (NTSC)."""


def compose(*augmentations: Augmentation) -> Augmentation:
    """Return the augmentation that applies all of `augmentations` in order."""

    def composed(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        for augmentation in augmentations:
            image, masks = augmentation(image, masks, rng)
        return image, masks

    return composed


def flip(
    image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mirror left and right, in half of the cases."""
    if rng.random() < 0.5:
        return np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(
            masks[:, ::-1]
        )
    return image, masks


def scale_jitter(low: float, high: float) -> Augmentation:
    """Return the augmentation that enlarges by a factor in `low`..`high`, log-uniform.

    Above 1 a random window of the image is blown up to its size; below 1 the image is
    shrunk and put at random on a ground of its mean colour.
    """
    if not 0 < low <= high:
        raise ValueError(f"scale_jitter needs 0 < low <= high, not {low} and {high}.")

    def jitter(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        factor = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        place = rng.random(2)
        ground = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
        moved = _scaled(image, factor, place, ground)
        layers = [
            _scaled(masks[..., i].astype(np.uint8) * 255, factor, place, 0) >= 128
            for i in range(masks.shape[2])
        ]
        return moved, np.stack(layers, axis=-1) if layers else masks

    return jitter


def _scaled(
    array: np.ndarray, factor: float, place: np.ndarray, ground: np.ndarray | int
) -> np.ndarray:
    """Scale uint8 (h, w) or (h, w, 3) inside its own size.

    `place`, in 0..1 down and right, says where the window or the small image lies in
    the room that it has.
    """
    height, width = array.shape[:2]
    picture = Image.fromarray(array)
    if factor >= 1:
        rows, columns = height / factor, width / factor
        top, left = place[0] * (height - rows), place[1] * (width - columns)
        box = (left, top, min(left + columns, width), min(top + rows, height))
        return np.asarray(
            picture.resize((width, height), Image.Resampling.BILINEAR, box)
        )
    rows, columns = max(round(height * factor), 1), max(round(width * factor), 1)
    top = int(place[0] * (height - rows + 1))
    left = int(place[1] * (width - columns + 1))
    out = np.empty_like(array)
    out[:] = ground
    small = picture.resize((columns, rows), Image.Resampling.BILINEAR)
    out[top : top + rows, left : left + columns] = np.asarray(small)
    return out


def colour_jitter(
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    hue: float = 0.0,
) -> Augmentation:
    """Return the augmentation that changes colours and leaves masks alone.

    `brightness` is the largest shift, as a share of 255; `contrast` and `saturation`
    the largest change of a factor round 1; `hue` the largest turn, in revolutions.
    """

    def jitter(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        shift, gain, colour, turn = rng.uniform(-1, 1, 4) * (
            brightness * 255,
            contrast,
            saturation,
            hue * 2 * np.pi,
        )
        cos, sin = (1 + colour) * np.cos(turn), (1 + colour) * np.sin(turn)
        rotation = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        mixing = (np.linalg.inv(YIQ) @ rotation @ YIQ * (1 + gain)).astype(np.float32)
        mean = image.mean(axis=(0, 1), dtype=np.float32)
        changed = (image - mean) @ mixing.T + mean + np.float32(shift)
        return np.clip(np.rint(changed), 0, 255).astype(np.uint8), masks

    return jitter


def from_imgaug(augmenter: Any) -> Augmentation:
    """Return an imgaug augmenter, or one that behaves like it, as an augmentation."""

    def augmentation(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        return augment(augmenter, image, masks, int(rng.integers(2**31)))

    return augmentation


def as_augmentation(augmentation: Any) -> Augmentation:
    """Return an imgaug augmenter, or what already is an augmentation, as one.

    Raises TypeError if it is neither.
    """
    # Augmenters of imgaug can be called too, but take batches.
    if hasattr(augmentation, "to_deterministic"):
        return from_imgaug(augmentation)
    if not callable(augmentation):
        raise TypeError(
            f"augmentation is a {type(augmentation).__name__}: give an augmenter of "
            "imgaug or a callable (image, masks, rng) -> (image, masks)."
        )
    return augmentation


def augment(
    augmenter: Any, image: np.ndarray, masks: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Apply an imgaug augmenter to an image and, where it moves pixels, to its masks.

    `augmenter` is any object with `to_deterministic()` and
    `augment_image(image, hooks=)`; it is not changed. If it has imgaug's `seed_`, the
    result depends on `seed` and the input only. Image uint8 (h, w, 3), masks bool
    (h, w, n). Raises ValueError if the augmenter changes the size of the image.
    """
    fixed = augmenter.to_deterministic()
    if hasattr(fixed, "seed_"):
        fixed.seed_(seed, deterministic_too=True)
    changed = _same_size(fixed.augment_image(image), image, augmenter)
    layers = []
    for i in range(masks.shape[2]):
        layer = masks[..., i].astype(np.uint8) * 255
        # The inside against the outside: a border that the augmenter fills with a
        # constant is the same in both, and so never becomes part of an object.
        inside = fixed.augment_image(layer, hooks=MaskHooks())
        outside = fixed.augment_image(255 - layer, hooks=MaskHooks())
        layers.append(_same_size(inside > outside, layer, augmenter))
    return changed, np.stack(layers, axis=-1) if layers else masks


class MaskHooks:
    """imgaug's `HooksImages` that lets only what moves pixels act (MASK_AUGMENTERS)."""

    def is_activated(
        self, images: Any, augmenter: Any, parents: Any, default: bool
    ) -> bool:
        """Tell whether `augmenter` may act on a mask."""
        names = {kind.__name__ for kind in type(augmenter).__mro__}
        return default and bool(names & MASK_AUGMENTERS)

    def is_propagating(
        self, images: Any, augmenter: Any, parents: Any, default: bool
    ) -> bool:
        """Let children be asked."""
        return default

    def preprocess(self, images: Any, augmenter: Any, parents: Any) -> Any:
        """Change nothing beforehand."""
        return images

    def postprocess(self, images: Any, augmenter: Any, parents: Any) -> Any:
        """Change nothing afterwards."""
        return images


def _same_size(result: np.ndarray, given: np.ndarray, augmenter: Any) -> np.ndarray:
    """Return `result`; ValueError if its shape is not that of `given`."""
    if result.shape != given.shape:
        raise ValueError(
            f"augmenter {type(augmenter).__name__} turned shape {given.shape} into "
            f"{result.shape}: give it keep_size=True or leave it out."
        )
    return result


def imgaug() -> ModuleType:
    """Import and return imgaug 0.4.0, which by itself fails under NumPy 2.

    The two names that NumPy removed and imgaug needs are there only while it is being
    imported (`np.sctypes`) or only for it (`np.complex`); NumPy is left as it was. See
    https://github.com/aleju/imgaug/issues/859. Raises ImportError, saying what to do,
    if it is not installed.
    """
    if "imgaug" in sys.modules:
        return sys.modules["imgaug"]
    lacking = not hasattr(np, "sctypes")
    if lacking:
        np.sctypes = {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64, np.longdouble],
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import imgaug
    except ImportError as error:
        raise ImportError(
            f"imgaug cannot be imported ({error}): `pip install imgaug`, or use flip, "
            "scale_jitter and colour_jitter of mrcnn.data.augment."
        ) from error
    finally:
        if lacking:
            del np.sctypes
    imgaug.parameters.np = _NumpyWithComplex("numpy")
    return imgaug


class _NumpyWithComplex(ModuleType):
    """NumPy as `imgaug.parameters` knew it: with its old name for `complex`."""

    complex = complex

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def for_balloons() -> Augmentation:
    """Return the augmentation with which the book trains on balloons.

    Mirrored, from 0.6 to 1.8 times as large, in other light and of any colour: all that
    leaves a balloon a balloon.
    """
    return compose(flip, scale_jitter(0.6, 1.8), colour_jitter(hue=0.5))
