#!/usr/bin/env bash
# A learning rate schedule with weight decay: AdamW(CosineDecay(...)) of Keras on TensorFlow.
# One expects that a step computes the learning rate once.
# Keras 3.15.1 computes it once for the step and once more for every variable, because the loop over the decaying
# variables asks the optimizer for its learning rate again. The graph of a step with 50 variables has 51 cosines. With a
# weight decay of 0 it is the same. The graph of a network with hundreds of variables grows by as many schedules, and a
# schedule of one's own is called as often while the step is traced.
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
import tensorflow as tf

print("Keras", keras.__version__, "TensorFlow", tf.__version__)


def cosines(optimizer, count):
    weights = [keras.Variable([1.0]) for _ in range(count)]
    optimizer.build(weights)
    step = tf.function(lambda: optimizer.apply([tf.ones([1])] * count, weights))
    operations = step.get_concrete_function().graph.get_operations()
    return sum(operation.type == "Cos" for operation in operations), len(operations)


seen = {}
for count in (1, 10, 50):
    for name, keywords in {"Adam": {}, "AdamW": {"weight_decay": 0.004}, "AdamW, decay 0": {"weight_decay": 0.0}}.items():
        schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100)
        optimizer = getattr(keras.optimizers, name.split(",")[0])(schedule, **keywords)
        seen[name, count], operations = cosines(optimizer, count)
        print(f"{name}, {count} variables: {seen[name, count]} cosines among {operations} operations")
if any(found != (1 if name == "Adam" else count + 1) for (name, count), found in seen.items()):
    sys.exit("The behaviour has changed.")
print("As stated: with weight decay the schedule is computed once more for every variable.")
PY
