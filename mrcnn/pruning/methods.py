"""Ways to prune: what a weight is worth, and how many each layer keeps."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from mrcnn.pruning import allocation, criteria
from mrcnn.pruning.allocation import Allocation
from mrcnn.pruning.balance import COST
from mrcnn.pruning.prunable import Arrays
from mrcnn.pruning.saliency import LossGroups
from mrcnn.tasks import LOSS_NAMES, LOSSES, Task

SUMMED: LossGroups = {"all": LOSS_NAMES}
"""All losses together, as a method does that knows of no tasks."""

BY_TASK: LossGroups = {task.value: LOSSES[task] for task in Task}
"""The losses of each task apart."""


class Evidence(NamedTuple):
    """What a criterion may look at when weights are chosen."""

    weights: Arrays  # without masks where weights may come back
    saliency: Mapping[str, Arrays]  # by loss group, if the method asks for any
    priority: Mapping[str, float]  # of each task, 1 on average
    seed: int


class Method(NamedTuple):
    """A way to prune."""

    criterion: Callable[[Evidence], Arrays]
    allocate: Allocation
    losses: LossGroups = {}  # noqa: RUF012 (never changed)
    batches: int = 0  # for each choice of weights
    memory: float = 0.0  # part of the earlier saliency that is kept
    regrow: bool = False  # weights may come back while the ramp is climbed
    balance: float = 0.0  # rate at which loss weights follow the tasks' drops

    @property
    def cost(self) -> float:
        """What a choice of weights costs beside training, in training steps.

        A batch of gradients is one pass forward, a third of a step, and for each loss
        group one pass back, which counts twice as much.
        """
        gradients = self.batches * (1 + 2 * len(self.losses)) / 3
        return gradients + (COST if self.balance else 0.0)


def _random(evidence: Evidence) -> Arrays:
    return criteria.random(evidence.weights, evidence.seed)


def _magnitude(evidence: Evidence) -> Arrays:
    return criteria.magnitude(evidence.weights)


def _lamp(evidence: Evidence) -> Arrays:
    return criteria.lamp(evidence.weights)


def _taylor(evidence: Evidence) -> Arrays:
    return evidence.saliency["all"]


def _tasks(
    evidence: Evidence,
    *,
    exponent: float,
    share: float,
    scale: Callable[[Arrays], Arrays],
) -> Arrays:
    """Return LAMP's score blended with that of the tasks' saliencies together."""
    by_task = {task: scale(scores) for task, scores in evidence.saliency.items()}
    together = criteria.power_mean(by_task, exponent, evidence.priority)
    if share == 1:
        return together
    sizes = scale(criteria.lamp(evidence.weights))
    return criteria.blend(sizes, scale(together), share)


def task_balanced(
    *,
    exponent: float = 4.0,
    share: float = 0.5,
    scale: Callable[[Arrays], Arrays] = criteria.surprise,
    losses: LossGroups = BY_TASK,
    batches: int = 2,
    memory: float = 0.7,
    regrow: bool = True,
    balance: float = 0.0,
    allocate: Allocation = allocation.everywhere,
) -> Method:
    """Return the task-balanced schema, or one of its ablations.

    Args:
        exponent: of the power mean over tasks; 1 averages, infinity takes the best.
        share: of the tasks' saliency in the score; 0 leaves LAMP alone.
        scale: makes tasks and sizes comparable, such as `criteria.surprise`.
        losses: whose saliencies count apart; `SUMMED` knows of no tasks.
        batches: of training data for each choice of weights.
        memory: part of the earlier saliency that is kept.
        regrow: let weights come back while the ramp is climbed.
        balance: rate at which loss weights follow the tasks' drops; 0 leaves them.
        allocate: how many weights each layer keeps.
    """
    criterion = partial(_tasks, exponent=exponent, share=share, scale=scale)
    return Method(criterion, allocate, losses, batches, memory, regrow, balance)


def taylor(batches: int = 2, memory: float = 0.7) -> Method:
    """Return the criterion of the summed loss, which knows of no tasks."""
    return Method(_taylor, allocation.everywhere, SUMMED, batches, memory)


SCHEMA = "TBP"
"""The name of the task-balanced schema."""

BASELINES: dict[str, Method] = {
    "random": Method(_random, allocation.uniform),
    "magnitude, uniform": Method(_magnitude, allocation.uniform),
    "magnitude, global": Method(_magnitude, allocation.everywhere),
    "magnitude, ERK": Method(_magnitude, allocation.erdos_renyi_kernel),
    "LAMP": Method(_lamp, allocation.everywhere),
    "Taylor": taylor(),
    "DiSparse": task_balanced(
        exponent=np.inf,
        share=1.0,
        scale=criteria.shares,
        regrow=False,
        balance=0.0,
    ),
}
"""What the schema is compared with."""

ABLATIONS: dict[str, Method] = {
    "TBP, tasks only": task_balanced(share=1.0),
    "TBP, sizes only": task_balanced(share=0.0),
    "TBP, one loss": task_balanced(losses=SUMMED),
    "TBP, mean of tasks": task_balanced(exponent=1.0),
    "TBP, best of tasks": task_balanced(exponent=np.inf),
    "TBP, ranks": task_balanced(scale=criteria.ranks),
    "TBP, shares": task_balanced(scale=criteria.shares),
    "TBP, no way back": task_balanced(regrow=False),
    "TBP, balanced losses": task_balanced(balance=1.0),
}
"""The schema with one thing changed."""

METHODS: dict[str, Method] = {**BASELINES, SCHEMA: task_balanced(), **ABLATIONS}
"""All methods by the names that the book's figures use."""
