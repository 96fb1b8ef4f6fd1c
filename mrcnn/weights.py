"""Weights in Matterport's HDF5 layout.

One group for each layer, in it the arrays in the layer's own order; the five networks
of a model lie flat beside each other, but the proposal network is one group,
"rpn_model".
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from mrcnn.hdf5 import (
    WeightFileError,
    inside,
    numbers,
    plain_dataset,
    readable,
    reading,
    write_hdf5,
)
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native

CLASS_LAYERS = ("mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask")
"""Layers whose shapes depend on the class count: what Matterport's users exclude."""


class LoadReport(NamedTuple):
    """What became of every layer when weights were loaded."""

    path: Path
    loaded: list[str]
    excluded: list[str]
    missing: list[str]  # of the model, not in the file: they keep their values
    unused: list[str]  # of the file, not in the model

    def __str__(self) -> str:
        """Return one line, such as "31 of 31 layers from shapes.h5"."""
        total = len(self.loaded) + len(self.excluded) + len(self.missing)
        parts = [f"{len(self.loaded)} of {total} layers from {self.path.name}"]
        for what in ("excluded", "missing", "unused"):
            if names := getattr(self, what):
                parts.append(f"{what}: {', '.join(names)}")
        return "; ".join(parts)


def weighted_layers(model: MaskRCNN) -> Iterator[keras.layers.Layer]:
    """Yield the layers that have weights, by the names of the file layout."""
    for part in (model.backbone, model.fpn):
        yield from (layer for layer in part.layers if layer.weights)
    yield model.rpn
    for part in (model.box_head, model.mask_head):
        yield from (layer for layer in part.layers if layer.weights)


def single_layers(model: MaskRCNN) -> Iterator[keras.layers.Layer]:
    """Yield every layer that has weights, from the image to the outputs.

    As `weighted_layers`, but with the layers of the proposal network one by one.
    """
    for layer in weighted_layers(model):
        if layer is model.rpn:
            yield from (inner for inner in layer.layers if inner.weights)
        else:
            yield layer


def _variables(layer: keras.layers.Layer) -> list[tuple[str, keras.Variable]]:
    """Return (name in the file, variable) in the order of the layout."""
    if isinstance(layer, keras.Model):
        return [
            (f"{inner.name}/{variable.name}:0", variable)
            for inner in layer.layers
            for variable in inner.weights
        ]
    return [(f"{layer.name}/{variable.name}:0", variable) for variable in layer.weights]


def save_weights(model: MaskRCNN, path: str | Path, *, dtype: str = "float32") -> None:
    """Write all weights to an .h5 file in Matterport's layout, whole or not at all.

    Args:
        model: whose weights.
        path: of the file.
        dtype: of kernels, "float32" or "float16", which halves the file. It keeps a
            weight to a relative error of 2 ** -11 if it is 2 ** -14 (0.00006) or more,
            a smaller one to an absolute error of 2 ** -25, and so makes 0 of what is
            below that. Everything else is written as float32, because statistics may
            lie beyond its largest number, 65504.

    Raises:
        ValueError: if a weight is no number or too large for `dtype`, so that the file
            could not be read back; names the layer.
        OSError: if the file cannot be written, such as on a full disk.
    """
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype {dtype!r}: weights are saved as float32 or float16.")
    model = native(model)
    with write_hdf5(path) as file:
        write_weights(model, file, dtype)


def write_weights(model: MaskRCNN, file: h5py.File, dtype: str) -> None:
    """Write all weights, and the names of the classes if the model knows them.

    See `save_weights`.
    """
    layers = list(weighted_layers(model))
    file.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
    file.attrs["backend"] = keras.backend.backend().encode()
    file.attrs["keras_version"] = keras.__version__.encode()
    if names := getattr(model, "class_names", ()):
        file.attrs["class_names"] = np.array([name.encode() for name in names])
    for layer in layers:
        group = file.create_group(layer.name)
        variables = _variables(layer)
        group.attrs["weight_names"] = np.array([name.encode() for name, _ in variables])
        for name, variable in variables:
            kind = dtype if variable.name == "kernel" else "float32"
            group.create_dataset(name, data=readable(variable, kind, name))


def _names(attributes: h5py.AttributeManager, key: str) -> list[str]:
    names = np.asarray(attributes.get(key, []))
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names.tolist()]


