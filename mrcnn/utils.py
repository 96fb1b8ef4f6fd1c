"""What Matterport's `mrcnn.utils` offers: the same names, arguments and results.

Code written for it runs unchanged. Where Matterport's code fails or divides by zero (no
boxes, no objects, boxes without area, boxes that leave the image), these functions
return what their documentation says.
"""

from mrcnn.data.dataset import Dataset
from mrcnn.matterport.batches import batch_slice
from mrcnn.matterport.boxes import (
    apply_box_deltas,
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
)
from mrcnn.matterport.downloads import COCO_MODEL_URL, download_trained_weights
from mrcnn.matterport.images import resize, resize_image
from mrcnn.matterport.masks import (
    expand_mask,
    minimize_mask,
    mold_mask,
    resize_mask,
    unmold_mask,
)
from mrcnn.matterport.scores import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_overlaps_masks,
    compute_recall,
    trim_zeros,
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
