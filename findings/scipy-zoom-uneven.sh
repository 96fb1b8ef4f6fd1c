#!/usr/bin/env bash
# A mask is made three times as large with scipy.ndimage.zoom and order=0 (nearest neighbour).
# One expects each pixel to become three by three pixels, as with numpy.repeat.
# scipy 1.17.1 puts the centres of the corner pixels of both masks on each other: the outer pixels come twice, the
# inner ones four times; at half the size it keeps columns 0, 2, 5 and 7 of 8.
# grid_mode=True with mode="nearest" gives what one expects; OpenCV, Pillow and scikit-image give it without asking.
# Volumes and their masks are often resized this way: objects near the border shift and change size, and a picture
# resized by another library does not fit.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'scipy==1.17.1' 'scikit-image==0.26.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import numpy as np
import scipy
from scipy.ndimage import zoom
from skimage.transform import resize

print("scipy", scipy.__version__)
mask = np.arange(4)
rows = {
    "zoom": zoom(mask, 3, order=0),
    "zoom, grid_mode": zoom(mask, 3, order=0, grid_mode=True, mode="nearest"),
    "scikit-image": resize(mask, (12,), order=0, preserve_range=True, anti_aliasing=False).astype(int),
    "numpy.repeat": np.repeat(mask, 3),
    "zoom to half of 8": zoom(np.arange(8), 0.5, order=0),
}
for name, row in rows.items():
    rows[name] = row.tolist()
    print(f"{name}: {rows[name]}")
even = rows["numpy.repeat"]
if (
    rows["zoom"] != [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    or rows["zoom, grid_mode"] != even
    or rows["scikit-image"] != even
    or rows["zoom to half of 8"] != [0, 2, 5, 7]
):
    sys.exit("The behaviour has changed.")
print("As stated: two, four, four and two copies.")
PY
