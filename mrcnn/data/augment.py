"""Changing an image and its masks in step.

An augmentation is a callable `(image, masks, rng) -> (image, masks)`: image uint8 RGB
(h, w, 3), masks bool (h, w, n), and a `numpy.random.Generator` as its only source of
chance, so that a seed repeats it. Sizes stay; a mask may become empty, and the pipeline
drops it. Some are here; `as_augmentation` makes one of an augmenter of imgaug or a
pipeline of Albumentations.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from mrcnn.data.albumentations_adapter import from_albumentations, is_albumentations
from mrcnn.data.copy_paste import CopyPaste as CopyPaste
from mrcnn.data.findings import told
from mrcnn.data.imgaug_adapter import from_imgaug, is_imgaug
from mrcnn.data.scaling import large_scale_jitter as large_scale_jitter
from mrcnn.data.scaling import scale_jitter
from mrcnn.notices import quoted
from mrcnn.structures import Augmentation

REHEARSED = (1, 0, 3, 1)
"""Objects of the made-up pictures on which an augmentation is tried beforehand."""

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""RGB to luma and two colour axes, round which hue turns (NTSC)."""


class AugmentationError(ValueError):
    """An augmentation fails, or changes sizes or types; names it and the image."""


def named(names: Sequence[str]) -> tuple[Augmentation | None, CopyPaste | None]:
    """Return the augmentations of these names in order, None without any, and pasting.

    Raises:
        ValueError: a name is neither in `NAMES` nor `PASTE`.
    """
    known = [*NAMES, PASTE]
    if strange := [name for name in names if name not in known]:
        raise ValueError(
            f"There is no augmentation {quoted(strange[0])}: choose from "
            f"{', '.join(known)}."
        )
    made = [NAMES[name] for name in names if name != PASTE]
    paste = CopyPaste() if PASTE in names else None
    return (compose(*made) if made[1:] else next(iter(made), None)), paste


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


