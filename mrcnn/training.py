"""Training in stages that can be interrupted, resumed and trusted."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras

from mrcnn.callbacks import (
    as_callbacks,
    check_setters,
    explained_setters,
    with_memories,
)
from mrcnn.data import preflight
from mrcnn.data.annotations import learn_classes
from mrcnn.data.feed import fit_batches
from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.paths import writable_folder
from mrcnn.rates import Schedule, learning_rate
from mrcnn.structures import Stage
from mrcnn.training_checks import as_stages, check_batches, check_given, made_for
from mrcnn.training_origin import describe
from mrcnn.training_state import History, Progress, Record
from mrcnn.training_watchers import (
    EpochLog,
    NonFiniteLossError,
    Order,
    StopAtNonFinite,
    averaging,
    in_order,
)
from mrcnn.weights import weighted_layers

__all__ = ["STAGE_LAYERS", "NonFiniteLossError", "fit", "set_trainable"]

STAGE_LAYERS: dict[str, str] = {
    "heads": r"(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)",
    "3+": r"(res[345].*)|(bn[345].*)|(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)",
    "4+": r"(res[45].*)|(bn[45].*)|(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)",
    "5+": r"(res5.*)|(bn5.*)|(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)",
    "all": ".*",
}
"""Which layers a stage trains, by Matterport's short names."""


def set_trainable(model: MaskRCNN, layers: str) -> list[str]:
    """Let only the layers of a stage learn, and return their names.

    Args:
        model: to be compiled afterwards.
        layers: a key of `STAGE_LAYERS`, or a regular expression for whole layer names.

    Raises:
        TypeError: if `layers` is no string.
        ValueError: if no layer matches, or it is no regular expression.
    """
    chosen = _layers_called(model, layers)
    for layer in weighted_layers(model):
        layer.trainable = layer.name in chosen
    return chosen


def _layers_called(model: MaskRCNN, layers: str) -> list[str]:
    """Return the names of the layers that a stage means, see `set_trainable`."""
    if not isinstance(layers, str):
        raise TypeError(
            f"layers is {layers!r}: give one of {', '.join(STAGE_LAYERS)} or one "
            'regular expression, such as "(mrcnn_.*)|(fpn_.*)".'
        )
    try:
        pattern = re.compile(STAGE_LAYERS.get(layers, layers))
    except re.error as error:
        raise ValueError(
            f"layers is {layers!r}, which is no regular expression ({error})."
        ) from None
    names = [layer.name for layer in weighted_layers(model)]
    chosen = [name for name in names if pattern.fullmatch(name)]
    if not chosen:
        raise ValueError(
            f"No layer is called like {layers!r}; take one of {', '.join(STAGE_LAYERS)}"
            " or a regular expression."
        )
    return chosen


