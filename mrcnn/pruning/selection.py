"""Which channels go: what each is worth, against the work that it takes."""

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
    """Multiply-accumulates of an image as a function of the groups' widths.

    Each layer's are proportional to its inputs times its outputs, so that those of any
    narrower network are known without building it.
    """

    def __init__(
        self,
        model: MaskRCNN,
        groups: Iterable[ChannelGroup],
        image_shape: tuple[int, int],
        *,
        rois: int | None = None,
        masks: int | None = None,
    ) -> None:
        """Count the work of a model as it is.

        Args:
            model: built.
            groups: its channels.
            image_shape: (H, W) in pixels.
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
        self.widths: dict[str, int] = {}
        layers = {layer.name: layer for layer in single_layers(model)}
        for group in groups:
            self.widths[group.name] = layers[group.makers[0]].bias.shape[0]
        self._layers = [
            (macs[name], makes.get(name), reads.get(name))
            for name in macs
            if macs[name]
        ]

    def macs(self, widths: Widths) -> float:
        """Return the multiply-accumulates of an image at other widths."""
        return sum(
            macs * self._part(makes, widths) * self._part(reads, widths)
            for macs, makes, reads in self._layers
        )

    def freed(self, widths: Widths) -> dict[str, float]:
        """Return how many go with one channel of each group."""
        found = dict.fromkeys(self.widths, 0.0)
        for macs, makes, reads in self._layers:
            if makes:
                found[makes] += macs / self.widths[makes] * self._part(reads, widths)
            if reads:
                found[reads] += macs / self.widths[reads] * self._part(makes, widths)
        return found

    def _part(self, group: str | None, widths: Widths) -> float:
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
    limit = part * work.macs(work.widths)

    def narrowed(count: int) -> dict[str, int]:
        """Return the widths when about `count` channels are gone."""
        threshold = order[count] if count < len(order) else np.inf
        return {
            name: _rounded(int((v[kept[name]] >= threshold).sum()), widths[name])
            for name, v in values.items()
        }

    low, high = 0, len(order)
    if work.macs(narrowed(high)) > limit:
        raise ValueError(
            f"Even with {NARROWEST} channels in every group, more than {part:.3f} of "
            "the work remains: ask for less pruning."
        )
    while low < high:
        middle = (low + high) // 2
        enough = work.macs(narrowed(middle)) <= limit
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
