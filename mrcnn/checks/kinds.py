"""What each attribute of a `Config` may be by itself: its type and its range."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mrcnn.checks.derived import is_computed
from mrcnn.notices import quoted
from mrcnn.tasks import LOSS_NAMES

BACKBONES = ("resnet50", "resnet101", "compact")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


class Kind(NamedTuple):
    """What a value may be: in words, and as a question; and a hint for some values."""

    wanted: str
    fits: Callable[[Any], bool]
    hint: Callable[[Any], str] = lambda value: ""

    def fault(self, name: str, value: Any) -> str | None:
        """Return what is wrong with a value; None if nothing is."""
        if self.fits(value):
            return None
        return f"{name} is {quoted(value)}; it must be {self.wanted}{self.hint(value)}."


def is_count(value: Any, least: int = 1) -> bool:
    """Return whether a value is a whole number, NumPy's included, and large enough."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and value >= least


def is_number(value: Any) -> bool:
    """Return whether a value is a number that is finite, and no bool."""
    known = isinstance(value, int | float | np.integer | np.floating)
    return known and not isinstance(value, bool) and math.isfinite(value)


def count(least: int = 1) -> Kind:
    """Take whole numbers from `least` on."""
    return Kind(
        f"a whole number (int) from {least} on",
        lambda value: is_count(value, least),
        lambda value: " (a // b is one, a / b none)" * isinstance(value, float),
    )


def number(low: float, high: float = math.inf, *, above: bool = False) -> Kind:
    """Take numbers from `low` to `high`; greater than `low` if `above`."""
    start = f"greater than {low:g}" if above else f"from {low:g}"
    end = "" if math.isinf(high) else f" to {high:g}"
    if not end and not above:
        end = " on"

    def fits(value: Any) -> bool:
        inside = is_number(value) and low <= value <= high
        return inside and not (above and value == low)

    return Kind(f"a number {start}{end}", fits)


def one_of(*allowed: str) -> Kind:
    """Take these words and no others."""
    return Kind(
        f"one of {', '.join(allowed)}",
        lambda value: isinstance(value, str) and value in allowed,
    )


FLAG = Kind("True or False", lambda value: isinstance(value, bool | np.bool_))


def sequence(item: Kind, length: int = 0) -> Kind:
    """Take lists, tuples and arrays of one axis whose items all fit.

    Args:
        item: what each is to be.
        length: how many; 0 for one or more.
    """

    def fits(values: Any) -> bool:
        if isinstance(values, np.ndarray):
            values = values.tolist() if values.ndim == 1 else ()
        return (
            isinstance(values, Sequence)
            and len(values) > 0
            and len(values) in (length or len(values),)
            and all(map(item.fits, values))
        )

    many = length or "one or more"
    return Kind(f"a list or tuple of {many}, each {item.wanted}", fits)


def table(item: Kind, keys: Sequence[str] = ()) -> Kind:
    """Take dictionaries from names, only those of `keys` if there are any."""

    def fits(values: Any) -> bool:
        return isinstance(values, Mapping) and all(
            isinstance(key, str) and (not keys or key in keys) and item.fits(value)
            for key, value in values.items()
        )

    names = f"the names {', '.join(keys)}" if keys else "names of layers"
    return Kind(f"a dictionary from {names} to {item.wanted}", fits)


def optional(kind: Kind) -> Kind:
    """Take None too."""
    return Kind(f"None or {kind.wanted}", lambda v: v is None or kind.fits(v))


COUNT, LENGTH = count(), count(0)
SHARE, POSITIVE, FROM_ZERO = number(0, 1), number(0, above=True), number(0)
FUNCTION = Kind("a function", callable)

