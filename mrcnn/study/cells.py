"""What one run of the study is, and which runs make up the study."""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

from mrcnn.config import Config
from mrcnn.pruning.budget import (
    affordable_updates,
    left_for_training,
    ramp,
    retraining,
)
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
