"""Images with their objects, one by one or in batches, as Matterport's users get them.

Random choices come from NumPy's global generator, so that `np.random.seed` repeats
them, as it did there.
"""

import logging
import math
from collections.abc import Collection, Iterator
from typing import Any

import keras
import numpy as np

from mrcnn.build import preprocessing
from mrcnn.config import Config
from mrcnn.data.augment import flip, from_imgaug
from mrcnn.data.dataset import Dataset
from mrcnn.data.transforms import check_image, place_image, place_masks, plan_geometry
from mrcnn.matterport.metas import compose_image_meta, mold_image
from mrcnn.matterport.targets import (
    build_detection_targets,
    build_rpn_targets,
    generate_random_rois,
)
from mrcnn.ops.anchors import pyramid_anchors
from mrcnn.ops.masks import boxes_of_masks, mini_mask

LOGGER = logging.getLogger(__name__)
MOST_ERRORS = 5
"""So many images may fail before `data_generator` gives up."""

Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Batch = tuple[list[np.ndarray], list[np.ndarray]]


def load_image_gt(
    dataset: Dataset,
    config: Config,
    image_id: int,
    augment: Any = False,
    augmentation: Any = None,
    use_mini_mask: bool = False,
) -> Sample:
    """Return an image as the network sees it, and what is on it.

    Args:
        dataset: prepared.
        config: says how images are resized.
        image_id: of the data set.
        augment: mirror it in half of the cases; or the augmentation, which is the
            fourth argument of Matterport's forks.
        augmentation: an imgaug augmenter, or a function as in `data.augment`.
        use_mini_mask: cut masks to their boxes and resize them.

    Returns:
        Image (H, W, C) uint8; meta, see `compose_image_meta`; classes (n,) int32; boxes
        (n, 4) int32 in pixels of the image, y2 and x2 exclusive; masks (H, W, n), or
        mini masks, bool. Objects without a pixel left are dropped.

    Raises:
        ValueError: names an image that is none.
    """
    if not isinstance(augment, bool | int | np.bool_ | type(None)):
        augment, augmentation = False, augment
    rng = np.random.default_rng(np.random.randint(2**31))
    name = dataset.image_reference(image_id)
    original = dataset.load_image(image_id)
    image = check_image(original, str(name), config.IMAGE_CHANNEL_COUNT)
    masks, class_ids = dataset.load_mask(image_id)
    if not masks.shape[-1]:
        masks = np.zeros((*image.shape[:2], 0), bool)
    geometry = plan_geometry(image.shape[:2], preprocessing(config), rng)
    placed, masks = place_image(image, geometry), place_masks(masks, geometry) > 0
    if augment:
        placed, masks = flip(placed, masks, rng)
    if augmentation is not None:
        if hasattr(augmentation, "to_deterministic"):
            augmentation = from_imgaug(augmentation)
        placed, masks = augmentation(placed, masks, rng)
    kept = masks.any(axis=(0, 1))
    masks, class_ids = masks[..., kept], np.asarray(class_ids, np.int32)[kept]
    boxes = boxes_of_masks(masks)
    active = np.zeros(dataset.num_classes, np.int32)
    active[dataset.source_class_ids[dataset.image_info[image_id]["source"]]] = 1
    meta = compose_image_meta(
        image_id,
        np.shape(original),
        placed.shape,
        geometry.window,
        geometry.resized_shape[0] / geometry.original_shape[0],
        active,
    )
    if use_mini_mask:
        masks = _mini_masks(masks, boxes, config)
    return placed, meta, class_ids, boxes, masks


def _mini_masks(masks: np.ndarray, boxes: np.ndarray, config: Config) -> np.ndarray:
    shape = tuple(config.MINI_MASK_SHAPE)
    small = [mini_mask(masks[..., i], box, shape) for i, box in enumerate(boxes)]
    return np.stack(small, axis=-1) if small else np.zeros((*shape, 0), bool)


def data_generator(
    dataset: Dataset,
    config: Config,
    shuffle: bool = True,
    augment: bool = False,
    augmentation: Any = None,
    random_rois: int = 0,
    batch_size: int = 1,
    detection_targets: bool = False,
    no_augmentation_sources: Collection[str] | None = None,
) -> Iterator[Batch]:
    """Yield batches without end; images without objects are passed over.

    An image that fails is logged and passed over, until `MOST_ERRORS` have failed.

    Args:
        dataset: prepared.
        config: of the network.
        shuffle: in a new random order every time around.
        augment: see `load_image_gt`.
        augmentation: see `load_image_gt`.
        random_rois: add so many random regions, as if the network had proposed them.
        batch_size: B.
        detection_targets: with `random_rois`, sample these for the heads and give the
            right answers as outputs.
        no_augmentation_sources: sources whose images stay as they are.

    Yields:
        Inputs [images (B, H, W, C), metas, anchors' match (B, A, 1), their deltas
        (B, S, 4), classes (B, G), boxes (B, G, 4) in pixels, masks (B, ., ., G)], with
        random regions also [regions (B, N, 4)], with targets also [RoIs (B, R, 4)]; and
        outputs, empty, or [classes (B, R, 1), deltas (B, R, K, 4), masks (B, R, M, M,
        K)].
    """
    samples = _samples(
        dataset, config, shuffle, augment, augmentation, no_augmentation_sources or ()
    )
    while True:
        batch = [next(samples) for _ in range(batch_size)]
        yield _batch(batch, config, random_rois, detection_targets)


