#!/usr/bin/env bash
# Five TensorFlow operations, converted with tf2onnx and run with ONNX Runtime.
# One expects the same numbers, or an error from the conversion.
# tf2onnx 1.17.0 converts each to an ONNX operation that means something else, without a warning: one_hot of -1 gives
# the last class instead of zeros; // and % of negative integers round towards zero; resize with method "area" becomes
# a nearest-neighbour resize; crop_and_resize with method "nearest" rounds halves down instead of up.
# -1 as "no class" or padding becomes a detection of the last class; box arithmetic left of 0 is one pixel off.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'tf2onnx==1.17.0' 'onnxruntime==1.32.0' 'tensorflow-cpu==2.21.0' 'onnx==1.23.2' \
    'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0
venv/bin/python - <<'PY'
import sys
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

print("tf2onnx", tf2onnx.__version__, "ONNX Runtime", onnxruntime.__version__, "TensorFlow", tf.__version__)
nine, eleven = (np.tile(np.arange(n, dtype="float32").reshape(1, 1, n, 1), (1, n, 1, 1)) for n in (9, 11))
cases = {
    "one_hot of -1": (lambda x: tf.one_hot(x, 3), np.array([-1], "int32"), [0, 0, 0], [0, 0, 1]),
    "-7 // 2": (lambda x: x // 2, np.array([-7], "int32"), [-4], [-3]),
    "-7 % 2": (lambda x: x % 2, np.array([-7], "int32"), [1], [-1]),
    "resize, area, 9 columns to 3": (
        lambda x: tf.image.resize(x, (3, 3), method="area")[0, 0, :, 0],
        nine,
        [1, 4, 7],
        [0, 3, 6],
    ),
    "crop_and_resize, nearest, 11 columns to 5": (
        lambda x: tf.image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [0], (5, 5), method="nearest")[0, 0, :, 0],
        eleven,
        [0, 3, 5, 8, 10],
        [0, 2, 5, 7, 10],
    ),
}
changed = False
for name, (function, argument, in_tensorflow, in_onnx) in cases.items():
    expected = np.array(function(tf.constant(argument))).ravel()
    signature = [tf.TensorSpec(argument.shape, argument.dtype)]
    graph = tf.function(function, autograph=False)
    model, _ = tf2onnx.convert.from_function(graph, input_signature=signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result = session.run(None, {session.get_inputs()[0].name: argument})[0].ravel()
    print(f"{name}: TensorFlow {expected.tolist()}, ONNX Runtime {result.tolist()}")
    changed |= expected.tolist() != in_tensorflow or result.tolist() != in_onnx
if changed:
    sys.exit("The behaviour has changed.")
print("As stated: the converted operations return other numbers.")
PY
