"""What a pruned model gains where it is used: `make frontier`, or

    python -m mrcnn.benchmarks.frontier [--parts ...] [--formats ...] [--out FILE]

Dense and pruned models in Keras, ONNX Runtime, OpenVINO and LiteRT, in several formats:
time for one image from pixels to masks, size of the file, memory, and each task's
metric, measured in one run on one machine. Every row has a process of its own, and is
timed in turn with the dense model in Keras, so that what else the machine does for a
while hits both alike. Next to each pruned model stands one of the same widths that was
trained from random weights for the same time in all, in the fastest program too. Models
are made first, where they are missing, and exported ones are held to Keras; that takes
minutes each. Rows lie in `outputs` until all are there, and an interrupted run goes on
with them; `--out` takes them then.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, product
from pathlib import Path

import numpy as np

from mrcnn import cost, export, runtimes
from mrcnn.benchmarks import timing
from mrcnn.benchmarks.frontier_models import (
    DENSE_MODEL,
    TRAINED_ON,
    Entry,
    export_formats,
    folder,
    make,
)
from mrcnn.benchmarks.frontier_results import table
from mrcnn.benchmarks.frontier_rows import measure_rows
from mrcnn.benchmarks.rows import Row, write
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.evaluation import headline
from mrcnn.evaluation.scenes import Scene, detected, load_truth
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.overlaps import greedy_match, mask_iou
from mrcnn.presets import SHAPES_TEST_SEED
from mrcnn.processes import end_with_parent
from mrcnn.structures import Detection

PARTS = (0.5, 0.25, 0.1)
"""Of the dense model's work, that are left to the pruned models."""

TEST = 800
"""Images on which all metrics are measured."""

HELD_TO_KERAS = 100
"""Of them, on which an exported model is compared with the same model in Keras."""

TIMED = 20
"""Of them, over which a timing goes round."""

FORMATS = (
    *("Keras float32", "Keras bfloat16"),
    *("ONNX Runtime float32", "ONNX Runtime int8"),
    *("OpenVINO float32", "OpenVINO bfloat16", "OpenVINO int8"),
    "LiteRT float32",
)

CONTROL_FORMATS = (FORMATS[0], *(f for f in FORMATS if f.startswith("OpenVINO")))
"""Of the controls: they take the time of the pruned models, so that what all is held to
and the fastest program say enough."""

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


def formats_here(asked: Sequence[str]) -> list[str]:
    """Return the formats to measure, first what all is held to; name the others.

    OpenVINO's bfloat16 is left out where the processor has none.
    """
    lacking = [] if runtimes.openvino_has_bfloat16() else ["OpenVINO bfloat16"]
    for form in set(asked).intersection(lacking):
        print(f"left out, this processor has none: {form}", file=sys.stderr)
    return [f for f in dict.fromkeys((FORMATS[0], *asked)) if f not in lacking]


def run_row(entry: Entry, form: str, repeats: int) -> Row:
    """Measure one model in one format in this process."""
    reference = entry.load()
    dataset = ShapesDataset(TEST, seed=SHAPES_TEST_SEED)
    ids = [int(i) for i in dataset.image_ids]
    images = [dataset.load_image(i) for i in ids]
    before = timing.restart_peak_memory()
    find, size = detector(entry, form, reference)
    for image in images[:TIMED]:
        find(image)
    memory = timing.peak_memory() - before  # without the detections that follow
    found, seconds = [], []
    for image in images:
        started = time.perf_counter()
        found.append(find(image))
        seconds.append(time.perf_counter() - started)
    return {
        "model": str(entry),
        **entry._asdict(),
        "format": form,
        **on_paper(reference, images[0].shape[:2]),
        "times_as_fast": times_as_fast(find, images[:TIMED], repeats),
        "seconds": {
            "median": statistics.median(seconds),
            "fastest": min(seconds),
            "slowest": max(seconds),
        },
        "images_per_second": len(seconds) / sum(seconds),  # one after the other
        "bytes": size,
        "memory": memory,
        "agreement": agreement(found, detect(reference, images[:HELD_TO_KERAS])),
        "metrics": _metrics(dataset, dict(zip(ids, found, strict=True))),
        "environment": timing.environment(),
    }


