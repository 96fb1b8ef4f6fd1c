"""Non-maximum suppression with a fixed number of output slots."""

import keras
from keras import ops

from mrcnn.ops import boxes as box_ops
from mrcnn.structures import Tensor


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
    kernel = _tensorflow_nms if keras.backend.backend() == "tensorflow" else _greedy_nms
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


def _greedy_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, slots: int
) -> tuple[Tensor, Tensor]:
    """Take the best box left, drop what overlaps it, and so on: the definition."""
    batch, count = ops.shape(boxes)[0], boxes.shape[1]
    columns = ops.arange(slots, dtype="int32")

    def step(i: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        left, indices, kept = state
        best = ops.cast(ops.argmax(left, axis=-1), "int32")
        exists = ops.max(left, axis=-1) > -1e8
        chosen = ops.take_along_axis(boxes, best[:, None, None], axis=1)
        overlaps = box_ops.iou(boxes, chosen)[..., 0]
        is_best = ops.arange(count, dtype="int32")[None] == best[:, None]
        left = ops.where((overlaps > iou_threshold) | is_best, -1e9, left)
        here = (columns == i)[None] & exists[:, None]
        return left, ops.where(here, best[:, None], indices), kept | here

    state = (
        scores,
        ops.zeros((batch, slots), "int32"),
        ops.zeros((batch, slots), "bool"),
    )
    _, indices, kept = ops.fori_loop(0, slots, step, state)
    return indices, kept


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
