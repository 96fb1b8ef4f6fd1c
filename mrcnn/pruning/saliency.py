"""How much each loss would change without a weight, measured batch by batch."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.gradients import separate_gradients
from mrcnn.pruning.prunable import Arrays, PrunableLayer
from mrcnn.pruning.untouched import untouched
from mrcnn.structures import Tensor

LossGroups = Mapping[str, tuple[str, ...]]
"""Names of losses that are added up and differentiated together, such as
`mrcnn.tasks.LOSSES`: one group for each task."""


SCALE = 2.0**10
"""Of losses when they are differentiated. Without it the small gradients of float16
vanish; elsewhere a power of two changes nothing."""


def gradient_cost(groups: LossGroups, batches: int) -> float:
    """Return what gradients of several batches cost, in training steps.

    A batch is one pass forward, a third of a step, and for each group one pass back,
    which counts twice as much.
    """
    return batches * (1 + 2 * len(groups)) / 3


def loss_gradients(
    model: MaskRCNN, groups: LossGroups, variables: Sequence[keras.Variable]
) -> Callable[[Mapping[str, np.ndarray]], tuple[Tensor, list[list[Tensor]]]]:
    """Return a function batch -> (losses (T,), gradients of each), in `groups`' order.

    Losses count as much as in the model's training: `model.loss_weights` multiplies
    them, with the values it has when the function is called. See
    `mrcnn.ops.gradients.separate_gradients`.
    """

    def losses(batch: Mapping[str, Tensor]) -> Tensor:
        outputs = model(batch, training=True)
        losses = model.compute_losses(outputs, batch["active_class_ids"])
        parts = ops.stack(list(losses.values())) * model.loss_weights * SCALE
        by_name = dict(zip(losses, ops.unstack(parts), strict=True))
        return ops.stack(
            [sum(by_name[name] for name in names) for names in groups.values()]
        )

    derive = separate_gradients(model, losses, variables)

    def unscaled(
        batch: Mapping[str, np.ndarray],
    ) -> tuple[Tensor, list[list[Tensor]]]:
        values, gradients = derive(batch)
        return values / SCALE, [[g / SCALE for g in each] for each in gradients]

    return unscaled


def finite(gradient: Tensor, name: str, batch: int) -> np.ndarray:
    """Return a gradient as an array.

    Raises:
        ArithmeticError: names weight and batch if it holds NaN or an infinite number.
    """
    array = ops.convert_to_numpy(gradient)
    if not np.isfinite(array).all():
        raise ArithmeticError(
            f"The gradient of {name} is NaN or infinite on batch {batch} of the "
            "calibration data: look at its images, or take precision float32."
        )
    return array


class Saliency:
    """First-order loss changes |w dL/dw|, averaged over batches, for each loss group.

    Taylor's criterion (arXiv:1611.06440, arXiv:1906.10771), for the sum of all losses
    or for each task apart. Measuring leaves the model as it was.
    """

    def __init__(
        self,
        model: MaskRCNN,
        layers: list[PrunableLayer],
        groups: LossGroups,
        batches: Batches,
    ) -> None:
        """Compile nothing yet.

        Args:
            model: whose losses.
            layers: whose kernels.
            groups: of losses.
            batches: training data; one after another is used, endlessly.
        """
        self.model, self.layers = model, layers
        self.groups, self.batches = groups, batches
        self.used = 0  # batches so far
        self._derive = loss_gradients(model, groups, [x.kernel for x in layers])

    def measure(self, weights: Arrays, count: int) -> dict[str, Arrays]:
        """Return the mean of |w dL/dw| over the next batches, for each group.

        Args:
            weights: w, which may differ from the kernels: a masked weight has a
                gradient too, and would change the loss if it came back.
            count: of batches.

        Raises:
            ArithmeticError: names layer and batch of a gradient that is not finite.
        """
        sums: dict[str, Arrays] = {group: {} for group in self.groups}
        with untouched(self.model):
            for _ in range(count):
                (batch,) = self.batches[self.used]
                self.used += 1
                _, gradients = self._derive(batch)
                for group, arrays in zip(sums.values(), gradients, strict=True):
                    self._add(group, arrays)
        return {
            group: {
                name: np.abs(weights[name]) * total / count
                for name, total in arrays.items()
            }
            for group, arrays in sums.items()
        }

    def _add(self, sums: Arrays, gradients: list[Tensor]) -> None:
        """Add one batch's |dL/dw| to the sums."""
        for layer, gradient in zip(self.layers, gradients, strict=True):
            part = np.abs(finite(gradient, layer.name, self.used - 1))
            sums[layer.name] = sums.get(layer.name, 0) + part
