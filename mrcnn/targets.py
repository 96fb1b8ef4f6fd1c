"""What the network is taught: samples of anchors and RoIs with their right answers.

Shapes as in `mrcnn.structures`; boxes are normalised.
"""

from collections.abc import Sequence

import keras
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import mask_targets
from mrcnn.ops.matching import Matches, match_anchors, match_rois
from mrcnn.ops.sampling import compact, gather, sample
from mrcnn.structures import GroundTruth, RoiTargets, RpnTargets, Tensor

Seed = keras.random.SeedGenerator | int


def _objects_and_crowds(truth: GroundTruth) -> tuple[Tensor, Tensor]:
    return truth.valid & (truth.class_ids > 0), truth.valid & (truth.class_ids < 0)


def rpn_targets(
    anchors: Tensor,
    truth: GroundTruth,
    *,
    samples: int,
    std_dev: Sequence[float],
    seed: Seed,
) -> RpnTargets:
    """Draw `samples` anchors of each image, at most half of them positive.

    Negatives fill what positives leave free, so an image without objects gives
    negatives only. Faster R-CNN, arXiv:1506.01497, section 3.1.3.

    Args:
        anchors: (A, 4).
        truth: the annotated objects.
        samples: anchors an image.
        std_dev: (4,) units of the deltas.
        seed: of the draw.

    Returns:
        samples + samples // 2 slots, of which at most `samples` are valid.
    """
    objects, crowds = _objects_and_crowds(truth)
    overlaps = box_ops.iou(anchors[None], truth.boxes)
    matches = match_anchors(overlaps, objects, crowds)
    positives, is_positive = sample(matches.positive, samples // 2, seed)
    negatives, is_negative = sample(matches.negative, samples, seed)
    wanted = samples - ops.sum(ops.cast(is_positive, "int32"), -1, keepdims=True)
    is_negative = is_negative & (ops.arange(samples, dtype="int32") < wanted)

    indices = ops.concatenate([positives, negatives], axis=-1)
    boxes = ops.take(anchors, indices, axis=0)
    matched = gather(truth.boxes, gather(matches.index, indices))
    return RpnTargets(
        indices=indices,
        deltas=box_ops.encode_deltas(boxes, matched, std_dev=std_dev),
        positive=ops.concatenate([is_positive, ops.zeros_like(is_negative)], axis=-1),
        valid=ops.concatenate([is_positive, is_negative], axis=-1),
    )


def _sample_rois(
    matches: Matches, *, samples: int, positive_ratio: float, fill: bool, seed: Seed
) -> tuple[Tensor, Tensor, Tensor]:
    """Return indices (B, R), positive (B, R) and valid (B, R), positives first."""
    slots = int(samples * positive_ratio)
    positives, is_positive = sample(matches.positive, slots, seed)
    negatives, is_negative = sample(matches.negative, samples, seed)
    found = ops.sum(ops.cast(is_positive, "int32"), axis=-1, keepdims=True)
    if fill:
        wanted = samples - found
    else:
        # One third positive means two negatives for each; none if nothing is positive.
        # Dividing by 0.33 instead rounds 66 of 200 down to 199 in float32.
        total = ops.cast(found, "float32") * (1.0 / positive_ratio)
        wanted = ops.cast(total, "int32") - found
    is_negative = is_negative & (ops.arange(samples, dtype="int32") < wanted)

    valid = ops.concatenate([is_positive, is_negative], axis=-1)
    positive = ops.concatenate([is_positive, ops.zeros_like(is_negative)], axis=-1)
    indices = ops.concatenate([positives, negatives], axis=-1)
    order, valid = compact(valid, samples)
    return gather(indices, order), gather(positive, order) & valid, valid


def roi_targets(
    rois: Tensor,
    roi_valid: Tensor,
    truth: GroundTruth,
    *,
    samples: int,
    positive_ratio: float,
    std_dev: Sequence[float],
    mask_side: int,
    mask_slots: int,
    mini_masks: bool,
    image_shape: tuple[int, int],
    fill: bool = False,
    append_truth: bool = False,
    aligned: bool = False,
    seed: Seed,
) -> RoiTargets:
    """Draw `samples` proposals of each image and look up class, deltas and mask.

    Args:
        rois: proposals (B, P, 4).
        roi_valid: (B, P) bool.
        truth: the annotated objects.
        samples: R, RoIs an image.
        positive_ratio: at most this part of them is positive.
        std_dev: (4,) units of the deltas.
        mask_side: M.
        mask_slots: masks are cut for at most so many positives, the first.
        mini_masks: whether the masks of `truth` are cut to their boxes.
        image_shape: (H, W) in pixels.
        fill: fill up with negatives; otherwise keep the ratio, which leaves slots empty
            where few proposals are positive (Matterport).
        append_truth: let the ground-truth boxes join the proposals.
        aligned: where masks are sampled, see `ops.masks.mask_targets`.
        seed: of the draw.
    """
    objects, crowds = _objects_and_crowds(truth)
    if append_truth:
        rois = ops.concatenate([rois, truth.boxes], axis=1)
        roi_valid = ops.concatenate([roi_valid, objects], axis=1)
    matches = match_rois(box_ops.iou(rois, truth.boxes), roi_valid, objects, crowds)
    indices, positive, valid = _sample_rois(
        matches, samples=samples, positive_ratio=positive_ratio, fill=fill, seed=seed
    )
    rois = ops.where(valid[..., None], gather(rois, indices), 0.0)
    owner = gather(matches.index, indices)
    boxes = gather(truth.boxes, owner)
    deltas = box_ops.encode_deltas(rois, boxes, std_dev=std_dev)

    slots = min(mask_slots, int(samples * positive_ratio))
    regions = rois[:, :slots]
    frames = boxes[:, :slots] if mini_masks else ops.array([0.0, 0.0, 1.0, 1.0])
    if aligned:  # From the centres of corner pixels to the outer edges of boxes.
        regions = box_ops.denormalise(regions, image_shape)
        frames = box_ops.denormalise(frames, image_shape)
    masks = mask_targets(
        gather(truth.masks, owner[:, :slots]),
        _inside(regions, frames),
        mask_side,
        aligned=aligned,
    )
    return RoiTargets(
        rois=rois,
        class_ids=ops.where(positive, gather(truth.class_ids, owner), 0),
        deltas=ops.where(positive[..., None], deltas, 0.0),
        masks=masks,
        positive=positive,
        valid=valid,
    )


def _inside(boxes: Tensor, frames: Tensor) -> Tensor:
    """Return boxes (..., 4) in coordinates in which their frames are (0, 0, 1, 1)."""
    origin, sides = frames[..., :2], frames[..., 2:] - frames[..., :2]
    origin = ops.concatenate([origin, origin], axis=-1)
    sides = ops.concatenate([sides, sides], axis=-1)
    return (boxes - origin) / ops.where(sides > 0, sides, 1.0)
