#!/usr/bin/env bash
# A mask that holds other numbers than 0 and 1 goes through pycocotools.mask.encode.
# One expects every number but 0 to count as object, as in NumPy, or an error.
# pycocotools 2.0.11 starts a new run wherever a pixel differs from the one before, and reads the runs as background,
# object, background, and so on: with the classes 1 and 2 side by side, class 2 becomes background and the background
# after it becomes object. 0 and 255 alone are right; a mask with soft edges (0, 60, 255) is not.
# faster-coco-eval 1.8.0 does the same.
# A map of classes, or a mask resized with interpolation, turns into a wrong object without any error.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'faster-coco-eval==1.8.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version
import numpy as np
import pycocotools.mask
from faster_coco_eval import mask as other

print("pycocotools", version("pycocotools"), "faster-coco-eval", version("faster-coco-eval"))
stated = {
    (0, 1, 1, 0, 0, 0): [0, 1, 1, 0, 0, 0],
    (0, 255, 255, 0, 0, 0): [0, 1, 1, 0, 0, 0],
    (0, 1, 2, 2, 0, 0): [0, 1, 0, 0, 1, 1],
    (0, 60, 255, 255, 60, 0): [0, 1, 0, 0, 1, 0],
}
changed = False
for pixels, result in stated.items():
    mask = np.asfortranarray(np.array([pixels], np.uint8).T)
    for module in (pycocotools.mask, other):
        code = module.encode(mask)
        back = module.decode(code)[:, 0].tolist()
        changed |= back != result
        print(f"{list(pixels)} comes back as {back}, area {int(module.area(code))} ({module.__name__})")
if changed:
    sys.exit("The behaviour has changed.")
print("As stated: neighbouring numbers flip object and background.")
PY
