#!/usr/bin/env bash
# A model is trained on pictures that lie in memory, by a keras.utils.PyDataset or by tf.data's from_generator. Then the
# model and the pictures are deleted, and Keras' session is cleared.
# One expects their memory back.
# TensorFlow 2.21.0 keeps the Python function behind every such data set in a list of its global graph, and with it
# all that the function reaches: the pictures live until the process ends, those of every further training too. Keras
# 3.15.1 feeds a PyDataset the same way. A function that holds a weak reference to the pictures avoids it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=2 KERAS_BACKEND=tensorflow
venv/bin/python - <<'PY'
import gc
import sys
import weakref
import keras
import numpy as np
import tensorflow as tf

print("Keras", keras.__version__, "TensorFlow", tf.__version__)


class Pictures(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.pixels = np.zeros((4, 1), "float32")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.pixels, self.pixels


def as_tensors(pictures):
    signature = (tf.TensorSpec((4, 1)), tf.TensorSpec((4, 1)))
    return tf.data.Dataset.from_generator(lambda: iter([pictures[0]]), output_signature=signature)


def as_weak(pictures):
    there = weakref.ref(pictures)
    signature = (tf.TensorSpec((4, 1)), tf.TensorSpec((4, 1)))
    return tf.data.Dataset.from_generator(lambda: iter([there()[0]]), output_signature=signature)


def left(feed):
    pictures = Pictures()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(feed(pictures), verbose=0, shuffle=False)
    there = weakref.ref(pictures)
    del pictures, model
    keras.backend.clear_session()
    gc.collect()
    return there() is not None


seen = {name: left(feed) for name, feed in {"PyDataset": lambda p: p, "from_generator": as_tensors, "weak": as_weak}.items()}
for name, kept in seen.items():
    print(f"{name}: pictures {'still in memory' if kept else 'gone'}")
if seen != {"PyDataset": True, "from_generator": True, "weak": False}:
    sys.exit("The behaviour has changed.")
print("As stated: what a training was fed from stays in memory.")
PY
