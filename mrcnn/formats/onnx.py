"""ONNX, with the operations that its programs are fast at."""

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.files import atomic_path
from mrcnn.formats.function import Exported
from mrcnn.ops.portable import only_convolutions

ONNX_INT64 = 7
"""The number of the type in ONNX files."""

OPSET = 17
"""Of ONNX: the newest that its converter from TensorFlow writes."""


def write_onnx(exported: Exported, path: Path) -> None:
    """Write an ONNX file, whole or not at all.

    Raises:
        ImportError: if the converter, tf2onnx, is not installed.
        ValueError: under another backend than TensorFlow.
        OSError: if the path is a folder, or protected against writing.
    """
    signature = exported.signature
    try:
        converter = importlib.import_module("tf2onnx")
    except ImportError as error:
        raise ImportError("ONNX needs a converter: pip install tf2onnx onnx") from error
    import tensorflow as tf

    # The path first: what cannot be written fails at once.
    with atomic_path(path) as temporary, only_convolutions():
        converted, _ = converter.convert.from_function(
            tf.function(exported.function, input_signature=signature),
            input_signature=signature,
            opset=OPSET,
            custom_op_handlers={
                "CropAndResize": (_as_roi_align, []),
                "SelectV2": (_as_where, []),
            },
        )
        _average_in_roi_align(converted.graph)
        temporary.write_bytes(converted.SerializeToString())


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
