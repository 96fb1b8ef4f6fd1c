"""What one run of the study is, and which runs make up the study."""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

from mrcnn import build
from mrcnn.config import Config
from mrcnn.pruning.methods import BASELINES, METHODS, SCHEMA, Method
from mrcnn.pruning.schedules import Schedule
from mrcnn.structures import Stage

DENSE = "dense"
"""The control that trains on for the whole budget and prunes nothing."""

SMALLER = "smaller dense"
"""The control that has as few weights from the start, and trains as long in all as the
dense checkpoint and the run together."""

ONE_SHOT = "one-shot "
"""Before the name of a method: all weights go at once, at the start."""

SPARSITIES = (0.9, 0.95, 0.98)
SEEDS = (0, 1, 2)
STEPS = 300
"""The budget of a run in training steps: little, so that what a method kept shows."""

RAMP = (0.05, 0.1)
"""Parts of the training between which weights are removed. An early end leaves more of
the training to the weights that stay: on validation images every method that was tried
gained when the end moved from 0.6 to 0.3, and again to 0.1."""

UPDATES = 8
"""How often weights are chosen on the ramp, where the budget is large enough."""

WARMUP = 20
"""Steps over which the learning rate rises: few, for a network that is trained."""


class Cell(NamedTuple):
    """One run: reproduced by these values, the checkpoint and the versions."""

    method: str  # of METHODS, perhaps after ONE_SHOT, or DENSE or SMALLER
    sparsity: float
    seed: int  # of data order, sampled RoIs and random scores
    steps: int  # the whole budget, scoring included

    @property
    def key(self) -> str:
        """A name for the ledger, such as "LAMP | 0.9 | seed 1 | 300 steps"."""
        return (
            f"{self.method} | {self.sparsity} | seed {self.seed} | {self.steps} steps"
        )

    @property
    def method_used(self) -> Method | None:
        """The method itself; None for the controls that prune nothing."""
        if self.method in (DENSE, SMALLER):
            return None
        return METHODS[self.method.removeprefix(ONE_SHOT)]

    @property
    def updates(self) -> int:
        """How often weights are chosen."""
        if self.method.startswith(ONE_SHOT):
            return 1
        method = self.method_used
        return affordable_updates(self.steps, method.cost if method else 0.0)

    @property
    def overhead(self) -> int:
        """What the method computes beside training, in training steps, rounded up."""
        method = self.method_used
        return math.ceil(method.cost * self.updates) if method else 0

    @property
    def training_steps(self) -> int:
        """What is left of the budget for training.

        Raises:
            ValueError: if choosing weights takes all of it.
        """
        return left_for_training(self.steps, self.overhead, self.method)

    @property
    def schedule(self) -> Schedule:
        """When weights go; the ramp is a part of the training that is left."""
        return ramp(self.sparsity, self.training_steps, self.updates)

    def stage(self, config: Config, epochs: int = 1) -> Stage:
        """Return the training; see `retraining`."""
        return retraining(config, epochs)


def affordable_updates(steps: int, cost: float) -> int:
    """Return how often weights or channels are chosen: once at least.

    Args:
        steps: the whole budget. Of a small one, choosing takes half at most.
        cost: of a choice, in training steps.
    """
    return UPDATES if UPDATES * cost <= steps / 2 else max(1, int(steps / 2 / cost))


def left_for_training(steps: int, overhead: int, method: str) -> int:
    """Return what choosing leaves of a budget, in training steps.

    Args:
        steps: the whole budget.
        overhead: what choosing weights or channels costs, in training steps.
        method: named in the error.

    Raises:
        ValueError: if choosing takes all of it.
    """
    if steps - overhead < 2:
        raise ValueError(
            f"{method} spends {overhead} steps on choosing what goes, of {steps}: give "
            "it a larger budget."
        )
    return steps - overhead


def ramp(target: float, steps: int, updates: int) -> Schedule:
    """Return when a target is reached in a training of so many steps; see `RAMP`."""
    start, end = (round(part * steps) for part in RAMP)
    if updates == 1:
        return Schedule(target, start, start, 1)
    # A step at least for each choice, as far as there are any.
    return Schedule(target, start, min(max(end, start + updates), steps - 1), updates)


def retraining(config: Config, epochs: int = 1) -> Stage:
    """Return the configuration's training, but for a shorter warm-up.

    The learning rate is that of the dense training once more, since going on at its
    small last one recovers less (arXiv:2003.02389).

    Args:
        config: of the model.
        epochs: into which the training steps are divided.
    """
    return build.stage(config, epochs)._replace(warmup_steps=WARMUP)


def grid(
    methods: list[str] | None = None,
    sparsities: tuple[float, ...] = SPARSITIES,
    seeds: tuple[int, ...] = SEEDS,
    steps: int = STEPS,
) -> Iterator[Cell]:
    """Yield the cells of the study, seed by seed, so that a part of it is a whole.

    Smaller networks come last: each trains from random weights, for minutes.

    Raises:
        ValueError: if there is no such method; names those there are.
    """
    names = methods or [
        *BASELINES,
        SCHEMA,
        f"{ONE_SHOT}magnitude, uniform",
        f"{ONE_SHOT}magnitude, global",
        SMALLER,
    ]
    known = {SMALLER, *METHODS, *(f"{ONE_SHOT}{name}" for name in METHODS)}
    if unknown := set(names) - known:
        raise ValueError(
            f"There is no pruning method {', '.join(sorted(unknown))}; take some of "
            f"{', '.join(METHODS)}, each also with {ONE_SHOT!r} before it."
        )
    for seed in seeds:
        yield Cell(DENSE, 0.0, seed, steps)
        for sparsity in sparsities:
            for name in names:
                if name != SMALLER:
                    yield Cell(name, sparsity, seed, steps)
    if SMALLER in names:
        for seed, sparsity in itertools.product(seeds, sparsities):
            yield Cell(SMALLER, sparsity, seed, steps)
