#!/usr/bin/env bash
# The COCO file that Datumaro 1.13.12 writes for two objects given as masks, one object each.
# One expects two objects. Every mask is written with "iscrowd": 1, which in COCO means a heap of objects that was not
# taken apart; only polygons become objects. Trainers leave crowds out, and pycocotools 2.0.11 counts nothing against
# them: detections that are the masks themselves have an AP of -1, as where there is no object at all.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'datumaro==1.13.12' 'pycocotools==2.0.11' 'numpy==2.4.6' \
  'opencv-python-headless==4.14.0.94' 'pandas==2.3.3' 'pillow==12.3.0' 'pyarrow==25.0.1'
cd "$tmp"
venv/bin/python - <<'PY'
import json
import sys
from importlib.metadata import version

import numpy as np
from datumaro.components.annotation import Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("Datumaro", version("datumaro"), "pycocotools", version("pycocotools"))
upper = np.zeros((64, 64), bool)
upper[10:30, 10:40] = True
lower = np.roll(upper, 25, axis=0)
square = Polygon([50, 2, 60, 2, 60, 12, 50, 12], label=0, group=3)
drawn = [Mask(upper, label=0, group=1), Mask(lower, label=0, group=2), square]
picture = Image.from_numpy(data=np.zeros((64, 64, 3), np.uint8))
item = DatasetItem(id="a", subset="train", media=picture, annotations=drawn)
Dataset.from_iterable([item], categories=["balloon"]).export("out", "coco_instances")
path = "out/annotations/instances_train.json"
with open(path) as file:
    written = json.load(file)["annotations"]
kinds = [
    "polygon" if isinstance(a["segmentation"], list) else "mask" for a in written
]
crowds = [a["iscrowd"] for a in written]
print("written:", list(zip(kinds, crowds)))

masks = [a for a, kind in zip(written, kinds) if kind == "mask"]
truth = COCO()
truth.dataset = json.load(open(path)) | {"annotations": masks}
truth.createIndex()
found = truth.loadRes(
    [
        {"image_id": 1, "category_id": 1, "segmentation": truth.annToRLE(a), "score": 1}
        for a in masks
    ]
)
judge = COCOeval(truth, found, "segm")
judge.evaluate()
judge.accumulate()
judge.summarize()
print("AP of the masks against themselves:", judge.stats[0])
sys.exit(not (crowds == [int(k == "mask") for k in kinds] and judge.stats[0] == -1))
PY
