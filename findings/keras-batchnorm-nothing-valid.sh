#!/usr/bin/env bash
# Batch normalisation is trained with a mask, as heads do whose slots are not all filled. In some batches
# no slot is: every value of the mask is False.
# One expects such a batch to leave the moving statistics alone.
# Keras 3.15.1 takes 0 for the mean and the variance of nothing and moves the statistics towards them. After 20
# such batches with momentum 0.9 a mean of 5 is 0.61 and a variance of 4 is 0.49, and the outputs, divided by the
# square root of epsilon, are in the hundreds. The network then detects worse than before.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=2 KERAS_BACKEND=tensorflow
venv/bin/python - <<'PY'
import sys
import keras
import numpy as np

print("Keras", keras.__version__)
layer = keras.layers.BatchNormalization(momentum=0.9)
layer.build((None, 4, 3))
layer.moving_mean.assign([5.0, 5.0, 5.0])
layer.moving_variance.assign([4.0, 4.0, 4.0])
inputs = np.random.default_rng(0).normal(5, 2, (2, 4, 3)).astype("float32")
for _ in range(20):
    outputs = np.array(layer(inputs, training=True, mask=np.zeros((2, 4), bool)))
mean, variance = np.array(layer.moving_mean)[0], np.array(layer.moving_variance)[0]
print(f"mean {mean:.3f}, variance {variance:.3f}, largest output {np.abs(outputs).max():.0f}")
if not (abs(mean - 5 * 0.9**20) < 1e-3 and abs(variance - 4 * 0.9**20) < 1e-3 and np.abs(outputs).max() > 100):
    sys.exit("The behaviour has changed.")
print("As stated: batches without anything valid pull the statistics to 0.")
PY