def turn(
    image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Turn by a multiple of 90 degrees, and mirror: for pictures that have no up.

    Where height and width differ, by 0 or 180 degrees.
    """
    square = image.shape[0] == image.shape[1]
    quarters = int(rng.integers(4)) if square else 2 * int(rng.integers(2))
    turned = (np.ascontiguousarray(np.rot90(each, quarters)) for each in (image, masks))
    return flip(*turned, rng)


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


def as_augmentation(augmentation: Any) -> Augmentation:
    """Return what is given as `augmentation=` as an augmentation.

    Args:
        augmentation: an augmenter of imgaug, a pipeline or transform of Albumentations,
            or a callable as described above.

    Returns:
        A callable as described above. It raises AugmentationError, a ValueError, if
        what it returns is none; what can be made arrays, such as a tensor, becomes one.

    Raises:
        TypeError: if it is none of these.
        ValueError: names what masks would not follow, and the way out.
    """
    if is_imgaug(augmentation):
        return _checked(from_imgaug(augmentation), augmentation)
    if is_albumentations(augmentation):
        return _checked(from_albumentations(augmentation), augmentation)
    # Augmenters that are made like imgaug's can be called too, but take batches.
    like_imgaug = hasattr(augmentation, "to_deterministic")
    a_class = isinstance(augmentation, type)
    if like_imgaug or a_class or not callable(augmentation):
        kind = augmentation if a_class else type(augmentation)
        raise TypeError(
            f"augmentation is {'the class' if a_class else 'a'} {kind.__name__}: give "
            "an augmenter of imgaug, a pipeline of Albumentations, or a callable "
            "(image, masks, rng) -> (image, masks); of several, one that holds them, "
            "such as Sequential, Compose or mrcnn.data.augment.compose."
        )
    return _checked(augmentation, augmentation)


def _checked(augmentation: Augmentation, given: Any) -> Augmentation:
    """Return an augmentation that gives arrays of the same sizes and types or fails."""
    name = getattr(given, "__name__", type(given).__name__)

    def checked(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        result = augmentation(image, masks, rng)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise AugmentationError(
                f"augmentation {name} returned a {type(result).__name__}: it has to "
                "return (image, masks)."
            )
        changed, moved = map(np.asarray, result)
        wanted, got = (
            [(array.shape, array.dtype) for array in pair]
            for pair in ((image, masks), (changed, moved))
        )
        if got != wanted:
            raise AugmentationError(
                f"augmentation {name} turned an image of {_told(wanted[0])} and masks "
                f"of {_told(wanted[1])} into an image of {_told(got[0])} and masks of "
                f"{_told(got[1])}. Sizes and types have to stay: give keep_size=True, "
                "wrap what changes sizes in imgaug's KeepSizeByResize, end with a "
                "Resize, or leave it out; leave out Normalize, ToFloat and ToTensorV2."
            )
        return changed, moved

    checked.__name__ = name
    return checked


def _told(array: tuple[tuple[int, ...], np.dtype]) -> str:
    """Return shape and type in words."""
    return f"shape {array[0]} {array[1]}"


def augmented(
    augmentation: Augmentation,
    image: np.ndarray,
    masks: np.ndarray,
    rng: np.random.Generator,
    name: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what an augmentation makes of an image and its masks.

    Args:
        augmentation: as `as_augmentation` returns it.
        image: uint8 (h, w, C); may be written to.
        masks: bool (h, w, n); may be written to.
        rng: its source of chance.
        name: of the image, for errors.

    Raises:
        AugmentationError: names augmentation and image.
        MemoryError: as it was raised.
    """
    try:
        return augmentation(image, masks, rng)
    except MemoryError:
        raise
    except AugmentationError as error:
        raise AugmentationError(f"{name}: {error}") from error
    except Exception as error:  # A user's code raises errors of any kind.
        what = getattr(augmentation, "__name__", type(augmentation).__name__)
        raise AugmentationError(
            f"augmentation {what} fails on {name}: {told(error)}"
        ) from error


def rehearse(augmentation: Augmentation, shape: tuple[int, int, int]) -> None:
    """Try an augmentation on made-up pictures, for it to fail before a training.

    They show none, one and several objects.

    Args:
        augmentation: see `as_augmentation`.
        shape: of the pictures (H, W, C).

    Raises:
        AugmentationError: says what failed, or that sizes or types changed. What an
            augmentation does in few cases only may remain unseen.
    """
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for seed, count in enumerate(REHEARSED):
        masks = np.zeros((*shape[:2], count), bool)
        masks[shape[0] // 4 : -(shape[0] // 4), shape[1] // 4 : -(shape[1] // 4)] = True
        objects = "1 object" if count == 1 else f"{count} objects"
        name = f"a made-up picture of {shape} with {objects}"
        rng = np.random.default_rng(seed)
        augmented(augmentation, noise.copy(), masks, rng, name)


def imgaug() -> ModuleType:
    """Import and return imgaug, as `import imgaug` does (see `imgaug_import`).

    Raises ImportError, saying what to do, if it is not installed.
    """
    try:
        import imgaug
    except ImportError as error:
        raise ImportError(
            f"imgaug cannot be imported ({error}): `pip install imgaug`, or use flip, "
            "scale_jitter and colour_jitter of mrcnn.data.augment."
        ) from error
    return imgaug


def for_balloons() -> Augmentation:
    """Return the augmentation with which the book trains on balloons.

    Mirrored, from 0.6 to 1.8 times as large, in other light and of any colour: all that
    leaves a balloon a balloon.
    """
    return compose(flip, scale_jitter(0.6, 1.8), colour_jitter(hue=0.5))


def for_nuclei() -> Augmentation:
    """Return the augmentation with which the book trains on nuclei.

    Turned, from 0.7 to 1.4 times as large, and exposed otherwise: a microscope has no
    up, and dark pictures are as good as bright ones.
    """
    exposed = colour_jitter(brightness=0.04, contrast=0.5, saturation=0.0)
    return compose(turn, scale_jitter(0.7, 1.4), exposed)


PASTE = "copy-paste"
NAMES: dict[str, Augmentation] = {
    "flip": flip,
    "turn": turn,
    "scale": scale_jitter(0.6, 1.8),
    "large-scale": large_scale_jitter(),
    "colour": colour_jitter(),
}
"""What has a name for `named`, beside `PASTE`."""
