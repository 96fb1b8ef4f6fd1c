"""Matterport's graph functions and layers, over `ops`, `nn` and `targets`.

Boxes are normalised; shapes as in `mrcnn.structures`. Functions of one image take
arrays without the leading B, as Matterport's did.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mrcnn import build
from mrcnn.config import Config
from mrcnn.matterport.metas import parse_image_meta_graph
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.roi_align import pack_pyramid, pyramid_roi_align
from mrcnn.ops.selection import select_detections, select_proposals
from mrcnn.structures import GroundTruth, Tensor
from mrcnn.targets import roi_targets


def clip_boxes_graph(boxes: Tensor, window: Tensor) -> Tensor:
    """Return boxes (N, 4) clipped to a window (4,)."""
    return box_ops.clip(boxes[None], ops.convert_to_tensor(window)[None])[0]


def apply_box_deltas_graph(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Return boxes (N, 4) moved and scaled by deltas (N, 4) in units of 1."""
    return box_ops.decode_deltas(boxes, deltas, std_dev=(1.0, 1.0, 1.0, 1.0))


def overlaps_graph(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Return the IoU (N, M) of boxes (N, 4) and (M, 4)."""
    return box_ops.iou(boxes1, boxes2)


def norm_boxes_graph(boxes: Tensor, shape: Sequence[int]) -> Tensor:
    """Return pixel boxes (..., 4) of an image (H, W, ...) as normalised ones."""
    return box_ops.normalise(boxes, (int(shape[0]), int(shape[1])))


def denorm_boxes_graph(boxes: Tensor, shape: Sequence[int]) -> Tensor:
    """Return normalised boxes (..., 4) as whole pixels of an image (H, W, ...)."""
    pixels = box_ops.denormalise(boxes, (int(shape[0]), int(shape[1])))
    return ops.cast(ops.round(pixels), "int32")


def trim_zeros_graph(boxes: Tensor, name: str = "trim_zeros") -> tuple[Tensor, Tensor]:
    """Return the boxes of (N, 4) that are not all zero, and which they are (N,)."""
    there = ops.any(ops.not_equal(boxes, 0), axis=-1)
    kept = np.flatnonzero(ops.convert_to_numpy(there))
    return ops.take(boxes, kept, axis=0), there


def log2_graph(x: Tensor) -> Tensor:
    """Return the logarithm to base 2."""
    return ops.log2(x)


def batch_pack_graph(x: Tensor, counts: Tensor, num_rows: int) -> Tensor:
    """Return the first counts[i] rows of each of `num_rows` images, one after another.

    Args:
        x: (B, N, ...).
        counts: (B,).
        num_rows: B.
    """
    return ops.concatenate([x[i, : int(counts[i])] for i in range(num_rows)], axis=0)


class ProposalLayer(keras.layers.Layer):
    """Turns the proposal network's answers into proposals (B, `proposal_count`, 4)."""

    def __init__(
        self,
        proposal_count: int,
        nms_threshold: float,
        config: Config | None = None,
        **kwargs: Any,
    ) -> None:
        """Take Matterport's arguments."""
        super().__init__(**kwargs)
        self.proposal_count, self.nms_threshold = proposal_count, nms_threshold
        self.config = config or Config()

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Take [probabilities (B, A, 2), deltas (B, A, 4), anchors (B, A, 4)]."""
        probabilities, deltas, anchors = inputs
        return select_proposals(
            probabilities[..., 1],
            deltas,
            anchors[0],
            std_dev=tuple(map(float, self.config.RPN_BBOX_STD_DEV)),
            pre_nms=self.config.PRE_NMS_LIMIT,
            iou_threshold=self.nms_threshold,
            slots=self.proposal_count,
        ).boxes


class PyramidROIAlign(keras.layers.Layer):
    """Cuts regions out of the level of the pyramid that suits their size."""

    def __init__(self, pool_shape: Sequence[int], **kwargs: Any) -> None:
        """Take the side of the crops, twice, as Matterport's users write it."""
        super().__init__(**kwargs)
        self.pool_shape = tuple(pool_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Take [boxes (B, N, 4), metas, P2, P3, P4, P5]; return (B, N, h, w, C)."""
        boxes, _, *pyramid = inputs
        image_shape = tuple(4 * int(side) for side in pyramid[0].shape[1:3])
        return pyramid_roi_align(
            pack_pyramid(pyramid), boxes, self.pool_shape[0], image_shape=image_shape
        )


class DetectionTargetLayer(keras.layers.Layer):
    """Samples proposals, and says what the heads should say about them."""

    def __init__(self, config: Config, **kwargs: Any) -> None:
        """Take the configuration."""
        super().__init__(**kwargs)
        self.config = config
        self.sampling_seed = keras.random.SeedGenerator(0)

    def call(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Take [proposals (B, P, 4), classes (B, G), boxes (B, G, 4), masks].

        Masks are (B, H, W, G), or mini masks, as the configuration says.

        Returns:
            RoIs (B, R, 4), classes (B, R), deltas (B, R, 4) and masks (B, R, M, M).
        """
        proposals, class_ids, boxes, masks = map(ops.convert_to_tensor, inputs)
        truth = GroundTruth(
            boxes,
            ops.cast(class_ids, "int32"),
            ops.transpose(ops.cast(masks, "float32"), (0, 3, 1, 2)),
            ops.any(ops.not_equal(boxes, 0), axis=-1),
        )
        s = build.settings(self.config)
        found = roi_targets(
            proposals,
            ops.any(ops.not_equal(proposals, 0), axis=-1),
            truth,
            samples=s.rois_per_image,
            positive_ratio=s.positive_ratio,
            fill=s.fill_negatives,
            append_truth=s.append_truth,
            mask_slots=s.rois_per_image,
            std_dev=s.box_std_dev,
            mask_side=int(self.config.MASK_SHAPE[0]),
            mini_masks=s.mini_masks,
            image_shape=tuple(int(d) for d in self.config.IMAGE_SHAPE[:2]),
            aligned=s.aligned,
            seed=self.sampling_seed,
        )
        spare = found.rois.shape[1] - found.masks.shape[1]
        masks = ops.pad(found.masks, ((0, 0), (0, spare), (0, 0), (0, 0)))
        return found.rois, found.class_ids, found.deltas, masks


def detection_targets_graph(
    proposals: Tensor,
    gt_class_ids: Tensor,
    gt_boxes: Tensor,
    gt_masks: Tensor,
    config: Config,
) -> tuple[Tensor, ...]:
    """Return what `DetectionTargetLayer` does, for one image."""
    inputs = (proposals, gt_class_ids, gt_boxes, gt_masks)
    batch = [ops.convert_to_tensor(array)[None] for array in inputs]
    return tuple(found[0] for found in DetectionTargetLayer(config)(batch))


class DetectionLayer(keras.layers.Layer):
    """Turns the heads' answers into detections (B, D, 6)."""

    def __init__(self, config: Config | None = None, **kwargs: Any) -> None:
        """Take the configuration."""
        super().__init__(**kwargs)
        self.config = config or Config()

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Take [RoIs (B, P, 4), probabilities (B, P, K), deltas (B, P, K, 4), metas].

        Returns:
            Normalised box, class and score of each detection, zeros after the last.
        """
        rois, probabilities, deltas, metas = map(ops.convert_to_tensor, inputs)
        parsed = parse_image_meta_graph(metas)
        shape = tuple(int(d) for d in np.asarray(parsed["image_shape"])[0, :2])
        windows = box_ops.normalise(ops.cast(parsed["window"], "float32"), shape)
        return _detections(rois, probabilities, deltas, windows, self.config)


def refine_detections_graph(
    rois: Tensor, probs: Tensor, deltas: Tensor, window: Tensor, config: Config
) -> Tensor:
    """Return the detections (D, 6) of one image; `window` (4,) is normalised."""
    inputs = (rois, probs, deltas, window)
    batch = [ops.convert_to_tensor(array)[None] for array in inputs]
    return _detections(*batch, config)[0]


def _detections(
    rois: Tensor, probabilities: Tensor, deltas: Tensor, windows: Tensor, config: Config
) -> Tensor:
    found = select_detections(
        rois,
        ops.any(ops.not_equal(rois, 0), axis=-1),
        probabilities,
        deltas,
        windows,
        std_dev=tuple(map(float, config.BBOX_STD_DEV)),
        min_confidence=config.DETECTION_MIN_CONFIDENCE,
        iou_threshold=config.DETECTION_NMS_THRESHOLD,
        across_classes=config.DETECTION_NMS_ACROSS_CLASSES,
        outscores_background=config.DETECTION_OUTSCORES_BACKGROUND,
        slots=config.DETECTION_MAX_INSTANCES,
    )
    extra = [ops.cast(a, "float32") for a in (found.class_ids, found.scores)]
    return ops.concatenate([found.boxes, ops.stack(extra, axis=-1)], axis=-1)
