"""Loss weights that follow the tasks: who suffers most from pruning learns most."""

from collections.abc import Mapping

import numpy as np

from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.tasks import LOSS_NAMES, LOSSES, Task

LIMITS = (0.25, 4.0)
"""Between which a task's weight stays."""

SMOOTHING = 0.9
"""Part of the running mean of a loss that each step keeps."""


class TaskBalance:
    """Multiplicative dual ascent on how much worse each task's loss is than dense.

    Each task has a weight, 1 on average. Every so often it is multiplied by
    exp(rate * gap), where the gap is the task's relative rise in loss above that of the
    mean task (after arXiv:2310.20673, which does so for groups of data). Losses are
    those of training, smoothed; the reference is what they were before the first weight
    went.
    """

    def __init__(self, rate: float) -> None:
        """Start with equal weights; `rate` is the exponent's."""
        self.rate = rate
        self.weights = dict.fromkeys(Task, 1.0)
        self._mean: dict[Task, float] = {}
        self._reference: dict[Task, float] = {}

    def observe(self, losses: Mapping[str, float]) -> None:
        """Take in the five losses of one step, by Matterport's names."""
        for task, names in LOSSES.items():
            value = sum(losses[name] for name in names)
            earlier = self._mean.get(task, value)
            self._mean[task] = SMOOTHING * earlier + (1 - SMOOTHING) * value

    def refer(self) -> None:
        """Take the present losses as those of the dense network."""
        self._reference = dict(self._mean)

    def update(self) -> None:
        """Let the weights follow the losses; without a reference do nothing."""
        if not self._reference:
            return
        rise = {t: self._mean[t] / self._reference[t] - 1 for t in Task}
        middle = sum(rise.values()) / len(rise)
        moved = {
            t: float(np.clip(w * np.exp(self.rate * (rise[t] - middle)), *LIMITS))
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
        """Return weights, running means and references (3, T), NaN for none."""
        rows = (self.weights, self._mean, self._reference)
        return np.array([[row.get(t, np.nan) for t in Task] for row in rows])

    def restore(self, state: np.ndarray) -> None:
        """Go on from what `state` returned."""
        rows = [
            {t: float(v) for t, v in zip(Task, row, strict=True) if np.isfinite(v)}
            for row in state
        ]
        self.weights, self._mean, self._reference = rows
