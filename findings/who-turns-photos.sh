#!/usr/bin/env bash
# The same upside-down picture (orientation 3) as JPEG, PNG, WebP and TIFF, read by four libraries.
# One expects a library to turn pictures by this tag in every format, or in none.
# Pillow 13.0.0 turns the TIFF and no other format. OpenCV 5.0.0 turns all four, but none with IMREAD_UNCHANGED,
# except the TIFF, which it turns even then. scikit-image 0.26.0 and imageio 2.38.1 turn nothing.
# Boxes drawn in a tool that turns the picture do not fit the pixels of a reader that does not.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pillow==13.0.0' 'opencv-python-headless==5.0.0.93' 'scikit-image==0.26.0' \
    'imageio==2.38.1' 'tifffile==2026.3.3' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import cv2
import imageio.v3
import numpy as np
import PIL
import skimage.io
from PIL import Image

print("Pillow", PIL.__version__, "OpenCV", cv2.__version__, "scikit-image", skimage.__version__)
array = np.zeros((32, 48, 3), np.uint8)
array[:16] = 255
picture, exif = Image.fromarray(array), Image.Exif()
exif[274] = 3
readers = {
    "Pillow": lambda name: np.array(Image.open(name)),
    "OpenCV": cv2.imread,
    "OpenCV, unchanged": lambda name: cv2.imread(name, cv2.IMREAD_UNCHANGED),
    "scikit-image": skimage.io.imread,
    "imageio": imageio.v3.imread,
}
seen = {}
for kind in ("jpg", "png", "webp", "tif"):
    picture.save(f"a.{kind}", **({"tiffinfo": {274: 3}} if kind == "tif" else {"exif": exif}))
    seen[kind] = [name for name, read in readers.items() if read(f"a.{kind}")[0].mean() < 128]
    print(f"{kind}: turned by", ", ".join(seen[kind]) or "nobody")
stated = {kind: ["OpenCV"] for kind in ("jpg", "png", "webp")}
stated["tif"] = ["Pillow", "OpenCV", "OpenCV, unchanged"]
if seen != stated:
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated.")
PY
