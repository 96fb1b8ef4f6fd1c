"""What each part of the network is worth to each task: prune it alone and look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from mrcnn.evaluation.drops import relative_changes
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning import criteria
from mrcnn.pruning.allocation import uniform
from mrcnn.pruning.prunable import (
    GROUPS,
    Arrays,
    PrunableLayer,
    kernels,
    prunable_layers,
)
from mrcnn.tasks import Task

Sensitivity = dict[str, dict[float, dict[Task, float]]]
"""By group and sparsity, each task's metric."""


@contextmanager
def masked(layers: Sequence[PrunableLayer], masks: Arrays) -> Iterator[None]:
    """Zero what masks deny for as long as the context lasts."""
    dense = kernels(layers)
    try:
        for layer in layers:
            layer.kernel.assign(dense[layer.name] * masks[layer.name])
        yield
    finally:
        for layer in layers:
            layer.kernel.assign(dense[layer.name])


def group_sensitivity(
    model: MaskRCNN,
    measure: Callable[[], Mapping[Task, float]],
    sparsities: Sequence[float],
    groups: Sequence[str] = tuple(GROUPS),
) -> Sensitivity:
    """Return what tasks achieve when one group alone loses its smallest weights.

    Nothing is trained in between, and the model is left as it was.

    Args:
        model: trained.
        measure: evaluates the model as it is, such as
            `lambda: headline(collect(model, dataset), dataset.class_names)`.
        sparsities: of each layer of the group; 0, the dense model, is measured once
            for all groups.
        groups: keys of `GROUPS`.
    """
    layers = prunable_layers(model)
    dense = dict(measure()) if 0 in sparsities else {}
    found: Sensitivity = {}
    for group in groups:
        members = [layer for layer in layers if layer.group == group]
        scores = criteria.magnitude(kernels(members))
        found[group] = {0.0: dense} if dense else {}
        for sparsity in filter(None, sparsities):
            with masked(members, uniform(scores, sparsity)):
                found[group][sparsity] = dict(measure())
    return found


def task_changes(sensitivity: Sensitivity) -> dict[Task, np.ndarray]:
    """Return (groups, sparsities above 0) relative changes of each task, in per cent.

    Args:
        sensitivity: of `group_sensitivity`, sparsity 0 among its measures.
    """
    return {
        task: np.array(
            [
                [
                    relative_changes(at[sparsity], at[0.0])[task]
                    for sparsity in sorted(at)
                    if sparsity
                ]
                for at in sensitivity.values()
            ]
        )
        for task in Task
    }


def group_densities(
    sensitivity: Sensitivity, sizes: Mapping[str, int], sparsity: float
) -> dict[str, float]:
    """Return the density of each group at which the worst task should lose least.

    Starting from the dense network, the group that costs the worst task least for each
    weight that it frees is raised to its next sparsity, until enough are free. A task's
    loss is taken to be the sum over groups of its relative losses, as if these did not
    know of each other. The gate by the worst task is that of PAGCP (arXiv:2303.11923).

    Args:
        sensitivity: of `group_sensitivity`, at 0 and at growing sparsities.
        sizes: weights by group.
        sparsity: of all groups together.

    Returns:
        Densities for `allocation.by_group`.

    Raises:
        ValueError: if sparsity 0 was not measured, or a higher one is needed.
    """
    if any(0.0 not in measured for measured in sensitivity.values()):
        raise ValueError("Measure every group at sparsity 0 too: losses count from it.")
    at = dict.fromkeys(sensitivity, 0.0)
    missing = sparsity * sum(sizes.values())

    def lost(group: str, level: float) -> np.ndarray:
        changes = relative_changes(sensitivity[group][level], sensitivity[group][0.0])
        return -np.nan_to_num([changes[task] for task in Task])

    while missing > 0.5:  # of a weight: what is less is rounding
        total = sum(lost(group, level) for group, level in at.items())
        steps = []
        for group, level in at.items():
            higher = [s for s in sorted(sensitivity[group]) if s > level]
            if higher:
                freed = (higher[0] - level) * sizes[group]
                after = total - lost(group, level) + lost(group, higher[0])
                steps.append(((after.max() - total.max()) / freed, group, higher[0]))
        if not steps:
            raise ValueError(
                f"At the highest sparsities that were measured the groups lose fewer "
                f"weights than at {sparsity} in all: measure higher ones."
            )
        _, group, level = min(steps)
        freed = (level - at[group]) * sizes[group]
        at[group] = level if freed <= missing else at[group] + missing / sizes[group]
        missing -= min(freed, missing)
    return {group: 1 - level for group, level in at.items()}
