"""Every setting of a model, its data and its training, under Matterport's names.

Subclass `Config` and override class attributes. Defaults reproduce Matterport's
Mask_RCNN (config.py); the attributes of the last section are this project's own and opt
in to choices that it did not have. Only `mrcnn.build` reads a `Config`, beside
Matterport's functions (`mrcnn.matterport`), which take one as an argument.
"""

import numpy as np


class Config:
    """Settings with Matterport's names and defaults.

    Attributes computed on construction: `BATCH_SIZE`, `IMAGE_SHAPE` (H, W, C of the
    padded image) and `IMAGE_META_SIZE`.
    """

    # --- Name and batch
    NAME: str | None = None
    GPU_COUNT = 1
    IMAGES_PER_GPU = 2
    STEPS_PER_EPOCH = 1000
    VALIDATION_STEPS = 50

    # --- Backbone and pyramid
    BACKBONE = "resnet101"  # "resnet50", "resnet101", "compact", or a function
    COMPUTE_BACKBONE_SHAPE = None  # only for a callable BACKBONE
    BACKBONE_STRIDES = (4, 8, 16, 32, 64)
    FPN_CLASSIF_FC_LAYERS_SIZE = 1024
    TOP_DOWN_PYRAMID_SIZE = 256

    # --- Classes, background included
    NUM_CLASSES = 1

    # --- Anchors and region proposals
    RPN_ANCHOR_SCALES = (32, 64, 128, 256, 512)  # pixels, one per pyramid level
    RPN_ANCHOR_RATIOS = (0.5, 1, 2)  # width / height
    RPN_ANCHOR_STRIDE = 1
    RPN_NMS_THRESHOLD = 0.7
    RPN_TRAIN_ANCHORS_PER_IMAGE = 256
    PRE_NMS_LIMIT = 6000  # over all levels together
    POST_NMS_ROIS_TRAINING = 2000
    POST_NMS_ROIS_INFERENCE = 1000

    # --- Images and masks
    USE_MINI_MASK = True
    MINI_MASK_SHAPE = (56, 56)
    IMAGE_RESIZE_MODE = "square"  # "square", "pad64", "none" or "crop"
    IMAGE_MIN_DIM = 800
    IMAGE_MAX_DIM = 1024
    IMAGE_MIN_SCALE = 0
    IMAGE_CHANNEL_COUNT = 3
    MEAN_PIXEL = np.array([123.7, 116.8, 103.9])  # RGB, subtracted from every pixel

    # --- Regions of interest and heads
    TRAIN_ROIS_PER_IMAGE = 200
    ROI_POSITIVE_RATIO = 0.33
    POOL_SIZE = 7
    MASK_POOL_SIZE = 14
    MASK_SHAPE = (28, 28)
    MAX_GT_INSTANCES = 100
    RPN_BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])
    BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])

    # --- Detection
    DETECTION_MAX_INSTANCES = 100
    DETECTION_MIN_CONFIDENCE = 0.7
    DETECTION_NMS_THRESHOLD = 0.3

    # --- Training
    LEARNING_RATE = 0.001
    LEARNING_MOMENTUM = 0.9
    WEIGHT_DECAY = 0.0001
    LOSS_WEIGHTS = {  # noqa: RUF012 (Matterport's users replace it whole)
        "rpn_class_loss": 1.0,
        "rpn_bbox_loss": 1.0,
        "mrcnn_class_loss": 1.0,
        "mrcnn_bbox_loss": 1.0,
        "mrcnn_mask_loss": 1.0,
    }
    USE_RPN_ROIS = True
    TRAIN_BN = False  # False freezes the statistics, None trains them
    GRADIENT_CLIP_NORM = 5.0  # of all gradients together

    # --- This project's own
    LAYER_WIDTHS: dict[str, int] | None = None
    """Filters by layer name, in place of what the other settings say: a narrowed or
    pruned network is the ordinary builder with other widths."""
    RPN_CHANNELS = 512
    MASK_HEAD_CHANNELS = 256
    BN_MOMENTUM = 0.99
    ROI_ALIGN = "crop_and_resize"
    """"crop_and_resize" samples once per bin on corner-aligned points, as Matterport's
    weights expect; "aligned" averages 2 x 2 half-pixel samples per bin (Detectron2)."""
    ROI_FILL_NEGATIVES = False
    """Fill the sample of RoIs up with negatives. Matterport instead keeps the ratio,
    and leaves most slots empty when few proposals hit an object."""
    ROI_APPEND_GT = False  # ground-truth boxes join the proposals in training
    MASK_ROIS_PER_IMAGE: int | None = None
    """The mask head trains on at most so many positives; None takes all. Boxes gain
    from many RoIs and are cheap; masks do not, and are not."""
    SMOOTH_L1_BETA = 1.0
    """Where the box losses turn from a square to a slope; torchvision takes 1 / 9."""
    OPTIMIZER = "sgd"  # or "adamw", whose WEIGHT_DECAY is decoupled from the loss
    LEARNING_RATE_SCHEDULE = "constant"  # or "cosine", down to 1 % of the peak
    WARMUP_STEPS = 0
    MAX_FAULTY_IMAGES = 0.2
    """Share of a data set that may raise errors (a file that is cut off, say) and be
    left out of training; a tenth in the presets."""
    IMAGE_CACHE_BYTES = 2_000_000_000
    """Memory for resized images, of the training set and of the validation set each; 0
    keeps none. Images that `load_image` makes differently every time are not kept."""

    def __init__(self) -> None:
        """Compute the derived attributes."""
        self.BATCH_SIZE = self.IMAGES_PER_GPU * self.GPU_COUNT
        crop = self.IMAGE_RESIZE_MODE == "crop"
        side = self.IMAGE_MIN_DIM if crop else self.IMAGE_MAX_DIM
        self.IMAGE_SHAPE = np.array([side, side, self.IMAGE_CHANNEL_COUNT])
        # image id, original shape, padded shape, window, scale, active classes
        self.IMAGE_META_SIZE = 1 + 3 + 3 + 4 + 1 + self.NUM_CLASSES

    def validate(self) -> None:
        """Refuse settings from which no model can be built.

        Raises:
            ValueError: names the attribute, its value and the way out.
        """
        name = type(self).__name__
        if self.NUM_CLASSES < 2:
            raise ValueError(
                f"{name}.NUM_CLASSES is {self.NUM_CLASSES}: it counts the background, "
                "so one class of object needs NUM_CLASSES = 2."
            )
        side = int(self.IMAGE_SHAPE[0])
        if side % 64:
            raise ValueError(
                f"{name}.IMAGE_MAX_DIM gives images of {side} pixels, which does not "
                "divide by 64: the pyramid halves an image six times. "
                f"Take {max(64, round(side / 64) * 64)}."
            )
        if len(self.MEAN_PIXEL) != self.IMAGE_CHANNEL_COUNT:
            raise ValueError(
                f"{name}.MEAN_PIXEL has {len(self.MEAN_PIXEL)} values for images of "
                f"{self.IMAGE_CHANNEL_COUNT} channels (IMAGE_CHANNEL_COUNT): give one "
                "each."
            )
        if not self.USE_RPN_ROIS:
            raise ValueError(
                f"{name}.USE_RPN_ROIS is False: training the heads on regions of one's "
                "own is not supported; leave it True."
            )
        if len(self.RPN_ANCHOR_SCALES) != len(self.BACKBONE_STRIDES):
            raise ValueError(
                f"{name}.RPN_ANCHOR_SCALES has {len(self.RPN_ANCHOR_SCALES)} entries "
                f"for {len(self.BACKBONE_STRIDES)} pyramid levels: give one each."
            )
        choices = {
            "ROI_ALIGN": ("crop_and_resize", "aligned"),
            "OPTIMIZER": ("sgd", "adamw"),
            "LEARNING_RATE_SCHEDULE": ("constant", "cosine"),
            "IMAGE_RESIZE_MODE": ("square", "pad64", "none", "crop"),
        }
        for attribute, allowed in choices.items():
            if getattr(self, attribute) not in allowed:
                raise ValueError(
                    f"{name}.{attribute} is {getattr(self, attribute)!r}; "
                    f"it must be one of {', '.join(allowed)}."
                )

    def to_dict(self) -> dict[str, object]:
        """Return every setting by name, computed ones included."""
        return {
            key: getattr(self, key)
            for key in sorted(dir(self))
            if not key.startswith("_") and not callable(getattr(self, key))
        }

    def display(self) -> None:
        """Print every setting, one per line."""
        print("\nConfigurations:")
        for key, value in self.to_dict().items():
            print(f"{key:30} {value}")
        print("\n")
