#!/usr/bin/env bash
# imgaug moves, pads or blanks a picture together with its segmentation map; the border is filled by reflection or by
# repeating the edge, as asked.
# One expects the map to be filled in the same way, or its border to be marked as unknown.
# imgaug 0.4.0 passes the mode to the picture alone. Affine, ShearX, Pad and PadToFixedSize fill the map with class 0:
# mirrored objects stand in the picture, and the map calls them background.
# TotalDropout and Dropout2d set the map to 0 when they blank the picture; Dropout and CoarseDropout, which leave as
# little of it at p=1, keep the map. imgaug 0.4.0 needs NumPy below 2.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'imgaug==0.4.0' 'numpy==1.26.4' 'opencv-python==4.11.0.86' 'scipy==1.17.1' \
    'scikit-image==0.26.0' 'shapely==2.2.0' 'imageio==2.38.1'
cd "$tmp"
venv/bin/python -W ignore - <<'PY'
import sys
import imgaug
import imgaug.augmenters as iaa
import numpy as np
from imgaug.augmentables.segmaps import SegmentationMapsOnImage

print("imgaug", imgaug.__version__, "NumPy", np.__version__)
classes = np.full((32, 32), 5, np.int32)
picture = np.full((32, 32, 3), 200, np.uint8)
print("a picture of 200 everywhere, a map of class 5 everywhere; smallest values afterwards:")
seen = {}
for name, augmenter in {
    "Affine, reflect": iaa.Affine(translate_px=8, mode="reflect"),
    "ShearX, edge": iaa.ShearX(20, mode="edge"),
    "Pad, edge": iaa.Pad(px=4, pad_mode="edge", keep_size=False),
    "PadToFixedSize, reflect": iaa.PadToFixedSize(40, 40, pad_mode="reflect"),
    "TotalDropout": iaa.TotalDropout(1.0),
    "Dropout2d": iaa.Dropout2d(1.0, nb_keep_channels=0),
    "Dropout": iaa.Dropout(1.0),
    "CoarseDropout": iaa.CoarseDropout(1.0, size_percent=0.5),
}.items():
    image, map_ = augmenter(image=picture, segmentation_maps=SegmentationMapsOnImage(classes, shape=picture.shape))
    seen[name] = (int(image.min()), int(map_.get_arr().min()))
    print(f"{name}: picture %d, map %d" % seen[name])
stated = dict.fromkeys(("Affine, reflect", "ShearX, edge", "Pad, edge", "PadToFixedSize, reflect"), (200, 0))
stated |= dict.fromkeys(("TotalDropout", "Dropout2d"), (0, 0)) | dict.fromkeys(("Dropout", "CoarseDropout"), (0, 5))
if seen != stated:
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated: the picture is continued, its map is not.")
PY
