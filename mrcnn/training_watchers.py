"""The callbacks of every training: its order, its numbers, and what ends it."""

import math
import time
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from mrcnn.callbacks import reported, reports, settle_watchers
from mrcnn.data.dataset import image_name
from mrcnn.data.pipeline import Batches
from mrcnn.nn.saving import decaying
from mrcnn.notices import once, quoted

SHOWN = 4
"""How many names an error lists."""


class NonFiniteLossError(ArithmeticError):
    """A loss became NaN or infinite; the message names the images that caused it."""


class EpochLog(keras.callbacks.Callback):
    """Puts the learning rate and the seconds it took among the epoch's numbers."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._say_old_name()
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
            logs["seconds"] = time.perf_counter() - self._began

    def on_train_end(self, logs: dict | None = None) -> None:
        self._say_old_name()

    def _say_old_name(self) -> None:
        """Say once that a callback has set what Keras 2 called the learning rate."""
        if "lr" in vars(self.model.optimizer):
            once(
                "A callback has set optimizer.lr, which Keras reads no more: nothing "
                "changes. Set optimizer.learning_rate."
            )


class Order(keras.callbacks.Callback):
    """Tells the batches which epoch it is: their order depends on nothing else."""

    def __init__(self, train: Batches) -> None:
        """Take the batches that are learnt from."""
        super().__init__()
        self.train = train

    def on_train_begin(self, logs: dict | None = None) -> None:
        # BackupAndRestore leaves its epoch here, for every training that follows too.
        self.model._initial_epoch = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.train.epoch = epoch


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops at the first loss or weight that is no number, and names the images."""

    def __init__(self, train: Batches) -> None:
        """Take the batches that are learnt from."""
        super().__init__()
        self.train = train

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.batch, logs = batch, logs or {}
        self._stop_if(name for name, value in logs.items() if not math.isfinite(value))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Look at what the last step made: no loss tells of it any more."""
        variables = (*self.model.variables, *self.model.optimizer.variables)
        self._stop_if(
            variable.path
            for variable in variables
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all()
        )

    def _stop_if(self, bad: Iterable[str]) -> None:
        if not (bad := list(bad)):
            return
        epoch, batch, dataset = self.train.epoch, self.batch, self.train.dataset
        images = [image_name(dataset, i) for i in self.train.image_ids(epoch, batch)]
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise NonFiniteLossError(
            f"Epoch {epoch + 1}, batch {batch}: {', '.join(bad[:SHOWN])}{more} became "
            f"NaN or infinite on {', '.join(images)}. Look at these images and "
            "their annotations, lower LEARNING_RATE or lengthen WARMUP_STEPS."
        )


class Averages(keras.callbacks.Callback):
    """Puts averages in the place of the weights wherever an epoch is looked at.

    Validation, every callback after this one, checkpoints, and what is left in the end
    have the averages then; learning goes on from the weights themselves, to the last
    bit. (Keras' `SwapEMAWeights` exchanges the two by sums and differences, which
    rounds, and leaves the weights where a training stops early.) What constrains a
    weight, such as a mask of pruning, holds for its average. Moving statistics of batch
    normalisation stay those of the weights. Resumable, see `training_state`.
    """

    def __init__(self) -> None:
        """Begin with the weights in their place."""
        super().__init__()
        self._learnt: list[np.ndarray] = []  # while averages are in the model

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin with the weights: at its end, `fit` of Keras puts averages in place.

        It does so after no step too, when they would be zero.
        """
        if not int(decaying(self.model.optimizer)._iterations):
            for weight, average in self._pairs():
                average.assign(weight)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self._learnt:
            weights = self.model.trainable_variables
            for weight, value in zip(weights, self._learnt, strict=True):
                weight.assign(value)
        self._learnt = []

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._show()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._show()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._learnt = []

    def _show(self) -> None:
        if self._learnt:
            return
        for weight, average in self._pairs():
            self._learnt.append(np.array(weight))
            if weight.constraint is not None:
                average.assign(weight.constraint(average))
            weight.assign(average)

    def _pairs(self) -> Iterable[tuple[keras.Variable, keras.Variable]]:
        """Return each weight that learns and its average; none if there are none."""
        optimizer = decaying(self.model.optimizer)
        if not averages(optimizer):
            return ()
        kept = optimizer._model_variables_moving_average
        return zip(self.model.trainable_variables, kept, strict=True)

    def state(self) -> dict[str, np.ndarray]:
        """Return the weights themselves, while averages are in their place."""
        return {str(i): value for i, value in enumerate(self._learnt)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._learnt = [state[str(i)] for i in range(len(state))]


def averages(optimizer: keras.optimizers.Optimizer) -> bool:
    """Return whether an optimizer averages the weights."""
    return bool(getattr(decaying(optimizer), "use_ema", False))


def averaging(
    optimizers: Iterable[keras.optimizers.Optimizer],
    callbacks: Iterable[keras.callbacks.Callback],
) -> list[Averages]:
    """Return one `Averages` if an optimizer has them, unless Keras' own is given.

    Args:
        optimizers: of the stages.
        callbacks: of a user's.
    """
    theirs = any(isinstance(c, keras.callbacks.SwapEMAWeights) for c in callbacks)
    return [Averages()] if not theirs and any(map(averages, optimizers)) else []


def in_order(
    callbacks: Sequence[keras.callbacks.Callback],
    validated: bool,
    patience: int | None,
    monitor: str | None,
) -> list[keras.callbacks.Callback]:
    """Return a user's callbacks and early stopping, each before what follows from it.

    First what reports numbers, then early stopping, which watches one of them, then the
    others: they have the last word, also after early stopping.

    Args:
        callbacks: in a user's order.
        validated: whether there is validation.
        patience: see `training.fit`.
        monitor: see there.

    Raises:
        ValueError: if nothing reports the number to be watched; or as
            `callbacks.settle_watchers`.
    """
    ordered = [each for each in callbacks if reports(each)]
    if patience is not None or monitor is not None:
        known = reported(callbacks, validated)
        loss = "val_loss" if validated else "loss"
        watched = loss if monitor is None else monitor
        if watched not in list(known):
            raise ValueError(
                f"monitor is {quoted(watched)}, which training does not report: take "
                f"one of {', '.join(known)}; mrcnn.evaluation.Accuracy among the "
                "callbacks reports val_mask_ap."
            )
        ordered.append(
            keras.callbacks.EarlyStopping(
                watched,
                patience=math.inf if patience is None else patience,
                restore_best_weights=True,
            )
        )
    ordered += [each for each in callbacks if not reports(each)]
    settle_watchers(ordered, validated)
    return ordered
