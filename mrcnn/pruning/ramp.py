"""What every callback has that prunes while a network trains."""

from abc import ABC, abstractmethod
from typing import Any

import keras

from mrcnn.pruning.masks import Masks
from mrcnn.pruning.schedules import Schedule, check


class Ramp(keras.callbacks.Callback, ABC):
    """Counts training steps, and chooses what goes before those the schedule names.

    Attributes:
        schedule: how much goes, and when.
        step: training steps so far, over all epochs and stages.
        masks: in force from the beginning of the training on.
    """

    masks: Masks

    def __init__(self, schedule: Schedule) -> None:
        """Begin before the first step.

        Raises:
            ValueError: names the field of a schedule that cannot be kept.
        """
        super().__init__()
        check(schedule, schedule.end + 1)  # how long the training is, nobody knows yet
        self.schedule = schedule
        self.step = 0
        self._due = set(schedule.steps())

    def set_model(self, model: keras.Model) -> None:
        """Put the masks into the model's optimizer; begin anew with another model."""
        other = model is not self.model
        super().set_model(model)
        if other:
            self._begin()
        self._hold()

    @abstractmethod
    def _begin(self) -> None:
        """Stand before the first step of the model's training, with nothing gone."""

    def _hold(self) -> None:
        """Put the masks into the optimizer of the model that is trained."""
        if self.masks.attach(self.model.optimizer):
            self.model.train_function = None  # one traced before knows of no masks

    def origin(self) -> dict[str, Any]:
        """Return what the pruning was made with, see `training_state.Resumable`."""
        return {"schedule": self.schedule._asdict()}

    @abstractmethod
    def _choose(self) -> None:
        """Choose what remains from this step on."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Choose if it is time to."""
        if self.step in self._due:
            if hasattr(self.model, "jax_state_sync"):
                self.model.jax_state_sync()  # JAX keeps weights to itself in an epoch
            self._choose()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the step."""
        self.step += 1

    def on_train_end(self, logs: Any = None) -> None:
        """Enforce the masks once more: early stopping may have put back old weights."""
        self.masks.enforce()
