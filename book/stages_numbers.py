"""The numbers that the pages on the network and on pruning show."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mrcnn.pruning import criteria
from mrcnn.pruning.selection import MULTIPLE
from mrcnn.tasks import LOSS_NAMES

from stages_pruning import EXAMPLE, SCHEDULE, SPARSITY, Weights
from stages_walk import Walk


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], align: str = "---:"
) -> str:
    """Return a Markdown table; columns but the first are aligned right, or as given."""
    rule = ["---", *[align] * (len(head) - 1)]
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def how_it_works(walk: Walk) -> dict[str, str]:
    """Return what "How Mask R-CNN works" shows, by the names that it uses."""
    s, c = walk.model.settings, walk.config
    rois = walk.sampled_rois()[1]
    matches = walk.matches()
    strides, canonical = c.BACKBONE_STRIDES, 224
    numbers = {
        "side": walk.shape[0],
        "pixels": math.prod(walk.image.shape),
        "parameters": f"{walk.costs()['total'].parameters / 1e6:.1f}",
        "depth": walk.pyramid_maps[0].shape[-1],
        "anchors": len(walk.anchors),
        "anchors_per_cell": len(s.anchor_ratios),
        "confident_anchors": int((walk.objectness > 0.5).sum()),
        "pre_nms": s.pre_nms,
        "proposals": len(walk.proposals),
        "on_p2": int((walk.roi_levels() == 2).sum()),
        "p3_from": round(canonical / 2**1.5),
        "candidates": int(walk.candidates().sum()),
        "refused": int((walk.probabilities.argmax(axis=1) == 0).sum()),
        "instances": len(walk.found["rois"]),
        "mask_side": walk.soft_masks().shape[1],
        "half_cell": strides[3] // 2,
        "proposal_iou": s.proposal_iou,
        "detection_iou": s.detection_iou,
        "positive_anchors": int(matches.positive.sum()),
        "negative_anchors": int(matches.negative.sum()),
        "silent_anchors": int((~matches.positive & ~matches.negative).sum()),
        "sampled_anchors": len(walk.sampled_anchors()[0]),
        "sampled_rois": len(rois),
        "positive_rois": int(rois.sum()),
        "mask_rois": s.mask_rois_per_image,
        "batch": len(walk.batch["images"]),
    }
    shown = {name: _count(value) for name, value in numbers.items()}
    return shown | {
        "levels_table": _levels(walk),
        "path_table": _paths(walk),
        "losses_table": _losses(walk),
    }


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)


def _levels(walk: Walk) -> str:
    """Return a table of the pyramid's levels and their anchors."""
    c = walk.config
    levels = zip(c.BACKBONE_STRIDES, walk.shapes, c.RPN_ANCHOR_SCALES, strict=True)
    per_cell = len(c.RPN_ANCHOR_RATIOS)
    return table(
        ["level", "pixels a cell", "cells", "scale, pixels", "anchors"],
        [
            (
                f"P{i}",
                f"{stride} x {stride}",
                f"{rows} x {columns}",
                scale,
                _count(rows * columns * per_cell),
            )
            for i, (stride, (rows, columns), scale) in enumerate(levels, start=2)
        ],
    )


def _paths(walk: Walk) -> str:
    """Return a table of each detection's overlap with its object, stage by stage."""
    rows = []
    for i, boxes in enumerate(walk.lineage()):
        overlaps = walk.overlaps(np.array(boxes))
        owner = overlaps[-1].argmax()
        truth, found = walk.true_masks[..., owner], walk.found["masks"][..., i]
        mask = (truth & found).sum() / (truth | found).sum()
        name = walk.names[walk.found["class_ids"][i]]
        rows.append((f"{i + 1} {name}", *(f"{v:.2f}" for v in overlaps[:, owner])))
        rows[-1] += (f"{mask:.2f}",)
    return table(["instance", "anchor", "proposal", "box", "mask"], rows)


def _losses(walk: Walk) -> str:
    """Return a table of the five losses, guessing, with random and trained weights."""
    random, trained = walk.losses(trained=False), walk.losses(trained=True)
    guesses = {
        "rpn_class_loss": f"ln 2 = {math.log(2):.2f}",
        "mrcnn_class_loss": f"ln {len(walk.names)} = {math.log(len(walk.names)):.2f}",
        "mrcnn_mask_loss": f"ln 2 = {math.log(2):.2f}",
    }
    return table(
        ["loss", "all answers equally likely", "random weights", "trained"],
        [
            (f"`{n}`", guesses.get(n, ""), f"{random[n]:.2f}", f"{trained[n]:.3f}")
            for n in LOSS_NAMES
        ],
    )


# --- Pruning


