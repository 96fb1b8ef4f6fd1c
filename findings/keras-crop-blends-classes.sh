#!/usr/bin/env bash
# Keras' CenterCrop and RandomCrop with segmentation masks, on a picture smaller than the crop.
# One expects an enlarged mask to hold the class numbers it held before, as after Keras' Resizing.
# Keras 3.15.1 enlarges the mask like the picture, bilinearly: between class 0 and class 7 there appear numbers such
# as 1.75 and 5.25, and an integer mask comes back as float32. Resizing keeps to 0 and 7 and to the type.
# Cast to integers, the border of class 7 consists of classes 1, 3 and 5. One small picture in a data set is enough.
# Shown on TensorFlow.
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
mask = np.zeros((1, 16, 16, 1), "uint8")
mask[:, 4:12, 4:12] = 7
seen = {}
for name in ("Resizing", "CenterCrop", "RandomCrop"):
    layer = getattr(keras.layers, name)(32, 32)
    result = layer({"images": np.zeros((1, 16, 16, 3), "float32"), "segmentation_masks": mask}, training=True)
    result = np.array(result["segmentation_masks"])
    seen[name] = (str(result.dtype), sorted(set(result.astype(int).ravel().tolist())))
    print(f"{name}: {seen[name][0]}, {len(np.unique(result))} different numbers, as integers {seen[name][1]}")
if seen["Resizing"] != ("uint8", [0, 7]) or any(
    seen[name] != ("float32", [0, 1, 3, 5, 7]) for name in ("CenterCrop", "RandomCrop")
):
    sys.exit("The behaviour has changed.")
print("As stated: cropping a small picture invents classes.")
PY
