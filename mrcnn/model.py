"""Matterport's `mrcnn.model`: `import mrcnn.model as modellib` goes on working.

`MaskRCNN` is the session object; the functions are those around it. All is implemented
in `mrcnn.matterport` over the modules that the rest of the package uses.
"""

from mrcnn.matterport.generators import DataGenerator, data_generator
from mrcnn.matterport.inputs import load_image_gt, log
from mrcnn.matterport.layers import (
    DetectionLayer,
    DetectionTargetLayer,
    ProposalLayer,
    PyramidROIAlign,
    apply_box_deltas_graph,
    batch_pack_graph,
    clip_boxes_graph,
    denorm_boxes_graph,
    detection_targets_graph,
    log2_graph,
    norm_boxes_graph,
    overlaps_graph,
    refine_detections_graph,
    trim_zeros_graph,
)
from mrcnn.matterport.losses import (
    mrcnn_bbox_loss_graph,
    mrcnn_class_loss_graph,
    mrcnn_mask_loss_graph,
    rpn_bbox_loss_graph,
    rpn_class_loss_graph,
    smooth_l1_loss,
)
from mrcnn.matterport.metas import (
    compose_image_meta,
    mold_image,
    parse_image_meta,
    parse_image_meta_graph,
    unmold_image,
)
from mrcnn.matterport.networks import (
    BatchNorm,
    build_fpn_mask_graph,
    build_rpn_model,
    compute_backbone_shapes,
    conv_block,
    fpn_classifier_graph,
    identity_block,
    resnet_graph,
    rpn_graph,
)
from mrcnn.matterport.session import MaskRCNN
from mrcnn.matterport.targets import (
    build_detection_targets,
    build_rpn_targets,
    generate_random_rois,
)

__all__ = [
    "BatchNorm",
    "DataGenerator",
    "DetectionLayer",
    "DetectionTargetLayer",
    "MaskRCNN",
    "ProposalLayer",
    "PyramidROIAlign",
    "apply_box_deltas_graph",
    "batch_pack_graph",
    "build_detection_targets",
    "build_fpn_mask_graph",
    "build_rpn_model",
    "build_rpn_targets",
    "clip_boxes_graph",
    "compose_image_meta",
    "compute_backbone_shapes",
    "conv_block",
    "data_generator",
    "denorm_boxes_graph",
    "detection_targets_graph",
    "fpn_classifier_graph",
    "generate_random_rois",
    "identity_block",
    "load_image_gt",
    "log",
    "log2_graph",
    "mold_image",
    "mrcnn_bbox_loss_graph",
    "mrcnn_class_loss_graph",
    "mrcnn_mask_loss_graph",
    "norm_boxes_graph",
    "overlaps_graph",
    "parse_image_meta",
    "parse_image_meta_graph",
    "refine_detections_graph",
    "resnet_graph",
    "rpn_bbox_loss_graph",
    "rpn_class_loss_graph",
    "rpn_graph",
    "smooth_l1_loss",
    "trim_zeros_graph",
    "unmold_image",
]
