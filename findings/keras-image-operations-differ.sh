#!/usr/bin/env bash
# Two of Keras' image operations, called alike on TensorFlow and on JAX.
# One expects the same picture, up to rounding.
# keras.ops.image.gaussian_blur of Keras 3.15.1 takes the picture as channels-first on JAX if data_format is not
# given: it blurs along one axis of the picture and across the colours. On TensorFlow it blurs the picture. With
# data_format="channels_last" both agree.
# map_coordinates with fill_mode="reflect" is right on JAX; on TensorFlow points beyond the upper and left edge are
# one pixel off, and fill_mode="mirror" raises an error beyond the lower and right edge.
# A network or an augmentation moved to another backend sees other pictures, with no error from the blur.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'tensorflow-cpu==2.21.0' 'jax==0.10.2' 'scipy==1.17.1' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 JAX_PLATFORMS=cpu
cat > operations.py <<'PY'
import json
import sys
import keras
import numpy as np
from keras import ops

row = np.array([10, 20, 30, 40], "float32")
points = np.array([-3, -2, -1, 0, 3, 4, 5, 6], "float32")
point = np.zeros((1, 5, 5, 1), "float32")
point[0, 2, 2, 0] = 1


def look(picture):
    return np.array(picture, "float64").round(3).tolist()


seen = {
    "blur": look(ops.image.gaussian_blur(point, (3, 3), (1.0, 1.0))[0, 1:4, 1:4, 0]),
    "blur, channels_last": look(
        ops.image.gaussian_blur(point, (3, 3), (1.0, 1.0), data_format="channels_last")[0, 1:4, 1:4, 0]
    ),
    "reflect": look(ops.image.map_coordinates(row, [points], order=1, fill_mode="reflect")),
}
try:
    seen["mirror"] = look(ops.image.map_coordinates(row, [points], order=1, fill_mode="mirror"))
except Exception as error:
    seen["mirror"] = type(error).__name__
print(f"Keras {keras.__version__} on {keras.backend.backend()}")
for name, result in seen.items():
    print(f"  {name}: {result}")
with open(sys.argv[1], "w") as file:
    json.dump(seen, file)
PY
for backend in tensorflow jax; do KERAS_BACKEND=$backend venv/bin/python operations.py "$backend.json"; done
venv/bin/python - <<'PY'
import json
import sys
import numpy as np
from scipy.ndimage import map_coordinates

tensorflow, jax = (json.load(open(f"{name}.json")) for name in ("tensorflow", "jax"))
row, points = np.array([10.0, 20, 30, 40]), np.array([-3.0, -2, -1, 0, 3, 4, 5, 6])
right = {mode: map_coordinates(row, [points], order=1, mode=mode).tolist() for mode in ("reflect", "mirror")}
print("scipy:", right)
full = tensorflow["blur, channels_last"]
if (
    not np.allclose(full, jax["blur, channels_last"], atol=0.002)
    or not np.allclose(full, tensorflow["blur"], atol=0.002)
    or not np.allclose(jax["blur"], np.array(full) * [[0], [1], [0]], atol=0.002)
    or jax["reflect"] != right["reflect"]
    or jax["mirror"] != right["mirror"]
    or tensorflow["reflect"] != [40, 30, 20, 10, 40, 40, 30, 20]
    or tensorflow["mirror"] != "InvalidArgumentError"
):
    sys.exit("The behaviour has changed.")
print("As stated: the backends return different pictures.")
PY
