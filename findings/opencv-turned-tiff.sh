#!/usr/bin/env bash
# A TIFF whose orientation tag is 5, 6, 7 or 8 (the picture lies on its side).
# One expects cv2.imread to turn it, or to leave it when IMREAD_IGNORE_ORIENTATION is given.
# OpenCV 5.0.0 returns None in both cases, as it does for a missing file.
# cv2.imdecode on the bytes of the same file, and cv2.imreadmulti, return the turned picture. Tags 1 to 4 are read.
# A loader that skips files which come back as None loses these pictures.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'opencv-python-headless==5.0.0.93' 'pillow==13.0.0' 'numpy==2.4.6'
cd "$tmp"
OPENCV_LOG_LEVEL=SILENT venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np
from PIL import Image

print("OpenCV", cv2.__version__)
picture = Image.fromarray(np.arange(32 * 48 * 3, dtype=np.uint32).astype(np.uint8).reshape(32, 48, 3))
unturned = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
fine = True
for tag in range(1, 9):
    picture.save("a.tif", tiffinfo={274: tag})
    with open("a.tif", "rb") as file:
        data = np.frombuffer(file.read(), np.uint8)
    shapes = [
        None if array is None else array.shape[:2]
        for array in (
            cv2.imread("a.tif"),
            cv2.imread("a.tif", unturned),
            cv2.imdecode(data, cv2.IMREAD_COLOR),
            cv2.imreadmulti("a.tif")[1][0],
        )
    ]
    print(f"tag {tag}: imread {shapes[0]}, ignoring the tag {shapes[1]}, imdecode {shapes[2]}, imreadmulti {shapes[3]}")
    fine &= shapes == ([(32, 48)] * 4 if tag < 5 else [None, None, (48, 32), (48, 32)])
if not fine:
    sys.exit("The behaviour has changed.")
print("As stated: imread returns None for tags 5 to 8.")
PY
