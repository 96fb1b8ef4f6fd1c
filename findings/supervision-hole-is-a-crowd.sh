#!/usr/bin/env bash
# Two instance masks, one of them with a hole, saved with supervision's DetectionDataset.as_coco.
# One expects two objects in the file: a hole does not change what the object is.
# supervision 0.31.2 writes a mask with a hole, or of several parts, as run lengths with "iscrowd": 1. In COCO that
# marks a region that is not to be scored: COCOeval of pycocotools 2.0.11 leaves the object out, and a network that
# misses it has an AP of 1. A data set of rings only would have no AP at all.
# Its boxes end at the last pixel, not behind it: a mask of 13 x 10 pixels gets a box of 12 x 9.
# Cells, letters, tyres and objects behind a post have holes or parts; training code leaves crowds out as well.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'supervision==0.31.2' 'opencv-python-headless==5.0.0.93' \
    'pycocotools==2.0.11' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import contextlib
import io
import json
import sys
import cv2
import numpy as np
import supervision
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("supervision", supervision.__version__)
masks = np.zeros((2, 60, 60), bool)
masks[0, 10:20, 12:25] = True
masks[1, 30:40, 12:25] = True
masks[1, 33:36, 15:18] = False
cv2.imwrite("a.png", np.zeros((60, 60, 3), np.uint8))
detections = supervision.Detections(
    xyxy=supervision.mask_to_xyxy(masks).astype(float), mask=masks, class_id=np.array([0, 0])
)
data = supervision.DetectionDataset(classes=["cell"], images=["a.png"], annotations={"a.png": detections})
data.as_coco(annotations_path="a.json")
with open("a.json") as file:
    written = json.load(file)["annotations"]
for name, annotation in zip(("full", "with a hole"), written):
    print(f"{name}: iscrowd {annotation['iscrowd']}, bbox {annotation['bbox']}")
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO("a.json")
    full = written[0]
    result = {"image_id": full["image_id"], "category_id": full["category_id"], "score": 0.9}
    found = truth.loadRes([result | {"segmentation": truth.annToRLE(full)}])
    evaluation = COCOeval(truth, found, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
precision = round(float(evaluation.stats[0]), 3)
print("one of the two objects found, the one with the hole missed: AP", precision)
if [a["iscrowd"] for a in written] != [0, 1] or written[0]["bbox"] != [12.0, 10.0, 12.0, 9.0] or precision != 1:
    sys.exit("The behaviour has changed.")
print("As stated: the object with the hole does not count.")
PY
