#!/usr/bin/env bash
# The first fit or train_on_batch of a compiled Keras model on TensorFlow, whose train_step counts how often it is traced.
# One expects one trace: there is one shape of batch.
# Keras 3.15.1 makes the variables of the optimizer inside the first trace, and TensorFlow traces a function that made
# variables a second time. The start of a training with Adam therefore takes twice the tracing.
# model.optimizer.build(model.trainable_variables) after compile makes it one trace, with the same weights. With SGD
# without momentum, which keeps nothing for a weight, it is one anyway.
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
import tensorflow as tf

print("Keras", keras.__version__, "TensorFlow", tf.__version__)
data = np.ones((4, 1), "float32")


class Counting(keras.Model):
    traces = 0

    def train_step(self, batch):
        self.traces += 1
        return super().train_step(batch)


def train(optimizer, how, built):
    inputs = keras.Input((1,))
    model = Counting(inputs, keras.layers.Dense(1, kernel_initializer="ones")(inputs))
    model.compile(optimizer, "mse")
    if built:
        model.optimizer.build(model.trainable_variables)
    for _ in range(2):
        if how == "fit":
            model.fit(data, 2 * data, verbose=0)
        else:
            model.train_on_batch(data, 2 * data)
    return model.traces, model.get_weights()[0].item()


changed = False
for optimizer in ("adam", "sgd"):
    for how in ("fit", "train_on_batch"):
        (first, weight), (built, other) = (train(optimizer, how, built) for built in (False, True))
        print(f"{optimizer}, {how} twice: {first} traces; optimizer built before: {built}; weights {weight:.6f} {other:.6f}")
        changed |= (first, built) != (2 if optimizer == "adam" else 1, 1) or abs(weight - other) > 1e-6
if changed:
    sys.exit("The behaviour has changed.")
print("As stated: the first training step is traced twice, unless the optimizer is built before.")
PY
