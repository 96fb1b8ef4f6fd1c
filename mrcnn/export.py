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

`detections` turns the outputs into what `mrcnn.detection.detect` returns. Models built
in float32 export best: other runtimes choose types of their own. TensorFlow only.
"""

import contextlib
import importlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mrcnn.data.transforms import Geometry
from mrcnn.detection import in_original_pixels
from mrcnn.files import atomic_path
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.roi_align import native_kernel
from mrcnn.structures import Detection, Tensor

ONNX_INT64 = 7
"""The number of the type in ONNX files."""

OPSET = 17
"""Of ONNX: the newest that its converter from TensorFlow writes."""


@contextlib.contextmanager
def _without_loops(model: MaskRCNN) -> Iterator[None]:
    """Let both heads take all slots at once: a loop of unknown length exports badly."""
    settings = model.settings
    model.settings = settings._replace(
        box_chunk=settings.proposals_inference, mask_chunk=settings.detections
    )
    try:
        yield
    finally:
        model.settings = settings


def _inference(model: MaskRCNN) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """Return the function of images and windows that is exported."""

    def detect(images: Tensor, windows: Tensor) -> dict[str, Tensor]:
        with _without_loops(model):
            stages = model({"images": images, "windows": windows}, training=False)
        return {**stages.detections._asdict(), "masks": stages.masks}

    return detect


def _signature(model: MaskRCNN, image_shape: tuple[int, int]) -> list[Any]:
    """Return the types of the inputs; ValueError if the backend is another."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"Export needs TensorFlow, and Keras runs on {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow, and load the weights again."
        )
    import tensorflow as tf

    channels = model.backbone.input_shape[-1]
    return [
        tf.TensorSpec((1, *image_shape, channels), tf.float32, name="images"),
        tf.TensorSpec((1, 4), tf.float32, name="windows"),
    ]


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
        ValueError: under another backend than TensorFlow.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists; move it away, or name another.")
    signature = _signature(model, image_shape)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", _inference(model), input_signature=signature)
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    archive.write_out(str(unfinished), verbose=False)
    return unfinished.rename(folder)


def to_onnx(model: MaskRCNN, path: str | Path, image_shape: tuple[int, int]) -> Path:
    """Write an ONNX file, whole or not at all; return its path.

    Args:
        model: trained, best built with `precision="float32"`.
        path: of the file.
        image_shape: (H, W) of padded images.

    Raises:
        ImportError: if the converter, tf2onnx, is not installed.
        ValueError: under another backend than TensorFlow.
    """
    signature = _signature(model, image_shape)
    try:
        converter = importlib.import_module("tf2onnx")
    except ImportError as error:
        raise ImportError("ONNX needs a converter: pip install tf2onnx onnx") from error
    import tensorflow as tf

    converted, _ = converter.convert.from_function(
        tf.function(_inference(model), input_signature=signature),
        input_signature=signature,
        opset=OPSET,
        custom_op_handlers={
            "CropAndResize": (_as_roi_align, []),
            "SelectV2": (_as_where, []),
        },
    )
    _average_in_roi_align(converted.graph)
    with atomic_path(path) as temporary:
        temporary.write_bytes(converted.SerializeToString())
    return Path(path)


def to_litert(model: MaskRCNN, path: str | Path, image_shape: tuple[int, int]) -> Path:
    """Write a LiteRT (TensorFlow Lite) file, whole or not at all; return its path.

    It needs no more than LiteRT's own operations, so that it runs on telephones, too.

    Args:
        model: trained, built with `precision="float32"`.
        path: of the file.
        image_shape: (H, W) of padded images.

    Raises:
        ValueError: under another backend than TensorFlow.
    """
    _signature(model, image_shape)
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder, _gathered_crops():
        saved = to_saved_model(model, Path(folder) / "saved", image_shape)
        converted = tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert()
    with atomic_path(path) as temporary:
        temporary.write_bytes(converted)
    return Path(path)


@contextlib.contextmanager
def _gathered_crops() -> Iterator[None]:
    """Let crops be gathers: LiteRT does not know TensorFlow's operation for them."""
    token = native_kernel.set(False)
    try:
        yield
    finally:
        native_kernel.reset(token)


