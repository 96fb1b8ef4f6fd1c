"""From a `Config` to a model, its data and its training.

Nothing else reads one, besides its checks and Matterport's facades.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import keras

from mrcnn.checks.agreement import limited
from mrcnn.checks.kinds import KINDS
from mrcnn.config import Config, checked, with_settings
from mrcnn.data.annotations import check_dataset
from mrcnn.data.copy_paste import CopyPaste
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.hardware import best_policy, refuse_after_fork
from mrcnn.nn import roi_heads
from mrcnn.nn.channels import ChannelGroup, channel_groups
from mrcnn.nn.composite import COMPILED_SIZES
from mrcnn.nn.fpn import build_fpn, pyramid_widths
from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.resnet import BLOCKS, build_backbone, default_widths
from mrcnn.nn.rpn import build_rpn, rpn_widths
from mrcnn.nn.settings import Parts, Settings
from mrcnn.notices import once
from mrcnn.optimizers import SGD, AdamW
from mrcnn.rates import Schedule, checked_stage
from mrcnn.structures import Preprocessing, Stage
from mrcnn.tasks import LOSS_NAMES

Model = TypeVar("Model", bound=MaskRCNN)

NARROWEST = 4
"""Channels that every layer keeps."""


def model(
    config: Config,
    *,
    seed: int | None = None,
    precision: str | None = None,
    model_class: type[Model] = MaskRCNN,
    compiled_sizes: int = COMPILED_SIZES,
) -> Model:
    """Return a model with random weights that depend on `seed` alone.

    Args:
        config: the configuration.
        seed: of initial weights and of samples in training; by default SEED, or 0.
        precision: a Keras dtype policy; by default that of `Config.PRECISION`.
        model_class: of the model.
        compiled_sizes: of inputs for which the model stays compiled, 50 MB each.

    Raises:
        RuntimeError: in a process forked after the backend had begun to work.
        ValueError: names each setting from which no model can be built.
        TypeError: if the configuration is a class, or none at all.
    """
    refuse_after_fork()
    config = checked(config)
    if precision and (fault := KINDS["PRECISION"].fault("precision", precision)):
        raise ValueError(fault)
    seed = config.SEED or 0 if seed is None else seed
    make = LayerFactory(
        dtype=precision or policy(config, "PRECISION"),
        train_statistics=config.TRAIN_BN is not False,
        bn_momentum=config.BN_MOMENTUM,
        seed=seed,
    )
    widths, classes = layer_widths(config), config.NUM_CLASSES
    backbone = build_backbone(config.BACKBONE, config.IMAGE_CHANNEL_COUNT, widths, make)
    depth = widths["fpn_p2"]
    parts = Parts(
        backbone=backbone,
        fpn=build_fpn([output.shape[-1] for output in backbone.outputs], widths, make),
        rpn=build_rpn(
            depth, widths, len(config.RPN_ANCHOR_RATIOS), config.RPN_ANCHOR_STRIDE, make
        ),
        box_head=roi_heads.build_box_head(
            depth, config.POOL_SIZE, widths, classes, make
        ),
        mask_head=roi_heads.build_mask_head(
            depth, config.MASK_POOL_SIZE, widths, classes, make
        ),
    )
    inputs = preprocessing(config).for_inference()
    made = model_class(
        parts, settings(config), inputs, seed=seed, compiled_sizes=compiled_sizes
    )
    made.built_from = config
    return made


def policy(config: Config, attribute: str) -> str:
    """Return the Keras dtype policy that an attribute asks for, and say it once.

    The attribute is "PRECISION" or "INFERENCE_PRECISION".
    """
    asked = getattr(config, attribute)
    found = best_policy() if asked == "auto" else asked
    once(f'Precision: {found} ({attribute} is "{asked}").')
    return found


def layer_widths(config: Config) -> dict[str, int]:
    """Return the filters of every layer of a network by its name.

    Outputs, and layers of a backbone that is a function, are not among them.

    Raises:
        ValueError: names a backbone or layer that does not exist, or layers that are
            added and differ in width.
    """
    architecture = config.BACKBONE
    known = architecture in BLOCKS
    if not known and not callable(architecture):
        raise ValueError(
            f"BACKBONE is {architecture!r}; it must be one of "
            f"{', '.join(BLOCKS)}, or a function."
        )
    default = {
        **(default_widths(architecture) if known else {}),
        **pyramid_widths(config.TOP_DOWN_PYRAMID_SIZE),
        **rpn_widths(config.RPN_CHANNELS),
        **roi_heads.box_head_widths(config.FPN_CLASSIF_FC_LAYERS_SIZE),
        **roi_heads.mask_head_widths(config.MASK_HEAD_CHANNELS),
    }
    given = config.LAYER_WIDTHS or {}
    if unknown := set(given) - set(default):
        raise ValueError(
            f"LAYER_WIDTHS names {', '.join(sorted(unknown))}, which is no layer that "
            f"has channels of its own in a network on {architecture}."
        )
    widths = {**default, **given}
    for group in channels(config):
        found = {name: widths[name] for name in group.makers}
        if len(set(found.values())) > 1:
            raise ValueError(
                f"LAYER_WIDTHS gives different widths to layers that share their "
                f"channels ({group.name}): {found}."
            )
    return widths


def channels(config: Config) -> list[ChannelGroup]:
    """Return the groups of channels of a network, from the image to the outputs."""
    return channel_groups(config.BACKBONE)


def with_widths(config: Config, widths: Mapping[str, int]) -> Config:
    """Return a configuration that differs in the filters of the layers named."""
    changed = dict(config.LAYER_WIDTHS or {}) | dict(widths)
    return with_settings(config, {"LAYER_WIDTHS": changed})


def narrower(config: Config, factor: float) -> Config:
    """Return a configuration with every layer's width scaled by a factor."""
    widths = layer_widths(config)
    return with_widths(
        config, {n: max(NARROWEST, round(factor * w)) for n, w in widths.items()}
    )


