#!/usr/bin/env bash
# An index beyond the end, a slice beyond the end, and a class number that the network has no output for, in Keras.
# One expects an error on every backend, or the same answer on every backend.
# On TensorFlow 2.21.0 (CPU) Keras 3.15.1 raises an error each time. On JAX 0.10.2 it raises none: take and take_along_axis
# return NaN, ops.slice moves the slice to the left until it fits, scatter_update leaves the value out, and
# sparse_categorical_crossentropy of the missing class is 0, as if the answer were perfect.
# A mask with a "do not score" class of 255, or a box index that is one too high, trains on JAX and seems to go well.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'jax==0.10.2' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 JAX_PLATFORMS=cpu
cat > operations.py <<'PY'
import sys
import keras
import numpy as np
from keras import ops

x = np.arange(6, dtype="float32")
scores = np.array([[0.2, 0.3, 0.5]], "float32")
calls = {
    "take(x, [7])": lambda: ops.take(x, [7]),
    "take_along_axis(x, [7])": lambda: ops.take_along_axis(x, np.array([7])),
    "slice(x, [4], [4])": lambda: ops.slice(x, [4], [4]),
    "scatter_update(zeros(3), [[1], [9]], [1, 2])": lambda: ops.scatter_update(ops.zeros(3), [[1], [9]], [1.0, 2.0]),
    "sparse_categorical_crossentropy(255, 3 scores)": lambda: ops.sparse_categorical_crossentropy(np.array([255]), scores),
}
print(f"Keras {keras.__version__} on {keras.backend.backend()}, x = 0 to 5")
seen = []
for name, call in calls.items():
    try:
        seen.append((np.array(call()) + 0.0).tolist())
    except Exception as error:
        seen.append(type(error).__name__)
    print(f"  {name}: {seen[-1]}")
stated = {
    "tensorflow": ["InvalidArgumentError"] * 5,
    "jax": [[float("nan")], [float("nan")], [2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 0.0], [0.0]],
}[keras.backend.backend()]
if str(seen) != str(stated):
    sys.exit(f"The behaviour has changed: stated was {stated}")
PY
for backend in tensorflow jax; do KERAS_BACKEND=$backend venv/bin/python operations.py; done
echo "As stated: an error on TensorFlow, an answer on JAX."
