#!/usr/bin/env bash
# A subclass of keras.optimizers.AdamW that adds nothing, on the PyTorch backend.
# One expects it to do just what AdamW does.
# Keras 3.15.1 exchanges its optimizers for ones that update all variables together (PyTorch's foreach operations), but
# only where the class is exactly its own. A subclass gets the loop over single variables: with AdamW and 20 variables a
# step makes 608 calls into PyTorch instead of 30, for the same weights. There is no warning.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'keras==3.15.1' 'torch==2.13.0' 'numpy==2.4.6'
cd "$tmp"
export KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES=
venv/bin/python - <<'PY'
import sys
import keras
import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

print("Keras", keras.__version__, "PyTorch", torch.__version__)


class Calls(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


changed = False
for name in ("AdamW", "Adam", "SGD", "RMSprop"):
    own = getattr(keras.optimizers, name)
    seen = []
    for kind in (own, type("Mine", (own,), {})):
        optimizer = kind(0.1)
        variables = [keras.Variable([1.0]) for _ in range(20)]
        optimizer.build(variables)
        with Calls() as calls:
            optimizer.apply([torch.ones(1)] * 20, variables)
        together = any("Parallel" in base.__name__ for base in type(optimizer).__mro__)
        seen.append((together, calls.count, float(variables[-1].value.detach())))
        print(f"{name}, {'its subclass' if kind is not own else 'the class'}: {'together' if together else 'one by one'},", end=" ")
        print(f"{calls.count} calls for 20 variables, weight {seen[-1][2]:.6f}")
    (one, few, weight), (other, many, same) = seen
    changed |= not one or other or many < 2 * few or not np.isclose(weight, same, rtol=1e-5)
if changed:
    sys.exit("The behaviour has changed.")
print("As stated: a subclass loses the update of all variables together.")
PY
