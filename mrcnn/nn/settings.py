"""What a Mask R-CNN is put together from: networks and numbers."""

from typing import NamedTuple

import keras


class Parts(NamedTuple):
    """The networks that a model is made of."""

    backbone: keras.Model
    fpn: keras.Model
    rpn: keras.Model
    box_head: keras.Model
    mask_head: keras.Model


class Settings(NamedTuple):
    """The numbers that steer a model; each is explained in `mrcnn.config`."""

    anchor_scales: tuple[float, ...]
    anchor_ratios: tuple[float, ...]
    anchor_stride: int
    strides: tuple[int, ...]
    rpn_std_dev: tuple[float, ...]
    box_std_dev: tuple[float, ...]
    pre_nms: int
    proposals_training: int
    proposals_inference: int
    proposal_iou: float
    anchors_per_image: int
    rois_per_image: int
    positive_ratio: float
    mask_rois_per_image: int
    fill_negatives: bool
    append_truth: bool
    aligned: bool
    pool_size: int
    mask_pool_size: int
    mini_masks: bool
    detections: int
    min_confidence: float
    detection_iou: float
    across_classes: bool
    outscores_background: bool
    loss_weights: tuple[float, ...]
    smooth_l1_beta: float
    l2: float
    box_chunk: int = 512
    """RoIs that run through the box head at once in inference; more wait until these
    are done, and are not computed at all if they hold nothing."""
    mask_chunk: int = 4
    """The same of the mask head."""
    mask_smoothing: int = 0
