"""Functions of images and windows, written for other programs; see `mrcnn.export`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mrcnn.formats.function import Exported
from mrcnn.formats.litert import write_litert
from mrcnn.formats.onnx import write_onnx
from mrcnn.formats.saved_model import write_saved_model
from mrcnn.notices import quoted


class Format(NamedTuple):
    """How to write a format, and what it can hold."""

    write: Callable[[Exported, Path], None]
    any_type: bool  # computes in bfloat16 and float16 too
    ending: str = ""  # of its files; a SavedModel is a folder


FORMATS: dict[str, Format] = {
    "tf_saved_model": Format(write_saved_model, any_type=True),
    "saved_model": Format(write_saved_model, any_type=True),
    "onnx": Format(write_onnx, any_type=False, ending=".onnx"),
    "litert": Format(write_litert, any_type=False, ending=".tflite"),
}
"""By name; all but the second name are Keras' own."""
ENDINGS = {".onnx", ".tflite"}
OTHERS = {".keras", ".h5", ".hdf5", ".pb", ".zip"}
"""Endings of files that `MaskRCNN.export` does not write."""


def find_format(name: str | None, path: Path) -> Format:
    """Return a format by its name, or that of a path's ending where there is no name.

    Raises:
        ValueError: if there is none, names those there are; or if the ending is that of
            another.
    """
    ending = path.suffix.lower()
    if name is None:
        same = (key for key, known in FORMATS.items() if known.ending == ending != "")
        name = next(same, "tf_saved_model")
    if not isinstance(name, str) or name not in FORMATS:
        raise ValueError(
            f"There is no format {quoted(name)}; it must be one of "
            f"{', '.join(FORMATS)}."
        )
    found = FORMATS[name]
    if ending in OTHERS | ENDINGS - {found.ending}:
        wanted = found.ending or "no ending, as it is a folder"
        raise ValueError(
            f"{path} is the name of another kind of file than {name}, which has "
            f"{wanted}. Formats are {', '.join(FORMATS)}; model.save writes .keras."
        )
    return found
