"""Callbacks: which are taken, what they watch, and which may set the learning rate."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from string import Formatter
from typing import Any

import keras
import numpy as np

from mrcnn.checks.kinds import COUNT
from mrcnn.notices import quoted
from mrcnn.rates import Schedule, learning_rate
from mrcnn.structures import Stage
from mrcnn.tasks import LOSS_NAMES

SETTERS = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
)
"""Keras' own callbacks that set the learning rate."""

WATCHERS = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)
"""Keras' own callbacks that watch one number of an epoch."""

REMEMBERING = (*WATCHERS, keras.callbacks.SwapEMAWeights)
"""Keras' own callbacks that remember something from epoch to epoch."""

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


class Memory(keras.callbacks.Callback):
    """What one of Keras' own callbacks remembers, which forgets it at every start.

    It stands right behind that callback. Resumable, see `training_state`.
    """

    NUMBERS = (
        *("best", "best_epoch", "wait", "stopped_epoch", "cooldown_counter"),
        *("_batches_seen_since_last_saving", "_last_batch_seen"),
        "_ema_weights_in_model",
    )
    SETTINGS = (
        *("monitor", "mode", "patience", "baseline", "start_from_epoch"),
        *("restore_best_weights", "factor", "cooldown", "min_lr", "save_best_only"),
        *("save_freq", "swap_on_epoch"),
    )

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        super().__init__()
        self.callback = callback
        self._restored: dict[str, Any] = {}
        self._over = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        held = vars(self.callback)
        if "_ema_weights_in_model" in held:  # of an optimizer that is gone
            held["_ema_weights_in_model"] = False
        held.update(self._restored)
        self._restored, self._over = {}, False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Let the callback forget a best that is NaN: nothing would ever be better."""
        best = vars(self.callback).get("best")
        if isinstance(best, float) and math.isnan(best):
            self.callback.best = None

    def on_train_end(self, logs: dict | None = None) -> None:
        self._over = True

    def state(self) -> dict[str, np.ndarray]:
        """Return what the callback holds by now."""
        held = vars(self.callback)
        state = {n: np.array(held[n]) for n in self.NUMBERS if held.get(n) is not None}
        # When a stage is over they are the model's, or of no more use.
        best = () if self._over else held.get("best_weights") or ()
        state |= {f"best_weights/{i}": weight for i, weight in enumerate(best)}
        return {"over": np.array(self._over), **state}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `state` returned.

        Once more behind the next start, but for a stage that begins: there the callback
        itself decides what it forgets.
        """
        held: dict[str, Any] = {
            name: state[name].item() if name in state else None
            for name in self.NUMBERS
            if name in vars(self.callback)
        }
        count = sum(name.startswith("best_weights/") for name in state)
        if count:
            held["best_weights"] = [state[f"best_weights/{i}"] for i in range(count)]
        vars(self.callback).update(held)
        self._restored = {} if state["over"] else held

    def origin(self) -> dict[str, Any]:
        """Return what the callback was made with."""
        made = vars(self.callback)
        return {name: made[name] for name in self.SETTINGS if name in made}


def with_memories(
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Return callbacks, each of Keras' own that remembers followed by its `Memory`."""
    return [
        each
        for callback in callbacks
        for each in (
            (callback, Memory(callback))
            if isinstance(callback, REMEMBERING)
            else (callback,)
        )
    ]


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
                f"does ({_scheduled_by(stage)}): {_WAY_OUT}"
            )


def _scheduled_by(stage: Stage) -> str:
    if isinstance(stage.learning_rate, Schedule):
        return f"the {type(stage.learning_rate).__name__} given as learning rate"
    return f"{stage.schedule!r} with {stage.warmup_steps} steps of warm-up"


def reports(callback: keras.callbacks.Callback) -> Mapping[str, str]:
    """Return what a callback adds to the numbers of an epoch, if it says so.

    Its attribute `reports` is a table from names to "max" or "min", whichever is
    better; such a callback comes before all that watch. It may have `every` too, the
    epochs from one measurement to the next.
    """
    told = getattr(callback, "reports", None)
    return told if isinstance(told, Mapping) else {}


