#!/usr/bin/env bash
# A detector finds nothing in any image of a COCO set, as one does early in its training. Its results are an empty
# list, and COCO.loadRes is to load them for COCOeval.
# One expects an AP of 0.
# pycocotools 2.0.11 raises "IndexError: list index out of range": it looks at the first result to learn what kind
# they are. Whoever scores while training has to take this case out.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import json
import sys
from pycocotools.coco import COCO

truth = {
    "images": [{"id": 1, "width": 8, "height": 8, "file_name": "a.png"}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4], "area": 16, "iscrowd": 0}],
}
for name, content in {"truth.json": truth, "none.json": []}.items():
    with open(name, "w") as file:
        json.dump(content, file)
coco = COCO("truth.json")
try:
    coco.loadRes("none.json")
    seen = "loaded"
except IndexError as error:
    seen = f"IndexError: {error}"
print("An empty list of results:", seen)
if seen != "IndexError: list index out of range":
    sys.exit("The behaviour has changed.")
print("As stated: results of nothing cannot be loaded.")
PY
