"""An image with its objects as Matterport's users load it, and a look at arrays."""

from numbers import Integral
from typing import Any

import numpy as np

from mrcnn.build import preprocessing
from mrcnn.config import Config
from mrcnn.data.augment import as_augmentation, augmented, flip
from mrcnn.data.dataset import Dataset, image_name
from mrcnn.data.pipeline import active_class_ids, load_annotated
from mrcnn.data.transforms import place_image, place_masks, plan_geometry, scale_factor
from mrcnn.matterport.metas import compose_image_meta
from mrcnn.ops.masks import boxes_of_masks, mini_mask
from mrcnn.structures import Augmentation


def log(text: str, array: np.ndarray | None = None) -> None:
    """Print a text, and of an array the shape, the least and largest value and type."""
    if array is not None:
        text = f"{text:25}shape: {array.shape!s:20}  "
        if array.size:
            text += f"min: {array.min():10.5f}  max: {array.max():10.5f}"
        else:
            text += f"min: {'':10}  max: {'':10}"
        text += f"  {array.dtype}"
    print(text)


def load_image_gt(
    dataset: Dataset,
    config: Config,
    image_id: int,
    augment: Any = False,
    augmentation: Any = None,
    use_mini_mask: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load an image and its objects, resized and padded as the configuration says.

    Safer than Matterport's: whatever imgaug moves moves masks too, or is refused, and
    borders filled with a constant are no object (`mrcnn.data.imgaug_adapter`);
    `numpy.random.seed` repeats crops and augmentations, imgaug's too; masks are bool,
    whatever `load_mask` returns. Objects whose masks are left without a pixel are
    dropped.

    In forks, the fourth argument is the augmentation, and is understood here. They
    return mini masks whenever USE_MINI_MASK; as in Matterport, `use_mini_mask` decides
    here.

    Args:
        dataset: prepared.
        config: the configuration.
        image_id: internal.
        augment: mirror left and right in half of the cases; deprecated.
        augmentation: whatever `mrcnn.data.augment.as_augmentation` takes.
        use_mini_mask: cut masks to boxes and resize them to MINI_MASK_SHAPE.

    Returns:
        image (H, W, C) uint8; image_meta (12 + K,) float64; class_ids (n,) int32,
        negative for crowds; bbox (n, 4) int32 pixels of the padded image, y2 and x2
        exclusive; mask (H, W, n) bool, or (*MINI_MASK_SHAPE, n).

    Raises:
        ValueError: names an image that is none or does not fit its masks, or an
            augmentation that fails or changes sizes; or if `image_id` is none, or
            IMAGE_RESIZE_MODE "none" does not fit.
        TypeError: if an augmentation is none, or given twice.
    """
    images = len(dataset.image_info)
    if not isinstance(image_id, Integral) or not 0 <= image_id < images:
        raise ValueError(
            f"image_id is {image_id!r}: the data set numbers its {images} images from "
            f"0 to {images - 1}; dataset.image_ids lists them."
        )
    mirror, change = which_augmentation(augment, augmentation)
    loaded = load_annotated(dataset, image_id, config.IMAGE_CHANNEL_COUNT)
    return image_gt(
        dataset,
        config,
        image_id,
        loaded,
        mirror=mirror,
        augmentation=change,
        use_mini_mask=use_mini_mask,
    )


def image_gt(
    dataset: Dataset,
    config: Config,
    image_id: int,
    loaded: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    mirror: bool,
    augmentation: Augmentation | None,
    use_mini_mask: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what `load_image_gt` does of an image that `load_annotated` has loaded.

    `mirror` and `augmentation` are what `which_augmentation` returned.
    """
    how, rng = preprocessing(config), _global_rng()
    image, mask, class_ids = loaded
    original_shape = image.shape
    geometry = plan_geometry(original_shape[:2], how, rng)
    image, mask = place_image(image, geometry), place_masks(mask, geometry)
    if mirror:
        image, mask = flip(image, mask, rng)
    if augmentation is not None:
        name = image_name(dataset, image_id)
        image, mask = augmented(augmentation, image, mask, rng, name)
    kept = mask.any(axis=(0, 1))
    mask, class_ids = mask[..., kept], class_ids[kept]
    bbox = boxes_of_masks(mask)
    meta = compose_image_meta(
        image_id,
        original_shape,
        image.shape,
        geometry.window,
        scale_factor(original_shape[:2], how),
        active_class_ids(dataset, image_id),
    )
    if use_mini_mask:
        shape = tuple(config.MINI_MASK_SHAPE)
        small = np.zeros((*shape, len(bbox)), bool)
        for i, box in enumerate(bbox):
            small[..., i] = mini_mask(mask[..., i], box, shape)
        mask = small
    return image, meta, class_ids, bbox, mask


def which_augmentation(
    augment: Any, augmentation: Any
) -> tuple[bool, Augmentation | None]:
    """Return Matterport's two; a fork's one may stand in the place of the first.

    Args:
        augment: whether to mirror, or what the forks take here: `augmentation`.
        augmentation: whatever `augment.as_augmentation` takes, or None.

    Raises:
        TypeError: if an augmentation is none, or given twice.
        ValueError: names what masks would not follow.
    """
    if callable(augment) or hasattr(augment, "to_deterministic"):
        if augmentation is not None:
            raise TypeError(
                "load_image_gt got two augmentations, as `augment` and as "
                "`augmentation`: give `augmentation` only."
            )
        augment, augmentation = False, augment
    if augmentation is None:
        return bool(augment), None
    return bool(augment), as_augmentation(augmentation)


def _global_rng() -> np.random.Generator:
    """Return a generator that draws from the state that `numpy.random.seed` sets."""
    return np.random.Generator(np.random.get_bit_generator())