def load_weights(
    model: MaskRCNN,
    path: str | Path,
    *,
    exclude: str | Collection[str] = (),
    partial: bool = False,
) -> LoadReport:
    """Read weights by layer name from an .h5 file in Matterport's layout.

    Every shape is checked before any weight is changed. With the layer of the classes
    comes `model.class_names`, () if the file does not say.

    Args:
        model: whose weights.
        path: of the file.
        exclude: names of layers that keep their values; one name may stand alone.
        partial: allow the file to lack layers of the model, such as a backbone's.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError: if a name to exclude is no string.
        WeightFileError: names layer and shapes, and what to exclude; or a name to
            exclude that is no layer; or says what the file is, if no layer is in it.
    """
    path, model = Path(path), native(model)
    exclude = [exclude] if isinstance(exclude, str) else list(exclude)
    with reading(path) as file:
        nested = "model_weights" in set(file)  # a whole model, as Keras 2 saved it
        root = inside(file, "model_weights", path) if nested else file
        links = set(root)
        present = [n for n in _names(root.attrs, "layer_names") if n in links]
        _check_names(exclude, model, present, path)
        report = LoadReport(path, [], [], [], [])
        values: list[tuple[keras.Variable, np.ndarray]] = []
        for layer in weighted_layers(model):
            if layer.name in exclude:
                report.excluded.append(layer.name)
            elif layer.name not in present:
                report.missing.append(layer.name)
            else:
                values += _read_layer(inside(root, layer.name, path), layer, path)
                report.loaded.append(layer.name)
        if "mrcnn_class_logits" in report.loaded:
            class_names = tuple(_names(root.attrs, "class_names"))
        else:
            class_names = getattr(model, "class_names", ())
        known = {layer.name for layer in weighted_layers(model)}
        report.unused.extend(
            n
            for n in present
            if n not in known and _names(inside(root, n, path).attrs, "weight_names")
        )
        if not report.loaded:
            raise WeightFileError(_nothing_fits(report, root))
    if report.missing and not partial:
        raise WeightFileError(
            f"{path} lacks {len(report.missing)} layers of the model, "
            f"{', '.join(report.missing[:4])} and so on: it was made for another "
            "BACKBONE, or holds a part only (partial=True then, by_name=True in "
            "Matterport's terms)."
        )
    for variable, value in values:
        variable.assign(value)
    model.class_names = class_names
    return report


def _check_names(
    exclude: Collection[str], model: MaskRCNN, present: Collection[str], path: Path
) -> None:
    """Refuse names that are no layer of the model or of the file."""
    for name in exclude:
        if not isinstance(name, str):
            raise TypeError(f"exclude takes names of layers; {name!r} is none.")
    networks = (model.backbone, model.fpn, model.rpn, model.box_head, model.mask_head)
    inner = {layer.name for layer in model.rpn.layers}
    known = {layer.name for network in networks for layer in network.layers} - inner
    known |= {model.rpn.name, *present, *CLASS_LAYERS}
    wrong = []
    for name in sorted(set(exclude) - known):
        if name in inner:
            wrong.append(f"{name!r} (a part of {model.rpn.name}: exclude that)")
        else:
            near = _similar(name, sorted(known))
            wrong.append(f"{name!r}" + (f" ({' or '.join(near)}?)" if near else ""))
    if wrong:
        raise WeightFileError(
            f"{path}: exclude names what is no layer of the model or the file: "
            f"{', '.join(wrong)}. Give whole names; patterns are not understood."
        )


def _similar(name: str, known: Sequence[str]) -> list[str]:
    """Return layers that a name may have meant: as a pattern, or misspelt."""
    try:
        pattern = re.compile(name)
    except re.error:
        return difflib.get_close_matches(name, known)
    matched = [each for each in known if pattern.fullmatch(each)]
    return matched[:4] or difflib.get_close_matches(name, known)


def _nothing_fits(report: LoadReport, root: h5py.Group) -> str:
    """Return an error about a file of which no layer would be loaded."""
    held = report.unused or [n for n in report.excluded if n in root]
    names = f"{', '.join(held[:4])}{' and so on' if len(held) > 4 else ''}"
    if not held:
        keras3 = {"layers", "_layer_checkpoint_dependencies", "backbone"} & set(root)
        holds = (
            "the layout of Keras 3 (.weights.h5): read it by the load_weights of a "
            "Keras model that is built alike, and write it by mrcnn.weights"
            if keras3
            else f"no layers, but {', '.join(sorted(root)[:4]) or 'nothing'}"
        )
    elif "conv1_conv" in held:
        holds = (
            f"{names}, the names of Keras Applications since 2019; those of 2015 fit, "
            "see get_imagenet_weights"
        )
    else:
        holds = names
    wanted = report.missing or report.excluded
    left = ", all of them excluded" if not report.missing else ""
    return (
        f"{report.path} lacks every layer that the model would take from it: it holds "
        f"{holds}. The model has {', '.join(wanted[:4])} and so on{left}."
    )


def _read_layer(
    group: h5py.Group, layer: keras.layers.Layer, path: Path
) -> list[tuple[keras.Variable, np.ndarray]]:
    """Return the layer's variables with their new values, shapes checked first."""
    variables = _variables(layer)
    names = _names(group.attrs, "weight_names")
    if len(names) != len(variables):
        raise WeightFileError(
            f"{path}: layer {layer.name} has {len(names)} arrays, the model "
            f"{len(variables)} ({', '.join(name for name, _ in variables)})."
        )
    values = []
    for name, (_, variable) in zip(names, variables, strict=True):
        array = plain_dataset(group, name, path)
        if array.shape != tuple(variable.shape):
            hint = (
                f"the class counts differ: exclude {', '.join(CLASS_LAYERS)}"
                if layer.name in CLASS_LAYERS
                else f"exclude {layer.name}, or build the model with the file's widths"
            )
            raise WeightFileError(
                f"{path}: {name} has shape {array.shape}, the model "
                f"{tuple(variable.shape)}; {hint}."
            )
        if array.dtype.kind not in "fiu":
            raise WeightFileError(f"{path}: {name} holds no numbers ({array.dtype}).")
        value = np.asarray(numbers(array, path), np.float32)
        if not np.isfinite(value).all():
            raise WeightFileError(f"{path}: {name} holds NaN or infinite values.")
        values.append((variable, value))
    return values
