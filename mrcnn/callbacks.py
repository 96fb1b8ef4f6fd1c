"""Callbacks: which are taken, and which may set the learning rate."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from mrcnn.rates import Schedule, learning_rate
from mrcnn.structures import Stage

SETTERS = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
)
"""Keras' own callbacks that set the learning rate."""

_WAY_OUT = (
    'set LEARNING_RATE_SCHEDULE = "constant" and WARMUP_STEPS = 0 (and give a number '
    "as the learning rate), or leave the callback out."
)


def as_callbacks(given: Any) -> list[keras.callbacks.Callback]:
    """Return what a user gave as callbacks, None or one or several, as a list.

    Raises:
        TypeError: names what is no callback of the Keras that runs here.
    """
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    callbacks = list(given) if several else [] if given is None else [given]
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(
                f"The callback {callback.__name__} is a class: give an instance, "
                f"{callback.__name__}(...)."
            )
        if not isinstance(callback, keras.callbacks.Callback):
            kind = type(callback)
            raise TypeError(
                f"{kind.__module__}.{kind.__name__} is no callback of the Keras that "
                f"runs here, {keras.__version__}: take it from keras.callbacks, or "
                "derive it from keras.callbacks.Callback."
            )
    return callbacks


class LearningRateLog(keras.callbacks.Callback):
    """Put the learning rate among the epoch's numbers."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def check_setters(
    callbacks: Sequence[keras.callbacks.Callback], stages: Sequence[Stage]
) -> None:
    """Refuse callbacks that set the learning rate where a schedule does.

    Raises:
        ValueError: names the callbacks, the schedule and the way out.
    """
    setters = [type(each).__name__ for each in callbacks if isinstance(each, SETTERS)]
    for stage in stages:
        if setters and isinstance(learning_rate(stage, 1), Schedule):
            raise ValueError(
                f"{', '.join(setters)} would set the learning rate, but a schedule "
                f"does ({stage.schedule!r} with {stage.warmup_steps} steps of "
                f"warm-up): {_WAY_OUT}"
            )


@contextmanager
def explained_setters() -> Iterator[None]:
    """Say the way out when a callback of any other kind sets a scheduled rate."""
    try:
        yield
    except TypeError as error:
        if "LearningRateSchedule" not in str(error):
            raise
        raise TypeError(
            "A callback tried to set the learning rate, but a schedule does: "
            f"{_WAY_OUT}"
        ) from error
