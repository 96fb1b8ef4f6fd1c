"""What was set on a configuration too late."""

from mrcnn import build
from mrcnn.config import Config
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.notices import once


def say_if_stale(config: Config, model: MaskRCNN) -> None:
    """Say once what was set on a configuration since a model was built from it.

    It has no effect on the model, in Matterport's code neither.
    """
    inputs = build.preprocessing(config).for_inference()
    now = (build.settings(config), inputs)
    changed = [
        f"{name} {was} -> {value}"
        for built, wanted in zip(
            (model.settings, model.preprocessing), now, strict=True
        )
        for name, was, value in zip(built._fields, built, wanted, strict=True)
        if was != value
    ]
    if changed:
        once(
            f"{type(config).__name__} was changed after the model was built from it: "
            f"{', '.join(changed)}. That has no effect; build the model anew."
        )
