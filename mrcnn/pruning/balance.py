"""How much each task's losses count while a network is pruned."""

from collections.abc import Callable, Mapping

import numpy as np

from mrcnn.evaluation.drops import relative_changes
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.tasks import LOSS_NAMES, LOSSES, Task

LIMITS = (0.25, 4.0)
"""Of a task's priority when it is moved. The sum is put back then, so that priorities
may leave them; the largest is at most 16 times the least."""

BATCHES = 2
"""Of images, on which tasks are measured."""

COST = 2 * BATCHES / 3
"""Of a measure, in training steps: two passes forward, each a third of a step."""


Priority = Mapping[Task, float]
"""By what the losses of tasks are multiplied; 1 for a task that is not named."""


def weigh_losses(model: MaskRCNN, priority: Priority) -> None:
    """Multiply the loss weights that the configuration gives; {} puts these back."""
    factors = {n: priority.get(t, 1.0) for t in Task for n in LOSSES[t]}
    given = zip(model.settings.loss_weights, LOSS_NAMES, strict=True)
    model.loss_weights.assign([weight * factors[name] for weight, name in given])


class TaskBalance:
    """Multiplicative dual ascent on how much of its metric each task has lost.

    At every choice of weights, a task's priority is multiplied by exp(rate * gap),
    where the gap is the share of its metric that the task has lost since before
    pruning, less that of the mean task (after arXiv:2310.20673, which does so for
    groups of data). The sum of the priorities stays.

    The losses would cost nothing to watch, but they mislead: those of a task that is
    nearly solved rise by the largest factor when its metric has hardly moved.
    """

    def __init__(
        self,
        rate: float,
        measure: Callable[[], Mapping[Task, float]],
        start: Priority | None = None,
    ) -> None:
        """Start with equal priorities, or with others.

        Args:
            rate: of the exponent.
            measure: returns each task's metric of the network as it is, between 0 and
                1 and on the same data each time.
            start: the first priorities.
        """
        self.rate, self.measure = rate, measure
        self.priority = {task: (start or {}).get(task, 1.0) for task in Task}
        self._reference: dict[Task, float] = {}

    def update(self) -> None:
        """Let priorities follow the metrics; the first time, only remember these."""
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
            for t, w in self.priority.items()
        }
        scale = sum(self.priority.values()) / sum(moved.values())
        self.priority = {t: w * scale for t, w in moved.items()}

    def state(self) -> np.ndarray:
        """Return priorities and references (2, T), NaN for none."""
        rows = (self.priority, self._reference)
        return np.array([[row.get(t, np.nan) for t in Task] for row in rows])

    def restore(self, state: np.ndarray) -> None:
        """Go on from what `state` returned."""
        rows = [
            {t: float(v) for t, v in zip(Task, row, strict=True) if np.isfinite(v)}
            for row in state
        ]
        self.priority, self._reference = rows
