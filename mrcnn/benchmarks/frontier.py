"""What a pruned model gains where it is used: `make frontier`, or

    python -m mrcnn.benchmarks.frontier [--parts ...] [--formats ...] [--out FILE]

Dense and pruned models in Keras, ONNX Runtime and OpenVINO, in several number formats:
time for one image from pixels to masks, size of the file, memory, and each task's
metric, measured in one run on one machine. Every row has a process of its own. Pruned
models are made first, where they are missing; that takes minutes each.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn import build, export, runtimes, weights
from mrcnn.benchmarks import timing
from mrcnn.benchmarks.rows import measure_apart, write
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.matching import class_accuracy, confusion_matrix
from mrcnn.evaluation.scenes import Scene, detected, load_truth
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import SHAPES_TEST_SEED, SHAPES_TRAIN_SEED, ShapesConfig
from mrcnn.pruning.surgery import load_plan
from mrcnn.structures import Detection
from mrcnn.study.channels import prune_channels
from mrcnn.study.subjects import checkpoint_path
from mrcnn.tasks import Task

FOLDER = Path("outputs/frontier")
PARTS = (1.0, 0.5, 0.25, 0.12)
"""Of the multiply-accumulates that remain, 1 for the dense model."""

STEPS = 1000
"""Of training for each pruned model."""

CALIBRATION, TEST = 200, 400
"""Images on which 8-bit ranges are measured, and all metrics."""

FORMATS = (
    *("Keras float32", "Keras mixed_bfloat16"),
    *("ONNX Runtime float32", "ONNX Runtime int8"),
    *("OpenVINO float32", "OpenVINO bfloat16", "OpenVINO int8"),
)

Detect = Callable[[np.ndarray], Detection]
"""An image (h, w, 3) uint8 in, its instances out."""


def saved(part: float, what: str) -> Path:
    """Return a file of a model, such as "plan.json"; what is dense is shipped."""
    return FOLDER / f"{part}" / what


def network(part: float, precision: str) -> MaskRCNN:
    """Return the dense model, or one that `make_models` pruned."""
    config, checkpoint = ShapesConfig(), checkpoint_path()
    if part < 1:
        plan, checkpoint = load_plan(saved(part, "plan.json")), saved(part, "model.h5")
        config = build.with_widths(config, plan.widths(build.channels(config)))
    model = build.model(config, precision=precision)
    weights.load_weights(model, checkpoint)
    return model


def make_models(parts: Iterable[float]) -> None:
    """Prune, export and quantize what is not there yet."""
    for part in parts:
        saved(part, "").mkdir(parents=True, exist_ok=True)
        if part < 1 and not saved(part, "plan.json").exists():
            print(f"pruning to {part:.0%} of the work", file=sys.stderr, flush=True)
            train = ShapesDataset(4000, seed=SHAPES_TRAIN_SEED)
            narrowed = prune_channels(
                ShapesConfig(), train, checkpoint_path(), part, steps=STEPS
            )
            weights.save_weights(narrowed.model, saved(part, "model.h5"))
            narrowed.plan.save(saved(part, "plan.json"))
        if saved(part, "int8.xml").exists():
            continue
        model, exported = network(part, "float32"), saved(part, "model.onnx")
        images = _images(SHAPES_TRAIN_SEED, CALIBRATION)
        batches = [prepare(model, [image])[0] for image in images]
        export.to_onnx(model, exported, batches[0]["images"].shape[1:3])
        runtimes.quantize_for_onnx_runtime(exported, saved(part, "int8.onnx"), batches)
        runtimes.quantize_for_openvino(exported, saved(part, "int8.xml"), batches)


def _images(seed: int, count: int) -> list[np.ndarray]:
    dataset = ShapesDataset(count, seed=seed)
    return [dataset.load_image(i) for i in dataset.image_ids]


def detector(part: float, form: str) -> tuple[Detect, int]:
    """Return what detects objects with a model in a format, and its files' bytes."""
    program, _, numbers = form.rpartition(" ")
    if program == "Keras":
        model = network(part, numbers)
        path = saved(part, "model.h5") if part < 1 else checkpoint_path()
        return lambda image: detect(model, [image])[0], path.stat().st_size
    name = "model.onnx" if numbers != "int8" else "int8.onnx"
    if program == "OpenVINO" and numbers == "int8":
        name = "int8.xml"
    path = saved(part, name)
    size = sum(f.stat().st_size for f in path.parent.glob(f"{path.stem}.[bx]*"))
    if program == "OpenVINO":
        precision = "bf16" if numbers == "bfloat16" else "f32"
        run = runtimes.openvino(path, precision=precision)
    else:
        run = runtimes.onnx_runtime(path)
    model = network(part, "float32")  # knows how images are prepared

    def detect_one(image: np.ndarray) -> Detection:
        inputs, (geometry,) = prepare(model, [image])
        return export.detections(run(inputs), geometry)

    return detect_one, size if name.endswith("xml") else path.stat().st_size