def _as_roi_align(graph: Any, node: Any, name: str, arguments: list) -> None:
    """Turn TensorFlow's CropAndResize into ONNX's RoiAlign.

    The converter would write a loop over regions. RoiAlign with one sample for each bin
    looks at the middle of n bins; CropAndResize at n points from edge to edge. So the
    regions grow by half a bin on each side. Both agree while points stay inside the
    image, which a pyramid's border sees to (`mrcnn.ops.roi_align.pack_pyramid`).
    """
    image, boxes, indices, size = node.input
    rows, columns = graph.get_node_by_output(size).get_tensor_value()
    _, height, width, _ = graph.get_shape(image)
    output = node.output[0]
    shape, dtype = graph.get_shape(output), graph.get_dtype(output)
    far = np.zeros(4, np.float32)  # how much of the edge that lies opposite counts
    near = np.zeros(4, np.float32)  # in the order of RoiAlign, which is x1, y1, x2, y2
    for axis, (count, extent) in enumerate(((columns, width), (rows, height))):
        half = 0.5 / (count - 1) if count > 1 else 0.0
        far[axis::2], near[axis::2] = -(extent - 1) * half, (extent - 1) * (1 + half)
    graph.remove_node(node.name)

    def add(kind: str, inputs: list[str], **attributes: Any) -> str:
        return graph.make_node(kind, inputs, attr=attributes).output[0]

    def constant(what: str, values: Any, dtype: type = np.float32) -> str:
        return graph.make_const(f"{name}/{what}", np.array(values, dtype)).output[0]

    # Element by element: products of matrices are what programs compute in bfloat16 and
    # 8 bits if they may, and regions would lie beside what they are to cut out.
    def share(what: str, order: list[int], factors: np.ndarray) -> str:
        edges = add(
            "Gather", [boxes, constant(f"{what}_edges", order, np.int64)], axis=1
        )
        return add("Mul", [edges, constant(f"{what}_factors", factors)])

    rois = add(
        "Add", [share("near", [1, 0, 3, 2], near), share("far", [3, 2, 1, 0], far)]
    )
    rois = add("Add", [rois, constant("half_pixel", [0.5])])
    crops = add(
        "RoiAlign",
        [
            add("Transpose", [image], perm=[0, 3, 1, 2]),
            rois,
            add("Cast", [indices], to=ONNX_INT64),
        ],
        coordinate_transformation_mode="half_pixel",
        output_height=int(rows),
        output_width=int(columns),
        sampling_ratio=1,
    )
    graph.make_node(
        "Transpose",
        [crops],
        attr={"perm": [0, 2, 3, 1]},
        outputs=[output],
        shapes=[shape],
        dtypes=[dtype],
    )


def _as_where(graph: Any, node: Any, name: str, arguments: list) -> None:
    """Turn TensorFlow's SelectV2 into ONNX's Where, which broadcasts alike.

    The converter would write it as a sum of products with 0 and 1: six operations.
    """
    node.type = "Where"


def _average_in_roi_align(graph: Any) -> None:
    """Let RoiAlign take the means of its samples, where a pooling layer does.

    k times as many bins of one sample, averaged k by k, are bins of k by k samples: the
    same points, of which k * k times fewer numbers are written. Aligned crops are such
    (`mrcnn.ops.roi_align.pyramid_roi_align`).
    """
    makers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    for pool in [node for node in graph.node if node.op_type == "AveragePool"]:
        align, attributes = makers.get(pool.input[0]), _attributes(pool)
        if align is None or align.op_type != "RoiAlign" or readers[pool.input[0]] > 1:
            continue
        k = attributes.pop("kernel_shape").ints[0]
        if list(attributes.pop("strides").ints) != [k, k] or attributes:
            continue  # it overlaps, or pads
        settings = _attributes(align)
        settings["output_height"].i //= k
        settings["output_width"].i //= k
        settings["sampling_ratio"].i *= k
        align.output[0] = pool.output[0]
        graph.node.remove(pool)


def _attributes(node: Any) -> dict[str, Any]:
    return {attribute.name: attribute for attribute in node.attribute}


def detections(outputs: Mapping[str, Any], geometry: Geometry) -> Detection:
    """Return what an exported model found, in pixels of the original image.

    Args:
        outputs: of the exported model, by name.
        geometry: of the image, from `mrcnn.detection.prepare`.
    """
    row = {name: np.asarray(value)[0] for name, value in outputs.items()}
    valid = row["valid"]
    return in_original_pixels(
        row["boxes"][valid],
        row["class_ids"][valid],
        row["scores"][valid],
        row["masks"][valid],
        geometry,
    )
