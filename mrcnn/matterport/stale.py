"""What was set on a configuration too late."""

from mrcnn import build
from mrcnn.config import Config
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.notices import once

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