def run_row(part: float, form: str, repeats: int) -> dict[str, Any]:
    """Measure one model in one format in this process."""
    before = timing.peak_memory()
    find, size = detector(part, form)
    dataset = ShapesDataset(TEST, seed=SHAPES_TEST_SEED)
    image = dataset.load_image(0)
    taken = timing.measure(lambda: find(image), warm_up=10, repeats=repeats)
    scenes = [
        Scene(
            i,
            load_truth(dataset, i),
            detected(find(dataset.load_image(i))),
            np.zeros((0, 4), np.float32),
        )
        for i in map(int, dataset.image_ids)
    ]
    names = tuple(dataset.class_names)
    metrics = {
        Task.BOX: average_precision(scenes, names, "box").ap,
        Task.CLASS: class_accuracy(confusion_matrix(scenes, len(names))),
        Task.MASK: average_precision(scenes, names, "mask").ap,
    }
    layers = weights.single_layers(network(part, "float32"))
    return {
        "part": part,
        "format": form,
        "parameters": sum(layer.count_params() for layer in layers),
        "seconds": taken._asdict(),
        "bytes": size,
        "memory": timing.peak_memory() - before,
        "metrics": {str(task): float(value) for task, value in metrics.items()},
        "environment": timing.environment(),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, times relative to the first row."""
    first = rows[0]
    lines = [
        "| work left | format | parameters | median ms | fastest | slowest | faster by "
        "| MB | box | class | mask | worst change % |",
        "|" + "---|" * 12,
    ]
    for row in rows:
        seconds, metrics = row["seconds"], row["metrics"]
        millions = row["parameters"] / 1e6
        worst = min(100 * (v / first["metrics"][t] - 1) for t, v in metrics.items())
        lines.append(
            f"| {row['part']:.0%} | {row['format']} | {millions:.2f} M | "
            f"{1e3 * seconds['median']:.1f} | {1e3 * seconds['fastest']:.1f} | "
            f"{1e3 * seconds['slowest']:.1f} | "
            f"{first['seconds']['median'] / seconds['median']:.1f} | "
            f"{row['bytes'] / 1e6:.2f} | "
            + " | ".join(f"{value:.3f}" for value in metrics.values())
            + f" | {worst:+.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Make the models, run every row in a new process, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", type=float, default=PARTS)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        part, form = args.row
        print(json.dumps(run_row(float(part), form, args.repeats)))
        return
    make_models(args.parts)
    rows = []
    for part, form in itertools.product(args.parts, args.formats):
        print(f"measuring {form}, {part:.0%} of the work", file=sys.stderr, flush=True)
        module = "mrcnn.benchmarks.frontier"
        rows.append(measure_apart(module, (str(part), form), args.repeats))
        write(rows, args.out)
    print(table(rows))


if __name__ == "__main__":
    main()
