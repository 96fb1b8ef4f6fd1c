"""What was set on a configuration too late."""

from mrcnn.checks.kinds import KINDS
from mrcnn.config import Config, plain
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.notices import once

LATER = frozenset(
    {
        *("NAME", "SEED", "GPU_COUNT", "IMAGES_PER_GPU", "BATCH_SIZE"),
        *("STEPS_PER_EPOCH", "VALIDATION_STEPS", "MAX_GT_INSTANCES"),
        *("MINI_MASK_SHAPE", "MAX_FAULTY_IMAGES", "IMAGE_CACHE_BYTES"),
        *("LEARNING_RATE", "LEARNING_RATE_SCHEDULE", "WARMUP_STEPS"),
        *("LEARNING_MOMENTUM", "GRADIENT_CLIP_NORM", "USE_RPN_ROIS"),
        *("COMPUTE_BACKBONE_SHAPE", "IMAGE_SHAPE", "IMAGE_META_SIZE", "MASK_SHAPE"),
    }
)
"""Attributes that no network is built from: they are read anew, or follow others."""
BUILT_FROM = tuple(name for name in KINDS if name not in LATER)


def say_if_stale(config: Config, model: MaskRCNN) -> None:
    """Say once what was set on a configuration since a model was built from it.

    It has no effect on the model, in Matterport's code neither.
    """
    if model.built_from is None:  # read from a file
        return
    pairs = (
        (name, getattr(model.built_from, name), plain(getattr(config, name)))
        for name in BUILT_FROM
    )
    changed = [f"{name} {was} -> {now}" for name, was, now in pairs if was != now]
    if changed:
        once(
            f"{type(config).__name__} was changed after the model was built from it: "
            f"{', '.join(changed)}. That has no effect; build the model anew."
        )