def settings(config: Config) -> Settings:
    """Return the numbers that a network with this configuration works with."""
    return Settings(
        anchor_scales=tuple(config.RPN_ANCHOR_SCALES),
        anchor_ratios=tuple(config.RPN_ANCHOR_RATIOS),
        anchor_stride=config.RPN_ANCHOR_STRIDE,
        strides=tuple(config.BACKBONE_STRIDES),
        rpn_std_dev=tuple(map(float, config.RPN_BBOX_STD_DEV)),
        box_std_dev=tuple(map(float, config.BBOX_STD_DEV)),
        pre_nms=config.PRE_NMS_LIMIT,
        proposals_training=limited(config, "POST_NMS_ROIS_TRAINING"),
        proposals_inference=limited(config, "POST_NMS_ROIS_INFERENCE"),
        proposal_iou=config.RPN_NMS_THRESHOLD,
        anchors_per_image=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
        rois_per_image=config.TRAIN_ROIS_PER_IMAGE,
        positive_ratio=config.ROI_POSITIVE_RATIO,
        mask_rois_per_image=limited(config, "MASK_ROIS_PER_IMAGE")
        or int(config.TRAIN_ROIS_PER_IMAGE * config.ROI_POSITIVE_RATIO),
        fill_negatives=config.ROI_FILL_NEGATIVES,
        append_truth=config.ROI_APPEND_GT,
        aligned=config.ROI_ALIGN == "aligned",
        pool_size=config.POOL_SIZE,
        mask_pool_size=config.MASK_POOL_SIZE,
        mini_masks=config.USE_MINI_MASK,
        detections=limited(config, "DETECTION_MAX_INSTANCES"),
        min_confidence=config.DETECTION_MIN_CONFIDENCE,
        detection_iou=config.DETECTION_NMS_THRESHOLD,
        across_classes=config.DETECTION_NMS_ACROSS_CLASSES,
        outscores_background=config.DETECTION_OUTSCORES_BACKGROUND,
        mask_smoothing=config.DETECTION_MASK_SMOOTHING,
        # What is left out counts once, as in Matterport's code.
        loss_weights=tuple(float(config.LOSS_WEIGHTS.get(n, 1)) for n in LOSS_NAMES),
        smooth_l1_beta=config.SMOOTH_L1_BETA,
        l2=config.WEIGHT_DECAY if config.OPTIMIZER == "sgd" else 0.0,
    )


