#!/usr/bin/env bash
# One object with a mask, a box and a label goes through an Albumentations transform that fills the border
# with a reflection of the picture.
# One expects one box back, or none.
# Albumentations 2.0.8 returns a box and a label for every reflection that it puts into the border: Pad
# gives 6 boxes. RandomGridShuffle, which has no border, cuts the box of an object in as many boxes as there are
# pieces. The list of masks still has one mask, which holds all the pieces.
# Code that pairs box i with mask i fails here or, if it only zips them, drops the rest.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'albumentations==2.0.8' 'opencv-python-headless==5.0.0.93' 'scipy==1.17.1' 'numpy==2.4.6'
cd "$tmp"
export NO_ALBUMENTATIONS_UPDATE=1
venv/bin/python - <<'PY'
import sys
import albumentations as A
import cv2
import numpy as np
import scipy.ndimage

print("Albumentations", A.__version__)
mask = np.zeros((96, 128), np.uint8)
mask[30:61, 50:91] = 1
picture = np.repeat(mask[..., None] * 255, 3, -1)
seen = {}
for name, transform in {
    "Pad, constant": A.Pad(40, p=1),
    "Pad, reflected": A.Pad(40, border_mode=cv2.BORDER_REFLECT_101, p=1),
    "PadIfNeeded, reflected": A.PadIfNeeded(180, 180, border_mode=cv2.BORDER_REFLECT_101, p=1),
    "RandomGridShuffle": A.RandomGridShuffle((3, 3), p=1),
}.items():
    result = A.Compose(
        [transform],
        seed=1,
        bbox_params=A.BboxParams("pascal_voc", label_fields=["labels"]),
    )(image=picture, masks=[mask], bboxes=[[50, 30, 91, 61]], labels=["cell"])
    pieces = scipy.ndimage.label(result["masks"][0])[1]
    seen[name] = (len(result["bboxes"]), len(result["labels"]), len(result["masks"]), pieces)
    print(f"{name}: %d boxes, %d labels, %d mask of %d pieces" % seen[name])
shuffled = seen.pop("RandomGridShuffle")
if (
    seen != {"Pad, constant": (1, 1, 1, 1), "Pad, reflected": (6, 6, 1, 6), "PadIfNeeded, reflected": (3, 3, 1, 3)}
    or shuffled[0] < 2
    or shuffled[2] != 1
):
    sys.exit("The behaviour has changed.")
print("As stated: one object, several boxes, one mask.")
PY
