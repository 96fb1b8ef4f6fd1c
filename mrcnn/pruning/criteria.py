"""How much each weight matters: pure functions from arrays to scores, more is better.

Scores are compared across layers by a global allocation, and within them by all.
"""

from collections.abc import Mapping

import numpy as np

from mrcnn.pruning.prunable import Arrays


def random(weights: Arrays, seed: int) -> Arrays:
    """Return the same uniform random scores for a seed, whatever the weights."""
    rng = np.random.default_rng(seed)
    return {name: rng.random(w.shape, np.float32) for name, w in weights.items()}


def magnitude(weights: Arrays) -> Arrays:
    """Return the absolute value of each weight."""
    return {name: np.abs(w) for name, w in weights.items()}


def lamp(weights: Arrays) -> Arrays:
    """Return each squared weight over the sum of those in its layer not below it.

    Layer-adaptive magnitude (arXiv:2010.07611, eq. 1): the largest weight of every
    layer scores 1, so that a global cut empties none.
    """
    return {name: _lamp(w) for name, w in weights.items()}


def _lamp(weights: np.ndarray) -> np.ndarray:
    squares = np.square(weights, dtype=np.float64).ravel()
    order = np.argsort(squares, kind="stable")
    remaining = np.cumsum(squares[order][::-1])[::-1]
    scores = np.zeros_like(squares)
    scores[order] = squares[order] / np.maximum(remaining, np.finfo(np.float64).tiny)
    return scores.reshape(weights.shape).astype(np.float32)


def ranks(scores: Arrays) -> Arrays:
    """Return each score's rank among those of all layers, scaled to (0, 1].

    Zeros count as unreachable and stay 0. Equal scores rank by their place.
    """
    flat = np.concatenate([s.ravel() for s in scores.values()])
    order = np.argsort(flat, kind="stable")
    ranked = np.empty(len(flat), np.float32)
    zeros = int((flat == 0).sum())
    ranked[order] = (np.arange(len(flat), dtype=np.float32) + 1 - zeros) / max(
        len(flat) - zeros, 1
    )
    ranked[flat == 0] = 0
    return _split(ranked, scores)


def surprise(scores: Arrays) -> Arrays:
    """Return -log of the part of the scores that are as high or higher.

    Ranks on the scale of an exponential distribution, whose mean is 1: whatever the
    units, the best weights stand out from the good ones, and a factor says how much. A
    sum of two such scores is Fisher's way to combine two tests. Zeros stay 0.
    """
    step = np.float32(1 / max(sum(np.count_nonzero(s) for s in scores.values()), 1))
    largest = -np.log(step)  # what float32 cannot say of the best of 30 million

    def scaled(rank: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            found = -np.log1p(np.minimum(step - rank, 0))
        return np.where(rank > 0, np.minimum(found, largest), np.float32(0))

    return {name: scaled(rank) for name, rank in ranks(scores).items()}


def shares(scores: Arrays) -> Arrays:
    """Return each score as a share of the sum over all layers, times their number.

    The mean is 1, so that tasks whose losses differ in size can be compared.
    """
    total = sum(float(s.sum(dtype=np.float64)) for s in scores.values())
    count = sum(s.size for s in scores.values())
    factor = np.float32(count / total if total else 0.0)
    return {name: s * factor for name, s in scores.items()}


def power_mean(
    by_task: Mapping[str, Arrays], exponent: float, priority: Mapping[str, float]
) -> Arrays:
    """Return ((1/T) sum_t priority_t s_t^p)^(1/p) of the tasks' scores.

    Exponent 1 averages; infinity takes the largest, so that a weight goes only if every
    task would let it go (the union of arXiv:2206.04662). Of each layer only those tasks
    are asked that reach it: else a head that serves one task would be worth a third.

    Args:
        by_task: non-negative scores.
        exponent: p, at least 1.
        priority: of each task, 1 for one that is not named.
    """
    tasks = list(by_task)

    def mean(name: str) -> np.ndarray:
        reach = [task for task in tasks if by_task[task][name].any()] or tasks
        stack = np.stack([by_task[task][name] for task in reach])
        weights = np.array([priority.get(task, 1.0) for task in reach], np.float32)
        weights = weights.reshape(-1, *(1,) * (stack.ndim - 1))
        if np.isinf(exponent):
            return (weights * stack).max(axis=0)
        return np.mean(weights * stack**exponent, axis=0) ** (1 / exponent)

    return {name: mean(name) for name in by_task[tasks[0]]}


def blend(first: Arrays, second: Arrays, share: float) -> Arrays:
    """Return (1 - share) * first + share * second."""
    return {
        name: (1 - share) * first[name] + np.float32(share) * second[name]
        for name in first
    }


def _split(flat: np.ndarray, like: Arrays) -> Arrays:
    """Return a flat array in the shapes of others."""
    ends = np.cumsum([a.size for a in like.values()])[:-1]
    parts = np.split(flat, ends)
    return {
        name: part.reshape(a.shape)
        for (name, a), part in zip(like.items(), parts, strict=True)
    }
