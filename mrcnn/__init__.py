"""Mask R-CNN in Keras 3, with the pruning of a multi-task model in mind.

Importing the package is cheap: no submodule, and so no Keras backend, is loaded here.
"""

__version__ = "0.1.0"
