#!/usr/bin/env bash
# A mask is moved by half a pixel with the nearest neighbour, as happens where something is centred on an even number
# of pixels.
# One expects the whole mask to move by one column or by none: every half is rounded the same way.
# OpenCV 5.0.0 rounds halves to the even column: warpAffine and remap return every second column twice and leave the
# others out. scipy 1.17.1's shift with order 0 moves all columns alike.
# Lines and gaps one pixel wide (cell borders, cracks, vessels) double or vanish.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'opencv-python-headless==5.0.0.93' 'scipy==1.17.1' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np
import scipy.ndimage

print("OpenCV", cv2.__version__)
columns = np.tile(np.arange(12, dtype=np.uint8), (3, 1))
x, y = np.meshgrid(np.arange(12, dtype=np.float32) + 0.5, np.arange(3, dtype=np.float32))
seen = {
    "warpAffine": cv2.warpAffine(columns, np.float32([[1, 0, -0.5], [0, 1, 0]]), (12, 3), flags=cv2.INTER_NEAREST),
    "remap": cv2.remap(columns, x, y, cv2.INTER_NEAREST),
    "scipy": scipy.ndimage.shift(columns, (0, -0.5), order=0),
}
for name, array in seen.items():
    seen[name] = array[1, :11].tolist()
    print(f"{name}: columns {seen[name]}")
lines = np.zeros((3, 12), np.uint8)
lines[:, 1::2] = 1
moved = cv2.remap(lines, x, y, cv2.INTER_NEAREST)[:, :11]
print("lines in every second column: of 6 are left", int(moved[1].sum()))
twice = [0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10]
if seen["warpAffine"] != twice or seen["remap"] != twice or len(set(seen["scipy"])) != 11 or moved.any():
    sys.exit("The behaviour has changed.")
print("As stated: every second column comes twice, the others never.")
PY
