"""TensorFlow's SavedModel."""

import shutil
from pathlib import Path

import keras

from mrcnn.files import locked
from mrcnn.formats.function import Exported


def write_saved_model(exported: Exported, folder: Path) -> None:
    """Write a SavedModel whose endpoint is `serve`, whole or not at all.

    Args:
        exported: what to write.
        folder: must not exist.

    Raises:
        FileExistsError: if the folder is there.
        ValueError: under another backend than TensorFlow.
    """
    _refuse(folder)
    signature = exported.signature
    archive = keras.export.ExportArchive()
    archive.track(exported.model)
    archive.add_endpoint("serve", exported.function, input_signature=signature)
    with locked(folder):
        _refuse(folder)  # which another process may have made meanwhile
        unfinished = folder.with_name(f".{folder.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        archive.write_out(str(unfinished), verbose=False)
        unfinished.rename(folder)


def _refuse(folder: Path) -> None:
    if folder.exists():
        raise FileExistsError(f"{folder} exists; move it away, or name another.")
