"""Exported models in the programs that run them: ONNX Runtime, OpenVINO and LiteRT.

All are optional: `pip install onnx onnxruntime openvino nncf ai-edge-litert`. Models
come from `mrcnn.export`; inputs and outputs are those that `mrcnn.export` lists.
"""

import importlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mrcnn.files import atomic_path
from mrcnn.processes import cores

Inputs = Mapping[str, np.ndarray]
"""`images` and `windows` of one image, as `mrcnn.detection.prepare` makes them."""

Run = Callable[[Inputs], dict[str, np.ndarray]]
"""Takes inputs and returns an exported model's outputs by name."""


def _package(name: str) -> ModuleType:
    """Import an optional package; ImportError says how to get it, or what it lacks."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        top = (error.name or name).partition(".")[0].replace("_", "-")
        raise ImportError(f"This needs a package: pip install {top}") from error


def onnx_runtime(path: str | Path, *, threads: int = 0) -> Run:
    """Return what runs an ONNX file in ONNX Runtime.

    Args:
        path: of the file.
        threads: that one image may use; 0 leaves it to the program.
    """
    package = _package("onnxruntime")
    options = package.SessionOptions()
    options.intra_op_num_threads = threads
    session = package.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def openvino_has_bfloat16() -> bool:
    """Say whether OpenVINO computes in bfloat16 on this processor.

    Where it does not, it takes float32 in its place, and does not say so.
    """
    core = _package("openvino").Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino(path: str | Path, *, precision: str = "f32", threads: int = 0) -> Run:
    """Return what runs an ONNX or OpenVINO file in OpenVINO.

    Args:
        path: of the file, .onnx or .xml.
        precision: in which it computes what is not quantized, "f32" or "bf16".
        threads: that one image may use; 0 leaves it to the program.

    Raises:
        ValueError: if "bf16" is asked for on a processor that lacks it.
    """
    if precision == "bf16" and not openvino_has_bfloat16():
        raise ValueError(
            "OpenVINO does not compute in bfloat16 on this processor; "
            'take precision="f32".'
        )
    core = _package("openvino").Core()
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }
    model = core.read_model(str(path))
    names = [output.get_any_name() for output in model.outputs]
    # What leads from the last layer to an output stays in float32. So let regions be
    # outputs: rounded to bfloat16, they would lie beside what they are to cut out.
    model.add_outputs([crop.input_value(1) for crop in _crops(model)])
    request = core.compile_model(model, "CPU", options).create_infer_request()

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        found = request.infer(dict(inputs))
        return {name: found[name] for name in names}

    return run


def litert(path: str | Path, *, threads: int = 0) -> Run:
    """Return what runs a LiteRT file.

    Args:
        path: of the file.
        threads: that one image may use; 0 takes all cores.
    """
    package = _package("ai_edge_litert.interpreter")
    interpreter = package.Interpreter(
        model_path=str(path), num_threads=threads or cores()
    )
    signature = interpreter.get_signature_runner()

    def run(inputs: Inputs) -> dict[str, np.ndarray]:
        return signature(images=inputs["images"], windows=inputs["windows"])

    return run


def quantize_for_onnx_runtime(
    path: str | Path, quantized: str | Path, batches: Iterable[Inputs]
) -> Path:
    """Write a copy of an ONNX file whose kernels and their inputs are 8-bit integers.

    Post-training quantization with ranges measured on `batches`: kernels by channel,
    inputs by tensor. What is no convolution or matrix product stays float.

    Args:
        path: of the float model.
        quantized: the new file.
        batches: inputs like those of later use, 100 or more.
    """
    package = _package("onnxruntime.quantization")

    class Reader(package.CalibrationDataReader):
        """Hands out the batches one by one, as the package wants them."""

        def __init__(self) -> None:
            self.left: Iterator[Inputs] = iter(batches)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Return the next batch, None after the last."""
            batch = next(self.left, None)
            return dict(batch) if batch is not None else None

    with atomic_path(quantized) as temporary:
        package.quantize_static(
            str(path),
            str(temporary),
            Reader(),
            quant_format=package.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "ConvTranspose", "Gemm", "MatMul"],
            per_channel=True,
        )
    return Path(quantized)


def quantize_for_openvino(
    path: str | Path, quantized: str | Path, batches: Iterable[Inputs]
) -> Path:
    """Write an OpenVINO model whose kernels and their inputs are 8-bit integers.

    Arguments as of `quantize_for_onnx_runtime`; `quantized` ends in .xml, and its
    numbers lie in a .bin file beside it, which is there first. NNCF does the work. From
    the layers that predict boxes to the regions that are cut out, numbers stay float.
    """
    quantized = Path(quantized)
    quantized.parent.mkdir(parents=True, exist_ok=True)
    nncf, package = _package("nncf"), _package("openvino")
    nncf.set_log_level(logging.WARNING)  # or it names each operation that stays float
    batches = [dict(batch) for batch in batches]
    ranges = importlib.import_module("nncf.quantization.range_estimator")
    model: Any = package.Core().read_model(str(path))
    model = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        # In eight bits, a box in 128 pixels would lie on a grid of half pixels.
        ignored_scope=nncf.IgnoredScope(names=_box_arithmetic(model)),
        # Few activations are negative: ranges need not lie around zero.
        preset=nncf.QuantizationPreset.MIXED,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            # Most regions hold nothing, and means over images would cut off the rest.
            activations_range_estimator_params=ranges.RangeEstimatorParametersSet.MINMAX,
            # Biases that a converter merged into one number cannot be corrected.
            disable_bias_correction=True,
        ),
    )
    with tempfile.TemporaryDirectory(dir=quantized.parent) as folder:
        whole = Path(folder) / quantized.name
        package.save_model(model, str(whole), compress_to_fp16=False)
        for suffix in (".bin", ".xml"):
            os.replace(whole.with_suffix(suffix), quantized.with_suffix(suffix))
    return quantized


def _box_arithmetic(model: Any) -> list[str]:
    """Return the names of OpenVINO operations between layers and RoIAlign's regions."""
    found: set[str] = set()
    ahead = [crop.input_value(1).get_node() for crop in _crops(model)]
    while ahead:
        node = ahead.pop()
        name, kind = node.get_friendly_name(), node.get_type_name()
        if name in found or kind in ("Constant", "Parameter", "Convolution", "MatMul"):
            continue
        found.add(name)
        ahead += [value.get_node() for value in node.input_values()]
    return sorted(found)


def _crops(model: Any) -> list[Any]:
    """Return the operations of an OpenVINO model that cut out regions."""
    return [node for node in model.get_ops() if node.get_type_name() == "ROIAlign"]
