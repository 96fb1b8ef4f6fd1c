"""Every setting of a model, its data and its training, under Matterport's names.

Subclass `Config` and override class attributes. Defaults reproduce Matterport's
Mask_RCNN (config.py); the attributes of the last section are this project's own and opt
in to choices that it did not have. Only `mrcnn.build` reads a `Config`, beside
`mrcnn.checks`, which looks it over, and Matterport's functions (`mrcnn.matterport`),
which take one as an argument.
"""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mrcnn.checks import agreement, derived
from mrcnn.checks.derived import Derived, is_computed
from mrcnn.checks.kinds import KINDS
from mrcnn.notices import all_of, once


class Config:
    """Settings with Matterport's names and defaults.

    Attributes that follow from the others, also where these are set later, unless they
    are set themselves: `BATCH_SIZE`, `IMAGE_SHAPE` (H, W, C of the padded image),
    `IMAGE_META_SIZE` and `MASK_SHAPE`. `mrcnn.checks` says what each attribute may be.
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
    MASK_SHAPE = Derived(derived.mask_shape)  # twice MASK_POOL_SIZE
    MAX_GT_INSTANCES = 100
    RPN_BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])
    BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])

    # --- Detection
    DETECTION_MAX_INSTANCES = 100
    DETECTION_MIN_CONFIDENCE = 0.7
    DETECTION_NMS_THRESHOLD = 0.3
    DETECTION_NMS_ACROSS_CLASSES = False
    """True lets a box suppress what it overlaps whatever its class, so that a place
    holds one object; False suppresses within each class, as Matterport's code does."""
    DETECTION_OUTSCORES_BACKGROUND = True
    """A detection is more probable than background, whatever DETECTION_MIN_CONFIDENCE
    says, as Matterport's code has it. False lets less probable ones through too, as
    torchvision and Detectron2 do: they make AP what it is elsewhere."""
    DETECTION_MASK_SMOOTHING = 0
    """How often masks are blurred, from cell to cell, before they are cut at one half.
    It takes the saw teeth from where objects alike touch (`ops.masks.smooth_masks`)."""

    # --- Training
    LEARNING_RATE = 0.001
    LEARNING_MOMENTUM = 0.9
    WEIGHT_DECAY = 0.0001
    LOSS_WEIGHTS = {  # noqa: RUF012 (users replace it; what they leave out is 1)
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
    GRADIENT_ACCUMULATION_STEPS = 1
    """Batches whose mean gradient moves the weights once. Steps of schedule, warm-up
    and pruning stay batches; what is left of a stage's end is not used."""
    EMA_MOMENTUM: float | None = None
    """What a batch keeps of the running average of the weights, such as 0.99 for one
    over some 100 batches. The averages are what is measured, saved and kept in the end.
    None averages nothing."""
    PRECISION = "auto"
    """Keras dtype policy of a network that trains: "auto" takes the best of the machine
    (`hardware.best_policy`); else "float32", "mixed_bfloat16" or "mixed_float16"."""
    INFERENCE_PRECISION = "float32"
    """The same for `MaskRCNN(mode="inference")` of `mrcnn.model`."""
    SEED: int | None = None
    """Of initial weights, samples and the order of images. None: `MaskRCNN` draws one
    for training and prints it; this package's own functions take 0."""
    MAX_FAULTY_IMAGES = 0.2
    """Share of a data set that may raise errors (a file that is cut off, say) and be
    left out of training; a tenth in the presets."""
    IMAGE_CACHE_BYTES = 2_000_000_000
    """Memory for resized images, of the training set and of the validation set each; 0
    keeps none. Images that `load_image` makes differently every time are not kept."""

    # --- Computed from the others, unless set
    BATCH_SIZE = Derived(derived.batch_size)
    IMAGE_SHAPE = Derived(derived.image_shape)
    IMAGE_META_SIZE = Derived(derived.image_meta_size)

    def __init__(self) -> None:
        """Take no arguments; subclasses may set attributes here."""

    def validate(self) -> None:
        """Refuse settings from which no model can be built, all in one error.

        Prints once which defaults follow other settings, and which attributes look like
        misspelt settings.

        Raises:
            ValueError: names each attribute, its value and the way out.
        """
        if faults := agreement.faults(self):
            raise ValueError(all_of(faults, type(self).__name__))
        for remark in agreement.remarks(self):
            once(remark)

    def to_dict(self) -> dict[str, object]:
        """Return every setting by name, and what else was set; no functions.

        A property of the user's that is no setting is not asked.
        """
        values = {
            key: getattr(self, key)
            for key in sorted(dir(self))
            if not key.startswith("_") and (key in KINDS or not _is_asked(self, key))
        }
        return {key: value for key, value in values.items() if not callable(value)}

    def display(self) -> None:
        """Print every setting, one per line."""
        print("\nConfigurations:")
        for key, value in self.to_dict().items():
            print(f"{key:30} {value}")
        print("\n")


def _is_asked(config: Config, key: str) -> bool:
    """Return whether reading an attribute runs code."""
    kept = inspect.getattr_static(config, key)
    return hasattr(kept, "__get__") and not inspect.ismemberdescriptor(kept)


def checked(config: Config) -> Config:
    """Return the settings of a configuration in order, in Python's own types.

    A configuration of its own, whatever the given one lets be set on it; what else that
    has is left out.

    Raises:
        ValueError: as `Config.validate`.
        TypeError: if it is a class or no configuration; says what to do.
    """
    if isinstance(config, type):
        raise TypeError(
            f"{config.__name__} is a class; a configuration is made by calling it: "
            f"{config.__name__}()."
        )
    if not isinstance(config, Config):
        raise TypeError(
            f"{type(config).__name__} is no mrcnn.config.Config: derive your class of "
            "settings from it, and pass an instance."
        )
    config.validate()
    values = {
        key: plain(getattr(config, key))
        for key in KINDS
        if not is_computed(config, key)
    }
    kept = {
        # A function in a class would become a method.
        key: staticmethod(value) if callable(value) else value
        for key, value in values.items()
    }
    return type(type(config).__name__, (Config,), kept)()


def with_settings(config: Config, values: Mapping[str, Any]) -> Config:
    """Return a configuration that differs in the settings named.

    They count as set by the user: what contradicts them is refused.

    Args:
        config: stays as it is.
        values: of settings, by their names.

    Raises:
        ValueError: as `value_faults`, or as `Config.validate`.
    """
    if faults := value_faults(values):
        raise ValueError(all_of(faults, "The settings"))
    changed = copy.copy(config)  # with what was set on it; its class may be read-only
    vars(changed).update(values)
    changed.validate()
    return changed


def value_faults(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with values by name: no setting, or not of its kind."""
    found = [
        KINDS[name].fault(name, value) if name in KINDS else agreement.no_setting(name)
        for name, value in values.items()
    ]
    return [fault for fault in found if fault]


def as_values(config: Config) -> dict[str, Any]:
    """Return every setting as JSON knows it; `with_settings` takes them back.

    Of a default that follows another setting, what it amounts to; not what is computed
    from others.

    Raises:
        ValueError: names a setting that is a function, which no file can hold.
    """
    values = {
        name: plain(agreement.limited(config, name))
        for name in KINDS
        if not is_computed(config, name)
    }
    if functions := [name for name, value in values.items() if callable(value)]:
        raise ValueError(
            f"{' and '.join(functions)} of {type(config).__name__} is a function, "
            "which no file of settings can hold: save the weights alone, by "
            "mrcnn.weights.save_weights, and build the model in code."
        )
    if "BATCH_SIZE" in values:  # the user's: it may contradict its factors
        del values["IMAGES_PER_GPU"], values["GPU_COUNT"]
    return values


def plain(value: Any) -> Any:
    """Return a setting in Python's own types: numbers for NumPy's, tuples for lists."""
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(map(plain, value))
    return value
