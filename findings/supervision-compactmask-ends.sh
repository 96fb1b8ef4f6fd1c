#!/usr/bin/env bash
# One mask as supervision.Detections, once as an array and once as a CompactMask, with the corners that supervision
# itself finds for it.
# One expects that the corners of a box mean the same everywhere in one package.
# supervision 0.31.2 has two meanings. mask_to_xyxy and CompactMask take the second corner as the last pixel of the
# object; box_area multiplies differences, which is right only if that corner lies behind it. A square of 4 x 4
# pixels has 16 by its mask and 9 by its own box; with the corner behind it both say 16. Boxes of models are of the
# second kind, so that a box made from a mask is a pixel smaller each way than the detector's.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'supervision==0.31.2' 'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys

import numpy as np
import supervision
from supervision.detection.compact_mask import CompactMask

print("supervision", supervision.__version__)
mask = np.zeros((1, 12, 12), bool)
mask[0, 2:6, 3:7] = True
found = supervision.mask_to_xyxy(mask)
behind = np.array([[3, 2, 7, 6]])
seen = {}
for name, corners in {"mask_to_xyxy": found, "corner behind": behind}.items():
    dense = supervision.Detections(xyxy=corners.astype(float), mask=mask)
    compact = CompactMask.from_dense(mask, corners.astype(float), (12, 12))
    seen[name] = (
        corners[0].tolist(),
        int(dense.area[0]),
        float(dense.box_area[0]),
        np.asarray(compact.crop(0)).shape,
    )
    print(f"{name} %s: area of the mask %d, of the box %.0f, CompactMask keeps %s pixels" % seen[name])
if seen != {
    "mask_to_xyxy": ([3, 2, 6, 5], 16, 9.0, (4, 4)),
    "corner behind": ([3, 2, 7, 6], 16, 16.0, (5, 5)),
}:
    sys.exit("The behaviour has changed.")
print("As stated: the last pixel for masks, the one behind it for areas of boxes.")
PY
