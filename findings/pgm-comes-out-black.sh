#!/usr/bin/env bash
# A grey 12-bit picture as PGM, whose header says that white is 4095.
# One expects a reader to return the numbers of the file, and a conversion to 8 bits to keep the picture.
# Pillow 13.0.0 multiplies them so that white is 65535 and returns signed 32-bit numbers (mode I). scikit-image
# 0.26.0 reads PGM through Pillow and takes 2147483647 for white of that type: img_as_ubyte gives a black picture,
# img_as_float nothing above 0.00004. OpenCV 5.0.0 returns the numbers of the file.
# Where the two libraries meet, every such picture of a data set turns black, without a warning.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pillow==13.0.0' 'scikit-image==0.26.0' 'imageio==2.38.1' \
    'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np
import PIL
import skimage.io
import skimage.util
from PIL import Image

print("Pillow", PIL.__version__, "scikit-image", skimage.__version__, "OpenCV", cv2.__version__)
stored = np.array([[0, 1, 1000, 2048, 4095]], np.uint16)
with open("a.pgm", "wb") as file:
    file.write(b"P5\n5 1\n4095\n" + stored.astype(">u2").tobytes())
picture = Image.open("a.pgm")
read = skimage.io.imread("a.pgm")
black = skimage.util.img_as_ubyte(read)
white = skimage.util.img_as_float(read).max()
opencv = cv2.imread("a.pgm", cv2.IMREAD_UNCHANGED)
print("stored:", stored.tolist())
print("Pillow:", picture.mode, np.array(picture).tolist())
print("scikit-image:", read.dtype, read.tolist())
print("img_as_ubyte:", black.tolist())
print("white after img_as_float:", white)
print("OpenCV:", opencv.dtype, opencv.tolist())
if (
    picture.mode != "I"
    or read.dtype != np.int32
    or read.tolist() != [[0, 16, 16004, 32776, 65535]]
    or black.any()
    or white > 0.00004
    or not np.array_equal(opencv, stored)
):
    sys.exit("The behaviour has changed.")
print("As stated: white is scaled and then comes out black.")
PY
