#!/usr/bin/env bash
# An optimizer averages the weights (use_ema), SwapEMAWeights(swap_on_epoch=True) has the averages measured and saved
# after each epoch, and the training ends before its last planned epoch, as early stopping does it.
# One expects the averages in the end, as after a training of all its epochs.
# Keras 3.15.1 ends with the averages if all epochs are trained, and with the weights that are not averaged if it is
# stopped one epoch earlier: the callback leaves the weights in the place of the averages, from which fit takes, as
# it thinks, the averages when it ends.
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
STEP, MOMENTUM, EPOCHS = 1.0, 0.5, 4


class Stop(keras.callbacks.Callback):
    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.after:
            self.model.stop_training = True


def end(planned):
    """Train four epochs of one step; each step takes 1 from the only weight, which begins at 0."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    optimizer = keras.optimizers.SGD(STEP, use_ema=True, ema_momentum=MOMENTUM)
    model.compile(optimizer, lambda y, prediction: keras.ops.mean(prediction))
    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True), Stop(EPOCHS)]
    model.fit(np.ones((1, 1)), np.ones((1, 1)), epochs=planned, verbose=0, callbacks=callbacks)
    return float(model.get_weights()[0][0, 0])


weights, average = -STEP * EPOCHS, 0.0
for step in range(1, EPOCHS + 1):
    average = -STEP * step if step == 1 else MOMENTUM * average + (1 - MOMENTUM) * -STEP * step
print(f"by hand: weight {weights}, average {average}")
whole, stopped = end(EPOCHS), end(EPOCHS + 1)
print(f"all {EPOCHS} epochs trained: {whole}; stopped after {EPOCHS} of {EPOCHS + 1}: {stopped}")
if abs(whole - average) > 1e-5 or abs(stopped - weights) > 1e-5:
    sys.exit("The behaviour has changed.")
print("As stated: the average after all epochs, the plain weight after a stop.")
PY
