"""Which weights may be pruned, where they sit, and which tasks they serve.

Kernels of convolutions, and nothing else. The first convolution and the layers that
give the outputs stay dense, as is usual (arXiv:1902.09574): they are few and each of
their weights counts. So do biases and batch normalisation.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.tasks import Task
from mrcnn.weights import single_layers

Arrays = dict[str, np.ndarray]
"""One array for each prunable layer, by its name, in the shape of its kernel."""

DENSE_LAYERS = (
    *("conv1", "conv_stem", "rpn_class_raw", "rpn_bbox_pred"),
    *("mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_mask"),
)
"""Layers that are never pruned."""

GROUPS: dict[str, str] = {
    "stage 2": r"res2.*",
    "stage 3": r"res3.*",
    "stage 4": r"res4.*",
    "stage 5": r"res5.*",
    "pyramid": r"fpn_.*",
    "proposals": r"rpn_.*",
    "box head": r"mrcnn_class_.*",
    "mask head": r"mrcnn_mask_.*",
}
"""Parts of the network from the image to the outputs, as patterns of layer names."""

PRIVATE_TASKS: dict[str, tuple[Task, ...]] = {
    "proposals": (Task.BOX, Task.CLASS),
    "box head": (Task.BOX, Task.CLASS),
    "mask head": (Task.MASK,),
}
"""Groups that only some losses reach; every other group serves all tasks."""


class PrunableLayer(NamedTuple):
    """A kernel that may be pruned."""

    name: str  # of the layer
    kernel: keras.Variable
    group: str  # a key of GROUPS

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks whose losses depend on this kernel."""
        return PRIVATE_TASKS.get(self.group, tuple(Task))

    @property
    def size(self) -> int:
        """How many weights it has."""
        return int(np.prod(self.kernel.shape))


def prunable_layers(model: MaskRCNN) -> list[PrunableLayer]:
    """Return the prunable layers of a model from the image to the outputs."""
    return [
        PrunableLayer(layer.name, layer.kernel, group_of(layer.name))
        for layer in single_layers(model)
        if hasattr(layer, "kernel") and layer.name not in DENSE_LAYERS
    ]


def group_of(name: str) -> str:
    """Return the group of a layer.

    Raises:
        ValueError: if it belongs to none.
    """
    for group, pattern in GROUPS.items():
        if re.fullmatch(pattern, name):
            return group
    raise ValueError(f"Layer {name!r} belongs to no group of {', '.join(GROUPS)}.")


def kernels(layers: Sequence[PrunableLayer]) -> Arrays:
    """Return copies of the kernels."""
    return {layer.name: np.asarray(layer.kernel).astype(np.float32) for layer in layers}
