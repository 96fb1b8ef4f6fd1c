"""How many weights each layer keeps: pure functions from scores to exact masks.

Every allocation keeps exactly `keep_count(total, sparsity)` weights, ties broken by the
order of layers and weights, and leaves no layer empty.
"""

from collections.abc import Callable, Mapping

import numpy as np

from mrcnn.pruning.prunable import Arrays, group_of

Allocation = Callable[[Arrays, float], Arrays]
"""Takes scores and a sparsity, and returns masks of 0 and 1 (uint8)."""

FLOOR = 0.002
"""Part of its weights that the emptiest layer keeps, and at least one weight: a layer
without any would cut the network in two."""


def keep_count(total: int, sparsity: float) -> int:
    """Return how many of `total` weights remain at a sparsity."""
    return total - round(total * sparsity)


def top_mask(scores: np.ndarray, keep: int) -> np.ndarray:
    """Return a mask of the `keep` largest scores, the first of equal ones."""
    flat = scores.ravel()
    if keep >= flat.size:
        return np.ones(scores.shape, np.uint8)
    threshold = np.partition(flat, flat.size - keep)[flat.size - keep]
    mask = flat > threshold
    ties = np.flatnonzero(flat == threshold)
    mask[ties[: keep - int(mask.sum())]] = True
    return mask.reshape(scores.shape).astype(np.uint8)


def everywhere(scores: Arrays, sparsity: float) -> Arrays:
    """Keep the best weights of the whole network, but a few of every layer."""
    floors = {name: _floor(s.size) for name, s in scores.items()}
    keep = _checked(sum(s.size for s in scores.values()), sparsity, floors)
    return _best(scores, keep)


def by_group(density: Mapping[str, float]) -> Allocation:
    """Return an allocation that gives each group its part, and takes the best of it.

    Args:
        density: relative, by group (`prunable.GROUPS`), above 0.
    """

    def allocate(scores: Arrays, sparsity: float) -> Arrays:
        members: dict[str, Arrays] = {}
        for name, array in scores.items():
            members.setdefault(group_of(name), {})[name] = array
        sizes = {g: sum(s.size for s in of.values()) for g, of in members.items()}
        floors = {
            g: sum(_floor(s.size) for s in of.values()) for g, of in members.items()
        }
        keep = _checked(sum(sizes.values()), sparsity, floors)
        counts = _counts(sizes, floors, keep, density)
        masks = {
            n: m for g, of in members.items() for n, m in _best(of, counts[g]).items()
        }
        return {name: masks[name] for name in scores}

    return allocate


def _best(scores: Arrays, keep: int) -> Arrays:
    """Keep so many of the best weights, but a few of every layer."""
    floors = {name: _floor(s.size) for name, s in scores.items()}
    reserved = {name: top_mask(s, floors[name]) for name, s in scores.items()}
    flat = np.concatenate(
        [np.where(reserved[name], np.inf, s).ravel() for name, s in scores.items()]
    )
    mask = top_mask(flat, keep)
    ends = np.cumsum([s.size for s in scores.values()])[:-1]
    parts = np.split(mask, ends)
    return {
        name: part.reshape(s.shape)
        for (name, s), part in zip(scores.items(), parts, strict=True)
    }


def uniform(scores: Arrays, sparsity: float) -> Arrays:
    """Keep the same part of each layer."""
    return by_density(scores, sparsity, dict.fromkeys(scores, 1.0))


def erdos_renyi_kernel(scores: Arrays, sparsity: float) -> Arrays:
    """Keep of a kernel h x w x in x out a part as (h + w + in + out) / (h w in out).

    Small kernels stay denser (ERK, arXiv:1911.11134, section 3).
    """
    density = {name: sum(s.shape) / s.size for name, s in scores.items()}
    return by_density(scores, sparsity, density)


def by_density(scores: Arrays, sparsity: float, density: Mapping[str, float]) -> Arrays:
    """Keep of each layer a part in proportion to a density, none above all of it.

    Args:
        scores: which weights of a layer are better.
        sparsity: of all layers together.
        density: relative, by layer.
    """
    sizes = {name: s.size for name, s in scores.items()}
    floors = {name: _floor(size) for name, size in sizes.items()}
    keep = _checked(sum(sizes.values()), sparsity, floors)
    counts = _counts(sizes, floors, keep, density)
    return {name: top_mask(s, counts[name]) for name, s in scores.items()}


def _floor(size: int) -> int:
    return max(1, int(size * FLOOR))


def _checked(total: int, sparsity: float, floors: Mapping[str, int]) -> int:
    if not 0 <= sparsity < 1:
        raise ValueError(
            f"sparsity is {sparsity}: it is the share of weights to remove, at least 0 "
            "and below 1, such as 0.9."
        )
    keep = keep_count(total, sparsity)
    if keep < sum(floors.values()):
        raise ValueError(
            f"A sparsity of {sparsity} keeps {keep} of {total} weights, too few for "
            f"{len(floors)} layers that keep {sum(floors.values())} at least; take at "
            f"most {1 - sum(floors.values()) / total:.4f}."
        )
    return keep


def _counts(
    sizes: Mapping[str, int],
    floors: Mapping[str, int],
    keep: int,
    density: Mapping[str, float],
) -> dict[str, int]:
    """Return how many weights each layer keeps, `keep` in all.

    The factor by which densities are scaled is found by bisection, since layers stop at
    their floor and at all they have; the largest remainders take what rounding leaves.
    """
    names = list(sizes)
    size = np.array([sizes[n] for n in names], np.float64)
    low = np.array([floors[n] for n in names], np.float64)
    wish = size * np.array([density[n] for n in names], np.float64)
    if wish.min() <= 0:
        raise ValueError("Every layer needs a density above 0.")

    def clipped(factor: float) -> np.ndarray:
        return np.clip(wish * factor, low, size)

    below, above = 0.0, float((size / wish).max())
    for _ in range(200):
        middle = (below + above) / 2
        below, above = (
            (middle, above)
            if clipped(middle).sum() < keep
            else (
                below,
                middle,
            )
        )
    exact = clipped(above)
    counts = np.floor(exact + 1e-9)
    missing = keep - int(counts.sum())
    room = counts < size
    order = np.argsort(np.where(room, counts - exact, np.inf), kind="stable")
    counts[order[:missing]] += 1
    return {name: int(count) for name, count in zip(names, counts, strict=True)}
