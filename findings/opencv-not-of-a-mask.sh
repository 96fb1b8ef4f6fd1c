#!/usr/bin/env bash
# The background as the opposite of a boolean mask, with cv2.bitwise_not.
# One expects True and False to be exchanged, or an error because OpenCV has no boolean type.
# OpenCV 5.0.0 takes the mask as bytes, computes 255 - x and hands the bytes 254 and 255 back as boolean: every pixel
# is True. bitwise_and, bitwise_or and bitwise_xor of boolean masks are right, and so is NumPy 2.4.6's ~mask.
# A loss or a count over "the pixels outside of the mask" then covers the whole picture.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import numpy as np

print("OpenCV", cv2.__version__, "NumPy", np.__version__)
mask = np.array([[True, True, False, False]])
other = np.array([[True, False, True, False]])
background = cv2.bitwise_not(mask)
print("mask:", mask[0].tolist())
print("cv2.bitwise_not:", background.dtype, background[0].tolist(), "as bytes", background[0].view(np.uint8).tolist())
print("~mask:", (~mask)[0].tolist())
print("pixels of the background:", np.count_nonzero(background), "of", mask.size)
others_right = (
    np.array_equal(cv2.bitwise_and(mask, other), mask & other)
    and np.array_equal(cv2.bitwise_or(mask, other), mask | other)
    and np.array_equal(cv2.bitwise_xor(mask, other), mask ^ other)
)
print("bitwise_and, bitwise_or and bitwise_xor right:", others_right)
if background.dtype != bool or not background.all() or not others_right:
    sys.exit("The behaviour has changed.")
print("As stated: the opposite of a mask is True everywhere.")
PY
