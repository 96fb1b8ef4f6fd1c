"""Functions of images and windows, written for other programs; see `mrcnn.export`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mrcnn.formats.function import Exported
from mrcnn.formats.litert import write_litert
from mrcnn.formats.onnx import write_onnx
from mrcnn.formats.saved_model import write_saved_model


class Format(NamedTuple):
    """How to write a format, and what it can hold."""

    write: Callable[[Exported, Path], None]
    any_type: bool  # computes in bfloat16 and float16 too


FORMATS: dict[str, Format] = {
    "tf_saved_model": Format(write_saved_model, any_type=True),
    "saved_model": Format(write_saved_model, any_type=True),
    "onnx": Format(write_onnx, any_type=False),
    "litert": Format(write_litert, any_type=False),
}
"""By name; all but the second name are Keras' own."""


def find_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        ValueError: if there is none; names those there are.
    """
    if name not in FORMATS:
        raise ValueError(
            f"There is no format {name!r}; it must be one of {', '.join(FORMATS)}."
        )
    return FORMATS[name]
