"""What crosses the borders between modules, with the letters for shapes used all over.

B  images in a batch             H, W  padded image, in pixels
G  ground-truth slots per image  h, w  original image, in pixels
A  anchors                       K     classes, background (0) included
P  proposals                     R     sampled regions of interest (RoIs)
D  detection slots               M     side of a predicted mask

A box is (y1, x1, y2, x2). In pixels, y2 and x2 are exclusive. Normalised boxes are
(box - [0, 0, 1, 1]) / [H-1, W-1, H-1, W-1] (Matterport's convention): both corners lie
on pixel centres, so 0 is the first row and 1 the last.

Arrays have static shapes. A `valid` mask says which slots hold something; what the
other slots hold is zero.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

import numpy as np

Tensor = Any
"""A tensor of whichever Keras backend runs."""

Augmentation = Callable[
    [np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]
]
"""Takes and returns an image (H, W, C) uint8 and masks (H, W, n) bool; its chance comes
from the generator alone."""


class Preprocessing(NamedTuple):
    """How an original image becomes a padded network input (see `data.transforms`)."""

    mode: str
    min_dim: int
    max_dim: int
    min_scale: float
    mean_pixel: tuple[float, ...]

    def for_inference(self) -> "Preprocessing":
        """Return how whole images become inputs.

        Mode "crop" cuts a part out of each in training. Detection scales images alike
        and sees all of them, padded to multiples of 64; `max_dim` then says how large a
        square is, at least.
        """
        if self.mode != "crop":
            return self
        return self._replace(mode="pad64", max_dim=self.min_dim)


class Proposals(NamedTuple):
    """Regions that the proposal network takes for objects, best first."""

    boxes: Tensor  # (B, P, 4) normalised
    scores: Tensor  # (B, P) probability of an object
    valid: Tensor  # (B, P) bool


class GroundTruth(NamedTuple):
    """The annotated objects of a batch."""

    boxes: Tensor  # (B, G, 4) normalised
    class_ids: Tensor  # (B, G) int32, negative for a crowd of that class
    masks: Tensor  # (B, G, ., .) 0 or 1: full (H, W), or cut to the box ("mini masks")
    valid: Tensor  # (B, G) bool


class RpnTargets(NamedTuple):
    """A sample of anchors, and what the proposal network should say about them."""

    indices: Tensor  # (B, S) int32 into the A anchors
    deltas: Tensor  # (B, S, 4) encoded, meaningful where positive
    positive: Tensor  # (B, S) bool
    valid: Tensor  # (B, S) bool


class RoiTargets(NamedTuple):
    """A sample of RoIs, positives first, and what the heads should say about them."""

    rois: Tensor  # (B, R, 4) normalised
    class_ids: Tensor  # (B, R) int32, 0 for background and for empty slots
    deltas: Tensor  # (B, R, 4) encoded, zero unless positive
    masks: Tensor  # (B, R+, M, M) 0 or 1, for the R+ first slots
    positive: Tensor  # (B, R) bool, they come first
    valid: Tensor  # (B, R) bool, the slots that hold a RoI


class DetectionSlots(NamedTuple):
    """Detections of a batch in static slots, best first."""

    boxes: Tensor  # (B, D, 4) normalised
    class_ids: Tensor  # (B, D) int32
    scores: Tensor  # (B, D)
    valid: Tensor  # (B, D) bool


class TrainingOutputs(NamedTuple):
    """What the network said, beside what it should have said."""

    rpn_logits: Tensor  # (B, A, 2)
    rpn_deltas: Tensor  # (B, A, 4)
    rpn_targets: RpnTargets
    class_logits: Tensor  # (B, R, K)
    box_deltas: Tensor  # (B, R, K, 4)
    mask_logits: Tensor  # (B, R+, M, M, K)
    roi_targets: RoiTargets


class Stages(NamedTuple):
    """Everything from anchors to masks, for detection and for pictures of it."""

    rpn_scores: Tensor  # (B, A) probability of an object
    rpn_deltas: Tensor  # (B, A, 4)
    proposals: Proposals
    class_probabilities: Tensor  # (B, P, K)
    box_deltas: Tensor  # (B, P, K, 4)
    detections: DetectionSlots
    masks: Tensor  # (B, D, M, M) probabilities for the detected class


class RoiPredictions(NamedTuple):
    """What the box head says of given RoIs."""

    class_probabilities: Tensor  # (B, R, K)
    boxes: Tensor  # (B, R, K, 4) refined for every class


class Detection(TypedDict):
    """Detections in one original image, with Matterport's names."""

    rois: np.ndarray  # (n, 4) int32, pixels of the original image
    class_ids: np.ndarray  # (n,) int32
    scores: np.ndarray  # (n,) float32
    masks: np.ndarray | list[dict[str, Any]]  # (h, w, n) bool, or n run-length codes


class Stage(NamedTuple):
    """One stretch of training: which layers learn, for how long and how fast."""

    layers: str  # "heads", "3+", "4+", "5+", "all" or a regular expression
    epochs: int
    learning_rate: float
    schedule: str = "constant"
    warmup_steps: int = 0
