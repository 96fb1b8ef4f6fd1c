"""Hits, false alarms and misses of nuclei against tables worked out by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mrcnn.benchmarks import nuclei
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.ops import rle
from mrcnn.structures import Detection, Preprocessing

LEFT, RIGHT = (0, 0, 10, 10), (10, 10, 20, 20)
FOUND = {  # score: rows and columns, in a picture that shows LEFT and RIGHT
    0.9: LEFT,
    0.8: (10, 10, 20, 16),  # IoU 0.6 with RIGHT
    0.6: (0, 0, 10, 8),  # 0.8 with LEFT, which is found already
    0.3: (0, 20, 10, 30),  # nothing
}
ALONE = (2, 5, 8, 15)  # in the other picture; it is not found


def drawn(shape, *boxes):
    """Return masks (h, w, n) of filled boxes."""
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


def scene(shape, truth, found, image_id=0):
    """Return a scene of boxes, and of boxes by their scores."""
    detection = Detection(
        rois=np.array(list(found.values())).reshape(-1, 4),
        class_ids=np.ones(len(found), np.int32),
        scores=np.array(list(found), np.float32),
        masks=drawn(shape, *found.values()),
    )
    truths = annotated(np.ones(len(truth), np.int32), drawn(shape, *truth))
    return Scene(image_id, truths, detected(detection), np.zeros((0, 4)))


@pytest.fixture
def two():
    return scene((20, 30), [LEFT, RIGHT], FOUND), scene((12, 20), [ALONE], {}, 1)


@pytest.mark.parametrize(
    ("score", "overlap", "first", "share"),
    [
        (0.5, 0.5, [2, 1, 0], 2 / 4),  # in the second picture one is missed: [0, 0, 1]
        (0.7, 0.5, [2, 0, 0], 2 / 3),
        (0.7, 0.7, [1, 1, 1], 1 / 4),
        (0.5, 0.9, [1, 2, 1], 1 / 5),
        (0.1, 0.5, [2, 2, 0], 2 / 5),
        (0.95, 0.5, [0, 0, 2], 0),
    ],
)
def test_hits_false_alarms_and_misses(two, score, overlap, first, share):
    assert nuclei.matched(two[0], score, overlap).tolist() == first
    assert nuclei.matched(two[1], score, overlap).tolist() == [0, 0, 1]
    assert nuclei.share(two, score, overlap) == pytest.approx(share, abs=1e-12)


def test_as_many_are_hit_as_can_be():
    """Both nuclei as one are half of each; the better score takes the other one."""
    left, right = (0, 0, 10, 10), (0, 10, 10, 20)
    both = scene((10, 20), [left, right], {0.9: (0, 0, 10, 20), 0.8: left})
    assert nuclei.matched(both, 0.5, 0.5).tolist() == [2, 0, 0]
    assert nuclei.matched(both, 0.5, 0.6).tolist() == [1, 1, 1]


def save(folder, split, name, shape, *boxes):
    """Write a picture and its numbered mask as the set of nuclei has them."""
    numbers = np.zeros(shape, np.uint16)
    for number, (y1, x1, y2, x2) in enumerate(boxes, 1):
        numbers[y1:y2, x1:x2] = number
    for part, pixels in (("images", numbers.astype(np.uint8)), ("masks", numbers)):
        (folder / split / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / split / part / f"{name}.png")


@pytest.fixture
def data(tmp_path):
    """Write the two pictures as the split "val", the second of them first."""
    save(tmp_path, "val", "0b", (12, 20), ALONE)
    save(tmp_path, "val", "0a", (20, 30), LEFT, RIGHT)
    (tmp_path / "classes.txt").write_text("nucleus\n")
    return tmp_path


def test_what_another_program_found_is_measured(data, monkeypatch):
    results = []
    for score, box in FOUND.items():
        (code,) = rle.encode(drawn((20, 30), box))
        code["counts"] = code["counts"].decode()
        entry = {"image_id": 0, "category_id": 1, "score": score}
        results.append(entry | {"segmentation": code})
    about = {"name": "theirs", "seed": 5, "seconds": 90.0}
    file = data / "theirs.json"
    file.write_text(json.dumps({"about": about, "score": 0.7, "results": results}))
    monkeypatch.setattr(nuclei, "LARGE", 12)
    row = nuclei.scored(data, file)
    assert row.items() >= about.items()
    assert (row["images"], row["objects"], row["score"]) == (2, 3, 0.7)
    hits = [row[f"hits_{overlap}"] for overlap in nuclei.OVERLAPS]
    assert hits == pytest.approx([2 / 3, 1 / 4, 1 / 4])
    # Of recalls 0.00, 0.01 .. 1.00, precision is 1 up to two of three, and one of them.
    assert row["mask_ap50"] == pytest.approx(67 / 101)
    assert row["mask_ap75"] == pytest.approx(34 / 101)
    assert row["mask_ap_small"] == row["mask_ap"] == pytest.approx(row["box_ap"])
    assert "mask_ap_medium" not in row  # there are none
    tall = row["large at once"]
    assert (tall["images"], tall["objects"], tall["mask_ap"]) == (1, 1, 0)
    assert tall["hits_0.5"] == 0
    *_, line = nuclei.table([row]).splitlines()
    assert line.startswith("| theirs | 5 | 2 | ")
    assert line.endswith(" | - | 0.667 | 0.250 | 0.250 |")
    assert " | 0.663 | " in line


def test_the_score_is_chosen_on_pictures_that_were_learnt(data, monkeypatch, two):
    """Every tenth; what is measured is looked at in tiles, and large ones at once."""
    for i in range(11):
        save(data, "train", f"{i:02}", (12, 20), ALONE)
    asked = []

    def look(model, dataset, image_ids=None, tile=None):
        ids = dataset.image_ids if image_ids is None else image_ids
        asked.append((len(dataset.image_ids), list(ids), tile, model.preprocessing[:3]))
        if len(dataset.image_ids) == 11:
            return [scene((12, 20), [ALONE], {0.6: ALONE, 0.3: LEFT})] * len(ids)
        return [two[i] for i in ids]

    usual = Preprocessing("square", 384, 384, 0, (0.0, 0.0, 0.0))
    model = SimpleNamespace(preprocessing=usual)
    monkeypatch.setattr(nuclei, "LARGE", 20)
    monkeypatch.setattr(nuclei, "train", lambda dataset, seed: (model, 7.0))
    monkeypatch.setattr(nuclei, "collect", look)
    row = nuclei.measured(data, None, {"name": "ours", "seed": 0})
    tile = nuclei.NUCLEI_TILE
    assert asked == [
        (11, [0, 10], tile, ("square", 384, 384)),
        (2, [0, 1], tile, ("square", 384, 384)),
        (2, [0], None, ("square", 384, 384)),
        (2, [0], None, ("square", 1024, 1024)),
        (2, [0], None, ("square", 2048, 2048)),
    ]
    assert row["score"] == pytest.approx(0.35)  # the least that leaves out the 0.3
    assert (row["seconds"], row["images"], row["objects"]) == (7.0, 2, 3)
    assert row["hits_0.5"] == 2 / 4
    assert row["large in tiles"]["hits_0.5"] == 2 / 3
