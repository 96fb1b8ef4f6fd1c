"""The three tasks of Mask R-CNN, and which loss teaches which."""

from enum import StrEnum


class Task(StrEnum):
    """What a detection consists of: where it is, what it is, and its outline."""

    BOX = "box"
    CLASS = "class"
    MASK = "mask"


LOSSES: dict[Task, tuple[str, ...]] = {
    Task.BOX: ("rpn_bbox_loss", "mrcnn_bbox_loss"),
    Task.CLASS: ("rpn_class_loss", "mrcnn_class_loss"),
    Task.MASK: ("mrcnn_mask_loss",),
}
"""Loss names (Matterport's) by the task whose error they measure. The proposal
network's objectness counts as classification, its deltas as box regression."""

LOSS_NAMES: tuple[str, ...] = (
    "rpn_class_loss",
    "rpn_bbox_loss",
    "mrcnn_class_loss",
    "mrcnn_bbox_loss",
    "mrcnn_mask_loss",
)
"""All five losses in the order in which Matterport's model returns them."""
