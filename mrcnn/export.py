"""The inference model in formats of other programs: SavedModel, ONNX and LiteRT.

An exported model takes one molded image and gives its detections in static slots:

| input or output | shape | |
|---|---|---|
| `images` | (1, H, W, C) float32 | as `mrcnn.detection.prepare` makes it |
| `windows` | (1, 4) float32 | the part that is no padding, normalised |
| `boxes` | (1, D, 4) float32 | normalised, best first |
| `class_ids` | (1, D) int32 | 0 where there is no detection |
| `scores` | (1, D) float32 | |
| `valid` | (1, D) bool | which slots hold a detection |
| `masks` | (1, D, M, M) float32 | probabilities inside the box |

`detections` turns the outputs into what `mrcnn.detection.detect` returns. ONNX and
LiteRT files are float32 whatever the model computes in: other programs choose types of
their own. A SavedModel keeps the model's. TensorFlow only. `MaskRCNN.export` does the
same by a format's name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.transforms import Geometry, boxes_to_original
from mrcnn.detection import as_detection
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.structures import Detection


def to_saved_model(
    model: MaskRCNN, folder: str | Path, image_shape: tuple[int, int]
) -> Path:
    """Write a TensorFlow SavedModel whose endpoint is `serve`; return its folder.

    Args:
        model: trained.
        folder: must not exist.
        image_shape: (H, W) of padded images.

    Raises:
        FileExistsError: if the folder is there.
        ValueError: under another backend than TensorFlow, or names a size that no
            padded image has.
    """
    native(model).export(folder, "tf_saved_model", image_shape=image_shape)
    return Path(folder)


def to_onnx(model: MaskRCNN, path: str | Path, image_shape: tuple[int, int]) -> Path:
    """Write an ONNX file, whole or not at all; return its path.

    Args:
        model: trained.
        path: of the file.
        image_shape: (H, W) of padded images.

    Raises:
        ImportError: if the converter, tf2onnx, is not installed.
        ValueError: as of `to_saved_model`.
    """
    native(model).export(path, "onnx", image_shape=image_shape)
    return Path(path)


def to_litert(model: MaskRCNN, path: str | Path, image_shape: tuple[int, int]) -> Path:
    """Write a LiteRT (TensorFlow Lite) file, whole or not at all; return its path.

    It needs no more than LiteRT's own operations, so that it runs on telephones, too.

    Args:
        model: trained.
        path: of the file.
        image_shape: (H, W) of padded images.

    Raises:
        ValueError: as of `to_saved_model`.
    """
    native(model).export(path, "litert", image_shape=image_shape)
    return Path(path)


def detections(outputs: Mapping[str, Any], geometry: Geometry) -> Detection:
    """Return what an exported model found, in pixels of the original image.

    Args:
        outputs: of the exported model, by name.
        geometry: of the image, from `mrcnn.detection.prepare`.
    """
    row = {name: np.asarray(value)[0] for name, value in outputs.items()}
    valid = row["valid"]
    return as_detection(
        boxes_to_original(row["boxes"][valid], geometry),
        row["class_ids"][valid],
        row["scores"][valid],
        row["masks"][valid],
        geometry.original_shape,
    )
