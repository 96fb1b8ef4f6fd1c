"""What all programs of `peers` do alike: the works, and what they are given.

It imports no network, so that a program that needs none of ours is not charged for it.
"""

from typing import NamedTuple

PROPOSALS = 1000
"""Of an image in detection, in every program; a threshold of 1 drops none for another,
so that random weights find as many as trained ones may."""
PROPOSAL_IOU, BOX_IOU = 1.0, 0.7
"""Above which a proposal or a detection gives way to a better one."""
BATCH, ROIS, POSITIVE = 8, 32, 0.33
"""Images of a training step, regions that are sampled in each, and the most of them
that may hold an object."""
INPUTS = "inputs.npz"
"""A file of a picture, `image` (h, w, 3) uint8; or, for each of a batch, `image_0`,
`boxes_0` (n, 4), `class_ids_0` (n,), `masks_0` (h, w, n) and so on."""


class Work(NamedTuple):
    """One thing to do."""

    side: int  # pixels, of square images
    classes: int  # background included
    detections: int  # that an image has
    training: bool = False


WORKS = {
    "detect R50 128, 10 objects": Work(128, 1 + 3, 10),
    "detect R50 128, 100 objects": Work(128, 1 + 3, 100),
    "detect R50 1024, 10 objects": Work(1024, 1 + 80, 10),
    "detect R50 1024, 100 objects": Work(1024, 1 + 80, 100),
    "train R50 128": Work(128, 1 + 3, 100, training=True),
}
"""By name."""
