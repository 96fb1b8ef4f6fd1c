#!/usr/bin/env bash
# A picture with 150 objects, as of cells or seedlings, all found; COCOeval with params.maxDets = [1, 10, 500].
# One expects the average precision to be computed over up to 500 detections for each picture.
# pycocotools 2.0.11 computes it and does not show it: the first line of the summary, and stats[0], ask for the result
# at 100 detections, which is not there any more, and are -1. The lines below it use the last entry, 500.
# With the limit of 100 that comes with it, these 150 perfect detections reach 0.66.
# A script that keeps the best stats[0] never keeps anything, or sees a perfect network stop at 0.66.
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
boxes = [[20 * (i % 15), 20 * (i // 15), 15, 15] for i in range(150)]
truth = COCO()
truth.dataset = {
    "info": {},
    "images": [{"id": 1, "height": 300, "width": 300}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [
        {"id": 1 + i, "image_id": 1, "category_id": 1, "bbox": box, "area": 225, "iscrowd": 0}
        for i, box in enumerate(boxes)
    ],
}
seen = {}
for limits in ([1, 10, 100], [1, 10, 500]):
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9} for box in boxes])
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.maxDets = limits
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1].mean()
    seen[limits[-1]] = tuple(round(float(number), 2) for number in (*evaluation.stats[:2], precision))
    print(f"maxDets {limits}: AP %g, AP50 %g, mean of the precisions it holds %g" % seen[limits[-1]])
if seen != {100: (0.66, 0.66, 0.66), 500: (-1.0, 1.0, 1.0)}:
    sys.exit("The behaviour has changed.")
print("As stated: the AP is -1.")
PY