def how_pruning_works(weights: Weights) -> dict[str, str]:
    """Return what "How pruning works" shows, by the names that it uses."""
    costs = weights.costs()
    total = weights.walk.costs()["total"]
    below, first = weights.below(), "mrcnn_class_conv1"
    kept = 1 - SPARSITY
    numbers = {
        "sparsity": f"{SPARSITY:.0%}",
        "prunable": f"{weights.size / 1e6:.2f}",
        "prunable_share": f"{weights.size / total.parameters:.1%}",
        "layers": _count(len(weights.layers)),
        "example": f"`{EXAMPLE}`",
        "threshold": f"{weights.threshold:.2f}",
        **_extremes("below", below),
        "box_head_parameters": _part(costs["box head"].parameters, total.parameters),
        "box_head_macs": _part(costs["box head"].macs, total.macs),
        "mask_head_parameters": _part(costs["mask head"].parameters, total.parameters),
        "mask_head_macs": _part(costs["mask head"].macs, total.macs),
        "first_layer": f"`{first}`",
        "first_layer_share": _part(weights.arrays[first].size, weights.size),
        "rois": _count(weights.walk.model.settings.proposals_inference),
        "masks": _count(weights.walk.model.settings.detections),
        "box_chunk": _count(weights.walk.model.settings.box_chunk),
        "mask_chunk": _count(weights.walk.model.settings.mask_chunk),
        "choices": _count(len(SCHEDULE.steps())),
        "bits_mask": f"{1 + 32 * kept:.1f}",
        "bits_index": f"{64 * kept:.1f}",
        **_allocations(weights),
        **_channels(weights),
    }
    return numbers | {"lamp_table": _lamp(), "cost_table": _costs(weights)}


def _costs(weights: Weights) -> str:
    """Return a table of parameters, arithmetic and memory, stage by stage."""
    names = {"fpn": "pyramid", "rpn": "proposals"}
    stages = weights.stages()
    most = max(held for _, held in stages.values())
    stages["the network"] = weights.walk.costs()["total"], most
    return table(
        ["part", "parameters, MB", "million multiply-accumulates", "held at once, MB"],
        [
            (
                names.get(stage, stage),
                f"{4 * cost.parameters / 1e6:.2f}",
                f"{cost.macs / 1e6:,.0f}",
                f"{4 * held / 1e6:.2f}",
            )
            for stage, (cost, held) in stages.items()
        ],
    )


def _part(value: float, whole: float) -> str:
    return f"{value / whole:.0%}"


def _extremes(name: str, values: Mapping[str, float]) -> dict[str, str]:
    """Return the least and the greatest of some shares, and whose they are."""
    found = {}
    for kind, choose in (("least", min), ("most", max)):
        where = choose(values, key=values.__getitem__)
        found |= {f"{name}_{kind}": f"{values[where]:.0%}", f"{name}_{kind}_in": where}
    return found


def _allocations(weights: Weights) -> dict[str, str]:
    """Return what the ways to share out leave where."""
    ways, first = weights.densities(), "mrcnn_class_conv1"
    found = {"erk_whole": _count(sum(d == 1 for d in ways["ERK"].values()))}
    for key, way in (
        ("erk", "ERK"),
        ("size", "global, by size"),
        ("lamp", "global, by LAMP"),
    ):
        found[f"{key}_first"] = f"{ways[way][first]:.1%}"
    outputs = [d for n, d in ways["global, by size"].items() if n.startswith("fpn_p")]
    found["size_outputs"] = f"{min(outputs):.0%}"
    return found


def _channels(weights: Weights) -> dict[str, str]:
    """Return how many groups there are, and what their channels cost."""
    arithmetic, work = weights.arithmetic(), weights.work()
    free = [g for g in weights.groups if len(g.makers) == 1]
    macs = weights.walk.costs()["total"].macs
    freed = arithmetic.freed(work.widths)
    dear, cheap = macs * freed["mask head 2"], macs * freed["block 5b, second"]
    freed = work.freed(work.widths)
    ratio = freed["mask head 2"] / freed["block 5b, second"]
    half = {name: width / 2 for name, width in work.widths.items()}
    pyramid = next(g for g in weights.groups if g.name == "pyramid")
    return {
        "groups": _count(len(weights.groups)),
        "free_groups": _count(len(free)),
        "coupled_groups": _count(len(weights.groups) - len(free)),
        "all_channels": _count(sum(work.widths.values())),
        "half_width_work": f"{arithmetic.part(half):.0%}",
        "pyramid_makers": _count(len(pyramid.makers)),
        "pyramid_readers": _count(len(pyramid.readers)),
        "mask_channel": f"{dear / 1e6:.1f}",
        "inner_channel": f"{cheap / 1e6:.3f}",
        "channel_ratio": _count(round(dear / cheap)),
        "work_ratio": _count(round(ratio)),
        "multiple": _count(MULTIPLE),
    }


def _lamp() -> str:
    """Return a worked example of LAMP: two layers, one with small weights."""
    layers = {
        "first": np.array([3.0, 2.0, 1.0]),
        "second": np.array([0.3, 0.2, 0.1]),
    }
    scores = criteria.lamp(layers)
    return table(
        ["layer", "weights", "squares", "LAMP scores"],
        [
            (
                name,
                ", ".join(f"{w:g}" for w in values),
                ", ".join(f"{round(w * w, 4):g}" for w in values),
                ", ".join(f"{s:.2f}" for s in scores[name]),
            )
            for name, values in layers.items()
        ],
    )
