"""What `training.fit` is given, and what of it is refused before any work."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from mrcnn.checks.kinds import LENGTH, optional
from mrcnn.data.annotations import check_class_count
from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.saving import decaying
from mrcnn.notices import all_of
from mrcnn.rates import Schedule, learning_rate, stage_faults
from mrcnn.structures import Stage

_ONE_CONFIG = "build model and batches from one configuration."


def as_stages(given: Any) -> list[Stage]:
    """Return one stage or several as a list.

    Raises:
        TypeError: names what is no stage.
        ValueError: lists the faults of all stages.
    """
    one = isinstance(given, Stage | str) or not isinstance(given, Iterable)
    stages = [given] if one else list(given)
    for stage in stages:
        if not isinstance(stage, Stage):
            raise TypeError(
                f"stages has {stage!r}, which is no stage of training: give "
                "build.stage(config, epochs, layers), one or several."
            )
    faults = [
        f"Stage {number}: {fault}"
        for number, stage in enumerate(stages, 1)
        for fault in stage_faults(stage)
    ]
    if faults:
        raise ValueError(all_of(faults, "The training"))
    return stages


def check_given(optimizer: Any, patience: Any, first_epoch: Any) -> None:
    """Refuse arguments of `training.fit` that cannot be what they should.

    Raises:
        TypeError: names the optimizer, if it makes none.
        ValueError: names the number.
    """
    made = isinstance(optimizer, keras.optimizers.Optimizer)
    if made or not callable(optimizer):
        what = f"an {type(optimizer).__name__} that is made" if made else optimizer
        raise TypeError(
            f"optimizer is {what if made else repr(what)}: give a function that makes "
            "one from a learning rate, such as functools.partial(build.optimizer, "
            "config) or keras.optimizers.SGD; every stage gets its own."
        )
    for name, value, kind in (
        ("patience", patience, optional(LENGTH)),
        ("first_epoch", first_epoch, LENGTH),
    ):
        if fault := kind.fault(name, value):
            raise ValueError(fault)


def made_for(
    optimizer: Callable[[float | Schedule], keras.optimizers.Optimizer],
    stages: Sequence[Stage],
    steps: int,
) -> list[keras.optimizers.Optimizer]:
    """Return an optimizer like that of each stage, to see what they do.

    Args:
        optimizer: see `training.fit`.
        stages: of the training.
        steps: batches of an epoch.

    Raises:
        ValueError: if a stage has fewer batches than make one step of its optimizer.
    """
    made = [optimizer(learning_rate(stage, 1)) for stage in stages]
    for number, (stage, each) in enumerate(zip(stages, made, strict=True), 1):
        needed = getattr(decaying(each), "gradient_accumulation_steps", None) or 1
        if stage.epochs and stage.epochs * steps < needed:
            raise ValueError(
                f"Stage {number} has {stage.epochs * steps} batches, and {needed} make "
                "one step (GRADIENT_ACCUMULATION_STEPS): nothing would be learnt. "
                "Lower that, or train longer."
            )
    return made


def check_batches(model: MaskRCNN, train: Any, validation: Any) -> None:
    """Refuse batches that were made for another model.

    Args:
        model: that would learn from them.
        train: whatever was given for them.
        validation: the same of those to measure on, or None.

    Raises:
        TypeError: names what was given in place of batches.
        ValueError: lists what differs from the model.
    """
    _check_batches(model, train, "train")
    if validation is not None:
        _check_batches(model, validation, "validation")


def _check_batches(model: MaskRCNN, batches: Any, name: str) -> None:
    if not isinstance(batches, Batches):
        kind = batches if isinstance(batches, type) else type(batches)
        raise TypeError(
            f"{name} is of the type {kind.__name__}: give build.batches(config, "
            "dataset)."
        )
    check_class_count(model, batches.dataset)
    if faults := _differences(model, batches):
        raise ValueError(
            f"{name} was made for another model: {'; '.join(faults)}. For right "
            f"targets, {_ONE_CONFIG}"
        )


def _differences(model: MaskRCNN, batches: Batches) -> list[str]:
    """Return in what batches differ from those that a model was built for."""
    faults = []
    mini, wanted = batches.mini_mask_shape is not None, model.settings.mini_masks
    if mini != wanted:
        kinds = {True: "mini masks", False: "masks of the whole image"}
        faults.append(
            f"it holds {kinds[mini]}, the model takes {kinds[wanted]} (USE_MINI_MASK)"
        )
    channels = model.backbone.input_shape[-1]
    if batches.channels != channels:
        faults.append(
            f"its images have {batches.channels} channels, the model takes {channels} "
            "(IMAGE_CHANNEL_COUNT)"
        )
    given, own = batches.preprocessing.for_inference(), model.preprocessing
    faults += [
        f"{field} of its preprocessing is {value!r}, of the model's {other!r}"
        for field, value, other in zip(own._fields, given, own, strict=True)
        if value != other
    ]
    return faults
