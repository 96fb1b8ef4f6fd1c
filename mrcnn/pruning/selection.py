"""Which channels go: what each is worth, against the work that it takes."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from mrcnn.cost import layer_costs
from mrcnn.nn.channels import ChannelGroup
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.prunable import Arrays
from mrcnn.weights import single_layers

Widths = Mapping[str, int]
"""How many channels each group has."""

NARROWEST = 8
"""Channels that every group keeps, if it has as many."""

MULTIPLE = 8
"""Widths are multiples of this: others are slower than the next multiple on most
processors, whose vectors they do not fill."""


class Work:
    """What an image costs a network, as a function of the groups' widths.

    Counted are multiply-accumulates and weights: the ones take time, the others memory,
    and they sit in different layers. Both are proportional to a layer's inputs times
    its outputs, so that those of any narrower network are known without building it.
    """

    def __init__(
        self,
        model: MaskRCNN,
        groups: Iterable[ChannelGroup],
        image_shape: tuple[int, int],
        *,
        weights: float = 0.5,
        rois: int | None = None,
        masks: int | None = None,
    ) -> None:
        """Count the work of a model as it is.

        Args:
            model: built.
            groups: its channels.
            image_shape: (H, W) in pixels.
            weights: how much their part of all weights counts, between 0 and 1; the
                multiply-accumulates count for the rest.
            rois: that go through the box head; by default as many as it proposes.
            masks: RoIs that go through the mask head; by default as many as it detects.
        """
        costs = layer_costs(
            model,
            image_shape,
            rois=rois or model.settings.proposals_inference,
            masks=masks or model.settings.detections,
        )
        macs = {n: cost.macs for part in costs.values() for n, cost in part.items()}
        makes = {name: group.name for group in groups for name in group.makers}
        reads = {name: group.name for group in groups for name in group.readers}
        layers = {layer.name: layer for layer in single_layers(model)}
        self.widths: dict[str, int] = {
            group.name: layers[group.makers[0]].bias.shape[0] for group in groups
        }
        sizes = {n: math.prod(layers[n].kernel.shape) for n in macs if macs[n]}
        all_macs, all_sizes = sum(macs.values()), sum(sizes.values())
        self._layers = [
            (
                (1 - weights) * macs[name] / all_macs + weights * size / all_sizes,
                makes.get(name),
                reads.get(name),
            )
            for name, size in sizes.items()
        ]

    def part(self, widths: Widths) -> float:
        """Return the part of the whole network's work that other widths leave."""
        return sum(
            work * self._share(makes, widths) * self._share(reads, widths)
            for work, makes, reads in self._layers
        )

    def freed(self, widths: Widths) -> dict[str, float]:
        """Return the part that goes with one channel of each group."""
        found = dict.fromkeys(self.widths, 0.0)
        for work, makes, reads in self._layers:
            if makes:
                found[makes] += work / self.widths[makes] * self._share(reads, widths)
            if reads:
                found[reads] += work / self.widths[reads] * self._share(makes, widths)
        return found

    def _share(self, group: str | None, widths: Widths) -> float:
        return widths[group] / self.widths[group] if group else 1.0


def select(
    scores: Arrays, kept: Arrays, work: Work, part: float, *, exponent: float
) -> Arrays:
    """Return which channels stay, so that a part of the work does.

    Channels go from the one that is worth least for the work it takes.

    Args:
        scores: (C,) of each group, more is better.
        kept: (C,) bool, which are still there; no others can stay.
        work: of the whole network.
        part: of its work that may remain.
        exponent: of the work in a channel's score; 0 lets it not count.

    Raises:
        ValueError: if the narrowest network still takes more work.
    """
    widths = {name: int(mask.sum()) for name, mask in kept.items()}
    freed = work.freed(widths)
    values = {
        name: np.where(kept[name], score / freed[name] ** exponent, np.inf)
        for name, score in scores.items()
    }
    order = np.sort(np.concatenate([v[kept[name]] for name, v in values.items()]))

    def narrowed(count: int) -> dict[str, int]:
        """Return the widths when about `count` channels are gone."""
        threshold = order[count] if count < len(order) else np.inf
        return {
            name: _rounded(int((v[kept[name]] >= threshold).sum()), widths[name])
            for name, v in values.items()
        }

    low, high = 0, len(order)
    if work.part(narrowed(high)) > part:
        raise ValueError(
            f"Even with {NARROWEST} channels in every group, more than {part:.3f} of "
            "the work remains: ask for less pruning."
        )
    while low < high:
        middle = (low + high) // 2
        enough = work.part(narrowed(middle)) <= part
        low, high = (low, middle) if enough else (middle + 1, high)
    return {
        name: _best(scores[name], kept[name], width)
        for name, width in narrowed(low).items()
    }


def _rounded(count: int, width: int) -> int:
    """Return a width that is a multiple, not below the narrowest nor above the old."""
    return min(width, max(NARROWEST, -(-count // MULTIPLE) * MULTIPLE))


def _best(scores: np.ndarray, kept: np.ndarray, width: int) -> np.ndarray:
    """Return (C,) bool with the best `width` channels of those kept."""
    order = np.argsort(np.where(kept, -scores, np.inf), kind="stable")
    chosen = np.zeros(len(scores), bool)
    chosen[order[:width]] = True
    return chosen