KINDS: dict[str, Kind] = {
    "NAME": optional(Kind("a text", lambda value: isinstance(value, str))),
    "GPU_COUNT": COUNT,
    "IMAGES_PER_GPU": COUNT,
    "BATCH_SIZE": COUNT,
    "STEPS_PER_EPOCH": COUNT,
    "VALIDATION_STEPS": COUNT._replace(
        wanted=f"{COUNT.wanted}; val_dataset=None trains without validation"
    ),
    "BACKBONE": Kind(
        f"one of {', '.join(BACKBONES)}, or a function",
        lambda value: callable(value) or one_of(*BACKBONES).fits(value),
    ),
    "COMPUTE_BACKBONE_SHAPE": optional(FUNCTION),
    "BACKBONE_STRIDES": sequence(COUNT, 5),
    "FPN_CLASSIF_FC_LAYERS_SIZE": COUNT,
    "TOP_DOWN_PYRAMID_SIZE": COUNT,
    "NUM_CLASSES": Kind(
        "a whole number (int) from 2 on: it counts the background, so one class of "
        "object needs NUM_CLASSES = 2",
        count(2).fits,
    ),
    "RPN_ANCHOR_SCALES": sequence(POSITIVE),
    "RPN_ANCHOR_RATIOS": sequence(POSITIVE),
    "RPN_ANCHOR_STRIDE": COUNT,
    "RPN_NMS_THRESHOLD": SHARE,
    "RPN_TRAIN_ANCHORS_PER_IMAGE": count(2),
    "PRE_NMS_LIMIT": COUNT,
    "POST_NMS_ROIS_TRAINING": COUNT,
    "POST_NMS_ROIS_INFERENCE": COUNT,
    "USE_MINI_MASK": FLAG,
    "MINI_MASK_SHAPE": optional(sequence(COUNT, 2)),
    "IMAGE_RESIZE_MODE": one_of("square", "pad64", "none", "crop"),
    "IMAGE_MIN_DIM": optional(LENGTH),
    "IMAGE_MAX_DIM": COUNT,
    "IMAGE_MIN_SCALE": optional(FROM_ZERO),
    "IMAGE_CHANNEL_COUNT": COUNT,
    "IMAGE_SHAPE": sequence(COUNT, 3),
    "IMAGE_META_SIZE": COUNT,
    "MEAN_PIXEL": sequence(number(-math.inf)._replace(wanted="a number")),
    "TRAIN_ROIS_PER_IMAGE": COUNT,
    "ROI_POSITIVE_RATIO": number(0, 1, above=True),
    "POOL_SIZE": COUNT,
    "MASK_POOL_SIZE": COUNT,
    "MASK_SHAPE": sequence(COUNT, 2),
    "MAX_GT_INSTANCES": COUNT,
    "RPN_BBOX_STD_DEV": sequence(POSITIVE, 4),
    "BBOX_STD_DEV": sequence(POSITIVE, 4),
    "DETECTION_MAX_INSTANCES": COUNT,
    "DETECTION_MIN_CONFIDENCE": SHARE,
    "DETECTION_NMS_THRESHOLD": SHARE,
    "DETECTION_NMS_ACROSS_CLASSES": FLAG,
    "DETECTION_OUTSCORES_BACKGROUND": FLAG,
    "DETECTION_MASK_SMOOTHING": count(0),
    "LEARNING_RATE": POSITIVE,
    "LEARNING_MOMENTUM": SHARE,
    "WEIGHT_DECAY": FROM_ZERO,
    "LOSS_WEIGHTS": table(FROM_ZERO, LOSS_NAMES),
    "USE_RPN_ROIS": Kind(
        "True: training the heads on regions of one's own is not supported; leave it "
        "True",
        lambda value: isinstance(value, bool | np.bool_) and bool(value),
    ),
    "TRAIN_BN": optional(FLAG),
    "GRADIENT_CLIP_NORM": optional(POSITIVE),
    "LAYER_WIDTHS": optional(table(COUNT)),
    "RPN_CHANNELS": COUNT,
    "MASK_HEAD_CHANNELS": COUNT,
    "BN_MOMENTUM": SHARE,
    "ROI_ALIGN": one_of("crop_and_resize", "aligned"),
    "ROI_FILL_NEGATIVES": FLAG,
    "ROI_APPEND_GT": FLAG,
    "MASK_ROIS_PER_IMAGE": optional(COUNT),
    "SMOOTH_L1_BETA": POSITIVE,
    "OPTIMIZER": one_of("sgd", "adamw"),
    "LEARNING_RATE_SCHEDULE": one_of("constant", "cosine"),
    "WARMUP_STEPS": LENGTH,
    "GRADIENT_ACCUMULATION_STEPS": COUNT,
    "EMA_MOMENTUM": optional(SHARE),
    "PRECISION": one_of(*PRECISIONS),
    "INFERENCE_PRECISION": one_of(*PRECISIONS),
    "SEED": optional(
        Kind(
            "a whole number (int) from 0 to 2 ** 32 - 1",
            lambda value: is_count(value, 0) and value < 2**32,
        )
    ),
    "MAX_FAULTY_IMAGES": SHARE,
    "IMAGE_CACHE_BYTES": LENGTH,
}
"""Every attribute of a `Config`, computed ones included."""


def faults(config: Any) -> dict[str, str]:
    """Return by attribute what is wrong with it, whatever the others say."""
    name = type(config).__name__
    found = {
        key: kind.fault(f"{name}.{key}", getattr(config, key))
        for key, kind in KINDS.items()
        if not is_computed(config, key)
    }
    return {key: fault for key, fault in found.items() if fault}
