#!/usr/bin/env bash
# A colour picture with 16 bits per band, and an RGB TIFF with a fourth band that is not marked as transparency.
# One expects Pillow to keep the numbers, as it does for grey pictures with 16 bits, or to refuse.
# Pillow 13.0.0 keeps the high byte of each 16-bit number and leaves out the fourth band. It warns of neither.
# scikit-image 0.26.0 and imageio 2.38.1 read PNG through Pillow and return the same 8 bits.
# OpenCV 5.0.0 with IMREAD_UNCHANGED and tifffile 2026.3.3 return what is stored.
# A near-infrared or depth band, or a 12-bit signal kept in 16 bits, is gone before the network sees it:
# of a 12-bit signal only 16 steps are left.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pillow==13.0.0' 'opencv-python-headless==5.0.0.93' 'scikit-image==0.26.0' \
    'imageio==2.38.1' 'tifffile==2026.3.3' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import warnings
import cv2
import imageio.v3
import numpy as np
import PIL
import skimage.io
import tifffile
from PIL import Image

print("Pillow", PIL.__version__)
twelve_bits = np.arange(4096, dtype=np.uint16).reshape(64, 64)
colour = np.stack([twelve_bits] * 3, -1)
cv2.imwrite("a.png", colour)
tifffile.imwrite("a.tif", np.dstack([colour, 7 + 0 * twelve_bits]), photometric="rgb", extrasamples=["unspecified"])
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    with Image.open("a.png") as png, Image.open("a.tif") as tif:
        seen = {"PNG, Pillow": np.array(png), "TIFF, Pillow": np.array(tif)}
seen["PNG, scikit-image"] = skimage.io.imread("a.png")
seen["PNG, imageio"] = imageio.v3.imread("a.png")
seen["PNG, OpenCV"] = cv2.imread("a.png", cv2.IMREAD_UNCHANGED)
seen["TIFF, tifffile"] = tifffile.imread("a.tif")
for name, array in seen.items():
    seen[name] = (str(array.dtype), array.shape[2], len(np.unique(array[..., 0])))
    print(f"{name}: %s, %d bands, %d different numbers in the first" % seen[name])
Image.fromarray(twelve_bits).save("grey.png")
grey = np.array(Image.open("grey.png"))
print(f"grey PNG, Pillow: {grey.dtype}, {len(np.unique(grey))} different numbers; warnings: {len(warned)}")
stated = {name: ("uint8", 3, 16) for name in seen}
stated["PNG, OpenCV"], stated["TIFF, tifffile"] = ("uint16", 3, 4096), ("uint16", 4, 4096)
if seen != stated or not np.array_equal(grey, twelve_bits) or warned:
    sys.exit("The behaviour has changed.")
print("As stated: Pillow keeps 16 of 4096 steps and three of four bands.")
PY
