"""Which attributes of a `Config` have to fit each other.

An attribute that the user set is never changed. What contradicts it is refused if the
user set that too; a default gives way, and `remarks` says so.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NamedTuple

from mrcnn.checks import derived, kinds
from mrcnn.checks.derived import is_given, is_ours
from mrcnn.notices import quoted

STRIDES = [4, 8, 16, 32, 64]
"""Of the levels of the backbones that have a name."""
FORMER = {"IMAGE_PADDING": "IMAGE_RESIZE_MODE"}
"""Names of Matterport's first releases, and what has taken their place."""
ALIKE = 0.8
"""Names from this similarity on (`difflib`) are taken for one, misspelt."""


class Limit(NamedTuple):
    """An attribute that another one bounds, and why."""

    name: str
    most: str
    reason: str


LIMITS = (
    Limit(
        "DETECTION_MAX_INSTANCES",
        "POST_NMS_ROIS_INFERENCE",
        "a proposal is one detection at most, and mostly several lie on one object "
        "(Matterport's code has ten for each detection)",
    ),
    Limit(
        "DETECTION_MAX_INSTANCES",
        "PRE_NMS_LIMIT",
        "a detection comes from one of these anchors",
    ),
    Limit(
        "POST_NMS_ROIS_INFERENCE",
        "PRE_NMS_LIMIT",
        "proposals are chosen among so many anchors",
    ),
    Limit(
        "POST_NMS_ROIS_TRAINING",
        "PRE_NMS_LIMIT",
        "proposals are chosen among so many anchors",
    ),
    Limit(
        "MASK_ROIS_PER_IMAGE",
        "TRAIN_ROIS_PER_IMAGE",
        "masks are learnt on some of these regions",
    ),
    Limit(
        "IMAGE_MIN_DIM",
        "IMAGE_MAX_DIM",
        "the short side of an image is not longer than the long one",
    ),
)
"""In this order they follow: what is bounded bounds others."""


def _limits_of(config: Any) -> list[Limit]:
    """Return what bounds what: only mode square looks at IMAGE_MAX_DIM."""
    square = config.IMAGE_RESIZE_MODE == "square"
    return [limit for limit in LIMITS if square or limit.name != "IMAGE_MIN_DIM"]


def limited(config: Any, name: str) -> Any:
    """Return an attribute's value, or what bounds it if that is less; None stays."""
    value = getattr(config, name)
    bounds = [
        limited(config, limit.most)
        for limit in _limits_of(config)
        if limit.name == name
    ]
    return value if value is None else min([value, *bounds])


def remarks(config: Any) -> list[str]:
    """Return what a user should hear of settings that are in order.

    Which default gives way to another setting, and which attributes look like settings
    and are none.
    """
    changed = {
        limit.name: f"{type(config).__name__}.{limit.name} follows {limit.most}: "
        f"{limited(config, limit.name)} in place of {getattr(config, limit.name)}."
        for limit in _limits_of(config)
        if limited(config, limit.name) != getattr(config, limit.name)
        and limited(config, limit.name) == limited(config, limit.most)
    }
    return [*changed.values(), *_dark_mean(config), *_misspelt(config)]


def _dark_mean(config: Any) -> Iterator[str]:
    """Yield a remark if the mean pixel seems to be that of images in 0..1."""
    if 0 < max(config.MEAN_PIXEL) <= 1:
        yield (
            f"{type(config).__name__}.MEAN_PIXEL is {list(config.MEAN_PIXEL)}, but "
            "pixels are 0..255: multiply it by 255 if it is of images in 0..1."
        )


def _misspelt(config: Any) -> Iterator[str]:
    """Yield a remark for each attribute of the user's that is nearly a setting."""
    known = {
        name
        for owner in type(config).__mro__
        if is_ours(owner)
        for name in vars(owner)
        if name.isupper()
    }
    theirs = set(vars(config)).union(
        *(vars(owner) for owner in type(config).__mro__[:-1] if not is_ours(owner))
    )
    for name in sorted(theirs - known):
        meant = _meant(name, known)
        if name.startswith("_") or not meant:
            continue
        if name.isupper() or name.upper() in known:
            yield (
                f"{type(config).__name__}.{name} is no setting and changes nothing. "
                f"Is {meant} meant?"
            )


def _meant(name: str, known: Collection[str]) -> str | None:
    """Return the setting that a name is nearly, None if there is none."""
    near = get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)
    return FORMER.get(name) or next(iter(near), None)


def no_setting(name: object) -> str:
    """Return what is wrong with a name that is no setting, and which may be meant."""
    meant = _meant(str(name), kinds.KINDS)
    way = f"is {meant} meant?" if meant else "mrcnn.config.Config lists them all."
    return f"{quoted(name)} is no setting: {way}"


def faults(config: Any) -> list[str]:
    """Return everything that is wrong with the settings, alone and together."""
    alone = kinds.faults(config)
    name = type(config).__name__
    together = [
        f"{name}.{fault}"
        for names, check in CHECKS
        if not alone.keys() & set(names)
        for fault in check(config)
    ]
    return [*alone.values(), *together]


def _limits(config: Any) -> Iterator[str]:
    for name, most, reason in _limits_of(config):
        value, bound = getattr(config, name), getattr(config, most)
        if not is_given(config, name) or value is None or value <= bound:
            continue
        yield (
            f"{name} is {value}, but {most} is {bound}: {reason}. Set {most} to "
            f"{value} or more, or {name} to {bound} or less."
        )


