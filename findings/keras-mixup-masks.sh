#!/usr/bin/env bash
# Keras' MixUp on a batch of two pictures with segmentation masks and boxes.
# One expects each mask to be mixed like its picture, or left alone, and each picture to get the boxes of both.
# Keras 3.15.1 mixes the pictures, but takes single numbers instead of whole masks for the second share: the mask of
# the other picture never appears, its own fades by the random weight, and a mask of one channel comes back with as
# many channels as the batch has pictures. The boxes are joined picture by picture, their labels one list below the
# other: boxes of shape (2, 2, 4), labels of shape (4, 1).
# The loss still falls, on masks without the second object. Shown on TensorFlow.
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
pictures = np.zeros((2, 8, 8, 3), "float32")
pictures[0, 1:3, 1:3] = 1
pictures[1, 5:7, 5:7] = 1
batch = {
    "images": pictures,
    "segmentation_masks": pictures[..., :1],
    "labels": np.eye(2, dtype="float32"),
    "bounding_boxes": {
        "boxes": np.array([[[1, 1, 3, 3]], [[5, 5, 7, 7]]], "float32"),
        "labels": np.array([[4], [9]], "float32"),
    },
}
for seed in range(100):
    result = keras.layers.MixUp(alpha=5.0, seed=seed, bounding_box_format="xyxy")(batch)
    picture = np.array(result["images"])[0]
    if picture[1, 1, 0] > 0.2 and picture[5, 5, 0] > 0.2:
        break
else:
    sys.exit("No seed mixed the two pictures.")
mask = np.array(result["segmentation_masks"])
print("first picture: own object %.3f, the other's %.3f" % (picture[1, 1, 0], picture[5, 5, 0]))
print("first mask:    own object %.3f, the other's %.3f" % (mask[0, 1, 1, 0], mask[0, 5, 5, 0]))
shapes = (mask.shape, *(tuple(result["bounding_boxes"][key].shape) for key in ("boxes", "labels")))
print("shapes: masks %s, boxes %s, their labels %s" % shapes)
if (
    not np.isclose(mask[0, 1, 1, 0], picture[1, 1, 0], atol=1e-5)
    or mask[0, 5, 5].any()
    or shapes != ((2, 8, 8, 2), (2, 2, 4), (4, 1))
):
    sys.exit("The behaviour has changed.")
print("As stated: pictures are mixed, masks are not.")
PY
