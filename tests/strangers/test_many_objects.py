"""Images of more than a hundred objects: slots, average precision, suppression."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn import build
from mrcnn.detection import detect, prepare
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.utils import compute_overlaps

SIDE, CELL, OBJECTS = 128, 8, 250


def tiles(count: int) -> np.ndarray:
    """Return masks (SIDE, SIDE, count) of squares that do not touch."""
    masks = np.zeros((SIDE, SIDE, count), bool)
    for i in range(count):
        row, column = divmod(i, SIDE // CELL)
        masks[CELL * row : CELL * row + 6, CELL * column : CELL * column + 6, i] = True
    return masks


def scene(objects: int, found: int) -> Scene:
    """Return an image of objects of which the first are found exactly."""
    truth = annotated(np.ones(objects, np.int32), tiles(objects))
    masks, ids = tiles(found), np.ones(found, np.int32)
    scores = np.linspace(0.9, 0.5, found, dtype=np.float32)
    boxes = truth.boxes[:found]
    answer = {"rois": boxes, "class_ids": ids, "scores": scores, "masks": masks}
    return Scene(0, truth, detected(answer), np.zeros((0, 4), np.float32))


def pycocotools_ap(objects: int, found: int, most: int) -> float:
    """Return the AP of the same image from pycocotools itself, of `most` detections."""
    masks = tiles(objects)
    boxes = []
    for i in range(objects):
        rows, columns = np.nonzero(masks[..., i])
        boxes.append([int(columns[0]), int(rows[0]), 6, 6])
    common = {"image_id": 1, "category_id": 1, "area": 36, "iscrowd": 0}
    truth, answers = COCO(), COCO()
    for coco, count in ((truth, objects), (answers, found)):
        coco.dataset = {
            "images": [{"id": 1, "height": SIDE, "width": SIDE}],
            "categories": [{"id": 1, "name": "leaf"}],
            "annotations": [
                common | {"id": i + 1, "bbox": boxes[i], "score": 1 - i / 1000}
                for i in range(count)
            ],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(truth, answers, "bbox")
        run.params.maxDets = [1, 10, most]
        run.evaluate()
        run.accumulate()
    return float(run.eval["precision"][:, :, 0, 0, -1].mean())


@pytest.mark.parametrize("task", ["box", "mask"])
def test_every_detection_counts(task):
    result = average_precision([scene(OBJECTS, OBJECTS)], ("BG", "leaf"), task)
    assert result.ap == result.recall == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("objects", "found", "most"),
    [(250, 250, 300), (250, 200, 300), (250, 100, 100), (90, 40, 100), (150, 101, 101)],
)
def test_as_pycocotools_with_as_many_slots(objects, found, most):
    ours = average_precision([scene(objects, found)], ("BG", "leaf"), "box").ap
    assert ours == pytest.approx(pycocotools_ap(objects, found, most), abs=1e-12)
    # 101 recalls, of which those up to found / objects have precision 1.
    reached = np.searchsorted(np.linspace(0, 1, 101), found / objects + 1e-9)
    assert ours == pytest.approx(reached / 101)


def test_a_hundred_is_the_limit_of_coco_where_no_more_are_found():
    assert pycocotools_ap(250, 250, 100) == pytest.approx(41 / 101)


@pytest.fixture(scope="module")
def crowded(tiny_config):
    """Return a session that takes every anchor for an object, with 300 slots."""
    settings = {
        "PRE_NMS_LIMIT": 900,
        "POST_NMS_ROIS_INFERENCE": 600,
        "RPN_NMS_THRESHOLD": 0.9,
        "DETECTION_NMS_THRESHOLD": 1.0,
        "DETECTION_MIN_CONFIDENCE": 0.0,
        "DETECTION_MAX_INSTANCES": 300,
    }
    return type("Crowded", (type(tiny_config),), settings)


def sure(model) -> None:
    """Let the heads find class 2, or 3 nearly as surely, and leave boxes alone."""
    for part, name in (("rpn", "rpn_bbox_pred"), ("box_head", "mrcnn_bbox_fc")):
        kernel = getattr(model, part).get_layer(name).kernel
        kernel.assign(np.zeros(kernel.shape))
    bias = model.box_head.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([-9, 0, 0.1, 0.09], np.float32))


def test_three_hundred_slots_hold_three_hundred_detections(crowded, rng):
    model = build.model(crowded(), seed=3, precision="float32")
    sure(model)
    (found,) = detect(model, [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)])
    assert len(found["scores"]) == 300


def test_suppression_across_classes_in_the_network(crowded, rng):
    """Two classes may overlap beyond the threshold, until they must not."""
    settings = {"RPN_NMS_THRESHOLD": 0.9, "DETECTION_NMS_THRESHOLD": 0.3}
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    overlapping = {}
    for across in (False, True):
        settings["DETECTION_NMS_ACROSS_CLASSES"] = across
        config = type("Across", (crowded,), settings)()
        model = build.model(config, seed=3, precision="float32")
        sure(model)
        slots = model.stages(prepare(model, [image])[0]).detections
        boxes = slots.boxes[0][slots.valid[0]]
        ids = slots.class_ids[0][slots.valid[0]]
        assert len(set(ids.tolist())) > 1
        overlaps = compute_overlaps(boxes, boxes)
        np.fill_diagonal(overlaps, 0)
        overlapping[across] = (overlaps > 0.3 + 1e-5).any()
        assert not ((overlaps > 0.3 + 1e-5) & (ids[:, None] == ids)).any()
    assert overlapping == {False: True, True: False}
