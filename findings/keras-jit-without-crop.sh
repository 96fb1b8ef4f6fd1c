#!/usr/bin/env bash
# A Keras model that cuts regions out of a feature map with tf.image.crop_and_resize, compiled with the defaults.
# One expects Keras to compile with XLA (jit_compile="auto") only what XLA can compile, or to fall back.
# XLA of TensorFlow 2.21.0 has no CropAndResize, no bicubic and no area resizing. Keras 3.15.1 asks its layers, which
# know nothing of what their call does, and turns XLA on as soon as a GPU is listed. On a CPU it stays off.
# Here only the list of devices is replaced: the model trains without the GPU in the list and fails with it.
# A detector that trains on a CPU stops at its first step where Keras has turned XLA on; jit_compile=False helps.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 KERAS_BACKEND=tensorflow
venv/bin/python - <<'PY'
import sys
from unittest import mock
import keras
import numpy as np
import tensorflow as tf

print("Keras", keras.__version__, "TensorFlow", tf.__version__)
pictures = np.ones((2, 8, 8, 3), "float32")
operations = {
    "crop_and_resize": lambda x: tf.image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [0], (4, 4)),
    "bicubic": lambda x: tf.image.resize(x, (4, 4), method="bicubic"),
    "area": lambda x: tf.image.resize(x, (4, 4), method="area"),
    "bilinear": lambda x: tf.image.resize(x, (4, 4)),
}
refused = []
for name, operation in operations.items():
    try:
        tf.function(operation, jit_compile=True, autograph=False)(pictures)
    except tf.errors.InvalidArgumentError as error:
        refused.append(name)
        print(f"XLA, {name}:", str(error).split("(")[-1].split(" for ")[0])
print("refused:", refused)


class Cut(keras.layers.Layer):
    def call(self, x):
        count = tf.shape(x)[0]
        return tf.image.crop_and_resize(x, tf.tile([[0.1, 0.1, 0.9, 0.9]], (count, 1)), tf.range(count), (4, 4))


def train(devices):
    model = keras.Sequential([keras.Input((8, 8, 3)), Cut(), keras.layers.Flatten(), keras.layers.Dense(1)])
    with mock.patch.object(tf.config, "list_physical_devices", lambda kind=None: devices):
        model.compile("sgd", "mse")
        jit = model.jit_compile
    try:
        model.fit(pictures, np.ones((2, 1)), verbose=0)
        return jit, "trains"
    except Exception as error:
        return jit, f"{type(error).__name__}, {'CropAndResize' in str(error)}"


cpu = tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU")
gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
seen = {"CPU": train([cpu]), "CPU and GPU": train([cpu, gpu])}
for name, result in seen.items():
    print(f"listed {name}: jit_compile %s, %s" % result)
if refused != ["crop_and_resize", "bicubic", "area"] or seen != {
    "CPU": (False, "trains"),
    "CPU and GPU": (True, "InvalidArgumentError, True"),
}:
    sys.exit("The behaviour has changed.")
print("As stated: Keras turns on a compiler that lacks the operation.")
PY
