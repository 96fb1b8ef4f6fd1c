"""Non-maximum suppression with a fixed number of output slots."""

import keras
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.ops.sampling import gather
from mrcnn.structures import Tensor

BLOCK = 256
"""Boxes that are compared with each other at once where no kernel does it."""


def nms(
    boxes: Tensor, scores: Tensor, valid: Tensor, *, iou_threshold: float, slots: int
) -> tuple[Tensor, Tensor]:
    """Greedily keep the best boxes that do not overlap one already kept.

    A box is dropped when its IoU with a kept one is larger than `iou_threshold`.

    Args:
        boxes: (B, N, 4) in any one frame.
        scores: (B, N).
        valid: (B, N) bool, the boxes that take part.
        iou_threshold: largest IoU that two kept boxes may have.
        slots: how many boxes to keep at most.

    Returns:
        Indices (B, slots) int32 into the N boxes, best first, and valid (B, slots)
        bool. Empty slots hold index 0.
    """
    scores = ops.where(valid, scores, -1e9)
    boxes = ops.where(valid[..., None], boxes, 0.0)
    on_tensorflow = keras.backend.backend() == "tensorflow"
    kernel = _tensorflow_nms if on_tensorflow else _blockwise_nms
    return kernel(boxes, scores, iou_threshold, slots)


def class_nms(
    boxes: Tensor,
    scores: Tensor,
    class_ids: Tensor,
    valid: Tensor,
    *,
    iou_threshold: float,
    slots: int,
) -> tuple[Tensor, Tensor]:
    """As `nms`, but boxes (B, N, 4) in [0, 1] of different classes never overlap.

    Each class is moved to a place of its own. A step of two units keeps classes apart
    and costs at most 2 ** -17 of precision with 64 classes.
    """
    shift = 2.0 * ops.cast(class_ids, boxes.dtype)[..., None]
    return nms(boxes + shift, scores, valid, iou_threshold=iou_threshold, slots=slots)


def _blockwise_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, slots: int
) -> tuple[Tensor, Tensor]:
    """Go through the boxes in blocks, best first, until the slots are full.

    A block is compared with the boxes kept before and with itself, so that memory grows
    with N and the number of steps does not grow with the slots.
    """
    boxes, scores = ops.stop_gradient(boxes), ops.stop_gradient(scores)
    order = ops.argsort(-scores, axis=-1)  # stable: of equal ones the first
    batch, count = ops.shape(boxes)[0], boxes.shape[1]
    size = min(count, BLOCK)
    padding = (0, -count % size)
    boxes = ops.pad(gather(boxes, order), ((0, 0), padding, (0, 0)))
    exists = ops.pad(gather(scores, order) > -1e8, ((0, 0), padding))
    slot = ops.arange(slots, dtype="int32")[None, :, None]

    def step(start: Tensor, ranks: Tensor, kept: Tensor) -> tuple[Tensor, ...]:
        block = ops.slice(boxes, (0, start, 0), (batch, size, 4))
        better = ops.where(kept[..., None], gather(boxes, ranks), 0.0)
        beaten = ops.any(box_ops.iou(block, better) > iou_threshold, axis=-1)
        standing = ops.slice(exists, (0, start), (batch, size)) & ~beaten
        keep = _greedily(block, standing, iou_threshold)
        before = ops.sum(ops.cast(kept, "int32"), axis=1, keepdims=True)
        place = before + ops.cumsum(ops.cast(keep, "int32"), axis=1) - 1
        here = keep[:, None] & (place[:, None] == slot)  # (B, slots, size)
        rank = start + ops.cast(ops.argmax(here, axis=-1), "int32")
        new = ops.any(here, axis=-1)
        return start + size, ops.where(new, rank, ranks), kept | new

    start = ops.zeros((), "int32")
    ranks, kept = ops.zeros((batch, slots), "int32"), ops.zeros((batch, slots), "bool")
    _, ranks, kept = ops.while_loop(
        lambda start, _, kept: (start < count) & ~ops.all(kept),
        step,
        (start, ranks, kept),
    )
    return ops.where(kept, gather(order, ranks), 0), kept


def _greedily(boxes: Tensor, standing: Tensor, iou_threshold: float) -> Tensor:
    """Return which boxes (B, N, 4), best first, none that is kept overlaps: (B, N).

    Each box is kept, at first, and then again and again those that no kept one before
    them beats. The fate of a box hangs on those before it alone: after n rounds that of
    the first n is settled, and what a round leaves as it was is so for good. Few rounds
    do, as many as the longest chain of boxes that beat each other.
    """
    place = ops.arange(boxes.shape[1], dtype="int32")
    beats = box_ops.iou(boxes, boxes) > iou_threshold
    beats = beats & (place[:, None] < place[None])  # (B, N, N), row beats column

    def again(_: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        return keep, standing & ~ops.any(keep[..., None] & beats, axis=1)

    _, keep = ops.while_loop(
        lambda before, keep: ops.any(before != keep),
        again,
        (ops.zeros_like(standing), standing),
    )
    return keep


def _tensorflow_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, slots: int
) -> tuple[Tensor, Tensor]:
    """TensorFlow's own kernel, which is far faster on CPUs and runs on GPUs."""
    import tensorflow as tf

    def one(image: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        indices, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=image[0],
            scores=image[1],
            max_output_size=slots,
            iou_threshold=iou_threshold,
            score_threshold=-1e8,
            pad_to_max_output_size=True,
        )
        return indices, tf.range(slots) < count

    if boxes.shape[0] == 1:  # no loop, which exported models would keep
        indices, kept = one((boxes[0], scores[0]))
        return indices[None], kept[None]
    signature = (
        tf.TensorSpec((slots,), tf.int32),
        tf.TensorSpec((slots,), tf.bool),
    )
    return tf.map_fn(one, (boxes, scores), fn_output_signature=signature)
