#!/usr/bin/env bash
# The masks of an image with many objects are encoded, and pycocotools.mask.area is asked for their areas in one call.
# One expects a number for each mask, however many there are.
# pycocotools 2.0.11 under NumPy 2.4.6 counts up to 255 masks; with 256 it raises OverflowError ("Python integer 256
# out of bounds for uint8"): it makes an array of 8 bits out of their number. Boxes and overlaps of as many masks
# come out right. Images of cells or crowds reach it; one code at a time is the way out.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import numpy as np
from pycocotools import mask

print("NumPy", np.__version__)
seen = {}
for count in (255, 256):
    codes = mask.encode(np.asfortranarray(np.ones((4, 4, count), np.uint8)))
    try:
        seen[count] = int(mask.area(codes).sum())
    except OverflowError as error:
        seen[count] = f"OverflowError: {error}"
    print(f"{count} masks of 16 pixels: area in all {seen[count]}, boxes {len(mask.toBbox(codes))}")
if seen[255] != 255 * 16 or not str(seen[256]).startswith("OverflowError") or mask.area(codes[0]) != 16:
    sys.exit("The behaviour has changed.")
print("As stated: 255 masks have areas, 256 raise.")
PY
