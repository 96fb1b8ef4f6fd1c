"""Binary masks that hold through everything an optimizer does."""

from collections.abc import Mapping

import keras
import numpy as np

from mrcnn.pruning.prunable import Arrays, PrunableLayer
from mrcnn.structures import Tensor


class _Masked(keras.constraints.Constraint):
    """Set a weight to zero where its mask is, after every step of the optimizer."""

    def __init__(self, mask: keras.Variable) -> None:
        self.mask = mask

    def __call__(self, w: Tensor) -> Tensor:
        """Return the masked weight."""
        return w * self.mask


class Masks:
    """The masks of a model's prunable layers.

    A mask is a variable of the optimizer and the constraint of its kernel. So it acts
    after momentum, weight decay and whatever else the optimizer does, on every backend
    and in every precision; it is saved and resumed with the optimizer; and choosing
    other weights compiles nothing anew.
    """

    def __init__(self, layers: list[PrunableLayer]) -> None:
        """Take the layers; nothing is masked until `attach`."""
        self.layers = layers
        self._masks: dict[str, keras.Variable] = {}
        self._optimizer: keras.optimizers.Optimizer | None = None

    def attach(self, optimizer: keras.optimizers.Optimizer) -> bool:
        """Enforce the masks in all that an optimizer does; at first all weights stay.

        Call it before training is compiled; on the optimizer that has them already it
        does nothing. Weights that an earlier optimizer held at zero stay there.

        Returns:
            Whether anything changed. A training step that was traced before then knows
            of no masks.
        """
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = optimizer.inner_optimizer
        if optimizer is self._optimizer:
            return False
        earlier = self.arrays() if self._masks else {}
        self._optimizer = optimizer
        for layer in self.layers:
            mask = optimizer.add_variable(
                layer.kernel.shape, initializer="ones", name=f"mask_{layer.name}"
            )
            if layer.name in earlier:
                mask.assign(earlier[layer.name])
            self._masks[layer.name] = mask
            layer.kernel.constraint = _Masked(mask)
        return True

    def arrays(self) -> Arrays:
        """Return the masks, 0 or 1 (uint8)."""
        return {
            name: np.asarray(mask).astype(np.uint8)
            for name, mask in self._masks.items()
        }

    def assign(self, masks: Arrays, dense: Mapping[str, np.ndarray]) -> None:
        """Put new masks in force.

        Args:
            masks: 0 or 1, by layer.
            dense: kernels without their masks; a weight that comes back has this value.
        """
        for layer in self.layers:
            mask = masks[layer.name].astype(np.float32)
            self._masks[layer.name].assign(mask)
            layer.kernel.assign(dense[layer.name] * mask)

    def enforce(self) -> None:
        """Zero what is masked now, after something else than the optimizer wrote it."""
        for layer in self.layers:
            layer.kernel.assign(layer.kernel * self._masks[layer.name])


def masks_of(layers: list[PrunableLayer]) -> Arrays:
    """Return where kernels are not zero: the masks of a model pruned before."""
    return {
        layer.name: (np.asarray(layer.kernel) != 0).astype(np.uint8) for layer in layers
    }


def sparsity(masks: Arrays) -> float:
    """Return the share of zeros in masks."""
    total = sum(mask.size for mask in masks.values())
    return 1 - sum(int(mask.sum(dtype=np.int64)) for mask in masks.values()) / total
