"""The control that often wins: a dense network that was small from the start."""

from mrcnn import build
from mrcnn.config import Config
from mrcnn.pruning.prunable import prunable_layers

ROUNDS = 9
"""Bisections of the factor: enough for widths of some hundreds of channels."""


def as_small_as(config: Config, sparsity: float) -> Config:
    """Return the widest narrower configuration with no more prunable weights.

    Args:
        config: of the network that is pruned.
        sparsity: after which it has as many weights left, or a few more.

    Raises:
        ValueError: if even the narrowest network has more.
    """
    limit = (1 - sparsity) * _weights(config)
    low, high = 0.0, 1.0
    if _weights(build.narrower(config, low)) > limit:
        raise ValueError(
            f"A network with {build.NARROWEST} channels in every layer has more "
            f"weights than are left at a sparsity of {sparsity}; take a lower one."
        )
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        fits = _weights(build.narrower(config, middle)) <= limit
        low, high = (middle, high) if fits else (low, middle)
    return build.narrower(config, low)


def _weights(config: Config) -> int:
    return sum(layer.size for layer in prunable_layers(build.model(config)))
