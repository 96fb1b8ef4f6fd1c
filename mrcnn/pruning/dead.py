"""Channels that compute nothing, removed: a smaller network with the same answers.

A filter whose weights are all zero gives its bias, everywhere: its channel is constant.
What reads a constant can do without it, and a channel that nothing reads can go. Three
rules say when that is exact:

- A constant of zero counts for nothing.
- A 1 x 1 convolution or a dense layer multiplies a constant by a weight: that is a
  part of its bias. A larger kernel does not, since beyond the border there are zeros.
- Constants are multiples of each other, at the border too. So of all that a larger
  kernel reads one stays, whose weights take over what the others gave; of a group with
  several maps as many as their values are independent, one for each map at most.

What layers add up or make for the same reader is constant only if all of it is.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import keras
import numpy as np
from scipy import linalg

from mrcnn import build
from mrcnn.config import Config
from mrcnn.evaluation.tables import markdown_table
from mrcnn.nn.channels import ChannelGroup
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.surgery import Plan, channel_axes, shrink
from mrcnn.weights import single_layers

INDEPENDENT = 1e-9
"""Part of the largest from which on a value counts as independent of others."""


class Dead(NamedTuple):
    """What became of the filters of one layer."""

    name: str
    filters: int
    dead: int  # whose output was constant at the beginning
    removed: int  # dead, or not read by anything in the end
    alive: int  # dead, but another layer gives life to their channels
    carrying: int  # dead, and kept for a larger kernel, or as the last of the group


class WithoutDead(NamedTuple):
    """A network without the channels that computed nothing."""

    model: MaskRCNN
    config: Config
    plan: Plan
    layers: tuple[Dead, ...]  # from the image to the outputs

    def table(self) -> str:
        """Return what was removed, and why what is dead stays, as Markdown."""
        header = ["layer", "filters", "dead", "removed", "alive elsewhere", "carrying"]
        told = [row for row in self.layers if row.dead or row.removed]
        if not told:
            return "No filter is dead, and each is read."
        return markdown_table([header, *([*map(str, row)] for row in told)])


def remove_dead(model: MaskRCNN, config: Config) -> WithoutDead:
    """Return a network without channels that are constant, or that nothing reads.

    In inference its outputs are those of the model, up to the rounding of numbers:
    constants become part of the biases and kernels that read them. Batch normalisation
    counts as it does then, with its moving statistics.

    Args:
        model: with zeros among its weights, built from `config`; stays as it is.
        config: the configuration.
    """
    groups = build.channels(config)
    names = {name for g in groups for name in (*g.makers, *g.norms, *g.readers)}
    layers = {
        layer.name: _Weights(layer)
        for layer in single_layers(model)
        if layer.name in names
    }
    dead = {
        name: ~np.isnan(constant)
        for group in groups
        for name, constant in _constants(layers, group).items()
    }
    gone = {group.name: np.zeros(_width(layers, group), bool) for group in groups}
    while any([_step(layers, group, gone[group.name]) for group in groups]):
        pass
    for mask in gone.values():
        mask[0] &= not mask.all()  # no layer is without filters
    plan = Plan(
        {n: tuple(np.flatnonzero(~m).tolist()) for n, m in gone.items() if m.any()}
    )
    rows = tuple(
        row for group in groups for row in _rows(layers, group, gone[group.name], dead)
    )
    arrays = {name: layer.arrays() for name, layer in layers.items()}
    return WithoutDead(*shrink(model, config, plan, arrays), plan, rows)


class _Weights:
    """A layer's weights in float64, its kernel (k, inputs, outputs) for k points."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        self._layer = layer
        self.values = {
            weight.name: np.array(weight, np.float64) for weight in layer.weights
        }
        if "kernel" in self.values:
            self.kernel = np.moveaxis(
                self.values["kernel"], channel_axes(layer), (-2, -1)
            )
            self._shape = self.kernel.shape
            self.kernel = self.kernel.reshape(-1, *self._shape[-2:])

    def arrays(self) -> list[np.ndarray]:
        """Return the weights in the order and the shapes of the layer."""
        if "kernel" in self.values:
            kernel = self.kernel.reshape(self._shape)
            self.values["kernel"] = np.moveaxis(
                kernel, (-2, -1), channel_axes(self._layer)
            )
        return [
            self.values[weight.name].astype(np.float32)
            for weight in self._layer.weights
        ]

    def normalised(self, constant: np.ndarray) -> np.ndarray:
        """Return what a batch normalisation makes of constants (C,)."""
        gamma, beta, mean, variance = (
            self.values[name]
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + self._layer.epsilon)
        return np.where(gamma == 0, beta, beta + (constant - mean) * scale)

    def silence(self, channels: np.ndarray) -> None:
        """Make outputs zero."""
        if "kernel" in self.values:
            self.kernel[..., channels] = 0
        for name in {"bias", "gamma", "beta"} & set(self.values):
            self.values[name][channels] = 0


