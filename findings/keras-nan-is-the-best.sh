#!/usr/bin/env bash
# A number of an epoch is NaN at first, as an AP is that is measured every second epoch, or of which no image says
# anything yet; EarlyStopping and ModelCheckpoint watch it.
# One expects that the first real number is better than none.
# Keras 3.15.1 takes the NaN as the best, and as no number is larger than NaN, nothing is ever better: EarlyStopping
# stops although the number rises from epoch to epoch, and restores the weights of the epoch without a number;
# ModelCheckpoint with save_best_only never writes again. Neither says so.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow CUDA_VISIBLE_DEVICES=
venv/bin/python - <<'PY'
import sys
from pathlib import Path

import keras
import numpy as np

print("Keras", keras.__version__)


class Report(keras.callbacks.Callback):
    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs):
        logs["ap"] = self.values[epoch]


def trained(first):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    stopping = keras.callbacks.EarlyStopping("ap", mode="max", patience=3, restore_best_weights=True)
    file = "best_{epoch}.weights.h5"
    saving = keras.callbacks.ModelCheckpoint(file, "ap", mode="max", save_best_only=True, save_weights_only=True)
    values = [first, 0.2, 0.4, 0.6, 0.8, 0.9]
    done = model.fit(
        np.ones((4, 1)), np.ones((4, 1)), epochs=6, verbose=0, callbacks=[Report(values), stopping, saving]
    )
    files = sorted(path.name for path in Path().glob("best_*"))
    for name in files:
        Path(name).unlink()
    return len(done.epoch), stopping.best_epoch + 1, len(files)


seen = {name: trained(first) for name, first in {"0.1 first": 0.1, "NaN first": float("nan")}.items()}
for name, (epochs, best, files) in seen.items():
    print(f"{name}: {epochs} epochs, the best is epoch {best}, {files} files of the best")
if seen != {"0.1 first": (6, 6, 6), "NaN first": (4, 1, 1)}:
    sys.exit("The behaviour has changed.")
print("As stated: after a NaN nothing is better.")
PY
