"""AP of cases with known answers, and against pycocotools' own route by JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.ops.masks import boxes_of_masks

NAMES = ("BG", "a", "b")
BOX, OTHER = (10, 10, 30, 30), (40, 40, 60, 60)


@pytest.mark.parametrize("task", ["box", "mask"])
def test_perfect_detections_score_one(
    make_scene: Callable[..., Scene], task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = make_scene([(1, BOX), (2, OTHER)], [(1, BOX, 0.9), (2, OTHER, 0.8)])
    result = average_precision([scene], NAMES, task)
    values = [result.ap, result.ap50, result.ap75, result.recall]
    assert values == pytest.approx([1.0] * 4)
    assert result.per_class == pytest.approx({"a": 1.0, "b": 1.0})
    assert result.precision.shape == (10, 101)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("task", ["box", "mask"])
@pytest.mark.parametrize(("false_score", "expected"), [(0.95, 0.5), (0.5, 1.0)])
def test_a_false_alarm_costs_by_its_rank(
    make_scene: Callable[..., Scene], task: str, false_score: float, expected: float
) -> None:
    # Ranked first, precision is 1/2 at every recall; ranked last, it costs nothing.
    scene = make_scene([(1, BOX)], [(1, BOX, 0.9), (1, OTHER, false_score)])
    assert average_precision([scene], NAMES, task).ap == pytest.approx(expected)


@pytest.mark.parametrize("task", ["box", "mask"])
def test_overlap_decides_at_which_thresholds_a_detection_counts(
    make_scene: Callable[..., Scene], task: str
) -> None:
    # IoU 13/20 = 0.65: right at 0.50, 0.55, 0.60 and 0.65, four of ten thresholds.
    scene = make_scene([(1, BOX)], [(1, (10, 10, 30, 23), 0.9)])
    result = average_precision([scene], NAMES, task)
    assert (result.ap50, result.ap75) == pytest.approx((1.0, 0.0))
    assert result.ap == pytest.approx(0.4)
    assert np.isnan(result.per_class["b"])


def test_a_missed_class_counts_as_zero_and_an_absent_one_not_at_all(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene([(1, BOX), (2, OTHER)], [(1, BOX, 0.9)])
    result = average_precision([scene], (*NAMES, "absent"), "box")
    assert result.per_class["a"] == pytest.approx(1.0)
    assert result.per_class["b"] == 0.0
    assert result.ap == pytest.approx(0.5)


@pytest.mark.parametrize("task", ["box", "mask"])
def test_images_without_objects_only_cost_when_something_is_found(
    make_scene: Callable[..., Scene], task: str
) -> None:
    full = make_scene([(1, BOX)], [(1, BOX, 0.9)])
    empty = make_scene([], [], image_id=1)
    alarm = make_scene([], [(1, OTHER, 0.95)], image_id=1)
    assert average_precision([full, empty], NAMES, task).ap == pytest.approx(1.0)
    assert average_precision([full, alarm], NAMES, task).ap == pytest.approx(0.5)


@pytest.mark.parametrize("task", ["box", "mask"])
def test_nothing_at_all_is_not_a_number(
    make_scene: Callable[..., Scene], task: str
) -> None:
    for found in ([], [(1, BOX, 0.5)]):
        result = average_precision([make_scene([], found)], NAMES, task)
        assert np.isnan([result.ap, result.ap50, result.recall]).all()
    assert average_precision([make_scene([(1, BOX)], [])], NAMES, task).ap == 0.0


@pytest.mark.parametrize("task", ["box", "mask"])
def test_one_pixel_image(make_scene: Callable[..., Scene], task: str) -> None:
    pixel = (0, 0, 1, 1)
    scene = make_scene([(1, pixel)], [(1, pixel, 0.7)], shape=(1, 1))
    assert average_precision([scene], NAMES, task).ap == pytest.approx(1.0)


def test_finding_a_crowd_is_neither_right_nor_wrong(
    make_scene: Callable[..., Scene],
) -> None:
    crowd = (32, 32, 64, 64)
    scene = make_scene([(1, BOX), (-1, crowd)], [(1, BOX, 0.5), (1, OTHER, 0.9)])
    assert average_precision([scene], NAMES, "box").ap == pytest.approx(1.0)
    without = make_scene([(1, BOX)], [(1, BOX, 0.5), (1, OTHER, 0.9)])
    assert average_precision([without], NAMES, "box").ap == pytest.approx(0.5)


@pytest.fixture(scope="module")
def noisy_scenes() -> tuple[list[Scene], list[dict], list[np.ndarray]]:
    """Return 25 images with detections shifted, renamed, lost and invented."""
    dataset, rng = ShapesDataset(25, seed=5, harder=True), np.random.default_rng(5)
    scenes, detections, truths = [], [], []
    for i in dataset.image_ids:
        masks, class_ids = dataset.load_mask(i)
        keep = rng.random(len(class_ids)) < 0.85
        found = np.roll(masks[..., keep], rng.integers(-3, 4, 2), (0, 1))
        alarm = np.zeros((128, 128, 1), bool)
        y, x = rng.integers(0, 90, 2)
        alarm[y : y + 25, x : x + 30] = True
        found = np.concatenate([found, alarm], axis=-1)
        names = np.append(class_ids[keep], 1)
        renamed = rng.random(len(names)) < 0.15
        names = np.where(renamed, names % 3 + 1, names).astype(np.int32)
        detection = {
            "rois": boxes_of_masks(found),
            "class_ids": names,
            "scores": rng.random(len(names)).astype(np.float32),
            "masks": found,
        }
        scenes.append(
            Scene(
                int(i),
                annotated(class_ids, masks),
                detected(detection),
                np.zeros((0, 4), np.float32),
            )
        )
        detections.append(detection)
        truths.append((masks, class_ids))
    return scenes, detections, truths


@pytest.mark.parametrize(("task", "kind"), [("box", "bbox"), ("mask", "segm")])
def test_same_as_pycocotools_from_json_files(
    noisy_scenes: tuple, tmp_path: Path, task: str, kind: str
) -> None:
    scenes, detections, truths = noisy_scenes
    annotations, results = [], []
    for i, ((masks, class_ids), found) in enumerate(
        zip(truths, detections, strict=True)
    ):
        for k, class_id in enumerate(class_ids):
            annotations.append(
                {**_json_entry(masks[..., k], class_id, i), "iscrowd": 0, "id": -1}
            )
        for k, class_id in enumerate(found["class_ids"]):
            entry = _json_entry(found["masks"][..., k], class_id, i)
            results.append({**entry, "score": float(found["scores"][k])})
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number
    truth = {
        "info": {},
        "images": [{"id": i, "height": 128, "width": 128} for i in range(len(scenes))],
        "categories": [{"id": c, "name": str(c)} for c in (1, 2, 3)],
        "annotations": annotations,
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_text(json.dumps(results))
    coco = COCO(str(tmp_path / "truth.json"))
    run = COCOeval(coco, coco.loadRes(str(tmp_path / "results.json")), kind)
    run.evaluate()
    run.accumulate()
    run.summarize()
    ours = average_precision(scenes, ("BG", "square", "circle", "triangle"), task)
    assert 0.05 < run.stats[0] < 0.95
    np.testing.assert_allclose(
        [ours.ap, ours.ap50, ours.ap75], run.stats[:3], rtol=1e-9
    )
    assert ours.recall == pytest.approx(run.stats[8])


def _json_entry(mask: np.ndarray, class_id: int, image: int) -> dict:
    code = rle.encode(np.asfortranarray(mask, np.uint8))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y, x = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - y, int(columns[-1]) + 1 - x
    return {
        "image_id": image,
        "category_id": int(class_id),
        "bbox": [x, y, width, height],
        "area": int(mask.sum()),
        "segmentation": {"size": code["size"], "counts": code["counts"].decode()},
    }