def _samples(
    dataset: Dataset,
    config: Config,
    shuffle: bool,
    augment: bool,
    augmentation: Any,
    not_augmented: Collection[str],
) -> Iterator[Sample]:
    """Yield images with objects, again and again."""
    ids, errors = np.array(dataset.image_ids), 0
    while True:
        if shuffle:
            np.random.shuffle(ids)
        found = 0
        for image_id in ids:
            plain = dataset.image_info[image_id]["source"] in not_augmented
            try:
                sample = load_image_gt(
                    dataset,
                    config,
                    image_id,
                    augment=augment and not plain,
                    augmentation=None if plain else augmentation,
                    use_mini_mask=config.USE_MINI_MASK,
                )
            except Exception:
                LOGGER.exception("Error processing image %s", image_id)
                errors += 1
                if errors > MOST_ERRORS:
                    raise
                continue
            if (sample[2] > 0).any():
                found += 1
                yield sample
        if not found:
            raise ValueError("No image of the data set has an object to learn from.")


def _batch(
    samples: list[Sample], config: Config, random_rois: int, detection_targets: bool
) -> Batch:
    """Return samples as arrays of static shape, with the anchors' targets."""
    rows = [_row(sample, config, random_rois, detection_targets) for sample in samples]
    inputs, outputs = zip(*rows, strict=True)
    return (
        [np.stack(arrays) for arrays in zip(*inputs, strict=True)],
        [np.stack(arrays) for arrays in zip(*outputs, strict=True)],
    )


def _row(
    sample: Sample, config: Config, random_rois: int, detection_targets: bool
) -> Batch:
    image, meta, class_ids, boxes, masks = sample
    anchors = pyramid_anchors(
        config.RPN_ANCHOR_SCALES,
        config.RPN_ANCHOR_RATIOS,
        image.shape[:2],
        config.BACKBONE_STRIDES,
        config.RPN_ANCHOR_STRIDE,
    )
    match, deltas = build_rpn_targets(image.shape, anchors, class_ids, boxes, config)
    slots = config.MAX_GT_INSTANCES
    kept = np.arange(len(class_ids))
    if len(kept) > slots:
        kept = np.random.choice(kept, slots, replace=False)
    objects = [
        np.zeros(slots, np.int32),
        np.zeros((slots, 4), np.int32),
        np.zeros((*masks.shape[:2], slots), bool),
    ]
    objects[0][: len(kept)] = class_ids[kept]
    objects[1][: len(kept)] = boxes[kept]
    objects[2][..., : len(kept)] = masks[..., kept]
    inputs = [mold_image(image, config), meta, match[:, None], deltas, *objects]
    outputs: list[np.ndarray] = []
    if random_rois:
        rois = generate_random_rois(image.shape, random_rois, class_ids, boxes)
        inputs.append(rois)
        if detection_targets:
            sampled, classes, offsets, of_class = build_detection_targets(
                rois, class_ids, boxes, masks, config
            )
            inputs.append(sampled)
            outputs = [classes[:, None], offsets, of_class]
    return inputs, outputs


class DataGenerator(keras.utils.PyDataset):
    """`data_generator` as the forks of Matterport's package call it.

    Its items are the generator's batches. It runs in the thread that asks for it.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: Config,
        shuffle: bool = True,
        augmentation: Any = None,
        random_rois: int = 0,
        detection_targets: bool = False,
    ) -> None:
        """Take the arguments of `data_generator`; the batch size is `config`'s."""
        super().__init__(workers=1, use_multiprocessing=False)
        self._length = math.ceil(dataset.num_images / config.BATCH_SIZE)
        self._batches = data_generator(
            dataset,
            config,
            shuffle,
            augmentation=augmentation,
            random_rois=random_rois,
            batch_size=config.BATCH_SIZE,
            detection_targets=detection_targets,
        )

    def __len__(self) -> int:
        """Return how many batches hold every image about once."""
        return self._length

    def __getitem__(self, index: int) -> Batch:
        """Return the next batch, whatever the index."""
        return next(self._batches)
