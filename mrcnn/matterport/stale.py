"""What was set on a configuration too late."""

from mrcnn import build
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
        *("EMA_MOMENTUM", "GRADIENT_ACCUMULATION_STEPS"),
        *("COMPUTE_BACKBONE_SHAPE", "IMAGE_SHAPE", "IMAGE_META_SIZE", "MASK_SHAPE"),
        *("LOSS_WEIGHTS", "WEIGHT_DECAY", "OPTIMIZER"),  # see `take_up`
    }
)
"""Attributes that no network is built from: they are read anew, or follow others."""
BUILT_FROM = tuple(name for name in KINDS if name not in LATER)
"""What has no effect later."""
LATE = ("loss_weights", "l2")
"""Settings that Matterport's code reads when it compiles, not when it builds."""


def take_up(config: Config, model: MaskRCNN) -> None:
    """Give a model what its configuration says of the losses now.

    Say once what else was set since the model was built, see `say_if_stale`.
    """
    now = build.settings(config)
    late = {name: getattr(now, name) for name in LATE}
    model.settings = model.settings._replace(**late)
    model.loss_weights.assign(model.settings.loss_weights)
    say_if_stale(config, model)


def say_if_stale(config: Config, model: MaskRCNN) -> None:
    """Say once what was set on a configuration since a model was built from it.

    It has no effect on the model. Of what training reads, see `take_up`.
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
