"""A gate on every channel: what shuts it, and what each task would lose.

A channel is shut by the weights that scale it: gamma and beta of its normalisation, or,
where there is none, kernel and bias. Biases and beta count: a channel whose kernel
alone is zero still gives a constant.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import keras
import numpy as np

from mrcnn.data.pipeline import Batches
from mrcnn.nn.channels import ChannelGroup
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.prunable import Arrays
from mrcnn.pruning.saliency import LossGroups, finite, loss_gradients
from mrcnn.pruning.surgery import channel_axes
from mrcnn.pruning.untouched import untouched
from mrcnn.structures import Tensor
from mrcnn.weights import single_layers


class Scale(NamedTuple):
    """A weight by which a group's channels are scaled."""

    name: str
    kernel: keras.Variable
    axis: int  # of the channels

    @property
    def others(self) -> tuple[int, ...]:
        """The axes that are not the channels'."""
        count = len(self.kernel.shape)
        return tuple(i for i in range(count) if i != self.axis % count)

    def spread(self, channels: np.ndarray) -> np.ndarray:
        """Return a value (C,) of each channel in the shape of the weight."""
        values = np.expand_dims(channels, self.others)
        return np.broadcast_to(values, self.kernel.shape)


def gates(model: MaskRCNN, groups: Iterable[ChannelGroup]) -> dict[str, list[Scale]]:
    """Return for each group the weights that scale its channels."""
    layers = {layer.name: layer for layer in single_layers(model)}
    found = {}
    for group in groups:
        scales = []
        for name in group.norms or group.makers:
            layer = layers[name]
            if group.norms:
                members = [(layer.gamma, 0), (layer.beta, 0)]
            else:
                members = [(layer.kernel, channel_axes(layer)[1]), (layer.bias, 0)]
            scales += [Scale(f"{name}_{v.name}", v, axis) for v, axis in members]
        found[group.name] = scales
    return found


def silence(
    model: MaskRCNN, groups: Iterable[ChannelGroup], kept: Mapping[str, Iterable[int]]
) -> None:
    """Make all channels zero but those kept, in the groups that `kept` names."""
    for name, scales in gates(model, groups).items():
        if name in kept:
            for scale in scales:
                mask = np.zeros(scale.kernel.shape[scale.axis], np.float32)
                mask[list(kept[name])] = 1
                scale.kernel.assign(scale.kernel * scale.spread(mask))


class GateSaliency:
    """What each loss would change, to first order, if a channel were shut.

    The derivative with respect to a gate in front of a channel, which is the sum of
    w dL/dw over the weights that scale it (arXiv:1906.10771, section 3.2): its absolute
    value, averaged over batches. Measuring leaves the model as it was.
    """

    def __init__(
        self,
        model: MaskRCNN,
        groups: Iterable[ChannelGroup],
        losses: LossGroups,
        batches: Batches,
    ) -> None:
        """Compile nothing yet; arguments as of `saliency.Saliency`."""
        self.model, self.gates = model, gates(model, groups)
        self.losses, self.batches = losses, batches
        self.used = 0  # batches so far
        self._scales = [scale for scales in self.gates.values() for scale in scales]
        variables = [scale.kernel for scale in self._scales]
        self._derive = loss_gradients(model, losses, variables)

    def measure(self, count: int) -> dict[str, Arrays]:
        """Return by loss group and group of channels (C,) the mean over batches.

        Raises:
            ArithmeticError: names weight and batch of a gradient that is not finite.
        """
        sums = {
            loss: {
                name: np.zeros(scales[0].kernel.shape[scales[0].axis], np.float32)
                for name, scales in self.gates.items()
            }
            for loss in self.losses
        }
        with untouched(self.model):
            for _ in range(count):
                (batch,) = self.batches[self.used]
                self.used += 1
                _, gradients = self._derive(batch)
                for arrays, by_scale in zip(sums.values(), gradients, strict=True):
                    self._add(arrays, by_scale)
        return {
            loss: {name: array / count for name, array in arrays.items()}
            for loss, arrays in sums.items()
        }

    def _add(self, arrays: Arrays, gradients: list[Tensor]) -> None:
        """Add one batch's absolute gate derivatives to the sums."""
        parts = iter(zip(self._scales, gradients, strict=True))
        for name, scales in self.gates.items():
            total = np.zeros_like(arrays[name])
            for _ in scales:
                scale, gradient = next(parts)
                derivative = finite(gradient, scale.name, self.used - 1)
                product = derivative * np.asarray(scale.kernel)
                total += product.sum(axis=scale.others, dtype=np.float32)
            arrays[name] += np.abs(total)