def times_as_fast(find: Detect, images: Sequence[np.ndarray], repeats: int) -> float:
    """Return how many times as fast as the dense model in Keras something is.

    Args:
        find: what detects objects in an image.
        images: over which both go round.
        repeats: turns that each has.
    """
    dense, theirs, ours = DENSE_MODEL.load(), cycle(images), cycle(images)
    seconds = timing.in_turn(
        {
            "dense": lambda: detect(dense, [next(theirs)]),
            "found": lambda: find(next(ours)),
        },
        rounds=repeats,
    )
    return seconds["dense"] / seconds["found"]


def on_paper(model: MaskRCNN, image_shape: tuple[int, int]) -> dict[str, int]:
    """Return what a model costs by count, with as many objects as it has slots for.

    Args:
        model: built.
        image_shape: (H, W) in pixels.

    Returns:
        Parameters, multiply-accumulates, and the most numbers that a part holds at
        once; see `mrcnn.cost`.
    """
    slots = {
        "rois": model.settings.proposals_inference,
        "masks": model.settings.detections,
    }
    everything = cost.model_cost(model, image_shape, **slots)["total"]
    held = cost.layer_memory(model, image_shape, **slots)
    most = max(max(layers.values()) for layers in held.values())
    return {**everything._asdict(), "held": most}


def agreement(found: Sequence[Detection], expected: Sequence[Detection]) -> float:
    """Return the share of expected objects that were found, 1 if none are expected.

    Only what is more probable than not is expected. It is found by an instance of its
    class whose mask has an IoU of 0.9 with its own.

    Args:
        found: instances in each image, or in more images than are expected.
        expected: instances in the first images.
    """
    matched = total = 0
    for ours, theirs in zip(found, expected, strict=False):
        sure = theirs["scores"] > 0.5
        overlaps = mask_iou(ours["masks"], theirs["masks"][..., sure])
        same = ours["class_ids"][:, None] == theirs["class_ids"][sure]
        pairs = greedy_match(
            np.where(same, overlaps, -1), ours["scores"], threshold=0.9
        )
        matched += int((pairs >= 0).sum())
        total += int(sure.sum())
    return matched / total if total else 1.0


def hold_to_keras(entry: Entry) -> None:
    """Compare a model in float32 in every other program with itself in Keras.

    Raises:
        ValueError: if one does not find the same objects.
    """
    reference = entry.load()
    dataset = ShapesDataset(HELD_TO_KERAS, seed=SHAPES_TEST_SEED)
    images = [dataset.load_image(i) for i in dataset.image_ids]
    expected = detect(reference, images)
    for form in FORMATS:
        if form.startswith("Keras") or not form.endswith("float32"):
            continue
        find, _ = detector(entry, form, reference)
        part = agreement([find(image) for image in images], expected)
        if part < 1:
            raise ValueError(
                f"{entry} in {form} finds {part:.1%} of what it finds in Keras: the "
                f"file in {entry.saved('')} is not the model. Remove it, and run again."
            )


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
    """Make the models, run every row in new processes, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", type=float, default=PARTS)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--repeats", type=int, default=30, help="turns of a timing")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        end_with_parent()
        part, control, form = args.row
        entry = Entry(float(part), control == str(True))
        print(json.dumps(run_row(entry, form, args.repeats)))
        return
    pruned = [DENSE_MODEL, *map(Entry, args.parts)]
    controls = [Entry(part, control=True) for part in args.parts]
    for entry in (*pruned, *controls):
        make(entry)
        export_formats(entry)
        hold_to_keras(entry)
    make(TRAINED_ON)
    formats = formats_here(args.formats)
    wanted = [
        *product(pruned, formats),
        *product(controls, [form for form in formats if form in CONTROL_FORMATS]),
        (TRAINED_ON, FORMATS[0]),
    ]
    progress = folder() / f"rows_{args.repeats}.json"  # of other repeats, other rows
    rows = measure_rows(wanted, args.repeats, progress)
    write(rows, args.out)
    print(table(rows))
    progress.unlink()  # the next run measures anew


if __name__ == "__main__":
    main()
