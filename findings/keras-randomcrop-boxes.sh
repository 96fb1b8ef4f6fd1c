#!/usr/bin/env bash
# Keras' RandomCrop with bounding boxes (x, y, x, y), a picture of which only the height is cropped.
# One expects the boxes to move up by as many rows as were cut off above, and to be cut at the edges of the crop.
# Keras 3.15.1 subtracts the rows from x and the columns from y: the boxes move left instead of up, while picture and
# mask are right. If the picture is smaller than the crop, it and the mask are enlarged and the boxes are not.
# CenterCrop moves boxes rightly. Nothing fails; a detector trained with this layer learns wrong boxes.
# Shown on TensorFlow; the layer's code is the same on the other backends.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 KERAS_BACKEND=tensorflow
venv/bin/python - <<'PY'
import sys
import keras
import numpy as np

print("Keras", keras.__version__)
mask = np.zeros((1, 48, 64, 1), "float32")
mask[:, 24:28, 30:42] = 1
box = [30, 24, 42, 28]


def crop(layer):
    result = layer(
        {
            "images": np.repeat(mask, 3, -1),
            "segmentation_masks": mask,
            "bounding_boxes": {"boxes": np.array([[box]], "float32"), "labels": np.array([[1]])},
        }
    )
    cut = np.array(result["segmentation_masks"])[0, :, :, 0] > 0.5
    rows, columns = np.flatnonzero(cut.any(1)), np.flatnonzero(cut.any(0))
    true = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
    return true, np.array(result["bounding_boxes"]["boxes"])[0, 0].astype(int).tolist()


print("before: box", box)
for seed in range(20):
    true, returned = crop(keras.layers.RandomCrop(30, 64, seed=seed, bounding_box_format="xyxy"))
    cut_off = box[1] - true[1]
    if cut_off > 0:
        break
print(f"RandomCrop, {cut_off} rows cut off above: the mask's box {true}, the box returned {returned}")
enlarged = crop(keras.layers.RandomCrop(96, 128, seed=1, bounding_box_format="xyxy"))
print("RandomCrop to twice the size: the mask's box %s, the box returned %s" % enlarged)
centre = crop(keras.layers.CenterCrop(30, 64, bounding_box_format="xyxy"))
print("CenterCrop: the mask's box %s, the box returned %s" % centre)
if (
    true != [30, 24 - cut_off, 42, 28 - cut_off]
    or returned != [30 - cut_off, 24, 42 - cut_off, 28]
    or enlarged != ([60, 48, 84, 56], box)
    or centre[0] != centre[1]
):
    sys.exit("The behaviour has changed.")
print("As stated: the boxes move along the wrong axis.")
PY
