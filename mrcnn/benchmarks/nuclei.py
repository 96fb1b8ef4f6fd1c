"""Many small things in real pictures: train on nuclei, and measure on others.

    python -m mrcnn.benchmarks.nuclei [--data FOLDER] [--seeds 0] [--keep FOLDER]
    python -m mrcnn.benchmarks.nuclei --score FILE [--data FOLDER]

The compact network learns from random weights (`NucleiConfig`, `NUCLEI_TRAINING`) on
windows of the split "train", and is measured on the pictures of "val" (fetched by
`python -m mrcnn.data.nuclei`). The second form measures what another program found in
these (`nuclei_stardist.py` writes such a file). A run that the results hold is not done
again. Without `hardware.seed_everything` TensorFlow adds in any order: runs of a seed
differ.

Beside COCO's measures a row has those of stardist's papers: how many pairs of a nucleus
and a detection overlap by an IoU of 0.5 and more, in parts of all nuclei and detections
(TP / (TP + FP + FN)). For ours, detections count from a score on that is best so on
every tenth picture of "train".
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from mrcnn import build, training, weights
from mrcnn.benchmarks.rows import Row, measure_all, write
from mrcnn.benchmarks.timing import environment
from mrcnn.data import augment
from mrcnn.data.dataset import Dataset
from mrcnn.data.nuclei import load_nuclei
from mrcnn.data.windows import Windows
from mrcnn.evaluation import collect
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Objects, Scene, detected, load_truth
from mrcnn.files import read_json
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops import rle
from mrcnn.presets import NUCLEI_TILE, NUCLEI_TRAINING, NucleiConfig

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "book" / "results"
OUT = RESULTS / "nuclei.json"
DATA = ROOT / "datasets" / "nuclei"
OVERLAPS = (0.5, 0.7, 0.9)
SCORES = np.arange(1, 20) / 20
LARGE = 1024
"""Side of the pictures on which tiles are compared with a look at the whole."""
LOOKS = {"shrunk": 384, "every pixel": 1024, "enlarged": 2048}
"""Sides to which these are resized then: as the model does by itself, not at all, and
as much as tiles are."""


def train(dataset: Dataset, seed: int) -> tuple[MaskRCNN, float]:
    """Return a model trained on the windows of a data set, and the seconds it took.

    Args:
        dataset: prepared.
        seed: of weights, order, augmentation and samples.
    """
    config, plan = NucleiConfig(), NUCLEI_TRAINING
    model = build.model(config, seed=seed)
    batches = build.batches(
        config,
        Windows(dataset, NUCLEI_TILE),
        steps=plan.steps,
        shuffle=True,
        seed=seed,
        augmentation=augment.for_nuclei(),
    )
    started = time.perf_counter()
    training.fit(
        model,
        batches,
        stages=[build.stage(config, plan.epochs)],
        optimizer=partial(build.optimizer, config),
    )
    return model, time.perf_counter() - started


def matched(scene: Scene, score: float, overlap: float) -> np.ndarray:
    """Return the hits, false alarms and misses (3,) of an image.

    Each nucleus has one detection at most, and as many are hit as can be.

    Args:
        scene: the image.
        score: from which on a detection counts.
        overlap: least IoU of a hit.
    """
    found = scene.found.select(scene.found.scores >= score)
    close = rle.ious(found.encoded, scene.truth.encoded) >= overlap
    hits = close[linear_sum_assignment(close, maximize=True)].sum()
    return np.array([hits, len(found) - hits, len(scene.truth) - hits])


def share(scenes: Sequence[Scene], score: float, overlap: float) -> float:
    """Return the hits of all images in parts of hits, false alarms and misses."""
    counts = np.sum([matched(scene, score, overlap) for scene in scenes], axis=0)
    return float(counts[0] / counts.sum())


def measures(scenes: Sequence[Scene], names: Sequence[str], score: float) -> Row:
    """Return COCO's measures and the shares of hits, as a row."""
    box, mask = (average_precision(scenes, names, task) for task in ("box", "mask"))
    return {
        "images": len(scenes),
        "objects": sum(len(scene.truth) for scene in scenes),
        "box_ap": box.ap,
        "mask_ap": mask.ap,
        "mask_ap50": mask.ap50,
        "mask_ap75": mask.ap75,
        "mask_recall": mask.recall,
        **{f"mask_ap_{s}": ap for s, ap in mask.by_size.items() if not np.isnan(ap)},
        "score": score,
        **{f"hits_{overlap}": share(scenes, score, overlap) for overlap in OVERLAPS},
    }


