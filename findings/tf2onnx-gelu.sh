#!/usr/bin/env bash
# A Keras model with activation="gelu", exported to ONNX with model.export(..., format="onnx").
# One expects a file that ONNX Runtime loads, or an export that fails: GELU is in nearly every network of today.
# TensorFlow 2.21.0 computes the exact GELU with the operation Erfc. tf2onnx 1.17.0, which Keras 3.15.1 calls, knows
# Erf and not Erfc: it logs a line, writes a node that ONNX does not have, and returns. Keras says that it saved the
# file; ONNX Runtime 1.32.0 refuses it. The tanh form (approximate=True) works.
# An export that is not loaded on the spot is found out on the machine that should run it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'tf2onnx==1.17.0' 'onnxruntime==1.32.0' 'keras==3.15.1' 'tensorflow-cpu==2.21.0' \
    'onnx==1.23.2' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 KERAS_BACKEND=tensorflow
venv/bin/python - <<'PY'
import sys
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx

print("tf2onnx", tf2onnx.__version__, "TensorFlow", tf.__version__, "Keras", keras.__version__)


def tanh_gelu(x):
    return keras.activations.gelu(x, approximate=True)


seen = {}
for name, activation in (("gelu", "gelu"), ("gelu, approximate", tanh_gelu)):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation=activation)])
    model(np.zeros((1, 8, 8, 3), "float32"))
    model.export("a.onnx", format="onnx", verbose=True)
    unknown = any(node.op_type == "Erfc" for node in onnx.load("a.onnx").graph.node)
    try:
        onnxruntime.InferenceSession("a.onnx", providers=["CPUExecutionProvider"])
        loaded = "loads"
    except Exception as error:
        loaded = type(error).__name__
    seen[name] = (unknown, loaded)
    print(f"{name}: has a node Erfc: {unknown}; ONNX Runtime: {loaded}")
if seen != {"gelu": (True, "InvalidGraph"), "gelu, approximate": (False, "loads")}:
    sys.exit("The behaviour has changed.")
print("As stated: the export succeeds and the file is not valid.")
PY
