"""What a saved model is described by: data that any process can make it from again."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mrcnn.hdf5 import open_hdf5
from mrcnn.paths import as_path


def as_data(settings: Any) -> dict[str, Any]:
    """Return settings, a named tuple, as what JSON knows: NumPy's numbers too."""
    return {name: np.asarray(v).tolist() for name, v in settings._asdict().items()}


def as_settings(kind: type, values: Mapping[str, Any]) -> Any:
    """Return settings as they were before they were written as JSON.

    Raises:
        ValueError: names those that this version of the package has not, or misses.
    """
    known, needed = set(kind._fields), set(kind._fields) - set(kind._field_defaults)
    if wrong := sorted((set(values) - known) | (needed - set(values))):
        raise ValueError(
            f"The saved model does not fit this version of mrcnn: {kind.__name__} "
            f"differ in {', '.join(wrong)}. Load it with the version that saved it, "
            "and carry its weights over with mrcnn.weights."
        )
    return kind(**{name: _tuples(value) for name, value in values.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def check_layers(part: keras.Model) -> None:
    """Refuse layers that nothing but their own code could make again.

    Raises:
        ValueError: names the first such layer, and what to do.
    """
    for layer in part._flatten_layers():
        kind = type(layer)
        name = keras.saving.get_registered_name(kind)
        known = kind.__module__.startswith("keras.") or (
            keras.saving.get_registered_object(name) is kind
        )
        if not known or isinstance(layer, keras.layers.Lambda):
            raise ValueError(
                f"{part.name}: layer {layer.name} is a {kind.__name__}, which a .keras "
                "file cannot hold without code. Decorate its class with "
                "keras.saving.register_keras_serializable(); or write the weights with "
                "mrcnn.weights.save_weights, and load them into a model built with the "
                "same BACKBONE."
            )


def decaying(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that decays weights, inside one that scales losses."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def not_decayed(optimizer: keras.optimizers.Optimizer) -> list[str]:
    """Return by which names an optimizer spares variables; Keras does not save them."""
    inner = decaying(optimizer)
    pattern = getattr(inner, "_exclude_from_weight_decay_pattern", None)
    return sorted(pattern.pattern.split("|")) if pattern else []


def check_keras_layout(path: Any, method: str) -> None:
    """Refuse files that Keras' methods for weights would write or read wrongly."""
    path = as_path(path, "filepath")
    written = path.name.endswith((".weights.h5", ".weights.json"))
    reading = method == "load_weights"
    if reading and path.name.endswith(".weights.h5") and path.is_file():
        with open_hdf5(path) as file:  # whatever it is called
            written = "layer_names" not in file.attrs
    if written or (reading and path.suffix == ".keras"):
        return
    raise ValueError(
        f"{path}: model.{method} is Keras' own, for files in its layout that end in "
        f".weights.h5. mrcnn.weights.{method}(model, path) is for the .h5 layout of "
        "Matterport's code."
    )
