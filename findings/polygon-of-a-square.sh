#!/usr/bin/env bash
# The polygon (10, 10), (20, 10), (20, 20), (10, 20), filled by four libraries.
# One expects the same mask from all, of 100 pixels if a corner is a point, of 121 if a corner is a pixel.
# pycocotools 2.0.11 fills 100, scikit-image 0.26.0, Pillow 13.0.0 and OpenCV 5.0.0 fill 121. Moved by half a pixel,
# scikit-image fills 100 too and the others fill what they did.
# So the outline that cv2.findContours draws around 100 pixels holds 81 once it stands in a COCO file.
# Masks of small objects shrink by a row and a column each time, and their scores with them.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'scikit-image==0.26.0' 'pillow==13.0.0' \
    'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version
import cv2
import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as coco
from skimage.draw import polygon2mask

print(*(f"{name} {version(name)}" for name in ("pycocotools", "scikit-image", "pillow", "opencv-python-headless")))


def with_pycocotools(polygon):
    return coco.decode(coco.frPyObjects([polygon.ravel().tolist()], 40, 40))[..., 0]


def with_pillow(polygon):
    picture = Image.new("L", (40, 40))
    ImageDraw.Draw(picture).polygon([tuple(point) for point in polygon.tolist()], fill=1, outline=1)
    return np.array(picture)


def with_opencv(polygon):
    return cv2.fillPoly(np.zeros((40, 40), np.uint8), [polygon.astype(np.int32)], 1)


square = np.array([[10, 10], [20, 10], [20, 20], [10, 20]], float)
seen = {}
for name, fill in {
    "pycocotools": with_pycocotools,
    "scikit-image": lambda polygon: polygon2mask((40, 40), polygon[:, ::-1]),
    "Pillow": with_pillow,
    "OpenCV": with_opencv,
}.items():
    seen[name] = (int(fill(square).sum()), int(fill(square + 0.5).sum()))
    print(f"{name}: %d pixels, moved by half a pixel %d" % seen[name])
mask = np.zeros((40, 40), np.uint8)
mask[10:20, 10:20] = 1
outline = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0][0][:, 0]
again = with_pycocotools(outline)
print("100 pixels, outlined by OpenCV and filled by pycocotools:", again.sum())
stated = {"pycocotools": (100, 100), "scikit-image": (121, 100), "Pillow": (121, 121), "OpenCV": (121, 121)}
if seen != stated or again.sum() != 81:
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated.")
PY
