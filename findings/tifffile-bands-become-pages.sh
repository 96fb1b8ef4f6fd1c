#!/usr/bin/env bash
# A picture with seven bands, an array of height x width x 7, written as TIFF.
# One expects a file with one page of that height and width and seven bands.
# tifffile 2026.3.3 writes one page for each row of the picture, width high and 7 wide; scikit-image 0.26.0's imsave
# does the same. With three or four bands it is one page. tifffile reads its own file back in the right shape,
# which hides it; Pillow 13.0.0 and OpenCV 5.0.0 return the first row as the picture.
# photometric="minisblack", planarconfig="contig" gives the expected file.
# Satellite and fluorescence pictures have more than four bands and go through other programs.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'tifffile==2026.3.3' 'scikit-image==0.26.0' 'pillow==13.0.0' \
    'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np
import skimage.io
import tifffile
from PIL import Image

print("tifffile", tifffile.__version__, "scikit-image", skimage.__version__)
seen = {}


def look(name, bands):
    with tifffile.TiffFile("a.tif") as file:
        seen[name] = (len(file.pages), file.pages[0].shape, tifffile.imread("a.tif").shape == (20, 30, bands))
    print(f"{name}: pages %d, the first %s; read back in the right shape: %s" % seen[name])


for bands in (3, 4, 7):
    picture = np.zeros((20, 30, bands), np.uint8)
    tifffile.imwrite("a.tif", picture)
    look(f"imwrite, {bands} bands", bands)
skimage.io.imsave("a.tif", picture, check_contrast=False)
look("imsave, 7 bands", 7)
with Image.open("a.tif") as opened:
    others = (opened.size, cv2.imread("a.tif", cv2.IMREAD_UNCHANGED).shape)
print("Pillow's width and height:", others[0], "OpenCV's shape:", others[1])
tifffile.imwrite("a.tif", picture, photometric="minisblack", planarconfig="contig")
look("imwrite with both words, 7 bands", 7)
stated = {
    "imwrite, 3 bands": (1, (20, 30, 3), True),
    "imwrite, 4 bands": (1, (20, 30, 4), True),
    "imwrite, 7 bands": (20, (30, 7), True),
    "imsave, 7 bands": (20, (30, 7), True),
    "imwrite with both words, 7 bands": (1, (20, 30, 7), True),
}
if seen != stated or others != ((7, 30), (30, 7)):
    sys.exit("The behaviour has changed.")
print("As stated: each row becomes a page.")
PY
