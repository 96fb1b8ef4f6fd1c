"""Networks without some of their channels: a plan, and the smaller network it gives."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from mrcnn import build
from mrcnn.config import Config
from mrcnn.files import atomic_path, read_json
from mrcnn.nn.channels import ChannelGroup
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.weights import single_layers

VERSION = 1
"""Of the file format."""


class Plan(NamedTuple):
    """Which channels of a network stay."""

    kept: Mapping[str, tuple[int, ...]]  # by group, in order; other groups stay whole

    def widths(self, groups: Iterable[ChannelGroup]) -> dict[str, int]:
        """Return the filters of the layers that become narrower, by name."""
        return {
            name: len(self.kept[group.name])
            for group in groups
            if group.name in self.kept
            for name in group.makers
        }

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON."""
        document = {"version": VERSION, "kept": dict(self.kept)}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n")


def load_plan(path: str | Path) -> Plan:
    """Read what `Plan.save` wrote.

    Raises:
        ValueError: if the file is no plan, or of another version; names what is wrong.
    """
    try:
        document = read_json(path)
        version, kept = document["version"], document["kept"]
        plan = Plan({name: tuple(indices) for name, indices in kept.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} is no plan of channels: it must be JSON with `version` and `kept` "
            f"({type(error).__name__}: {error})."
        ) from error
    if version != VERSION:
        raise ValueError(
            f"{path} is a plan of version {version!r}, this package reads {VERSION}: "
            "write it again with the package that is installed."
        )
    for name, indices in plan.kept.items():
        _check(f"{path}: kept[{name!r}]", indices)
    return plan


def _check(where: str, indices: tuple[int, ...], width: int | None = None) -> None:
    """Refuse what are no channels to keep: some, in order, each once."""
    whole = all(type(i) is int and i >= 0 for i in indices)
    if not indices or not whole or sorted(set(indices)) != list(indices):
        raise ValueError(
            f"{where} must list the channels that stay, from 0, in order, each once "
            "and one at least."
        )
    if width is not None and indices[-1] >= width:
        raise ValueError(
            f"{where} keeps channel {indices[-1]} of {width}: this plan was made for "
            "another network."
        )


def shrink(
    model: MaskRCNN,
    config: Config,
    plan: Plan,
    weights: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> tuple[MaskRCNN, Config]:
    """Return a network without the channels that a plan removes, and its configuration.

    It computes what the model does when these channels are zero (`silence`), and is a
    model like any other: it trains, saves, and can be pruned further.

    Args:
        model: built from `config`; stays as it is.
        config: the configuration.
        plan: which channels stay.
        weights: of some layers by name, in place of the model's.

    Raises:
        ValueError: if the plan does not fit the network; names group and channel.
    """
    groups = {group.name: group for group in build.channels(config)}
    widths = build.layer_widths(config)
    for name, indices in plan.kept.items():
        if name not in groups:
            raise ValueError(
                f"The plan names a group {name!r}; this network has "
                f"{', '.join(groups)}."
            )
        _check(f"The plan's {name!r}", indices, widths[groups[name].makers[0]])
    smaller = build.with_widths(config, plan.widths(groups.values()))
    shrunk = build.model(smaller, precision=model.precision)
    layers = {layer.name: layer for layer in single_layers(shrunk)}
    made, read = _by_layer(groups.values(), plan)
    for layer in single_layers(model):
        arrays = (weights or {}).get(layer.name) or layer.get_weights()
        layers[layer.name].set_weights(
            _sliced(layer, arrays, made.get(layer.name), read.get(layer.name))
        )
    return shrunk, smaller


def _by_layer(
    groups: Iterable[ChannelGroup], plan: Plan
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return the channels that each layer goes on making, and those that it reads."""
    made, read = {}, {}
    for group in groups:
        if group.name in plan.kept:
            made |= dict.fromkeys((*group.makers, *group.norms), plan.kept[group.name])
            read |= dict.fromkeys(group.readers, plan.kept[group.name])
    return made, read


def channel_axes(layer: keras.layers.Layer) -> tuple[int, int]:
    """Return which axes of a layer's kernel are its inputs and its outputs."""
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    return (-1, -2) if transposed else (-2, -1)


def _sliced(
    layer: keras.layers.Layer,
    arrays: Sequence[np.ndarray],
    made: tuple[int, ...] | None,
    read: tuple[int, ...] | None,
) -> list[np.ndarray]:
    """Return a layer's weights without the channels that are neither made nor read."""
    inputs, outputs = channel_axes(layer)
    sliced = []
    for weight, array in zip(layer.weights, arrays, strict=True):
        kernel = weight.name == "kernel"
        if made is not None:
            array = array.take(made, outputs if kernel else 0)
        if read is not None and kernel:
            array = array.take(read, inputs)
        sliced.append(array)
    return sliced
