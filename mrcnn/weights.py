"""Weights in Matterport's HDF5 layout.

One group for each layer, in it the arrays in the layer's own order; the five networks
of a model lie flat beside each other, but the proposal network is one group,
"rpn_model".
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from mrcnn.files import atomic_path
from mrcnn.hdf5 import WeightFileError, inside, open_hdf5, plain_dataset
from mrcnn.nn.mask_rcnn import MaskRCNN

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
        dtype: "float16" halves the file, at a relative error of 2 ** -11 a weight. Only
            kernels are written so: statistics may lie beyond its largest number.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
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
            value = np.asarray(variable)
            kernel = variable.name == "kernel"
            group.create_dataset(
                name, data=value.astype(dtype if kernel else "float32")
            )


def _names(attributes: h5py.AttributeManager, key: str) -> list[str]:
    names = np.asarray(attributes.get(key, []))
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names.tolist()]


def load_weights(
    model: MaskRCNN,
    path: str | Path,
    *,
    exclude: Collection[str] = (),
    partial: bool = False,
) -> LoadReport:
    """Read weights by layer name from an .h5 file in Matterport's layout.

    Every shape is checked before any weight is changed. With the layer of the classes
    comes `model.class_names`, () if the file does not say.

    Args:
        model: whose weights.
        path: of the file.
        exclude: names of layers that keep their values.
        partial: allow the file to lack layers of the model, such as a backbone's.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightFileError: names layer and shapes, and what to exclude.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        nested = "model_weights" in set(file)  # a whole model, as Keras 2 saved it
        root = inside(file, "model_weights", path) if nested else file
        links = set(root)
        present = [n for n in _names(root.attrs, "layer_names") if n in links]
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
    if report.missing and not partial:
        raise WeightFileError(
            f"{path} lacks {len(report.missing)} layers of the model, "
            f"{', '.join(report.missing[:4])} and so on: it was made for another "
            "BACKBONE, or holds a part only (partial=True then)."
        )
    for variable, value in values:
        variable.assign(value)
    model.class_names = class_names
    return report


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
        value = np.asarray(array[()], np.float32)
        if not np.isfinite(value).all():
            raise WeightFileError(f"{path}: {name} holds NaN or infinite values.")
        values.append((variable, value))
    return values
