"""Loss weights that follow the tasks: who suffers most from pruning learns most."""

from collections.abc import Callable, Mapping

import numpy as np

from mrcnn.evaluation.drops import relative_changes
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.tasks import LOSS_NAMES, LOSSES, Task

LIMITS = (0.25, 4.0)
"""Between which a task's weight stays."""

BATCHES = 2
"""Of images, on which tasks are measured."""

COST = 2 * BATCHES / 3
"""Of a measure, in training steps: two passes forward, each a third of a step."""


class TaskBalance:
    """Multiplicative dual ascent on how much of its metric each task has lost.

    Each task has a weight, 1 on average. At every choice of weights it is multiplied by
    exp(rate * gap), where the gap is the share of its metric that the task has lost
    since before pruning, less that of the mean task (after arXiv:2310.20673, which does
    so for groups of data).

    The losses would cost nothing to watch, but they mislead: those of a task that is
    nearly solved rise by the largest factor when its metric has hardly moved.
    """

    def __init__(
        self, rate: float, measure: Callable[[], Mapping[Task, float]]
    ) -> None:
        """Start with equal weights.

        Args:
            rate: of the exponent.
            measure: returns each task's metric of the network as it is, between 0 and
                1 and on the same data each time.
        """
        self.rate, self.measure = rate, measure
        self.weights = dict.fromkeys(Task, 1.0)
        self._reference: dict[Task, float] = {}

    def update(self) -> None:
        """Let the weights follow the metrics; the first time, only remember these."""
        now = {task: float(value) for task, value in self.measure().items()}
        if not self._reference:
            self._reference = now
            return
        changes = relative_changes(now, self._reference)
        # A task that never had anything has nothing to lose.
        lost = {t: -np.nan_to_num(change) / 100 for t, change in changes.items()}
        middle = sum(lost.values()) / len(lost)
        moved = {
            t: float(np.clip(w * np.exp(self.rate * (lost[t] - middle)), *LIMITS))
            for t, w in self.weights.items()
        }
        total = sum(moved.values())
        self.weights = {t: w * len(moved) / total for t, w in moved.items()}

    def apply(self, model: MaskRCNN) -> None:
        """Weigh the model's losses, on top of what its configuration says."""
        of_loss = {n: w for t, w in self.weights.items() for n in LOSSES[t]}
        given = model.settings.loss_weights
        model.loss_weights.assign(
            [g * of_loss[n] for g, n in zip(given, LOSS_NAMES, strict=True)]
        )

    def state(self) -> np.ndarray:
        """Return weights and references (2, T), NaN for none."""
        rows = (self.weights, self._reference)
        return np.array([[row.get(t, np.nan) for t in Task] for row in rows])

    def restore(self, state: np.ndarray) -> None:
        """Go on from what `state` returned."""
        rows = [
            {t: float(v) for t, v in zip(Task, row, strict=True) if np.isfinite(v)}
            for row in state
        ]
        self.weights, self._reference = rows
