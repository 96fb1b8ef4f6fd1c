#!/usr/bin/env bash
# Training is interrupted in its third epoch and resumed with Keras' BackupAndRestore, then the same model is trained
# on, as for fine-tuning.
# One expects the callback to matter for the fit it is given to, and the later fit to obey its own epochs.
# Keras 3.15.1 leaves the epoch at which it resumed in the model, and it goes before what fit is told:
# a later fit(epochs=2) trains nothing and returns without a word, and fit(initial_epoch=3, epochs=4) trains two
# epochs instead of one. A model that was never interrupted obeys.
# Schedules by stages (heads first, then all layers) come out otherwise after an interruption.
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
x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def new_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def later(model):
    before = model.get_weights()[0]
    epochs = model.fit(x, y, epochs=2, verbose=0).epoch
    trained = not np.array_equal(before, model.get_weights()[0])
    return epochs, trained, model.fit(x, y, initial_epoch=3, epochs=4, verbose=0).epoch


undisturbed = new_model()
undisturbed.fit(x, y, epochs=3, verbose=0)
try:
    new_model().fit(x, y, epochs=3, verbose=0, callbacks=[keras.callbacks.BackupAndRestore("backup"), Interrupt()])
except KeyboardInterrupt:
    pass
resumed = new_model()
epochs = resumed.fit(x, y, epochs=3, verbose=0, callbacks=[keras.callbacks.BackupAndRestore("backup")]).epoch
print("resumed: epochs", epochs)
seen = {}
for name, model in (("never interrupted", undisturbed), ("resumed", resumed)):
    seen[name] = later(model)
    print(f"{name}: fit(epochs=2) ran epochs %s, weights changed: %s; fit(initial_epoch=3, epochs=4) ran %s" % seen[name])
if epochs != [2] or seen != {"never interrupted": ([0, 1], True, [3]), "resumed": ([], False, [2, 3])}:
    sys.exit("The behaviour has changed.")
print("As stated: the restored epoch stays.")
PY