def reported(
    callbacks: Sequence[keras.callbacks.Callback], validated: bool
) -> dict[str, str]:
    """Return the numbers of an epoch that have a better side, and which it is.

    Args:
        callbacks: of the training.
        validated: whether there is validation.

    Raises:
        ValueError: names what two of them report, or what is not said as in `reports`.
    """
    losses = ["loss", *LOSS_NAMES]
    if validated:
        losses += [f"val_{name}" for name in losses]
    known = dict.fromkeys(losses, "min")
    for each in callbacks:
        if twice := [name for name in reports(each) if name in known]:
            raise ValueError(
                f"{type(each).__name__} reports {', '.join(twice)}, which are reported "
                "already: an epoch has one number of a name. Leave one out."
            )
        for name, side in reports(each).items():
            if side not in ("max", "min"):
                raise ValueError(
                    f"{type(each).__name__}.reports says {quoted(side)} of {name!r}: "
                    'say "max" or "min", whichever is better.'
                )
        known |= reports(each)
    return known


def settle_watchers(
    callbacks: Sequence[keras.callbacks.Callback], validated: bool
) -> None:
    """Tell callbacks which side is better; refuse to watch what nothing reports.

    Keras itself looks for it when the first epoch is over. A callback of a user's own
    may report more numbers, to those after it; see also `reports`.

    Args:
        callbacks: in their order.
        validated: whether there is validation.

    Raises:
        ValueError: names the callback, what it watches, and what there is to watch; or
            its patience, if nothing is measured as long as it lasts.
    """
    sides, more = reported(callbacks, validated), False
    known = [*sides, "learning_rate"]
    for each in callbacks:
        own = type(each).__module__.split(".")[0] not in ("keras", "mrcnn")
        if not isinstance(each, WATCHERS):
            more |= own or isinstance(each, keras.callbacks.LambdaCallback)
            continue
        for name in _asked_for(each):
            if name not in known and not (more or own):
                early = not validated and str(name).startswith("val_")
                hint = ", because there is no validation" if early else ""
                raise ValueError(
                    f"{type(each).__name__} watches {name!r}, which training does not "
                    f"report{hint}: take one of {', '.join(known)}."
                )
        if each.monitor in sides:
            each.mode = sides[each.monitor] if each.mode == "auto" else each.mode
        elif each.mode == "auto" and each.monitor in _asked_for(each):
            raise ValueError(
                f"{type(each).__name__} watches {each.monitor!r}: say by mode="
                '"min" or mode="max" whether less or more of it is better.'
            )
        _check_patience(each, callbacks)


def _check_patience(
    watcher: keras.callbacks.Callback, callbacks: Sequence[keras.callbacks.Callback]
) -> None:
    """Refuse a patience that ends before the next measurement."""
    patience = getattr(watcher, "patience", math.inf)
    for each in callbacks:
        every = getattr(each, "every", 1)
        if watcher.monitor not in reports(each):
            continue
        if fault := COUNT.fault(f"{type(each).__name__}.every", every):
            raise ValueError(fault)
        if every > max(patience, 1):
            raise ValueError(
                f"patience is {patience} epochs, but {watcher.monitor} is measured "
                f"every {every}: it would end before the next. Take {every} or more, "
                "or measure more often."
            )


def _asked_for(callback: keras.callbacks.Callback) -> list[str]:
    """Return the numbers that a callback looks at, or writes into a file's name."""
    best = getattr(callback, "save_best_only", True)  # else a checkpoint every epoch
    name = str(getattr(callback, "filepath", ""))
    fields = [field for _, field, _, _ in Formatter().parse(name) if field]
    written = [field for field in fields if field not in ("epoch", "batch")]
    return [*([callback.monitor] if best else ()), *written]


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
