"""Which boxes stand for an object and which for background, from a matrix of IoUs."""

from types import ModuleType
from typing import Any, NamedTuple

from keras import ops

from mrcnn.structures import Tensor

POSITIVE_IOU = 0.7
"""From here on an anchor stands for an object (arXiv:1506.01497, section 3.1.2)."""
NEGATIVE_IOU = 0.3
"""Below this with every object, an anchor stands for background."""
CROWD_IOU = 0.001
"""A box that overlaps a crowd by this much is no good example of background."""


class Matches(NamedTuple):
    """What each of N boxes stands for; one that is neither is left out of training."""

    positive: Tensor  # (B, N) bool
    negative: Tensor  # (B, N) bool
    index: Tensor  # (B, N) int, the object that the box overlaps most


def _best(
    overlaps: Tensor, objects: Tensor, xp: ModuleType | Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Return IoUs with non-objects at -1, and each box's best IoU and its object."""
    overlaps = xp.where(objects[:, None, :], overlaps, -1.0)
    return overlaps, xp.max(overlaps, -1), xp.argmax(overlaps, -1)


def _clear_of_crowds(overlaps: Tensor, crowds: Tensor, xp: ModuleType | Any) -> Tensor:
    return xp.max(xp.where(crowds[:, None, :], overlaps, 0.0), -1) < CROWD_IOU


def match_anchors(
    overlaps: Tensor,
    objects: Tensor,
    crowds: Tensor,
    *,
    positive_iou: float = POSITIVE_IOU,
    negative_iou: float = NEGATIVE_IOU,
    xp: ModuleType | Any = ops,
) -> Matches:
    """Match anchors with objects as the proposal network is trained.

    Positive: IoU at least `positive_iou` with any object, and for every object the
    anchor, or tied anchors, that overlap it most. Negative: less than `negative_iou`
    with all objects and clear of crowds. Faster R-CNN, arXiv:1506.01497, section 3.1.2.

    Args:
        overlaps: IoUs (B, A, G).
        objects: (B, G) bool, the slots that hold an ordinary object.
        crowds: (B, G) bool, the slots that hold a crowd.
        positive_iou: from here on an anchor is positive.
        negative_iou: below this it is negative.
        xp: what computes, `keras.ops` or NumPy.
    """
    masked, best, index = _best(overlaps, objects, xp)
    # An object that no anchor touches has no best anchor: 0 must not count as a tie.
    per_object = xp.max(masked, axis=1, keepdims=True)
    is_best = xp.any((masked == per_object) & (per_object > 0), axis=-1)
    positive = (best >= positive_iou) | is_best
    clear = _clear_of_crowds(overlaps, crowds, xp)
    negative = (best < negative_iou) & clear & ~positive
    return Matches(positive, negative, index)


def match_rois(
    overlaps: Tensor,
    valid: Tensor,
    objects: Tensor,
    crowds: Tensor,
    *,
    positive_iou: float = 0.5,
    xp: ModuleType | Any = ops,
) -> Matches:
    """Match proposals with objects as the heads are trained.

    Positive from `positive_iou` on; negative below it and clear of crowds. Empty slots
    are neither. Matterport's convention; Fast R-CNN (arXiv:1504.08083) asks negatives
    for an IoU of 0.1 as well.

    Args:
        overlaps: IoUs (B, P, G).
        valid: (B, P) bool, the slots that hold a proposal.
        objects: (B, G) bool, the slots that hold an ordinary object.
        crowds: (B, G) bool, the slots that hold a crowd.
        positive_iou: from here on a proposal is positive.
        xp: what computes, `keras.ops` or NumPy.
    """
    _, best, index = _best(overlaps, objects, xp)
    positive = (best >= positive_iou) & valid
    negative = (best < positive_iou) & _clear_of_crowds(overlaps, crowds, xp) & valid
    return Matches(positive, negative, index)
