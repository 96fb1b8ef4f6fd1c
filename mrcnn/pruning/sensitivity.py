"""What each part of the network is worth to each task: prune it alone and look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

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
            `lambda: evaluate(model, dataset).headline`.
        sparsities: of each layer of the group; 0 is the dense model.
        groups: keys of `GROUPS`.
    """
    layers = prunable_layers(model)
    found: Sensitivity = {}
    for group in groups:
        members = [layer for layer in layers if layer.group == group]
        scores = criteria.magnitude(kernels(members))
        found[group] = {}
        for sparsity in sparsities:
            with masked(members, uniform(scores, sparsity)):
                found[group][sparsity] = dict(measure())
    return found
