"""A whole Mask R-CNN in miniature."""

from mrcnn.nn.resnet import default_widths
from mrcnn.presets import ShapesConfig


class TinyConfig(ShapesConfig):
    """Shapes of 64 pixels, and all parts narrow."""

    OPTIMIZER, WEIGHT_DECAY = "sgd", 0.0  # fewer operations than AdamW
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    LAYER_WIDTHS = dict.fromkeys(default_widths("compact"), 8)
    TOP_DOWN_PYRAMID_SIZE = RPN_CHANNELS = MASK_HEAD_CHANNELS = 8
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 24, 32, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    TRAIN_ROIS_PER_IMAGE = 8
    PRE_NMS_LIMIT, POST_NMS_ROIS_TRAINING, POST_NMS_ROIS_INFERENCE = 64, 16, 16
    DETECTION_MAX_INSTANCES = 5
    WARMUP_STEPS = 0