def preprocessing(config: Config) -> Preprocessing:
    """Return how original images become inputs in training."""
    return Preprocessing(
        mode=config.IMAGE_RESIZE_MODE,
        min_dim=limited(config, "IMAGE_MIN_DIM") or 0,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE or 0,
        mean_pixel=tuple(map(float, config.MEAN_PIXEL)),
    )


def batches(
    config: Config,
    dataset: Dataset,
    *,
    steps: int | None = None,
    shuffle: bool = False,
    augmentation: Any = None,
    not_augmented: Collection[str] = (),
    paste: CopyPaste | None = None,
    seed: int | None = None,
) -> Batches:
    """Return the batches of a data set for a model with this configuration.

    Args:
        config: the configuration.
        dataset: prepared.
        steps: batches an epoch; by default each image once.
        shuffle: whether in random order.
        augmentation: whatever `data.augment.as_augmentation` takes.
        not_augmented: sources whose images stay as they are.
        paste: objects of other images into these, once both are augmented.
        seed: of order and augmentation; by default the configuration's SEED, or 0.

    Raises:
        ValueError: if the data set's classes are not those of the configuration, or as
            `config.checked` and `data.annotations.check_dataset`.
        TypeError: as these two.
    """
    config = checked(config)
    check_dataset(dataset)
    if dataset.num_classes != config.NUM_CLASSES:
        raise ValueError(
            f"{type(config).__name__}.NUM_CLASSES is {config.NUM_CLASSES}, but the "
            f"data set has {dataset.num_classes} classes, background included: "
            f"{', '.join(dataset.class_names)}."
        )
    return Batches(
        dataset,
        preprocessing(config),
        batch_size=config.BATCH_SIZE,
        instances=config.MAX_GT_INSTANCES,
        mini_mask_shape=tuple(config.MINI_MASK_SHAPE) if config.USE_MINI_MASK else None,
        channels=config.IMAGE_CHANNEL_COUNT,
        steps=steps,
        shuffle=shuffle,
        augmentation=augmentation,
        not_augmented=not_augmented,
        paste=paste,
        seed=config.SEED or 0 if seed is None else seed,
        cache_bytes=config.IMAGE_CACHE_BYTES,
        faulty=config.MAX_FAULTY_IMAGES,
    )


def stage(config: Config, epochs: int, layers: str = "all") -> Stage:
    """Return a stage at the configuration's learning rate; ValueError for `epochs`."""
    config = checked(config)
    return checked_stage(
        layers=layers,
        epochs=epochs,
        learning_rate=config.LEARNING_RATE,
        schedule=config.LEARNING_RATE_SCHEDULE,
        warmup_steps=config.WARMUP_STEPS,
    )


def optimizer(
    config: Config, learning_rate: float | Schedule
) -> keras.optimizers.Optimizer:
    """Return the configuration's optimizer.

    Gradients, those accumulated too, are clipped by the norm of all of them together,
    as Keras did in Matterport's days; today's `clipnorm` clips each alone.
    """
    config = checked(config)
    momentum, steps = config.EMA_MOMENTUM, config.GRADIENT_ACCUMULATION_STEPS
    options = {
        "global_clipnorm": config.GRADIENT_CLIP_NORM,
        "gradient_accumulation_steps": steps if steps > 1 else None,
        **({} if momentum is None else {"use_ema": True, "ema_momentum": momentum}),
    }
    if config.OPTIMIZER == "adamw":
        adamw = AdamW(learning_rate, weight_decay=config.WEIGHT_DECAY, **options)
        adamw.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return adamw
    return SGD(learning_rate, momentum=config.LEARNING_MOMENTUM, **options)