def _levels(config: Any) -> Iterator[str]:
    strides, scales = list(config.BACKBONE_STRIDES), config.RPN_ANCHOR_SCALES
    if len(scales) != len(strides):
        yield (
            f"RPN_ANCHOR_SCALES has {len(scales)} entries for {len(strides)} pyramid "
            "levels: give one each."
        )
    if not callable(config.BACKBONE) and strides != STRIDES:
        yield (
            f"BACKBONE_STRIDES is {strides}, but the levels of {config.BACKBONE} have "
            f"the strides {STRIDES}: leave it out."
        )
    elif any(2 * a != b for a, b in pairwise(strides)):
        yield (
            f"BACKBONE_STRIDES is {strides}: each level is half as large as the one "
            "before, so that each stride is twice the one before."
        )


def _sides(config: Any) -> Iterator[str]:
    crop = config.IMAGE_RESIZE_MODE == "crop"
    name = "IMAGE_MIN_DIM" if crop else "IMAGE_MAX_DIM"
    side = getattr(config, name) or 0
    if side % 64 or not side:
        yield (
            f"{name} gives images of {side} pixels, which does not divide by 64: the "
            f"pyramid halves an image six times. Take {max(64, round(side / 64) * 64)}."
        )


def _computed(config: Any) -> Iterator[str]:
    """Yield values of the user's that differ from what the other settings give."""
    shape, expected = list(config.IMAGE_SHAPE), list(derived.image_shape(config))
    if config.IMAGE_RESIZE_MODE in ("none", "pad64"):
        expected[:2] = shape[:2]  # each image has a size of its own
    if shape != expected:
        sizes = "IMAGE_MAX_DIM, or in mode crop IMAGE_MIN_DIM,"
        yield (
            f"IMAGE_SHAPE is {[int(side) for side in shape]}, but {sizes} and "
            f"IMAGE_CHANNEL_COUNT give {[int(side) for side in expected]}: set these, "
            "and leave it out."
        )
    size, expected = config.IMAGE_META_SIZE, derived.image_meta_size(config)
    if size != expected:
        yield (
            f"IMAGE_META_SIZE is {size}, but NUM_CLASSES gives {expected}: leave it "
            "out."
        )


def _batch(config: Any) -> Iterator[str]:
    """Yield if two statements of the user's on the size of a batch differ."""
    size, expected = config.BATCH_SIZE, derived.batch_size(config)
    factors = ("IMAGES_PER_GPU", "GPU_COUNT")
    if "BATCH_SIZE" in vars(config):  # set last, unless one of these was too
        rivals = [name for name in factors if name in vars(config)]
    else:
        rivals = [name for name in factors if is_given(config, name)]
    if size != expected and rivals:
        yield (
            f"BATCH_SIZE is {size}, but IMAGES_PER_GPU x GPU_COUNT is {expected}: set "
            f"IMAGES_PER_GPU alone, and BATCH_SIZE follows."
        )


def _masks(config: Any) -> Iterator[str]:
    shape, expected = tuple(config.MASK_SHAPE), derived.mask_shape(config)
    if shape != expected:
        yield (
            f"MASK_SHAPE is {shape}, but the mask head makes twice MASK_POOL_SIZE, "
            f"{expected}: leave it out, and it follows."
        )
    if config.USE_MINI_MASK and config.MINI_MASK_SHAPE is None:
        yield (
            "MINI_MASK_SHAPE is None with USE_MINI_MASK: give rows and columns, such "
            "as (56, 56)."
        )


def _channels(config: Any) -> Iterator[str]:
    if len(config.MEAN_PIXEL) != config.IMAGE_CHANNEL_COUNT:
        yield (
            f"MEAN_PIXEL has {len(config.MEAN_PIXEL)} values for images of "
            f"{config.IMAGE_CHANNEL_COUNT} channels (IMAGE_CHANNEL_COUNT): give one "
            "each."
        )


def _positives(config: Any) -> Iterator[str]:
    regions, ratio = config.TRAIN_ROIS_PER_IMAGE, config.ROI_POSITIVE_RATIO
    if int(regions * ratio) < 1:
        yield (
            f"ROI_POSITIVE_RATIO of {ratio} leaves none of {regions} regions "
            "(TRAIN_ROIS_PER_IMAGE) to learn boxes and masks on: raise one of them."
        )


CHECKS = (
    (("BACKBONE", "BACKBONE_STRIDES", "RPN_ANCHOR_SCALES"), _levels),
    (("IMAGE_RESIZE_MODE", "IMAGE_MIN_DIM", "IMAGE_MAX_DIM"), _sides),
    (("IMAGE_CHANNEL_COUNT", "MEAN_PIXEL"), _channels),
    (
        (
            *("IMAGE_RESIZE_MODE", "IMAGE_MIN_DIM", "IMAGE_MAX_DIM", "NUM_CLASSES"),
            *("IMAGE_CHANNEL_COUNT", "IMAGE_SHAPE", "IMAGE_META_SIZE"),
        ),
        _computed,
    ),
    (("GPU_COUNT", "IMAGES_PER_GPU", "BATCH_SIZE"), _batch),
    (("MASK_POOL_SIZE", "MASK_SHAPE", "USE_MINI_MASK", "MINI_MASK_SHAPE"), _masks),
    (("TRAIN_ROIS_PER_IMAGE", "ROI_POSITIVE_RATIO"), _positives),
    (("IMAGE_RESIZE_MODE", *(n for limit in LIMITS for n in limit[:2])), _limits),
)
"""What each check reads, and the check; it is left out if one of these is faulty."""