def measured(data: Path, keep: Path | None, row: Row) -> Row:
    """Train with the seed of a row, and return the rest of the row."""
    learnt, test = (load_nuclei(data, split) for split in ("train", "val"))
    model, seconds = train(learnt, row["seed"])
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        weights.save_weights(model, keep / f"nuclei_{row['seed']}.h5", dtype="float16")
    look = partial(collect, model, tile=NUCLEI_TILE)
    chosen = look(learnt, image_ids=learnt.image_ids[::10])
    score = max(SCORES.tolist(), key=partial(share, chosen, overlap=OVERLAPS[0]))
    scenes, names = look(test), test.class_names
    rest = {
        "seconds": seconds,
        "steps": NUCLEI_TRAINING.epochs * NUCLEI_TRAINING.steps,
        **measures(scenes, names, score),
    }
    tall = [s for s in scenes if s.truth.image_shape[0] == LARGE]
    rest["large in tiles"] = measures(tall, names, score)
    for how, side in LOOKS.items():
        model.preprocessing = model.preprocessing._replace(min_dim=side, max_dim=side)
        whole = collect(model, test, image_ids=[scene.image_id for scene in tall])
        rest[f"large at once, {how}"] = measures(whole, names, score)
    return rest


def scored(data: Path, file: Path) -> Row:
    """Return the measures of what another program found in the split "val", as a row.

    Args:
        data: folder of the nuclei.
        file: JSON with `about`, which begins the row, `score`, from which on its
            detections count for `share`, and COCO `results`, of images that are
            numbered in the order of their names.

    Raises:
        ValueError: names an image that does not exist.
    """
    test, found = load_nuclei(data, "val"), read_json(file)
    entries: dict[int, list[Row]] = {i: [] for i in test.image_ids.tolist()}
    for entry in found["results"]:
        if entry["image_id"] not in entries:
            raise ValueError(
                f"{file}: image_id {entry['image_id']} is none of {len(entries)}: "
                "number the pictures of val from 0 on, in the order of their names."
            )
        entries[entry["image_id"]].append(entry)
    scenes = [
        Scene(i, truth := load_truth(test, i), _objects(own, truth), np.zeros((0, 4)))
        for i, own in entries.items()
    ]
    row = measures(scenes, test.class_names, found["score"])
    tall = [s for s in scenes if s.truth.image_shape[0] == LARGE]
    return {
        **found["about"],
        **row,
        "large at once": measures(tall, test.class_names, found["score"]),
    }


def _objects(entries: Sequence[Row], truth: Objects) -> Objects:
    """Return the entries of an image as what was detected in it."""
    codes = [entry["segmentation"] for entry in entries]
    boxes = [rle.coco.toBbox(code) for code in codes]
    corners = np.array(boxes).reshape(-1, 2, 2)[:, :, ::-1]
    return detected(
        {
            "rois": np.concatenate([corners[:, 0], corners.sum(axis=1)], axis=1),
            "class_ids": np.ones(len(codes), np.int32),
            "scores": np.array([entry["score"] for entry in entries], np.float32),
            "masks": codes,
        },
        truth.image_shape,
    )


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    columns = ("box_ap", "mask_ap", "mask_ap50", "mask_ap_small", "mask_ap_medium")
    hits = tuple(f"hits_{overlap}" for overlap in OVERLAPS)
    lines = [
        "| program | seed | minutes | " + " | ".join((*columns, *hits)) + " |",
        "|---|---:|---:|" + "---:|" * (len(columns) + len(hits)),
    ]
    for row in rows:
        values = (row.get(name) for name in (*columns, *hits))
        numbers = " | ".join("-" if v is None else f"{v:.3f}" for v in values)
        minutes = row["seconds"] / 60
        lines.append(f"| {row['name']} | {row['seed']} | {minutes:.0f} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    """Do what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", type=Path, help="folder for the trained weights")
    parser.add_argument("--score", type=Path, help="results of another program")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    args = parser.parse_args()
    if args.score:
        rows = [scored(args.data, args.score)]
        write(rows, args.out or RESULTS / f"nuclei_{rows[0]['name']}.json")
    else:
        wanted = [{"name": "ours", "seed": seed} for seed in args.seeds]
        work, out = partial(measured, args.data, args.keep), args.out or OUT
        rows = measure_all(wanted, work, out, environment())
    print(table(rows))


if __name__ == "__main__":
    main()
