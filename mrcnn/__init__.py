"""Mask R-CNN in Keras 3, with the pruning of a multi-task model in mind.

Importing the package is cheap: no Keras backend, and not even NumPy, is loaded here.
From then on `import imgaug` works under NumPy 2 (see `mrcnn.data.imgaug_import`).
"""

import os

from mrcnn.data import imgaug_import

__version__ = "0.1.0"

# TensorFlow reads this when it is loaded, and by default leaves its faster convolutions
# (oneDNN's) to processors with VNNI or newer. On one with AVX2 alone a training step of
# the compact network took 2.2 s without them and 0.7 s with them, on two cores. Whoever
# has set it otherwise keeps that.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# PyTorch's threads (OpenMP's) by default wait for each other in a loop that keeps their
# cores busy, from which other work on the same cores suffers, and theirs with it. Read
# when PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

imgaug_import.install()
