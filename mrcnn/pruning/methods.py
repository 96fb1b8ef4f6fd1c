"""Ways to prune: what a weight is worth, and how many each layer keeps."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from mrcnn.pruning import allocation, criteria
from mrcnn.pruning.allocation import Allocation
from mrcnn.pruning.balance import COST, Priority
from mrcnn.pruning.prunable import Arrays
from mrcnn.pruning.saliency import LossGroups, gradient_cost
from mrcnn.tasks import LOSS_NAMES, LOSSES, Task

SUMMED: LossGroups = {"all": LOSS_NAMES}
"""All losses together, as a method does that knows of no tasks."""

BY_TASK: LossGroups = {task.value: LOSSES[task] for task in Task}
"""The losses of each task apart."""


class Evidence(NamedTuple):
    """What a criterion may look at when weights are chosen."""

    weights: Arrays  # without masks where weights may come back
    saliency: Mapping[str, Arrays]  # by loss group, if the method asks for any
    priority: Priority
    seed: int


class Method(NamedTuple):
    """A way to prune."""

    criterion: Callable[[Evidence], Arrays]
    allocate: Allocation
    losses: LossGroups = {}  # noqa: RUF012 (never changed)
    batches: int = 0  # for each choice of weights
    memory: float = 0.0  # part of the earlier saliency that is kept
    regrow: bool = False  # weights may come back while the ramp is climbed
    priority: Priority = {}  # noqa: RUF012 (never changed)
    balance: float = 0.0  # rate at which priorities follow the tasks' drops

    @property
    def cost(self) -> float:
        """What a choice of weights costs beside training, in training steps."""
        gradients = gradient_cost(self.losses, self.batches)
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
    size: Callable[[Arrays], Arrays],
) -> Arrays:
    """Return the score of sizes blended with that of the tasks' saliencies together."""
    sizes = scale(size(evidence.weights))
    if share == 0:
        return sizes
    by_task = {task: scale(scores) for task, scores in evidence.saliency.items()}
    together = criteria.power_mean(by_task, exponent, evidence.priority)
    if share == 1:
        return together
    return criteria.blend(sizes, scale(together), share)


WORST_FIRST: Priority = {Task.BOX: 2.0}
"""Of the tasks in the schema: in every run that was tried on validation images boxes
lost most, whatever the method."""


def task_balanced(
    *,
    priority: Priority = WORST_FIRST,
    share: float = 0.5,
    scale: Callable[[Arrays], Arrays] = criteria.surprise,
    size: Callable[[Arrays], Arrays] = criteria.magnitude,
    regrow: bool = True,
    losses: LossGroups = SUMMED,
    exponent: float = 4.0,
    balance: float = 0.0,
    batches: int = 2,
    memory: float = 0.7,
    allocate: Allocation = allocation.everywhere,
) -> Method:
    """Return the task-balanced schema, or a variant of it.

    Args:
        priority: of tasks, in the training and in the saliency: the dial that trades
            one task's drop for another's.
        share: of the saliency in the score; 0 leaves sizes alone.
        scale: makes saliency and sizes comparable, and tasks where they are apart.
        size: what counts as a weight's size.
        regrow: let weights come back while the ramp is climbed.
        losses: whose saliencies are measured apart; `BY_TASK` asks each task.
        exponent: of the power mean over those; 1 averages, infinity takes the best.
        balance: rate at which priorities follow the tasks' drops; 0 leaves them.
        batches: of training data for each choice of weights.
        memory: part of the earlier saliency that is kept.
        allocate: how many weights each layer keeps.
    """
    criterion = partial(_tasks, exponent=exponent, share=share, scale=scale, size=size)
    used = batches if share else 0
    return Method(criterion, allocate, losses, used, memory, regrow, priority, balance)


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
        priority={},
        share=1.0,
        scale=criteria.shares,
        regrow=False,
        losses=BY_TASK,
        exponent=np.inf,
    ),
}
"""What the schema is compared with."""

ABLATIONS: dict[str, Method] = {
    "TBP, tasks alike": task_balanced(priority={}),
    "TBP, masks first": task_balanced(priority={Task.MASK: 2.0}),
    "TBP, tasks apart": task_balanced(losses=BY_TASK),
    "TBP, following the tasks": task_balanced(priority={}, balance=1.0),
    "TBP, saliency only": task_balanced(share=1.0),
    "TBP, sizes only": task_balanced(share=0.0),
    "TBP, ranks": task_balanced(scale=criteria.ranks),
    "TBP, sizes by LAMP": task_balanced(size=criteria.lamp),
    "TBP, no way back": task_balanced(regrow=False),
}
"""The schema with one thing changed."""

METHODS: dict[str, Method] = {**BASELINES, SCHEMA: task_balanced(), **ABLATIONS}
"""All methods by the names that the book's figures use."""
