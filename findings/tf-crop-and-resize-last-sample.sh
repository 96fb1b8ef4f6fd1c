#!/usr/bin/env bash
# tf.image.crop_and_resize takes the whole of a picture of ones, the box [0, 0, 1, 1], as m x m samples.
# One expects ones: the last sample lies on the last row and column.
# TensorFlow 2.21.0 counts some last samples as outside and gives them the extrapolation value, 0: the position
# (m - 1) * ((n - 1) / (m - 1)) is rounded, and may come out a little larger than n - 1. It depends on the two
# sizes alone; 56 to 28, the mini masks and mask targets of well-known Mask R-CNN code, is one such pair.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=2
venv/bin/python - <<'PY'
import sys
import numpy as np
import tensorflow as tf

print("TensorFlow", tf.__version__)
cut = []
for n in range(4, 65):
    for m in (7, 14, 28, 56):
        crop = tf.image.crop_and_resize(tf.ones((1, n, n, 1)), [[0.0, 0.0, 1.0, 1.0]], [0], (m, m)).numpy()[0, ..., 0]
        if crop.min() == 0:
            assert (crop[:-1, :-1] == 1).all() and (crop[-1] == 0).all() and (crop[:, -1] == 0).all()
            cut.append((n, m))
print("Sizes (from, to) that lose their last row and column:", *cut)
if (56, 28) not in cut or (28, 28) in cut or len(cut) > 20:
    sys.exit("The behaviour has changed.")
print("As stated: of a picture of ones, the last row and column are 0 for some sizes.")
PY