Layers = Mapping[str, _Weights]


def _width(layers: Layers, group: ChannelGroup) -> int:
    return layers[group.makers[0]].kernel.shape[-1]


def _constants(layers: Layers, group: ChannelGroup) -> dict[str, np.ndarray]:
    """Return by maker the value (C,) of its constant channels, NaN for the others."""
    found = {}
    for i, name in enumerate(group.makers):
        maker = layers[name]
        empty = ~maker.kernel.any(axis=(0, 1))
        found[name] = np.where(empty, maker.values["bias"], np.nan)
        if group.norms:
            found[name] = layers[group.norms[i]].normalised(found[name])
    return found


def _maps(layers: Layers, group: ChannelGroup) -> np.ndarray:
    """Return the constants (maps, C) that are read, NaN where there is none."""
    made = _constants(layers, group)
    below, rows = np.zeros(_width(layers, group)), []
    for features in group.maps:
        row = sum((made[name] for name in features.makers), below)
        rows.append(np.maximum(row, 0) if group.rectified else row)
        below = rows[-1] if group.adds else below
    return np.array(rows)


def _read(layers: Layers, names: Iterable[str]) -> np.ndarray:
    """Return which channels (C,) any of these layers reads."""
    return np.any([layers[name].kernel.any(axis=(0, 2)) for name in names], axis=0)


def _step(layers: Layers, group: ChannelGroup, gone: np.ndarray) -> bool:
    """Let readers do without constants, then remove what nobody reads.

    Returns:
        Whether any channel has gone.
    """
    maps = _maps(layers, group)
    for name in group.readers:
        reads = [name in features.readers for features in group.maps]
        _take_over(layers[name], maps[reads])
    _join(layers, group, maps)
    unread = ~_read(layers, group.readers) & ~gone
    for name in (*group.makers, *group.norms):
        layers[name].silence(unread)
    gone |= unread
    return bool(unread.any())


def _take_over(reader: _Weights, maps: np.ndarray) -> None:
    """Put into a reader's bias what constants (maps, C) give, where that is exact."""
    exact = (maps == 0).all(axis=0)
    if len(reader.kernel) == 1:
        exact |= (maps == maps[0]).all(axis=0)  # NaN is not itself
        reader.values["bias"] += maps[0, exact] @ reader.kernel[0, exact]
    reader.kernel[:, exact] = 0


def _join(layers: Layers, group: ChannelGroup, maps: np.ndarray) -> None:
    """Let a few constant channels stand for all that are still read."""
    read = _read(layers, group.readers) & ~np.isnan(maps).any(axis=0)
    channels = np.flatnonzero(read)
    if len(channels) < 2:
        return
    _, r, order = linalg.qr(maps[:, channels], mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > INDEPENDENT * diagonal[0]).sum())
    stay, leave = channels[order[:rank]], channels[order[rank:]]
    # Pivots are the largest there are: no factor is above 1, or 8 for four maps.
    factors = linalg.solve_triangular(r[:rank, :rank], r[:rank, rank:])
    for name in group.readers:
        kernel = layers[name].kernel
        kernel[:, stay] += np.einsum("sl,klo->kso", factors, kernel[:, leave])
        kernel[:, leave] = 0


def _rows(
    layers: Layers,
    group: ChannelGroup,
    gone: np.ndarray,
    dead: Mapping[str, np.ndarray],
) -> Iterable[Dead]:
    """Yield what became of each layer that makes a group's channels."""
    alive = np.isnan(_maps(layers, group)).any(axis=0)
    for name in group.makers:
        left = dead[name] & ~gone
        counts = map(int, (len(gone), dead[name].sum(), gone.sum()))
        yield Dead(name, *counts, int((left & alive).sum()), int((left & ~alive).sum()))
