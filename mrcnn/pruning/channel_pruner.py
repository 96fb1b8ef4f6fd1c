"""Pruning of whole channels while a network trains, as one callback."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from mrcnn.data.pipeline import Batches
from mrcnn.nn.channels import ChannelGroup
from mrcnn.pruning import criteria
from mrcnn.pruning.gates import GateSaliency, gates
from mrcnn.pruning.masks import Masks
from mrcnn.pruning.methods import BY_TASK
from mrcnn.pruning.prunable import Arrays
from mrcnn.pruning.ramp import Ramp
from mrcnn.pruning.saliency import LossGroups
from mrcnn.pruning.schedules import Schedule
from mrcnn.pruning.selection import Work, select
from mrcnn.pruning.surgery import Plan


class ChannelPruner(Ramp):
    """Shuts channels of the network that a `fit` trains; `surgery.shrink` removes them.

    As `Pruner` does with weights. A channel is worth what the task that needs it most
    would lose with it, and goes sooner if more work goes with it. Channels that are
    shut stay shut.

    Attributes:
        kept: (C,) bool of each group.
        step: training steps so far, over all epochs and stages.
    """

    def __init__(
        self,
        groups: Iterable[ChannelGroup],
        schedule: Schedule,
        calibration: Batches,
        *,
        losses: LossGroups = BY_TASK,
        batches: int = 2,
        exponent: float = 4.0,
        work_exponent: float = 0.5,
        weights: float = 0.5,
    ) -> None:
        """Describe the pruning; it begins with the training.

        Args:
            groups: whose channels may go, see `nn.channels.channel_groups`.
            schedule: how large a part of the work goes, and when.
            calibration: training data, on which losses are differentiated; its images
                are those for which work is counted.
            losses: whose saliencies count apart.
            batches: of calibration for each choice.
            exponent: of the power mean over tasks (`criteria.power_mean`).
            work_exponent: see `selection.select`.
            weights: how much they count as work, see `selection.Work`.

        Raises:
            ValueError: names the field of a schedule that cannot be kept.
        """
        super().__init__(schedule)
        self.groups = list(groups)
        self.calibration = calibration
        self.losses, self.batches = losses, batches
        self.exponent, self.work_exponent = exponent, work_exponent
        self._weights = weights
        self.kept: Arrays = {}
        self._saliency: GateSaliency | None = None
        self._used = 0

    @property
    def plan(self) -> Plan:
        """The channels that stay, for `surgery.shrink`."""
        return Plan(
            {
                name: tuple(np.flatnonzero(mask).tolist())
                for name, mask in self.kept.items()
                if not mask.all()
            }
        )

    def _begin(self) -> None:
        self._scales = gates(self.model, self.groups)
        self.masks = Masks([s for scales in self._scales.values() for s in scales])
        (batch,) = self.calibration[0]
        shape = batch["images"].shape[1:3]
        self._work = Work(self.model, self.groups, shape, weights=self._weights)
        self.kept = {n: np.ones(w, bool) for n, w in self._work.widths.items()}
        self._saliency, self._used, self.step = None, 0, 0

    # --- Choosing

    def _choose(self) -> None:
        """Choose which channels remain from this step on."""
        part = 1 - self.schedule.sparsity(self.step)
        self.kept = select(
            self._scores(), self.kept, self._work, part, exponent=self.work_exponent
        )
        masks, values = {}, {}
        for name, scales in self._scales.items():
            for scale in scales:
                masks[scale.name] = scale.spread(self.kept[name])
                values[scale.name] = np.asarray(scale.kernel)
        self.masks.assign(masks, values)

    def _scores(self) -> Arrays:
        """Return what each channel is worth, the tasks together."""
        if self._saliency is None:
            self._saliency = GateSaliency(
                self.model, self.groups, self.losses, self.calibration
            )
            self._saliency.used = self._used
        by_task = self._saliency.measure(self.batches)
        self._used = self._saliency.used
        scaled = {task: criteria.shares(scores) for task, scores in by_task.items()}
        return criteria.power_mean(scaled, self.exponent, {})

    # --- Resuming

    def origin(self) -> dict[str, Any]:
        """Return what the pruning was made with."""
        return {
            **super().origin(),
            "groups": [group.name for group in self.groups],
            "losses": self.losses,
            "batches": self.batches,
            "exponent": self.exponent,
            "work_exponent": self.work_exponent,
            "weights": self._weights,
            "calibration": self.calibration,
        }

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed training needs, beside the masks."""
        return {
            "step": np.array(self.step),
            "used": np.array(self._used),
            **{f"kept/{name}": mask for name, mask in self.kept.items()},
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned; the masks come back with the optimizer."""
        self.step, self._used = int(state["step"]), int(state["used"])
        self._saliency = None
        self.kept = {
            key.removeprefix("kept/"): mask.astype(bool)
            for key, mask in state.items()
            if key.startswith("kept/")
        }
