"""AP and recall by size: by hand, and on random sets against pycocotools and files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.evaluation.coco import SIZES, AveragePrecision, average_precision
from mrcnn.evaluation.scenes import Objects, Scene, annotated, detected
from mrcnn.ops.masks import boxes_of_masks

NAMES = ("BG", "a", "b", "c", "never")
IOU_TYPES = {"box": "bbox", "mask": "segm"}
SIDES = {"small": 20, "medium": 50, "large": 100}


def square(side: int) -> tuple[int, int, int, int]:
    return (0, 0, side, side)


@pytest.mark.parametrize("task", ["box", "mask"])
def test_each_size_is_scored_by_itself(
    make_scene: Callable[..., Scene], task: str
) -> None:
    # Small found exactly, medium with IoU 0.65 (four of ten thresholds), large missed.
    truth = [(1, square(20)), (2, square(50)), (3, square(100))]
    found = [(1, square(20), 0.9), (2, (0, 0, 50, 33), 0.8)]
    result = average_precision(
        [make_scene(truth, found, shape=(100, 100))], NAMES, task
    )
    assert result.by_size == pytest.approx({"small": 1, "medium": 0.4, "large": 0})
    assert result.recall_by_size == pytest.approx(result.by_size)
    assert result.recall_at == pytest.approx(dict.fromkeys(("1", "10", "100"), 1.4 / 3))


def test_a_size_without_objects_is_not_a_number(
    make_scene: Callable[..., Scene],
) -> None:
    for size, side in SIDES.items():
        scene = make_scene([(1, square(side))], [], shape=(100, 100))
        result = average_precision([scene], NAMES, "mask")
        for values in (result.by_size, result.recall_by_size):
            assert values[size] == 0
            assert sum(map(np.isnan, values.values())) == 2
    nothing = average_precision([make_scene([], [])], NAMES, "mask")
    assert np.isnan([*nothing.by_size.values(), *nothing.recall_at.values()]).all()


@pytest.mark.parametrize("task", ["box", "mask"])
@pytest.mark.parametrize(
    ("side", "sizes"),
    [(32, {"small", "medium"}), (96, {"medium", "large"}), (33, {"medium"})],
)
def test_the_ends_belong_to_both_ranges(
    make_scene: Callable[..., Scene], task: str, side: int, sizes: set[str]
) -> None:
    scene = make_scene([(1, square(side))], [(1, square(side), 1)], shape=(96, 96))
    by_size = average_precision([scene], NAMES, task).by_size
    assert {size for size, ap in by_size.items() if ap == pytest.approx(1)} == sizes
    assert {size for size, ap in by_size.items() if np.isnan(ap)} == set(SIZES) - sizes


def scene_of(truth: np.ndarray, found: np.ndarray, scores: list[float]) -> Scene:
    answer = {
        "rois": boxes_of_masks(found),
        "class_ids": np.ones(len(scores), np.int32),
        "scores": np.array(scores, np.float32),
        "masks": found,
    }
    ids = np.ones(truth.shape[-1], np.int32)
    return Scene(0, annotated(ids, truth), detected(answer), np.zeros((0, 4)))


def test_an_object_has_the_area_of_its_mask_not_of_its_box() -> None:
    frame = np.zeros((60, 60, 1), bool)
    frame[:50, :50] = True
    frame[3:47, 3:47] = False  # 564 pixels in a box of 2,500
    for task in ("box", "mask"):
        by_size = average_precision([scene_of(frame, frame, [1.0])], NAMES, task)
        assert by_size.by_size["small"] == pytest.approx(1.0)
        assert np.isnan(by_size.by_size["medium"])


def test_a_false_alarm_has_the_size_of_what_is_scored() -> None:
    """A frame of 564 pixels in a box of 2,500 is a small mask and a medium box."""
    masks = np.zeros((80, 80, 3), bool)
    masks[:50, :50, 0] = True
    masks[3:47, 3:47, 0] = False
    masks[60:70, 60:70, 1] = True  # a small object
    masks[55:, :40, 2] = masks[:25, 52:, 2] = True  # a medium one of two parts
    scene = scene_of(masks[..., 1:], masks, [0.9, 0.8, 0.7])
    expected = {"box": (1.0, 0.5), "mask": (0.5, 1.0)}
    for task, values in expected.items():
        by_size = average_precision([scene], NAMES, task).by_size
        assert (by_size["small"], by_size["medium"]) == pytest.approx(values)


def test_one_ten_and_a_hundred_detections(make_scene: Callable[..., Scene]) -> None:
    boxes = [(2 * i, 0, 2 * i + 1, 9) for i in range(150)]
    found = [(1, box, 1 - i / 1000) for i, box in enumerate(boxes)]
    scene = make_scene([(1, box) for box in boxes], found, shape=(300, 9))
    result = average_precision([scene], NAMES, "box")
    assert list(result.recall_at.values()) == pytest.approx([1 / 150, 10 / 150, 2 / 3])
    # As in the headline, all count where more were found.
    assert result.recall == result.recall_by_size["small"] == pytest.approx(1.0)


def random_masks(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return masks (h, w, n) of 0 to 24 diamonds, ellipses and speckled boxes."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = []
    for _ in range(rng.choice([0, 1, 3, 12])):
        cy, cx = rng.integers(shape[0]), rng.integers(shape[1])
        ry, rx = rng.choice([1, 5, 16, 30, 70, 200], 2)
        dy, dx = abs(y - cy) / ry, abs(x - cx) / rx
        form = rng.integers(3)
        mask = dy + dx < 1 if form == 0 else np.hypot(dy, dx) < 1
        if form == 2:
            mask = (np.maximum(dy, dx) < 1) & (rng.random(shape) < 0.7)
        masks += [mask] * rng.choice([1, 1, 1, 2])  # twins: ties in IoU
    return np.stack(masks, axis=-1) if masks else np.zeros((*shape, 0), bool)


def random_scene(rng: np.random.Generator, image_id: int, most: int) -> Scene:
    """Return an image with objects and crowds, and detections near and off them."""
    shape = tuple(rng.choice([1, 9, 40, 110, 180], 2).tolist())
    masks = random_masks(rng, shape)
    class_ids = rng.choice([1, 1, 1, 2, 3, -1, -2], masks.shape[-1]).astype(np.int32)
    again = (
        rng.integers(masks.shape[-1], size=rng.integers(most)) if len(masks.T) else []
    )
    near = [np.roll(masks[..., i], rng.integers(-2, 3, 2), (0, 1)) for i in again]
    names = [abs(class_ids[i]) if rng.random() < 0.9 else 1 for i in again]
    off = random_masks(rng, shape)
    found = np.concatenate(
        [np.zeros((*shape, 0), bool), *(m[..., None] for m in near), off], -1
    )
    names = np.array([*names, *rng.integers(1, 4, off.shape[-1])], np.int32)
    seen = found.any(axis=(0, 1))
    found, names = found[..., seen], names[seen]
    answer = {
        "rois": boxes_of_masks(found) + rng.choice([0, 0, 0.25], (len(names), 4)),
        "class_ids": names,
        "scores": rng.random(len(names)).round(1).astype(np.float32),  # ties
        "masks": found,
    }
    truth = annotated(class_ids, masks)
    return Scene(image_id, truth, detected(answer), np.zeros((0, 4), np.float32))


def entries(objects: Objects, image_id: int) -> list[dict]:
    """Return the annotations of a COCO file, with the areas of the masks."""
    y1, x1, y2, x2 = objects.boxes.astype(float).T
    corners = np.stack([x1, y1, x2 - x1, y2 - y1], axis=-1).tolist()
    return [
        {
            "image_id": image_id,
            "category_id": int(objects.class_ids[k]),
            "bbox": corners[k],
            "area": int(mask.sum()),
            "iscrowd": int(objects.crowd[k]),
            "score": float(objects.scores[k]),
            "segmentation": code | {"counts": code["counts"].decode()},
        }
        for k, (mask, code) in enumerate(
            zip(np.moveaxis(objects.masks(), -1, 0), objects.encoded, strict=True)
        )
    ]


def by_files(
    scenes: list[Scene], folder: Path, task: str, limits: list[int]
) -> COCOeval:
    """Evaluate a file of annotations and one of boxes or masks as pycocotools does."""
    truth = [e for i, scene in enumerate(scenes) for e in entries(scene.truth, i)]
    found = [e for i, scene in enumerate(scenes) for e in entries(scene.found, i)]
    shape = "bbox" if task == "box" else "segmentation"
    results = [
        {key: e[key] for key in ("image_id", "category_id", "score", shape)}
        for e in found
    ]
    sizes = [scene.truth.image_shape for scene in scenes]
    annotations = {
        "images": [
            {"id": i, "height": h, "width": w} for i, (h, w) in enumerate(sizes)
        ],
        "categories": [{"id": c, "name": NAMES[c]} for c in range(1, len(NAMES))],
        "annotations": [{**e, "id": k} for k, e in enumerate(truth, start=1)],
    }
    (folder / "truth.json").write_text(json.dumps(annotations))
    (folder / "results.json").write_text(json.dumps(results))
    coco = COCO(str(folder / "truth.json"))
    run = COCOeval(coco, coco.loadRes(str(folder / "results.json")), IOU_TYPES[task])
    run.params.maxDets = limits
    run.evaluate()
    run.accumulate()
    run.summarize()
    return run


def numbers(result: AveragePrecision) -> list[float]:
    """Return what pycocotools calls `stats`, and its -1 where we say NaN."""
    values = [
        *(result.ap, result.ap50, result.ap75),
        *result.by_size.values(),
        *(result.recall_at["1"], result.recall_at["10"], result.recall),
        *result.recall_by_size.values(),
    ]
    return np.where(np.isnan(values), -1, values).tolist()


def random_set(seed: int) -> list[Scene]:
    """Return a few images, of many detections in every fourth set."""
    rng = np.random.default_rng(seed)
    count, most = (4, 300) if seed % 4 == 0 else (4 + 2 * (seed % 4), 15)
    return [random_scene(rng, i, most) for i in range(count)]


@pytest.mark.parametrize("task", ["box", "mask"])
@pytest.mark.parametrize("seed", range(8))
def test_same_as_pycocotools_through_files(
    tmp_path: Path, task: str, seed: int
) -> None:
    scenes = random_set(seed)
    most = max(100, *(len(scene.found) for scene in scenes))
    ours = average_precision(scenes, NAMES, task)
    run = by_files(scenes, tmp_path, task, [1, 10, most])
    precision = run.eval["precision"][..., 0, 2]
    expected = run.stats.tolist()
    # pycocotools' summary looks for 100 detections, whatever is set.
    expected[0] = float(precision[precision > -1].mean())
    np.testing.assert_allclose(numbers(ours), expected, rtol=0, atol=1e-9)
    hundred = by_files(scenes, tmp_path, task, [1, 10, 100])
    assert ours.recall_at["100"] == pytest.approx(hundred.stats[8], abs=1e-9)
    assert 0 < ours.ap < 1


def test_the_random_sets_have_what_they_are_made_for() -> None:
    sets = [random_set(seed) for seed in range(8)]
    scenes = [scene for scenes in sets for scene in scenes]
    assert any(scene.truth.crowd.any() for scene in scenes)
    assert any(not len(scene.truth) for scene in scenes)
    assert any(not len(scene.found) for scene in scenes)
    assert any(len(set(s.found.scores)) < len(s.found) for s in scenes)
    assert any(len(scene.found) > 100 for scene in scenes)
    by_size = [average_precision(s, NAMES, "mask").by_size.values() for s in sets]
    absent = np.isnan([list(values) for values in by_size]).any(axis=1)
    assert absent.any() and not absent.all()
