"""How far objects were drawn beyond their pictures, by what their files say."""

import json

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import check, open_dataset

WITHIN = [(2, 2), (12, 2), (12, 12)]
BEYOND = [(20, 5), (47, 5), (47, 15), (20, 15)]  # of a picture 30 pixels wide


@pytest.fixture
def folder(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path


def write(path, content):
    path.write_text(json.dumps(content))


def coco(folder):
    objects = [
        {"segmentation": [[float(v) for point in points for v in point]]}
        for points in (WITHIN, BEYOND)
    ]
    annotations = [
        {"id": i, "image_id": 1, "category_id": 1, "iscrowd": 0, **found}
        for i, found in enumerate(objects, start=1)
    ]
    image = {"id": 1, "file_name": "a.png", "height": 20, "width": 30}
    categories = [{"id": 1, "name": "cup"}]
    content = {"images": [image], "annotations": annotations, "categories": categories}
    write(folder / "coco.json", content)


def labelme(folder):
    shapes = [
        {"label": "cup", "points": points, "shape_type": "polygon", "group_id": None}
        for points in (WITHIN, BEYOND)
    ]
    size = {"imageHeight": 20, "imageWidth": 30}
    content = {"shapes": shapes, "imagePath": "a.png", "imageData": None, **size}
    write(folder / "a.json", {"version": "5.4.1", "flags": {}, **content})


def via(folder):
    regions = []
    for points in (WITHIN, BEYOND):
        x, y = map(list, zip(*points, strict=True))
        shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
        about = {"class": "cup"}
        regions.append({"shape_attributes": shape, "region_attributes": about})
    write(folder / "via.json", {"a.png1": {"filename": "a.png", "regions": regions}})


@pytest.mark.parametrize("save", [coco, labelme, via])
def test_outside_is_what_the_drawing_says_and_check_tells(folder, save):
    save(folder)
    dataset = open_dataset(folder)
    assert dataset.drawn_outside(0) == [0.0, 17.0]
    (found,) = check(dataset).findings
    assert found.kind == "object outside"
    assert "object 1 is drawn up to 17 pixels beyond" in found.text


def test_run_lengths_lie_within(folder):
    coco(folder)
    content = json.loads((folder / "coco.json").read_text())
    content["annotations"][1]["segmentation"] = {"size": [20, 30], "counts": [5, 595]}
    content["annotations"][1]["iscrowd"] = 1
    write(folder / "coco.json", content)
    assert open_dataset(folder).drawn_outside(0) == [0.0, 0.0]
