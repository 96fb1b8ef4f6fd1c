"""A limit below which no task may fall while a network is pruned."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from mrcnn.evaluation.drops import relative_changes
from mrcnn.pruning.masks import sparsity
from mrcnn.pruning.prunable import Arrays, kernels
from mrcnn.pruning.pruner import Pruner
from mrcnn.tasks import Task

Metrics = Mapping[Task, float]


class Guard(keras.callbacks.Callback):
    """Measures every task after each epoch, and goes back when one falls too low.

    Weights and masks of the last epoch that kept the limit are then restored and the
    training stops, with all its stages: what remains is a model as sparse as the limit
    allows under this schedule. Epochs should be short, and long enough to recover from
    the last choice of weights. Give it to `fit` after the `Pruner`.

    Attributes:
        history: (sparsity, worst change in per cent) after every epoch.
        stopped: whether it had to go back.
    """

    def __init__(
        self, pruner: Pruner, measure: Callable[[], Metrics], limit: float
    ) -> None:
        """Describe the limit.

        Args:
            pruner: of the same training.
            measure: evaluates the model as it is, such as
                `lambda: headline(collect(model, validation), names)`; not on test
                images, which would then have chosen the model.
            limit: per cent that the worst task may lose of its metric at the start.

        Raises:
            ValueError: if the limit is no percentage above 0.
        """
        super().__init__()
        if not 0 < limit <= 100:
            raise ValueError(
                f"limit is {limit}: it is the loss of the worst task that is allowed, "
                "in per cent above 0, such as 5."
            )
        self.pruner, self.measure, self.limit = pruner, measure, limit
        self.history: list[tuple[float, float]] = []
        self.stopped = False
        self._dense: Metrics = {}
        self._good: tuple[list[np.ndarray], Arrays] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Measure the model as it comes; resumed trainings keep the first measure."""
        if not self._dense:
            self._dense = dict(self.measure())
            self._keep()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measure, and keep the model or go back to the one that was kept."""
        changes = relative_changes(self.measure(), self._dense)
        # A task that was worth nothing at the start has nothing to lose.
        losses = [change for task, change in changes.items() if self._dense[task]]
        worst = min(map(float, np.nan_to_num(losses, nan=-100.0)), default=0.0)
        self.history.append((sparsity(self.pruner.masks.arrays()), worst))
        if worst >= -self.limit:
            self._keep()
            return
        self.stopped = self.model.stop_training = True
        self._go_back()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Go back once more: early stopping may have put back an epoch of its own."""
        if self.stopped:
            self._go_back()

    def _go_back(self) -> None:
        weights, masks = self._good
        self.model.set_weights(weights)
        self.pruner.masks.assign(masks, kernels(self.pruner.layers))

    def _keep(self) -> None:
        weights = [w.copy() for w in self.model.get_weights()]
        self._good = weights, self.pruner.masks.arrays()

    # --- Resuming

    def origin(self) -> dict[str, Any]:
        """Return what the guard was made with."""
        return {"limit": self.limit}

    def state(self) -> dict[str, np.ndarray]:
        """Return the first measure, the history, and the model that was kept."""
        weights, masks = self._good
        return {
            "dense": np.array([self._dense[task] for task in Task]),
            "history": np.array(self.history).reshape(-1, 2),
            "stopped": np.array(self.stopped),
            **{f"weights/{i}": weight for i, weight in enumerate(weights)},
            **{f"masks/{name}": mask for name, mask in masks.items()},
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._dense = dict(zip(Task, map(float, state["dense"]), strict=True))
        self.history = [(float(s), float(worst)) for s, worst in state["history"]]
        self.stopped = bool(state["stopped"])
        count = sum(key.startswith("weights/") for key in state)
        masks = {
            key.removeprefix("masks/"): mask
            for key, mask in state.items()
            if key.startswith("masks/")
        }
        self._good = [state[f"weights/{i}"] for i in range(count)], masks
