"""Where tasks agree on which weights matter, and where they part."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from mrcnn.pruning.allocation import uniform
from mrcnn.pruning.prunable import GROUPS, Arrays, group_of


def group_shares(saliency: Mapping[str, Arrays]) -> dict[str, dict[str, float]]:
    """Return which part of each task's whole saliency lies in each group.

    Args:
        saliency: non-negative scores by task.
    """
    shares = {}
    for task, scores in saliency.items():
        sums = dict.fromkeys(GROUPS, 0.0)
        for name, array in scores.items():
            sums[group_of(name)] += float(array.sum(dtype=np.float64))
        total = sum(sums.values())
        shares[task] = {group: part / total for group, part in sums.items()}
    return shares


def overlap(first: Arrays, second: Arrays) -> dict[str, float]:
    """Return the IoU of two masks, layer by layer; NaN where both are empty."""
    found = {}
    for name, mask in first.items():
        one, two = mask.astype(bool), second[name].astype(bool)
        union = int((one | two).sum())
        found[name] = float((one & two).sum() / union) if union else float("nan")
    return found


def task_overlap(
    saliency: Mapping[str, Arrays], sparsity: float
) -> dict[tuple[str, str], dict[str, float]]:
    """Return how far the best weights of each two tasks coincide, layer by layer.

    Every task marks the same part of each layer that it reaches. Where the marks are
    independent, their IoU is d / (2 - d) at a density d = 1 - sparsity (`by_chance`).

    Args:
        saliency: non-negative scores by task; a layer of zeros is not reached.
        sparsity: of each layer.
    """
    marks = {task: uniform(scores, sparsity) for task, scores in saliency.items()}
    reached = {
        task: {name for name, score in scores.items() if np.any(score)}
        for task, scores in saliency.items()
    }
    return {
        (first, second): {
            name: value if name in reached[first] & reached[second] else float("nan")
            for name, value in overlap(marks[first], marks[second]).items()
        }
        for first, second in combinations(saliency, 2)
    }


def by_chance(sparsity: float) -> float:
    """Return the IoU to expect of two independent masks of a sparsity."""
    return (1 - sparsity) / (1 + sparsity)
