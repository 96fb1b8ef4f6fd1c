"""Pruning while a network trains, as one callback."""

from typing import Any, NamedTuple

import numpy as np

from mrcnn.data.pipeline import Batches
from mrcnn.evaluation.isolated import isolated_metrics
from mrcnn.evaluation.scenes import load_truth
from mrcnn.pruning.balance import BATCHES, TaskBalance, weigh_losses
from mrcnn.pruning.masks import Masks, sparsity
from mrcnn.pruning.methods import Evidence, Method
from mrcnn.pruning.prunable import Arrays, PrunableLayer, kernels, prunable_layers
from mrcnn.pruning.ramp import Ramp
from mrcnn.pruning.saliency import Saliency
from mrcnn.pruning.schedules import Schedule
from mrcnn.tasks import Task


class Choice(NamedTuple):
    """A choice of weights that was made."""

    step: int  # of training, before which
    sparsity: float  # from then on
    priority: tuple[float, ...]  # of each task, in the order of `Task`


class Pruner(Ramp):
    """Prunes the network that a `fit` trains, and keeps it pruned.

    Give it to `mrcnn.training.fit` or to any `model.fit` of a `MaskRCNN`. Weights are
    chosen before the steps that the schedule names and held at zero after every step of
    the optimizer; after the last choice the masks stay as they are. A resumed training
    goes on with the same masks.

    Attributes:
        masks: those in force.
        step: training steps so far, over all epochs and stages.
        chosen: every choice so far.
    """

    def __init__(
        self,
        method: Method,
        schedule: Schedule,
        calibration: Batches | None = None,
        *,
        seed: int = 0,
    ) -> None:
        """Describe the pruning; it begins with the training.

        Args:
            method: what a weight is worth, and how many each layer keeps.
            schedule: how sparse, and when.
            calibration: training data for the methods that look at gradients.
            seed: of random choices.

        Raises:
            ValueError: if the method needs calibration data and there is none; names
                the field of a schedule that cannot be kept.
        """
        super().__init__(schedule)
        if (method.batches or method.balance) and calibration is None:
            raise ValueError(
                "This method measures gradients or metrics for each choice of weights: "
                "give it `calibration`, batches of training data."
            )
        self.method = method
        self.calibration, self.seed = calibration, seed
        self.layers: list[PrunableLayer] = []
        self._forget()

    @property
    def priority(self) -> dict[Task, float]:
        """By what each task's losses are multiplied at this step."""
        if self.balance:
            return self.balance.priority
        return {task: self.method.priority.get(task, 1.0) for task in Task}

    def _begin(self) -> None:
        self._forget()
        self.layers = prunable_layers(self.model)
        self.masks = Masks(self.layers)

    def _forget(self) -> None:
        method, self.step = self.method, 0
        self.chosen: list[Choice] = []
        self.balance = (
            TaskBalance(method.balance, self._metrics, method.priority)
            if method.balance
            else None
        )
        self._saliency: Saliency | None = None
        self._remembered: dict[str, Arrays] = {}
        self._dense: Arrays = {}

    # --- What Keras calls

    def on_train_begin(self, logs: Any = None) -> None:
        """Weigh the losses; when the training ends, the model puts them back."""
        weigh_losses(self.model, self.priority)

    # --- Choosing

    def _choose(self) -> None:
        """Choose which weights remain from this step on."""
        target = self.schedule.sparsity(self.step)
        self._remember_dense()
        if self.balance:
            self.balance.update()
            weigh_losses(self.model, self.balance.priority)
        weights = self._dense if self.method.regrow else kernels(self.layers)
        scores = self.method.criterion(
            Evidence(weights, self._measure(weights), self.priority, self.seed)
        )
        if not self.method.regrow:  # also where live weights are worth nothing
            live = self.masks.arrays()
            scores = {n: np.where(live[n], s, -1) for n, s in scores.items()}
        self.masks.assign(self.method.allocate(scores, target), self._dense)
        self.chosen.append(
            Choice(
                self.step, sparsity(self.masks.arrays()), tuple(self.priority.values())
            )
        )

    def _remember_dense(self) -> None:
        """Note the kernels; weights that are masked keep the last value they had."""
        masks, now = self.masks.arrays(), kernels(self.layers)
        if not self._dense:
            self._dense = now
            return
        for name, mask in masks.items():
            self._dense[name] = np.where(mask, now[name], self._dense[name])

    def _measure(self, weights: Arrays) -> dict[str, Arrays]:
        """Return the saliency by loss group, smoothed over earlier choices."""
        if not self.method.batches:
            return {}
        if self._saliency is None:
            self._saliency = self._new_saliency()
        fresh = self._saliency.measure(weights, self.method.batches)
        keep = self.method.memory if self._remembered else 0.0
        for group, arrays in fresh.items():
            for name, array in arrays.items():
                if keep:
                    array = keep * self._remembered[group][name] + (1 - keep) * array
                arrays[name] = (
                    array if self.method.regrow else array * (weights[name] != 0)
                )
        self._remembered = fresh
        return fresh

    def _new_saliency(self) -> Saliency:
        return Saliency(self.model, self.layers, self.method.losses, self.calibration)

    def _metrics(self) -> dict[Task, float]:
        """Return each task's metric by itself on the first calibration images."""
        data = self.calibration
        ids = data.dataset.image_ids[: BATCHES * data.batch_size]
        truths = [(int(i), load_truth(data.dataset, int(i))) for i in ids]
        found = isolated_metrics(
            self.model, data.dataset, truths, batch_size=data.batch_size
        )
        return found.headline

    # --- Resuming

    def origin(self) -> dict[str, Any]:
        """Return what the pruning was made with."""
        made = {"method": self.method._asdict(), "seed": self.seed}
        return {**super().origin(), **made, "calibration": self.calibration}

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed training needs, beside the masks."""
        arrays = {"step": np.array(self.step), "chosen": self._choices()}
        if self.balance:
            arrays["balance"] = self.balance.state()
        if self._saliency:
            arrays["used"] = np.array(self._saliency.used)
        arrays |= {f"dense/{name}": array for name, array in self._dense.items()}
        for group, saliency in self._remembered.items():
            arrays |= {f"saliency/{group}/{n}": a for n, a in saliency.items()}
        return arrays

    def _choices(self) -> np.ndarray:
        rows = [(c.step, c.sparsity, *c.priority) for c in self.chosen]
        return np.array(rows).reshape(-1, 2 + len(Task))

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned; the masks come back with the optimizer."""
        self.step = int(state["step"])
        self.chosen = [
            Choice(int(step), float(reached), tuple(map(float, priority)))
            for step, reached, *priority in state["chosen"]
        ]
        if self.balance:
            self.balance.restore(state["balance"])
        self._saliency = None
        if "used" in state:
            self._saliency = self._new_saliency()
            self._saliency.used = int(state["used"])
        self._dense, self._remembered = {}, {}
        for key, array in state.items():
            kind, _, rest = key.partition("/")
            if kind == "dense":
                self._dense[rest] = array
            elif kind == "saliency":
                group, _, name = rest.partition("/")
                self._remembered.setdefault(group, {})[name] = array
