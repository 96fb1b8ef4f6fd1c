"""Examples to learn from: images with their objects and targets, stacked to batches."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mrcnn.config import Config
from mrcnn.data.annotations import check_dataset
from mrcnn.data.dataset import Dataset, image_name
from mrcnn.data.findings import Findings
from mrcnn.data.pipeline import load_annotated
from mrcnn.matterport.inputs import image_gt, which_augmentation
from mrcnn.matterport.metas import mold_image
from mrcnn.matterport.targets import (
    build_detection_targets,
    build_rpn_targets,
    generate_random_rois,
)
from mrcnn.ops.anchors import pyramid_anchors

PATIENCE = 100
"""Images, or two rounds if those are more, in which an object must turn up."""

Batch = tuple[list[np.ndarray], list[np.ndarray]]
"""Inputs and outputs; see `generators.data_generator`."""


class Example(NamedTuple):
    """One image of a batch: what `generators.data_generator` gives, without B."""

    image: np.ndarray
    meta: np.ndarray
    rpn_match: np.ndarray
    rpn_bbox: np.ndarray
    class_ids: np.ndarray
    boxes: np.ndarray
    masks: np.ndarray
    rpn_rois: tuple[np.ndarray, ...]  # none or one
    targets: tuple[np.ndarray, ...]  # none, or rois, class ids, deltas and masks


class Examples:
    """Makes examples of images, and passes over those that give none."""

    def __init__(
        self,
        dataset: Dataset,
        config: Config,
        *,
        augmentation: Any,
        random_rois: int,
        detection_targets: bool,
        augment: Any = False,
        plain_sources: Sequence[str] = (),
    ) -> None:
        check_dataset(dataset)
        self.dataset, self.config = dataset, config
        self.mirror, self.augmentation = which_augmentation(augment, augmentation)
        self.random_rois, self.detection_targets = random_rois, detection_targets
        self.plain_sources = plain_sources
        self.findings = Findings(
            dataset.image_ids,
            partial(image_name, dataset),
            faulty=config.MAX_FAULTY_IMAGES,
            slots=config.MAX_GT_INSTANCES,
        )
        self._anchors: dict[tuple[int, int], np.ndarray] = {}

    def take(self, image_ids: Iterator[int], wanted: int) -> list[Example]:
        """Return so many examples of the first images that show objects.

        Raises:
            ValueError: if none does for long.
            FaultyImagesError: lists images that raise errors, if they are too many.
        """
        examples: list[Example] = []
        patience = left = max(PATIENCE, 2 * len(self.dataset.image_ids))
        while len(examples) < wanted:
            if not left:
                raise ValueError(
                    f"{patience} images in a row gave no object to learn from: check "
                    "load_mask, the class ids and the augmentation."
                )
            example = self._example(next(image_ids))
            left -= 1
            if example is not None:
                examples.append(example)
                left = patience
        return examples

    def _example(self, image_id: int) -> Example | None:
        """Return an example; None of an image without objects or that is left out."""
        channels = self.config.IMAGE_CHANNEL_COUNT
        load = partial(load_annotated, self.dataset, channels=channels)
        loaded = self.findings.read(int(image_id), load)
        if loaded is None:
            return None
        source = self.dataset.image_info[image_id]["source"]
        image, meta, class_ids, boxes, masks = image_gt(
            self.dataset,
            self.config,
            image_id,
            loaded,
            mirror=self.mirror,
            augmentation=None if source in self.plain_sources else self.augmentation,
            use_mini_mask=self.config.USE_MINI_MASK,
        )
        if not (class_ids > 0).any():
            return None
        match, deltas = build_rpn_targets(
            image.shape, self._anchors_of(image), class_ids, boxes, self.config
        )
        rois: tuple[np.ndarray, ...] = ()
        targets: tuple[np.ndarray, ...] = ()
        if self.random_rois:
            rois = (
                generate_random_rois(image.shape, self.random_rois, class_ids, boxes),
            )
            if self.detection_targets:
                targets = build_detection_targets(
                    *rois, class_ids, boxes, masks, self.config
                )
        most = self.config.MAX_GT_INSTANCES
        if len(boxes) > most:
            self.findings.count_objects(int(image_id), len(boxes))
            some = np.random.choice(np.arange(len(boxes)), most, replace=False)
            class_ids, boxes, masks = class_ids[some], boxes[some], masks[..., some]
        return Example(
            image, meta, match, deltas, class_ids, boxes, masks, rois, targets
        )

    def _anchors_of(self, image: np.ndarray) -> np.ndarray:
        shape, config = image.shape[:2], self.config
        if shape not in self._anchors:
            self._anchors[shape] = pyramid_anchors(
                config.RPN_ANCHOR_SCALES,
                config.RPN_ANCHOR_RATIOS,
                shape,
                config.BACKBONE_STRIDES,
                config.RPN_ANCHOR_STRIDE,
            )
        return self._anchors[shape]

    def batch(self, image_ids: Iterator[int], size: int) -> Batch:
        """Return `size` examples stacked; ValueError if their sizes differ."""
        examples = self.take(image_ids, size)
        if len({e.image.shape for e in examples}) > 1:
            raise ValueError(
                "images of different padded sizes cannot share a batch: take "
                'IMAGE_RESIZE_MODE "square" or "crop", or batches of one.'
            )
        config, most = self.config, self.config.MAX_GT_INSTANCES
        inputs = [
            np.stack([mold_image(e.image, config).astype("float32") for e in examples]),
            np.stack([e.meta for e in examples]),
            np.stack([e.rpn_match[:, None] for e in examples]),
            np.stack([e.rpn_bbox for e in examples]),
            np.stack([_padded(e.class_ids, 0, most) for e in examples]),
            np.stack([_padded(e.boxes, 0, most) for e in examples]),
            np.stack([_padded(e.masks, 2, most) for e in examples]),
        ]
        inputs += map(np.stack, zip(*(e.rpn_rois for e in examples), strict=True))
        targets = list(map(np.stack, zip(*(e.targets for e in examples), strict=True)))
        if not targets:
            return inputs, []
        rois, class_ids, deltas, masks = targets
        return [*inputs, rois], [class_ids[..., None], deltas, masks]


def _padded(array: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Return an array with zeros at the end of an axis."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, length - array.shape[axis])
    return np.pad(array, widths)
