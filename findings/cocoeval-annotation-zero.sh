#!/usr/bin/env bash
# A COCO file whose annotations are numbered from 0, and detections that fit perfectly.
# One expects the score not to depend on how the annotations are numbered.
# COCOeval of pycocotools 2.0.11 keeps the number of the matched annotation and takes 0 for "no match": the detection
# of annotation 0 counts as false, and the object as missed. With one object the average precision is 0 instead of 1;
# with many it is only a little too low, and nobody notices.
# Writers of COCO files often number with enumerate(), which starts at 0.
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
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"))


def precision(first, objects):
    truth = COCO()
    boxes = [[20 * i, 0, 15, 15] for i in range(objects)]
    truth.dataset = {
        "info": {},
        "images": [{"id": 1, "height": 40, "width": 400}],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [
            {"id": first + i, "image_id": 1, "category_id": 1, "bbox": box, "area": 225, "iscrowd": 0}
            for i, box in enumerate(boxes)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9} for box in boxes])
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[0]), 3)


seen = {}
for objects in (1, 10):
    for first in (1, 0):
        seen[objects, first] = precision(first, objects)
        print(f"{objects} objects, numbered from {first}: AP {seen[objects, first]}")
if seen[1, 1] != 1 or seen[1, 0] != 0 or seen[10, 1] != 1 or not 0.5 < seen[10, 0] < 1:
    sys.exit("The behaviour has changed.")
print("As stated: annotation 0 can never be found.")
PY
