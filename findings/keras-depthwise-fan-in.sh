#!/usr/bin/env bash
# Initial weights of a depthwise convolution: DepthwiseConv2D(3, depthwise_initializer="he_normal") of Keras.
# One expects He's rule: each output sees 9 inputs, so a deviation of sqrt(2 / 9), and outputs as large as the inputs.
# Keras 3.15.1 counts the channels as inputs too, from the shape (3, 3, channels, 1): with 256 channels the deviation is 16
# times smaller, and so are the outputs. PyTorch's shape is (channels, 1, 3, 3), and its kaiming_normal_ counts 9.
# Keras' default, Glorot's uniform rule, shrinks alike. Networks of depthwise convolutions start nearly silent unless
# batch normalisation follows each.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow CUDA_VISIBLE_DEVICES=
venv/bin/python - <<'PY'
import sys
import keras
import numpy as np

print("Keras", keras.__version__)
keras.utils.set_random_seed(0)
images = np.random.default_rng(0).normal(size=(4, 16, 16, 256)).astype("float32")
seen = {}
for channels in (1, 16, 256):
    layer = keras.layers.DepthwiseConv2D(3, depthwise_initializer="he_normal")
    outputs = layer(images[..., :channels])
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    seen[channels] = kernel.std() / np.sqrt(2 / 9)
    size = keras.ops.convert_to_numpy(outputs).std()
    print(f"{channels} channels: deviation {seen[channels]:.3f} of He's, outputs {size:.3f} of the inputs")
if any(abs(seen[c] * np.sqrt(c) - 1) > 0.15 for c in (16, 256)):
    sys.exit("The behaviour has changed.")
print("As stated: the deviation falls with the root of the number of channels.")
PY
