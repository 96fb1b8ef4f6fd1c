"""Weights in Matterport's HDF5 layout.

One group for each layer, in it the arrays in the layer's own order; the five networks
of a model lie flat beside each other, but the proposal network is one group,
"rpn_model".
"""

from collections.abc import Collection, Sequence
from pathlib import Path

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
from mrcnn.paths import as_path
from mrcnn.weight_names import (
    CLASS_LAYERS,
    LoadReport,
    as_names,
    check_names,
    nothing_fits,
    single_layers,
    weighted_layers,
)

__all__ = [
    "CLASS_LAYERS",
    "LoadReport",
    "load_weights",
    "save_weights",
    "single_layers",
    "weighted_layers",
    "write_layers",
    "write_weights",
]


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
    path, model = as_path(path, "path"), native(model)
    with write_hdf5(path) as file:
        write_weights(model, file, dtype)


def write_weights(model: MaskRCNN, file: h5py.File, dtype: str) -> None:
    """Write all weights, and the names of the classes if the model knows them.

    See `save_weights`.
    """
    write_layers(list(weighted_layers(model)), file, dtype)
    if model.class_names:
        names = [name.encode() for name in model.class_names]
        file.attrs["class_names"] = np.array(names)


def write_layers(
    layers: Sequence[keras.layers.Layer], file: h5py.File, dtype: str
) -> None:
    """Write the weights of some layers. See `save_weights`."""
    file.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
    file.attrs["backend"] = keras.backend.backend().encode()
    file.attrs["keras_version"] = keras.__version__.encode()
    for layer in layers:
        group = file.create_group(layer.name)
        variables = _variables(layer)
        group.attrs["weight_names"] = np.array([name.encode() for name, _ in variables])
        for name, variable in variables:
            kind = dtype if variable.name == "kernel" else "float32"
            group.create_dataset(name, data=readable(variable, kind, name))


def _names(attributes: h5py.AttributeManager, key: str) -> list[str]:
    """Return the names in an attribute, such as "layer_names"; [] if it has none."""
    try:
        names = np.asarray(attributes.get(key, []))
    except (AttributeError, TypeError, ValueError):  # h5py, of types that it half knows
        return []
    texts = names.tolist() if names.ndim == 1 and names.dtype.kind in "SUO" else []
    return [
        n.decode(errors="replace") if isinstance(n, bytes) else str(n) for n in texts
    ]


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
        TypeError: if the path is none, or a name to exclude is no string.
        WeightFileError: names layer and shapes, and what to exclude; or a name to
            exclude that is no layer; or says what the file is, if no layer is in it.
    """
    path, model, exclude = as_path(path, "path"), native(model), as_names(exclude)
    with reading(path) as file:
        nested = "model_weights" in set(file)  # a whole model, as Keras 2 saved it
        root = inside(file, "model_weights", path) if nested else file
        links = set(root)
        present = [n for n in _names(root.attrs, "layer_names") if n in links]
        check_names(exclude, model, present, path)
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
        class_names = model.class_names
        if "mrcnn_class_logits" in report.loaded:
            class_names = tuple(_names(root.attrs, "class_names"))
        known = {layer.name for layer in weighted_layers(model)}
        report.unused.extend(
            n
            for n in present
            if n not in known and _names(inside(root, n, path).attrs, "weight_names")
        )
        if not report.loaded:
            raise WeightFileError(nothing_fits(report, root))
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
        value = np.asarray(numbers(array, path), np.float32)
        if not np.isfinite(value).all():
            raise WeightFileError(f"{path}: {name} holds NaN or infinite values.")
        values.append((variable, value))
    return values
