#!/usr/bin/env bash
# Training in two stages: a model is compiled twice, each time with a new optimizer that averages its weights, and
# one SwapEMAWeights(swap_on_epoch=True) serves both fits.
# One expects the second fit to go on from the weights of the first.
# Keras 3.15.1: the callback believes that the averages of the first optimizer are still in the model, and at the
# first epoch of the second fit swaps in those of the new one, which are 0. A weight of 1 becomes 0, and all
# that was learnt is gone; there is no warning. A new callback for each fit avoids it.
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
keras.utils.set_random_seed(3)
data = np.ones((4, 1), "float32")


def after(stages, same):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    callback = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    seen = []
    for _ in range(stages):
        optimizer = keras.optimizers.SGD(1e-9, use_ema=True)  # so small that nothing is learnt
        model.compile(optimizer, "mse")
        optimizer.build(model.trainable_variables)
        model.fit(data, 2 * data, verbose=0, callbacks=[callback])
        seen.append(float(model.get_weights()[0].item()))
        if not same:
            callback = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    return seen


one, new = after(2, same=True), after(2, same=False)
print("weight after each fit, one callback for both:", *one)
print("weight after each fit, a new callback each:  ", *new)
if not (abs(one[0] - 1) < 1e-3 and abs(one[1]) < 1e-3 and abs(new[1] - 1) < 1e-3):
    sys.exit("The behaviour has changed.")
print("As stated: with one callback the second fit starts from 0.")
PY
