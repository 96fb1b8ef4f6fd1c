"""Which layers have weights, under which names; and what is said where they do not fit.

A file names its layers as Matterport's code did, see `mrcnn.weights`.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import keras

from mrcnn.hdf5 import WeightFileError
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.tasks import LOSS_NAMES

CLASS_LAYERS = ("mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask")
"""Layers whose shapes depend on the class count: what Matterport's users exclude."""


WITHOUT_WEIGHTS = (
    *("input_image", "input_image_meta", "input_anchors", "anchors"),
    *("input_rpn_match", "input_rpn_bbox", "input_gt_class_ids", "input_gt_boxes"),
    *("input_gt_masks", "input_roi", "ROI", "proposal_targets", "output_rois"),
    *("rpn_class_logits", "rpn_class", "rpn_bbox", "mrcnn_class", "mrcnn_detection"),
    *("roi_align_classifier", "roi_align_mask", "pool_squeeze", *LOSS_NAMES),
)
"""Layers of Matterport's graph that hold nothing: to exclude them changes nothing."""


class LoadReport(NamedTuple):
    """What became of every layer when weights were loaded."""

    path: Path
    loaded: list[str]
    excluded: list[str]
    missing: list[str]  # of the model, not in the file: they keep their values
    unused: list[str]  # of the file, not in the model

    def __str__(self) -> str:
        """Return one line, such as "31 of 31 layers from shapes.h5"."""
        total = len(self.loaded) + len(self.excluded) + len(self.missing)
        parts = [f"{len(self.loaded)} of {total} layers from {self.path.name}"]
        for what in ("excluded", "missing", "unused"):
            if names := getattr(self, what):
                parts.append(f"{what}: {', '.join(names)}")
        return "; ".join(parts)


def weighted_layers(model: MaskRCNN) -> Iterator[keras.layers.Layer]:
    """Yield the layers that have weights, by the names of the file layout."""
    for part in (model.backbone, model.fpn):
        yield from (layer for layer in part.layers if layer.weights)
    yield model.rpn
    for part in (model.box_head, model.mask_head):
        yield from (layer for layer in part.layers if layer.weights)


def single_layers(model: MaskRCNN) -> Iterator[keras.layers.Layer]:
    """Yield every layer that has weights, from the image to the outputs.

    As `weighted_layers`, but with the layers of the proposal network one by one.
    """
    for layer in weighted_layers(model):
        if layer is model.rpn:
            yield from (inner for inner in layer.layers if inner.weights)
        else:
            yield layer


def as_names(exclude: str | Collection[str]) -> list[str]:
    """Return one name or several as a list; TypeError if one is no string."""
    names = [exclude] if isinstance(exclude, str) else list(exclude)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"exclude takes names of layers; {name!r} is none.")
    return names


def check_names(
    exclude: Collection[str], model: MaskRCNN, present: Collection[str], path: Path
) -> None:
    """Refuse names to exclude that are no layer of the model or of the file.

    Args:
        exclude: the names.
        model: whose layers may be meant.
        present: layers of the file.
        path: of the file.

    Raises:
        WeightFileError: names them, and what they may have meant.
    """
    networks = (model.backbone, model.fpn, model.rpn, model.box_head, model.mask_head)
    inner = {layer.name for layer in model.rpn.layers}
    known = {layer.name for network in networks for layer in network.layers} - inner
    known |= {model.rpn.name, *present, *CLASS_LAYERS}
    wrong = []
    for name in sorted(set(exclude) - known - set(WITHOUT_WEIGHTS)):
        if name in inner:
            wrong.append(f"{name!r} (a part of {model.rpn.name}: exclude that)")
        else:
            near = _similar(name, sorted(known))
            wrong.append(f"{name!r}" + (f" ({' or '.join(near)}?)" if near else ""))
    if wrong:
        raise WeightFileError(
            f"{path}: exclude names what is no layer of the model or the file: "
            f"{', '.join(wrong)}. Give whole names; patterns are not understood."
        )


def _similar(name: str, known: Sequence[str]) -> list[str]:
    """Return layers that a name may have meant: as a pattern, or misspelt."""
    try:
        pattern = re.compile(name)
    except re.error:
        return difflib.get_close_matches(name, known)
    matched = [each for each in known if pattern.fullmatch(each)]
    return matched[:4] or difflib.get_close_matches(name, known)


def nothing_fits(report: LoadReport, root: h5py.Group) -> str:
    """Return an error about a file of which no layer would be loaded."""
    held = report.unused or [n for n in report.excluded if n in root]
    names = f"{', '.join(held[:4])}{' and so on' if len(held) > 4 else ''}"
    if not held:
        keras3 = {"layers", "_layer_checkpoint_dependencies", "backbone"} & set(root)
        holds = (
            "the layout of Keras 3 (.weights.h5): read it by the load_weights of a "
            "Keras model that is built alike, and write it by mrcnn.weights"
            if keras3
            else f"no layers, but {', '.join(sorted(root)[:4])}"
            if len(root)
            else "nothing: the file is empty"
        )
    elif "conv1_conv" in held:
        holds = (
            f"{names}, the names of Keras Applications since 2019; those of 2015 fit, "
            "see get_imagenet_weights"
        )
    else:
        holds = names
    wanted = report.missing or report.excluded
    left = ", all of them excluded" if not report.missing else ""
    return (
        f"{report.path} lacks every layer that the model would take from it: it holds "
        f"{holds}. The model has {', '.join(wanted[:4])} and so on{left}."
    )
