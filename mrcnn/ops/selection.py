"""From what the network says of thousands of boxes to a short list of good ones."""

from collections.abc import Sequence
from typing import NamedTuple

from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.nms import class_nms, nms
from mrcnn.ops.sampling import gather, of_class
from mrcnn.structures import DetectionSlots, Proposals, Tensor


def object_probability(logits: Tensor) -> Tensor:
    """Return the probability (B, A) of an object; logits (B, A, 2), background first.

    The softmax over two classes: a sigmoid of their difference.
    """
    return ops.sigmoid(logits[..., 1] - logits[..., 0])


class RankedAnchors(NamedTuple):
    """The anchors that are most probably objects, best first."""

    indices: Tensor  # (B, N) int32 into the A anchors
    scores: Tensor  # (B, N) probability of an object
    boxes: Tensor  # (B, N, 4) refined, not clipped


def rank_anchors(
    objectness: Tensor,
    deltas: Tensor,
    anchors: Tensor,
    *,
    std_dev: Sequence[float],
    count: int,
) -> RankedAnchors:
    """Refine the `count` best anchors over all levels together.

    Matterport's convention; Detectron2 takes the best of each level.

    Args:
        objectness: (B, A) probability of an object.
        deltas: (B, A, 4).
        anchors: (A, 4) normalised.
        std_dev: (4,) units of the deltas.
        count: N; all if there are fewer.
    """
    scores, order = ops.top_k(objectness, min(count, anchors.shape[0]))
    order = ops.cast(order, "int32")
    boxes = box_ops.decode_deltas(
        ops.take(anchors, order, axis=0), gather(deltas, order), std_dev=std_dev
    )
    return RankedAnchors(order, scores, boxes)


def select_proposals(
    objectness: Tensor,
    deltas: Tensor,
    anchors: Tensor,
    *,
    std_dev: Sequence[float],
    pre_nms: int,
    iou_threshold: float,
    slots: int,
) -> Proposals:
    """Refine the best anchors, clip them to the image and drop near-duplicates.

    No box is too small (Matterport's convention).

    Args:
        objectness: (B, A) probability of an object.
        deltas: (B, A, 4).
        anchors: (A, 4) normalised.
        std_dev: (4,) units of the deltas.
        pre_nms: anchors that go into the suppression.
        iou_threshold: of the suppression.
        slots: P.
    """
    _, scores, boxes = rank_anchors(
        objectness, deltas, anchors, std_dev=std_dev, count=pre_nms
    )
    boxes = ops.stop_gradient(ops.clip(boxes, 0.0, 1.0))
    scores = ops.stop_gradient(scores)
    everyone = ops.ones_like(scores, dtype="bool")
    indices, valid = nms(
        boxes, scores, everyone, iou_threshold=iou_threshold, slots=slots
    )
    return Proposals(
        boxes=ops.where(valid[..., None], gather(boxes, indices), 0.0),
        scores=ops.where(valid, gather(scores, indices), 0.0),
        valid=valid,
    )


def select_detections(
    rois: Tensor,
    valid: Tensor,
    probabilities: Tensor,
    deltas: Tensor,
    windows: Tensor,
    *,
    std_dev: Sequence[float],
    min_confidence: float,
    iou_threshold: float,
    slots: int,
    across_classes: bool = False,
    outscores_background: bool = True,
) -> DetectionSlots:
    """Give each RoI its most probable class, refine it, and keep the best per class.

    A RoI is at most one detection (Matterport's convention; Detectron2 lets it be one
    of every class). Unsure ones are dropped, as are boxes that the window leaves
    without area.

    Args:
        rois: (B, P, 4) normalised.
        valid: (B, P) bool.
        probabilities: (B, P, K).
        deltas: (B, P, K, 4), those of the winning class are used.
        windows: (B, 4) normalised, the part of the padded image that is not padding.
        std_dev: (4,) units of the deltas.
        min_confidence: least probability of a detection.
        iou_threshold: of the suppression.
        slots: D.
        across_classes: whether a box suppresses those of other classes too; else each
            class is by itself.
        outscores_background: whether RoIs are dropped that are most probably background
            (Matterport's convention); else each is given its best other class.
    """
    first = 0 if outscores_background else 1
    # Not argmax: Keras' has a step in it that ONNX does not know.
    ranked = ops.top_k(probabilities[..., first:], 1)
    scores, class_ids = (best[..., 0] for best in ranked)
    class_ids = ops.cast(class_ids, "int32") + first
    boxes = box_ops.decode_deltas(rois, of_class(deltas, class_ids), std_dev=std_dev)
    boxes = box_ops.clip(boxes, windows)
    keep = valid & (class_ids > 0) & (scores >= min_confidence)
    keep = keep & (box_ops.area(boxes) > 0)
    options = {"iou_threshold": iou_threshold, "slots": slots}
    if across_classes:
        indices, found = nms(boxes, scores, keep, **options)
    else:
        indices, found = class_nms(boxes, scores, class_ids, keep, **options)
    return DetectionSlots(
        boxes=ops.where(found[..., None], gather(boxes, indices), 0.0),
        class_ids=ops.where(found, gather(class_ids, indices), 0),
        scores=ops.where(found, gather(scores, indices), 0.0),
        valid=found,
    )
