"""Matterport's `mrcnn.utils`: its names, over the modules that this package uses."""

from mrcnn.data.dataset import Dataset
from mrcnn.matterport.boxes import (
    apply_box_deltas,
    batch_slice,
    box_refinement,
    box_refinement_graph,
    compute_iou,
    compute_overlaps,
    denorm_boxes,
    extract_bboxes,
    generate_anchors,
    generate_pyramid_anchors,
    non_max_suppression,
    norm_boxes,
    trim_zeros,
)
from mrcnn.matterport.download import COCO_MODEL_URL, download_trained_weights
from mrcnn.matterport.images import (
    expand_mask,
    minimize_mask,
    mold_mask,
    resize,
    resize_image,
    resize_mask,
    unmold_mask,
)
from mrcnn.matterport.scores import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_overlaps_masks,
    compute_recall,
)

__all__ = [
    "COCO_MODEL_URL",
    "Dataset",
    "apply_box_deltas",
    "batch_slice",
    "box_refinement",
    "box_refinement_graph",
    "compute_ap",
    "compute_ap_range",
    "compute_iou",
    "compute_matches",
    "compute_overlaps",
    "compute_overlaps_masks",
    "compute_recall",
    "denorm_boxes",
    "download_trained_weights",
    "expand_mask",
    "extract_bboxes",
    "generate_anchors",
    "generate_pyramid_anchors",
    "minimize_mask",
    "mold_mask",
    "non_max_suppression",
    "norm_boxes",
    "resize",
    "resize_image",
    "resize_mask",
    "trim_zeros",
    "unmold_mask",
]
