#!/usr/bin/env bash
# A picture is made smaller with cv2.resize's INTER_LINEAR or INTER_AREA, its mask with INTER_NEAREST.
# One expects the nearest pixel to be the one whose centre is nearest, so that both stay in place.
# OpenCV 5.0.0 takes pixel floor(x * scale), the left upper one of each block: at a quarter of the size the mask moves
# by 1.5 pixels of the large picture against the picture. INTER_NEAREST_EXACT and Pillow 13.0.0's NEAREST take a pixel
# from the middle of the block.
# Small objects lose overlap that no training brings back; Albumentations and other libraries resize masks this way.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'opencv-python-headless==5.0.0.93' 'pillow==13.0.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np
from PIL import Image

print("OpenCV", cv2.__version__)
columns = np.arange(64, dtype=np.float32)[None]
small = {
    name: cv2.resize(columns, (16, 1), interpolation=getattr(cv2, name))[0].tolist()
    for name in ("INTER_LINEAR", "INTER_AREA", "INTER_NEAREST", "INTER_NEAREST_EXACT")
}
small["Pillow NEAREST"] = np.array(Image.fromarray(columns).resize((16, 1), Image.Resampling.NEAREST))[0].tolist()
print("64 columns, numbered from 0, made 16; the first three, and the mean, which was 31.5:")
for name, row in small.items():
    print(f"  {name}: {row[:3]}, mean {np.mean(row)}")
object_ = np.zeros((64, 64), np.uint8)
object_[20:32, 20:32] = 1
picture = cv2.resize(object_ * 255, (20, 20), interpolation=cv2.INTER_AREA) > 127
mask = cv2.resize(object_, (20, 20), interpolation=cv2.INTER_NEAREST) > 0
overlap = round((picture & mask).sum() / (picture | mask).sum(), 2)
print("a square of 12 pixels, 64 made 20: overlap of picture and mask (IoU)", overlap)
means = {name: float(np.mean(row)) for name, row in small.items()}
stated = dict(zip(means, (31.5, 31.5, 30.0, 32.0, 32.0)))
if means != stated or small["INTER_NEAREST"][:3] != [0, 4, 8] or overlap > 0.8:
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated: INTER_NEAREST moves masks.")
PY
