#!/usr/bin/env bash
# Results for masks (iouType "segm") that also carry the key "bbox", as a program writes that evaluates both.
# One expects the mask's score to depend on the masks alone.
# COCO.loadRes of pycocotools 2.0.11 takes the area of such a result from its box. COCOeval sorts results into small,
# medium and large by that area: here a false detection, a thin diagonal line, no longer counts as small, and the AP
# of small objects rises from 0.5 to 1. The AP over all sizes is the same, so the difference is easy to miss.
# Two programs with the same masks report different APs by size, by whether they keep their boxes in the file.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version
import numpy as np
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"))
square, line = np.zeros((2, 200, 200), np.uint8)
square[10:40, 10:40] = 1
diagonal = np.arange(150)
line[diagonal + 20, diagonal + 40] = line[diagonal + 20, diagonal + 41] = 1
square, line = (coco.encode(np.asfortranarray(mask)) for mask in (square, line))
truth = COCO()
truth.dataset = {
    "info": {},
    "images": [{"id": 1, "height": 200, "width": 200}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [10, 10, 30, 30],
            "area": 900,
            "iscrowd": 0,
            "segmentation": square,
        }
    ],
}


def score(with_box):
    results = [
        {"image_id": 1, "category_id": 1, "score": number, "segmentation": mask}
        | ({"bbox": coco.toBbox(mask).tolist()} if with_box else {})
        for number, mask in ((0.9, line), (0.8, square))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes(results)
        evaluation = COCOeval(truth, found, "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    area = float(found.dataset["annotations"][0]["area"])
    result = (area, round(float(evaluation.stats[0]), 3), round(float(evaluation.stats[3]), 3))
    print("with boxes:" if with_box else "masks only:", "area of the line %g, AP %g, AP of small objects %g" % result)
    return result


if (score(False), score(True)) != ((300.0, 0.5, 0.5), (22650.0, 0.5, 1.0)):
    sys.exit("The behaviour has changed.")
print("As stated: a box beside the mask changes the mask's score.")
PY