@explained_setters()
def fit(
    model: MaskRCNN,
    train: Batches,
    validation: Batches | None = None,
    *,
    stages: Stage | Sequence[Stage],
    optimizer: Callable[[float | Schedule], keras.optimizers.Optimizer],
    folder: str | Path | None = None,
    resume: bool = True,
    patience: int | None = None,
    monitor: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    first_epoch: int = 0,
    verbose: int = 2,
) -> History:
    """Train a model stage after stage.

    With a folder, each epoch ends with an atomic write of `checkpoint.h5`. Called again
    with `resume` and the same arguments, a training goes on after the last whole epoch
    and ends with the same weights and history, to the last bit, as it would have
    without the interruption; one that is finished is taken up as it ended.

    Args:
        model: any weights.
        train: batches in random order.
        validation: batches whose losses are reported after every epoch as `val_...`.
        stages: what learns, for how long and how fast; one or several.
        optimizer: makes one from a learning rate, see `build.optimizer`.
        folder: where checkpoints go; None writes nothing.
        resume: take up what the folder holds.
        patience: stop a stage after so many epochs without a better `monitor`; None
            never stops early.
        monitor: a number of an epoch, such as `val_mask_ap` of `evaluation.Accuracy`;
            each stage ends at the weights that were best by it. With patience, None is
            the (validation) loss; without, the last weights are kept.
        callbacks: any others; one whose `stopped` is true ends all stages. One with a
            table `reports` comes first, see `callbacks.reports`.
        first_epoch: number of the first epoch, where earlier trainings count on; it
            decides the order of images too.
        verbose: as in `keras.Model.fit`.

    Returns:
        One list for each number of an epoch: `loss`, the five losses, `learning_rate`,
        `seconds` and, with validation, each loss as `val_...`; and what callbacks
        report.

    Raises:
        NonFiniteLossError: names the images on which a loss became NaN.
        TypeError: names an argument or a callback of another kind.
        ValueError: names an argument, or what batches have otherwise than the model; or
            a callback that sets the learning rate against a schedule, or watches what
            is not reported; or the data cannot be learnt from, see `data.preflight`; or
            the folder holds another training's checkpoint, see `training_origin`.
        OSError: if nothing can be written to the folder.
        FaultyImagesError: lists images that raise errors, if they are too many; fewer
            are left out, and listed at the end.
    """
    model, callbacks = native(model), as_callbacks(callbacks)
    check_batches(model, train, validation)
    check_given(optimizer, patience, first_epoch)
    stages = as_stages(stages)
    for stage in stages:
        _layers_called(model, stage.layers)
    check_setters(callbacks, stages)
    callbacks = in_order(callbacks, validation is not None, patience, monitor)
    made = made_for(optimizer, stages, len(train))
    if folder is not None:  # the same one, should a callback change the working folder
        folder = writable_folder(folder, "folder").absolute()
    preflight.check(train, validation)
    learn_classes(model, train.dataset)
    own = [EpochLog(), Order(train), StopAtNonFinite(train)]
    watched = with_memories([*own, *averaging(made, callbacks), *callbacks])
    record = Record(folder and folder / "checkpoint.h5", watched)
    ready = partial(_compile, model, train, optimizer, callbacks)
    with record.held():
        if folder:
            options = {"patience": patience, "first_epoch": first_epoch}
            options["monitor"] = monitor
            parts = model, train, validation, stages, optimizer, record.callbacks
            record.origin = describe(*parts, **options)
            if resume and record.path.is_file():
                state = record.read()
                ready(stages[state.progress.stage])
                record.restore(model, state)
        end = first_epoch
        for index, stage in enumerate(stages):
            start, end = end, end + stage.epochs
            if index < record.progress.stage + record.progress.over:
                continue
            if index > record.progress.stage:
                if any(getattr(callback, "stopped", False) for callback in callbacks):
                    print(
                        "A callback has stopped the training: what is left is not "
                        "trained."
                    )
                    break
                ready(stage)
                record.progress = Progress(index, start)
            _train_stage(model, train, validation, stage, record, end, watched, verbose)
    print("".join(b.findings.summary() for b in (train, validation) if b), end="")
    return record.history


def _train_stage(
    model: MaskRCNN,
    train: Batches,
    validation: Batches | None,
    stage: Stage,
    record: Record,
    end: int,
    watched: Sequence[keras.callbacks.Callback],
    verbose: int,
) -> None:
    """Train what is left of a stage up to epoch `end`, and do what ends it."""
    done = record.progress.epoch
    last = done if record.progress.stopped else end
    if done < last:
        print(
            f"Training {stage.layers} in {model.precision}: epochs {done + 1} to "
            f"{last}, {len(train)} steps of {train.batch_size}."
        )
    fit_batches(
        model,
        train,
        validation,
        initial_epoch=done,
        epochs=last,
        callbacks=[*watched, record],
        verbose=verbose,
    )
    record.end_stage()


def _compile(
    model: MaskRCNN,
    train: Batches,
    optimizer: Callable[[float | Schedule], keras.optimizers.Optimizer],
    callbacks: Sequence[keras.callbacks.Callback],
    stage: Stage,
) -> None:
    """Make the model ready for a stage, with a fresh optimizer."""
    set_trainable(model, stage.layers)
    made = optimizer(learning_rate(stage, stage.epochs * len(train)))
    model.compile(optimizer=made)
    model.optimizer.build(model.trainable_variables)
    for callback in callbacks:  # one may add variables, which a checkpoint must find
        callback.set_model(model)
