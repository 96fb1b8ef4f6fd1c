"""What was pruned, or would be: by layer, by group and in all."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mrcnn.cost import layer_costs, total
from mrcnn.data.pipeline import Batches
from mrcnn.evaluation.tables import html_table, markdown_table
from mrcnn.files import atomic_path
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.pruning.balance import weigh_losses
from mrcnn.pruning.masks import masks_of
from mrcnn.pruning.methods import Evidence, Method
from mrcnn.pruning.prunable import GROUPS, Arrays, kernels, prunable_layers
from mrcnn.pruning.saliency import Saliency
from mrcnn.pruning.untouched import untouched
from mrcnn.weights import weighted_layers


class LayerRow(NamedTuple):
    """One prunable layer."""

    name: str
    group: str
    shape: tuple[int, ...]  # of the kernel
    weights: int
    kept: int
    macs: int  # multiply-accumulates for one image when nothing is pruned

    @property
    def kept_macs(self) -> int:
        """The multiply-accumulates whose weight is not zero."""
        return self.macs * self.kept // self.weights

    @property
    def sparsity(self) -> float:
        """The share of weights that is gone."""
        return 1 - self.kept / self.weights


@dataclass(frozen=True, repr=False)
class PruningReport:
    """Which weights a model keeps; a table where it is shown.

    Multiply-accumulates (MACs) are those of one image with as many proposals and
    detections as the model allows. Skipping the zeros among them takes a library for
    sparse kernels; an ordinary one computes them all.
    """

    layers: tuple[LayerRow, ...]
    all_weights: int  # of the model, what is never pruned included
    all_macs: int  # likewise

    @property
    def sparsity(self) -> float:
        """The share of the prunable weights that is gone."""
        return 1 - self._kept(self.layers) / self._weights(self.layers)

    @property
    def overall_sparsity(self) -> float:
        """The share of all weights that is gone."""
        gone = self._weights(self.layers) - self._kept(self.layers)
        return gone / self.all_weights

    @property
    def overall_mac_sparsity(self) -> float:
        """The share of all multiply-accumulates whose weight is zero."""
        gone = sum(row.macs - row.kept_macs for row in self.layers)
        return gone / self.all_macs

    def by_group(self) -> dict[str, float]:
        """Return the sparsity of each group."""
        members = {
            group: [row for row in self.layers if row.group == group]
            for group in GROUPS
        }
        return {
            group: 1 - self._kept(rows) / self._weights(rows)
            for group, rows in members.items()
            if rows
        }

    def group_rows(self) -> list[list[str]]:
        """Return the table of groups, the first row a header."""
        cells = [["group", "layers", "weights", "kept", "sparsity", "MACs", "kept"]]
        for group, sparsity in self.by_group().items():
            rows = [row for row in self.layers if row.group == group]
            cells.append(_cells(group, len(rows), rows, sparsity))
        cells.append(_cells("all", len(self.layers), self.layers, self.sparsity))
        return cells

    def layer_rows(self) -> list[list[str]]:
        """Return the table of layers, the first row a header."""
        header = ["layer", "kernel", "weights", "kept", "sparsity", "MACs", "kept"]
        return [header] + [
            [
                row.name,
                " x ".join(map(str, row.shape)),
                f"{row.weights:,}",
                f"{row.kept:,}",
                f"{row.sparsity:.1%}",
                _millions(row.macs),
                _millions(row.kept_macs),
            ]
            for row in self.layers
        ]

    def table(self) -> str:
        """Return both tables as Markdown."""
        return "\n\n".join(map(markdown_table, (self.group_rows(), self.layer_rows())))

    def __repr__(self) -> str:
        """Return the tables: what a reader wants to see of a report."""
        return self.table()

    def _repr_html_(self) -> str:
        return html_table(self.group_rows())

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers."""
        return {
            "sparsity": self.sparsity,
            "overall_sparsity": self.overall_sparsity,
            "overall_mac_sparsity": self.overall_mac_sparsity,
            "all_weights": self.all_weights,
            "all_macs": self.all_macs,
            "layers": [row._asdict() for row in self.layers],
        }

    def to_json(self, path: str | Path) -> None:
        """Write the report to a file, whole or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1) + "\n")

    @staticmethod
    def _weights(rows: Sequence[LayerRow]) -> int:
        return sum(row.weights for row in rows)

    @staticmethod
    def _kept(rows: Sequence[LayerRow]) -> int:
        return sum(row.kept for row in rows)


def _cells(
    name: str, count: int, rows: Sequence[LayerRow], sparsity: float
) -> list[str]:
    weights, kept = sum(r.weights for r in rows), sum(r.kept for r in rows)
    macs = (sum(r.macs for r in rows), sum(r.kept_macs for r in rows))
    return [
        *(name, str(count), f"{weights:,}", f"{kept:,}", f"{sparsity:.1%}"),
        *map(_millions, macs),
    ]


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"


def report(model: MaskRCNN, masks: Arrays | None = None) -> PruningReport:
    """Return which weights a model keeps.

    Args:
        model: whose layers.
        masks: 0 or 1; by default where its kernels are not zero.
    """
    layers = prunable_layers(model)
    masks = masks_of(layers) if masks is None else masks
    s, side = model.settings, model.preprocessing.max_dim
    parts = layer_costs(
        model, (side, side), rois=s.proposals_inference, masks=s.detections
    )
    costs = {name: cost for part in parts.values() for name, cost in part.items()}
    rows = [
        LayerRow(
            layer.name,
            layer.group,
            tuple(map(int, layer.kernel.shape)),
            layer.size,
            int(masks[layer.name].sum(dtype=np.int64)),
            costs[layer.name].macs,
        )
        for layer in layers
    ]
    return PruningReport(tuple(rows), *total(costs))


def dry_run(
    model: MaskRCNN,
    method: Method,
    sparsity: float,
    calibration: Batches | None = None,
    *,
    seed: int = 0,
) -> PruningReport:
    """Return what a method would prune at once, and leave the model as it was.

    Args:
        model: trained.
        method: what a weight is worth, and how many each layer keeps.
        sparsity: share of the prunable weights to remove.
        calibration: training data for the methods that look at gradients.
        seed: of random choices.

    Raises:
        ValueError: if the method needs calibration data and there is none.
    """
    layers = prunable_layers(model)
    weights = kernels(layers)
    saliency = {}
    if method.batches:
        if calibration is None:
            raise ValueError("This method measures gradients: give it `calibration`.")
        found = Saliency(model, layers, method.losses, calibration)
        with untouched(model):
            weigh_losses(model, method.priority)
            saliency = found.measure(weights, method.batches)
    scores = method.criterion(Evidence(weights, saliency, method.priority, seed))
    return report(model, method.allocate(scores, sparsity))


def compressed_bytes(model: MaskRCNN) -> int:
    """Return how many bytes all weights take after DEFLATE, as in gzip.

    Kernels count in half precision, as in the files that the package ships. In float32
    a network that comes from such a file would seem smaller than one that trained on.
    """
    squeezer, total = zlib.compressobj(6), 0
    for layer in weighted_layers(model):
        for variable in layer.weights:
            dtype = np.float16 if variable.name == "kernel" else np.float32
            total += len(squeezer.compress(np.asarray(variable, dtype).tobytes()))
    return total + len(squeezer.flush())
