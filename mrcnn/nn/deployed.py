"""Networks as they are exported: of one size, without loops, in float32 if need be."""

from typing import Any, TypeVar

import keras

from mrcnn.checks.kinds import count, sequence
from mrcnn.nn.settings import Parts, Settings
from mrcnn.structures import Preprocessing

NARROW = ("bfloat16", "float16")


def without_loops(settings: Settings) -> Settings:
    """Let both heads take all slots at once: a loop of unknown length exports badly."""
    return settings._replace(
        box_chunk=settings.proposals_inference, mask_chunk=settings.detections
    )


def exported_size(
    image_shape: tuple[int, int] | None, settings: Settings, how: Preprocessing
) -> tuple[int, int]:
    """Return the size (H, W) of the padded images that an exported model takes.

    Args:
        image_shape: what was asked for; None takes the one size that there is.
        settings: of the model.
        how: of the model, too.

    Raises:
        ValueError: if there is no such size, or more than one.
    """
    fixed = {"square": how.max_dim, "crop": how.min_dim}.get(how.mode)
    if image_shape is None and fixed is None:
        raise ValueError(
            f"IMAGE_RESIZE_MODE {how.mode!r} makes images of many sizes, and an "
            "exported model takes one: name it, image_shape=(H, W)."
        )
    height, width = (fixed, fixed) if image_shape is None else _size(image_shape)
    stride = settings.strides[-1]
    if height < stride or width < stride or height % stride or width % stride:
        raise ValueError(
            f"image_shape is {(height, width)}: padded images have sides that divide "
            f"by {stride}."
        )
    return height, width


def _size(image_shape: Any) -> tuple[int, int]:
    """Return (H, W); ValueError if it is anything else."""
    if fault := sequence(count(), 2).fault("image_shape", image_shape):
        raise ValueError(f"{fault[:-1]}: (H, W), without channels.")
    height, width = map(int, image_shape)
    return height, width


def in_float32(parts: Parts) -> Parts:
    """Return copies that compute in float32 what the networks compute in fewer bits.

    The weights are float32 in both; networks that are so already are not copied.
    """
    return Parts(*map(_in_float32, parts))


Layer = TypeVar("Layer", bound=keras.layers.Layer)


def _in_float32(part: keras.Model) -> keras.Model:
    if not any(layer.compute_dtype in NARROW for layer in part.layers):
        return part
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(
            batch_shape=x.shape,
            dtype="float32" if x.dtype in NARROW else x.dtype,
            name=x.name,
        ),
        part.input,
    )
    copy = keras.models.clone_model(part, inputs, clone_function=_widened)
    copy.set_weights(part.get_weights())
    return copy


def _widened(layer: Layer) -> Layer:
    config = layer.get_config()
    if layer.compute_dtype in NARROW:
        config["dtype"] = "float32"
    return type(layer).from_config(config)
