"""Ways to prune: what a weight is worth, and how many each layer keeps."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from mrcnn.pruning import allocation, criteria
from mrcnn.pruning.allocation import Allocation
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
    """A way to prune; its cost beside training is `losses` gradients a batch."""

    criterion: Callable[[Evidence], Arrays]
    allocate: Allocation
    losses: LossGroups = {}  # noqa: RUF012 (never changed)
    batches: int = 0  # for each choice of weights
    memory: float = 0.0  # part of the earlier saliency that is kept
    regrow: bool = False  # weights may come back while the ramp is climbed
    balance: float = 0.0  # rate at which loss weights follow the tasks' drops


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
    """Return LAMP's ranks blended with those of the tasks' saliencies together."""
    by_task = {Task(task): scale(scores) for task, scores in evidence.saliency.items()}
    together = criteria.power_mean(by_task, exponent, evidence.priority)
    if share == 1:
        return together
    return criteria.blend(
        criteria.ranks(criteria.lamp(evidence.weights)),
        criteria.ranks(together),
        share,
    )


def task_balanced(
    *,
    exponent: float = 4.0,
    share: float = 0.5,
    scale: Callable[[Arrays], Arrays] = criteria.ranks,
    batches: int = 2,
    memory: float = 0.7,
    regrow: bool = True,
    balance: float = 0.5,
    allocate: Allocation = allocation.everywhere,
) -> Method:
    """Return the task-balanced schema, or one of its ablations.

    Args:
        exponent: of the power mean over tasks; 1 averages, infinity takes the best.
        share: of the tasks' saliency in the score; 0 leaves LAMP alone.
        scale: makes tasks comparable, `criteria.ranks` or `criteria.shares`.
        batches: of training data for each choice of weights.
        memory: part of the earlier saliency that is kept.
        regrow: let weights come back while the ramp is climbed.
        balance: rate at which loss weights follow the tasks' drops; 0 leaves them.
        allocate: how many weights each layer keeps.
    """
    criterion = partial(_tasks, exponent=exponent, share=share, scale=scale)
    return Method(criterion, allocate, BY_TASK, batches, memory, regrow, balance)


def taylor(batches: int = 2, memory: float = 0.7) -> Method:
    """Return the criterion of the summed loss, which knows of no tasks."""
    return Method(_taylor, allocation.everywhere, SUMMED, batches, memory)


METHODS: dict[str, Method] = {
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
    "TBP": task_balanced(),
}
"""The methods of the book by the names that its figures use."""
