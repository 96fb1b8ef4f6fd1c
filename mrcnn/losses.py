"""The five losses of Mask R-CNN: pure functions that return one float32 scalar each.

Each is a mean over what it applies to, and 0 with zero gradients where that is nothing.
Shapes as in `mrcnn.structures`.
"""

from keras import ops

from mrcnn.ops.sampling import gather, of_class
from mrcnn.structures import RoiTargets, RpnTargets, Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of values where a mask of the same shape holds, 0 if nowhere."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)


def smooth_l1(predicted: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """Return 0.5 d^2 / beta where |d| < beta, else |d| - 0.5 beta.

    arXiv:1504.08083, eq. 3, has beta 1. A smaller one keeps pulling at small errors.
    """
    distance = ops.abs(predicted - target)
    quadratic = 0.5 * distance * distance / beta
    return ops.where(distance < beta, quadratic, distance - 0.5 * beta)


def cross_entropy(logits: Tensor, class_ids: Tensor) -> Tensor:
    """Return -log softmax(logits (B, S, K)) at class_ids (B, S)."""
    return -of_class(ops.log_softmax(logits, axis=-1), class_ids)


def rpn_class_loss(logits: Tensor, targets: RpnTargets) -> Tensor:
    """Return the cross-entropy of object against background over the sampled anchors.

    Args:
        logits: (B, A, 2), background first.
        targets: the sampled anchors.
    """
    logits = gather(logits, targets.indices)
    entropy = cross_entropy(logits, ops.cast(targets.positive, "int32"))
    return masked_mean(entropy, targets.valid)


def rpn_bbox_loss(deltas: Tensor, targets: RpnTargets, beta: float = 1.0) -> Tensor:
    """Return the smooth L1 of deltas (B, A, 4) over the sampled positive anchors."""
    distance = smooth_l1(gather(deltas, targets.indices), targets.deltas, beta)
    return masked_mean(ops.mean(distance, axis=-1), targets.positive)


def mrcnn_class_loss(
    logits: Tensor, targets: RoiTargets, active_class_ids: Tensor
) -> Tensor:
    """Return the cross-entropy of the classes over the sampled RoIs.

    Empty slots count as background, as in Matterport. A RoI whose predicted class the
    image's data set does not annotate is left out, so that data sets can be mixed;
    Matterport looks the class up in the first image of the batch, we in its own.

    Args:
        logits: (B, R, K).
        targets: the sampled RoIs.
        active_class_ids: (B, K), 1 for the classes that the image's data set annotates.
    """
    predicted = ops.argmax(logits, axis=-1)
    active = gather(active_class_ids, predicted)
    return masked_mean(cross_entropy(logits, targets.class_ids), active)


def mrcnn_bbox_loss(deltas: Tensor, targets: RoiTargets, beta: float = 1.0) -> Tensor:
    """Return the smooth L1 of the true class's deltas over the positive RoIs.

    Args:
        deltas: (B, R, K, 4).
        targets: the sampled RoIs.
        beta: of `smooth_l1`.
    """
    chosen = of_class(deltas, targets.class_ids)
    distance = ops.mean(smooth_l1(chosen, targets.deltas, beta), axis=-1)
    return masked_mean(distance, targets.positive)


def mrcnn_mask_loss(logits: Tensor, targets: RoiTargets) -> Tensor:
    """Return the binary cross-entropy of the true class's mask over the positive RoIs.

    Classes do not compete: only the mask of the true class is looked at (Mask R-CNN,
    arXiv:1703.06870, section 3).

    Args:
        logits: (B, R+, M, M, K) before the sigmoid.
        targets: the sampled RoIs.
    """
    slots = targets.masks.shape[1]
    logits = of_class(ops.moveaxis(logits, -1, 2), targets.class_ids[:, :slots])
    # log(1 + exp(-|x|)) + max(x, 0) - x z: the entropy without overflow.
    entropy = ops.softplus(-ops.abs(logits)) + ops.relu(logits) - logits * targets.masks
    return masked_mean(ops.mean(entropy, axis=(2, 3)), targets.positive[:, :slots])
