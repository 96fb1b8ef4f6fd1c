"""Mask R-CNN in Keras 3, with the pruning of a multi-task model in mind.

Importing the package is cheap: no submodule, and so no Keras backend, is loaded here.
"""

import os

__version__ = "0.1.0"

# TensorFlow reads this when it is loaded, and by default leaves its faster convolutions
# (oneDNN's) to processors with VNNI or newer. On one with AVX2 alone a training step of
# the compact network took 2.2 s without them and 0.7 s with them, on two cores. Whoever
# has set it otherwise keeps that.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
