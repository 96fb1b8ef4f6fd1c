"""LiteRT, which was TensorFlow Lite."""

import tempfile
from pathlib import Path

from mrcnn.files import atomic_path
from mrcnn.formats.function import Exported
from mrcnn.formats.saved_model import write_saved_model
from mrcnn.ops.portable import gathered_crops, only_convolutions


def write_litert(exported: Exported, path: Path) -> None:
    """Write a LiteRT file of LiteRT's own operations only, whole or not at all.

    Raises:
        ValueError: under another backend than TensorFlow.
        OSError: if the path is a folder, or protected against writing.
    """
    with (
        atomic_path(path) as temporary,  # first: what cannot be written fails at once
        tempfile.TemporaryDirectory() as folder,
        gathered_crops(),
        only_convolutions(),
    ):
        saved = Path(folder) / "saved"
        write_saved_model(exported, saved)
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
        temporary.write_bytes(converter.convert())
