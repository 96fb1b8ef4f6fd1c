"""What a pruned model gains where it is used: `make frontier`, or

    python -m mrcnn.benchmarks.frontier [--parts ...] [--formats ...] [--out FILE]

Dense and pruned models in Keras, ONNX Runtime, OpenVINO and LiteRT, in several formats:
time for one image from pixels to masks, size of the file, memory, and each task's
metric, measured in one run on one machine. Every row has a process of its own. Next to
each pruned model stands one of the same widths that was trained from random weights for
the same time in all. Models are made first, where they are missing; that takes minutes
each.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn import export, runtimes, weights
from mrcnn.benchmarks import timing
from mrcnn.benchmarks.frontier_models import Entry, make
from mrcnn.benchmarks.frontier_results import table
from mrcnn.benchmarks.rows import measure_apart, write
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.evaluation import headline
from mrcnn.evaluation.scenes import Scene, detected, load_truth
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import SHAPES_TEST_SEED
from mrcnn.structures import Detection

PARTS = (0.5, 0.25, 0.12)
"""Of the dense model's work, that are left to the pruned models."""

TEST = 800
"""Images on which all metrics are measured."""

FORMATS = (
    *("Keras float32", "Keras bfloat16"),
    *("ONNX Runtime float32", "ONNX Runtime int8"),
    *("OpenVINO float32", "OpenVINO bfloat16", "OpenVINO int8"),
    "LiteRT float32",
)

Detect = Callable[[np.ndarray], Detection]
"""An image (h, w, 3) uint8 in, its instances out."""


def detector(entry: Entry, form: str, reference: MaskRCNN) -> tuple[Detect, int]:
    """Return what detects objects with a model in a format, and its files' bytes.

    Args:
        entry: which model.
        form: one of `FORMATS`.
        reference: the same model in Keras, which knows how images are prepared.
    """
    program, _, numbers = form.rpartition(" ")
    if program == "Keras":
        model = entry.load("mixed_bfloat16" if numbers == "bfloat16" else numbers)
        size = entry.weights.stat().st_size
        return lambda image: detect(model, [image])[0], size
    run, path = _exported(entry, program, numbers)

    def detect_one(image: np.ndarray) -> Detection:
        inputs, (geometry,) = prepare(reference, [image])
        return export.detections(run(inputs), geometry)

    files = {path, path.with_suffix(".bin")} if path.suffix == ".xml" else {path}
    return detect_one, sum(file.stat().st_size for file in files)


def _exported(entry: Entry, program: str, numbers: str) -> tuple[runtimes.Run, Path]:
    """Return what runs a model in another program, and its file."""
    if program == "LiteRT":
        path = entry.saved("model.tflite")
        return runtimes.litert(path), path
    if program == "ONNX Runtime":
        path = entry.saved("int8.onnx" if numbers == "int8" else "model.onnx")
        return runtimes.onnx_runtime(path), path
    path = entry.saved("int8.xml" if numbers == "int8" else "model.onnx")
    precision = "bf16" if numbers == "bfloat16" else "f32"
    return runtimes.openvino(path, precision=precision), path


def run_row(entry: Entry, form: str, repeats: int) -> dict[str, Any]:
    """Measure one model in one format in this process."""
    reference = entry.load()
    dataset = ShapesDataset(TEST, seed=SHAPES_TEST_SEED)
    ids = [int(i) for i in dataset.image_ids]
    images = [dataset.load_image(i) for i in ids]
    before = timing.peak_memory()
    find, size = detector(entry, form, reference)
    taken = timing.measure(lambda: find(images[0]), warm_up=10, repeats=repeats)
    memory = timing.peak_memory() - before  # without the detections that follow
    started = time.perf_counter()
    found = [find(image) for image in images]
    throughput = len(images) / (time.perf_counter() - started)
    layers = weights.single_layers(reference)
    return {
        "model": str(entry),
        **entry._asdict(),
        "format": form,
        "parameters": sum(layer.count_params() for layer in layers),
        "seconds": taken._asdict(),
        "images_per_second": throughput,  # one after the other
        "bytes": size,
        "memory": memory,
        "metrics": _metrics(dataset, dict(zip(ids, found, strict=True))),
        "environment": timing.environment(),
    }


def _metrics(dataset: Dataset, found: Mapping[int, Detection]) -> dict[str, float]:
    """Return each task's headline metric of the detections by image."""
    nothing = np.zeros((0, 4), np.float32)  # proposals do not count
    scenes = [
        Scene(i, load_truth(dataset, i), detected(detection), nothing)
        for i, detection in found.items()
    ]
    metrics = headline(scenes, dataset.class_names)
    return {str(task): float(value) for task, value in metrics.items()}


def main() -> None:
    """Make the models, run every row in a new process, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", type=float, default=PARTS)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        part, control, form = args.row
        entry = Entry(float(part), control == str(True))
        print(json.dumps(run_row(entry, form, args.repeats)))
        return
    pruned = [Entry(part) for part in (1.0, *args.parts)]
    controls = [Entry(part, control=True) for part in args.parts]
    for entry in (*pruned, *controls):
        make(entry)
    rows = []
    # A control costs what the pruned model costs: one format says what it finds.
    formats = dict.fromkeys((FORMATS[0], *args.formats))  # first what all is held to
    wanted = [*product(pruned, formats), *product(controls, FORMATS[:1])]
    for entry, form in wanted:
        print(f"measuring: {entry}, {form}", file=sys.stderr, flush=True)
        arguments = (str(entry.part), str(entry.control), form)
        module = "mrcnn.benchmarks.frontier"
        rows.append(measure_apart(module, arguments, args.repeats))
        write(rows, args.out)
    print(table(rows))


if __name__ == "__main__":
    main()
