"""Matterport's loss functions, over `mrcnn.losses`.

They take targets as arrays with a slot for each anchor or RoI; ours take the sample
that was drawn. Each is a float32 scalar, and 0 where it applies to nothing.
"""

from keras import ops

from mrcnn import losses
from mrcnn.config import Config
from mrcnn.structures import RoiTargets, RpnTargets, Tensor


def smooth_l1_loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return smooth L1 of each element, with a slope from a distance of 1 on."""
    return losses.smooth_l1(ops.convert_to_tensor(y_pred), y_true)


def _anchors(match: Tensor, deltas: Tensor) -> RpnTargets:
    """Take every anchor for the sample: match (B, A, 1) is 1, -1 or 0 for neither."""
    match = ops.squeeze(ops.cast(match, "int32"), axis=-1)
    batch, count = match.shape
    indices = ops.broadcast_to(ops.arange(count, dtype="int32"), (batch, count))
    return RpnTargets(indices, deltas, match == 1, match != 0)


def rpn_class_loss_graph(rpn_match: Tensor, rpn_class_logits: Tensor) -> Tensor:
    """Return the cross-entropy of the anchors that are objects or background.

    Args:
        rpn_match: (B, A, 1), 1 object, -1 background, 0 neither.
        rpn_class_logits: (B, A, 2).
    """
    targets = _anchors(rpn_match, ops.zeros((*rpn_class_logits.shape[:2], 4)))
    return losses.rpn_class_loss(ops.convert_to_tensor(rpn_class_logits), targets)


def rpn_bbox_loss_graph(
    config: Config, target_bbox: Tensor, rpn_match: Tensor, rpn_bbox: Tensor
) -> Tensor:
    """Return the smooth L1 of the deltas of the anchors that are objects.

    Args:
        config: gives where the slope begins.
        target_bbox: (B, S, 4), those of an image's objects in their order, then zeros.
        rpn_match: (B, A, 1).
        rpn_bbox: (B, A, 4).
    """
    rpn_match = ops.convert_to_tensor(rpn_match)
    objects = ops.cast(ops.squeeze(rpn_match, axis=-1) == 1, "int32")
    # The n-th object of an image has the n-th target.
    slot = ops.maximum(ops.cumsum(objects, axis=1) - 1, 0)
    last = target_bbox.shape[1] - 1
    deltas = ops.take_along_axis(
        ops.convert_to_tensor(target_bbox),
        ops.cast(ops.minimum(slot, last), "int32")[..., None],
        axis=1,
    )
    return losses.rpn_bbox_loss(
        ops.convert_to_tensor(rpn_bbox),
        _anchors(rpn_match, deltas),
        config.SMOOTH_L1_BETA,
    )


def _rois(class_ids: Tensor, deltas: Tensor, masks: Tensor) -> RoiTargets:
    class_ids = ops.cast(class_ids, "int32")
    positive = class_ids > 0
    everyone = ops.ones_like(positive)
    boxes = ops.zeros((*class_ids.shape, 4))
    return RoiTargets(boxes, class_ids, deltas, masks, positive, everyone)


def mrcnn_class_loss_graph(
    target_class_ids: Tensor, pred_class_logits: Tensor, active_class_ids: Tensor
) -> Tensor:
    """Return the cross-entropy of the classes.

    Args:
        target_class_ids: (B, R).
        pred_class_logits: (B, R, K).
        active_class_ids: (B, K), see `losses.mrcnn_class_loss`.
    """
    nothing = ops.zeros((*target_class_ids.shape, 4))
    targets = _rois(target_class_ids, nothing, nothing)
    return losses.mrcnn_class_loss(
        ops.convert_to_tensor(pred_class_logits),
        targets,
        ops.convert_to_tensor(active_class_ids),
    )


def mrcnn_bbox_loss_graph(
    target_bbox: Tensor, target_class_ids: Tensor, pred_bbox: Tensor
) -> Tensor:
    """Return the smooth L1 of the true classes' deltas.

    Args:
        target_bbox: (B, R, 4).
        target_class_ids: (B, R), 0 where there is no object.
        pred_bbox: (B, R, K, 4).
    """
    target_bbox = ops.convert_to_tensor(target_bbox)
    targets = _rois(target_class_ids, target_bbox, target_bbox)
    return losses.mrcnn_bbox_loss(ops.convert_to_tensor(pred_bbox), targets)


def mrcnn_mask_loss_graph(
    target_masks: Tensor, target_class_ids: Tensor, pred_masks: Tensor
) -> Tensor:
    """Return the binary cross-entropy of the true classes' masks.

    Args:
        target_masks: (B, R, M, M), 0 or 1.
        target_class_ids: (B, R), 0 where there is no object.
        pred_masks: (B, R, M, M, K), probabilities.
    """
    target_masks = ops.cast(target_masks, "float32")
    targets = _rois(target_class_ids, target_masks, target_masks)
    # Our loss takes logits; Matterport's clips probabilities by Keras' epsilon.
    clipped = ops.clip(ops.cast(pred_masks, "float32"), 1e-7, 1 - 1e-7)
    logits = ops.log(clipped) - ops.log1p(-clipped)
    return losses.mrcnn_mask_loss(logits, targets)
