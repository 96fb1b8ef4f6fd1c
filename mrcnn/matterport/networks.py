"""Matterport's functions that build parts of the network, over `nn`.

They make the same layers as `mrcnn.build`, in float32, for networks of one's own.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mrcnn.config import Config
from mrcnn.matterport.layers import PyramidROIAlign
from mrcnn.nn.layers import BatchNorm, LayerFactory
from mrcnn.nn.resnet import bottleneck, default_widths, features
from mrcnn.nn.roi_heads import (
    box_head_widths,
    build_box_head,
    build_mask_head,
    mask_head_widths,
)
from mrcnn.nn.rpn import build_rpn, rpn_widths
from mrcnn.structures import Tensor

__all__ = [
    "BatchNorm",
    "build_fpn_mask_graph",
    "build_rpn_model",
    "compute_backbone_shapes",
    "conv_block",
    "fpn_classifier_graph",
    "identity_block",
    "resnet_graph",
    "rpn_graph",
]

RPN_CHANNELS = 512
MASK_CHANNELS = 256


def _factory(train_bn: bool | None) -> LayerFactory:
    """Return what makes layers. Matterport's `train_bn` is False to freeze statistics.

    Seeds of layers follow from their names.
    """
    return LayerFactory(
        dtype="float32",
        train_statistics=train_bn is not False,
        bn_momentum=Config.BN_MOMENTUM,
        seed=0,
    )


def compute_backbone_shapes(config: Config, image_shape: Sequence[int]) -> np.ndarray:
    """Return rows and columns (5, 2) of each level for an image (H, W, ...)."""
    if callable(config.BACKBONE):
        return np.asarray(config.COMPUTE_BACKBONE_SHAPE(image_shape))
    return np.array(
        [
            [math.ceil(side / stride) for side in image_shape[:2]]
            for stride in config.BACKBONE_STRIDES
        ]
    )


def _block(
    x: Tensor,
    filters: Sequence[int],
    name: str,
    stride: int,
    train_bn: bool | None,
    *,
    project: bool,
) -> Tensor:
    inner, middle, outer = filters
    branches = {"2a": inner, "2b": middle, "2c": outer, "1": outer}
    widths = {f"res{name}_branch{b}": width for b, width in branches.items()}
    return bottleneck(x, name, stride, widths, _factory(train_bn), project=project)


def identity_block(
    input_tensor: Tensor,
    kernel_size: int,
    filters: Sequence[int],
    stage: int,
    block: str,
    use_bias: bool = True,
    train_bn: bool | None = True,
) -> Tensor:
    """Add a block whose shortcut is its input; kernels are 3 x 3, with biases.

    Raises:
        ValueError: if another kernel, or none of the biases, is asked for.
    """
    _only_ours(kernel_size, use_bias)
    name = f"{stage}{block}"
    return _block(input_tensor, filters, name, 1, train_bn, project=False)


def conv_block(
    input_tensor: Tensor,
    kernel_size: int,
    filters: Sequence[int],
    stage: int,
    block: str,
    strides: tuple[int, int] = (2, 2),
    use_bias: bool = True,
    train_bn: bool | None = True,
) -> Tensor:
    """Add a block with a convolution in its shortcut; see `identity_block`."""
    _only_ours(kernel_size, use_bias)
    name = f"{stage}{block}"
    return _block(input_tensor, filters, name, strides[0], train_bn, project=True)


def _only_ours(kernel_size: int, use_bias: bool) -> None:
    if kernel_size != 3 or not use_bias:
        raise ValueError(
            "Blocks have 3 x 3 kernels and biases, as the weights in circulation do; "
            f"kernel_size {kernel_size} with use_bias={use_bias} needs layers of your "
            "own."
        )


def resnet_graph(
    input_image: Tensor,
    architecture: str,
    stage5: bool = False,
    train_bn: bool | None = True,
) -> list[Tensor | None]:
    """Return C1 to C5 of an image (B, H, W, C); C5 is None unless `stage5`.

    Layers are named as in the weight files.
    """
    widths = default_widths(architecture)
    found = features(input_image, architecture, widths, _factory(train_bn))
    return found if stage5 else [*found[:4], None]


def build_rpn_model(
    anchor_stride: int, anchors_per_location: int, depth: int
) -> keras.Model:
    """Return the model level (B, h, w, depth) -> [logits, probabilities, deltas]."""
    rpn = build_rpn(
        depth,
        rpn_widths(RPN_CHANNELS),
        anchors_per_location,
        anchor_stride,
        _factory(False),
    )
    logits, deltas = rpn.outputs
    softmax = keras.layers.Activation("softmax", name="rpn_class_xxx", dtype="float32")
    return keras.Model(rpn.inputs, [logits, softmax(logits), deltas], name="rpn_model")


def rpn_graph(
    feature_map: Tensor, anchors_per_location: int, anchor_stride: int
) -> list[Tensor]:
    """Return logits (B, A, 2), probabilities and deltas (B, A, 4) of one level."""
    depth = feature_map.shape[-1]
    return build_rpn_model(anchor_stride, anchors_per_location, depth)(feature_map)


def fpn_classifier_graph(
    rois: Tensor,
    feature_maps: Sequence[Tensor],
    image_meta: Tensor,
    pool_size: int,
    num_classes: int,
    train_bn: bool | None = True,
    fc_layers_size: int = 1024,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits and probabilities (B, R, K) and deltas (B, R, K, 4) of RoIs.

    Args:
        rois: (B, R, 4) normalised.
        feature_maps: P2 to P5.
        image_meta: not needed: the image is four times as large as P2.
        pool_size: side of a region's features.
        num_classes: K.
        train_bn: None trains the statistics of batch normalisation, False freezes them.
        fc_layers_size: width of the two dense layers.
    """
    crops = PyramidROIAlign([pool_size, pool_size], name="roi_align_classifier")(
        [rois, image_meta, *feature_maps]
    )
    head = build_box_head(
        crops.shape[-1],
        pool_size,
        box_head_widths(fc_layers_size),
        num_classes,
        _factory(train_bn),
    )
    logits, deltas = _over_rois(head, crops, rois.shape[1])
    return logits, ops.softmax(logits, axis=-1), deltas


def build_fpn_mask_graph(
    rois: Tensor,
    feature_maps: Sequence[Tensor],
    image_meta: Tensor,
    pool_size: int,
    num_classes: int,
    train_bn: bool | None = True,
) -> Tensor:
    """Return the masks (B, R, M, M, K) of RoIs for every class, M = 2 `pool_size`.

    The arguments are those of `fpn_classifier_graph`.
    """
    crops = PyramidROIAlign([pool_size, pool_size], name="roi_align_mask")(
        [rois, image_meta, *feature_maps]
    )
    head = build_mask_head(
        crops.shape[-1],
        pool_size,
        mask_head_widths(MASK_CHANNELS),
        num_classes,
        _factory(train_bn),
    )
    (logits,) = _over_rois(head, crops, rois.shape[1])
    return ops.sigmoid(logits)


def _over_rois(head: keras.Model, crops: Tensor, count: int) -> list[Tensor]:
    """Run a head over crops (B, R, h, w, C); return its outputs as (B, R, ...)."""
    flat = ops.reshape(crops, (-1, *crops.shape[2:]))
    valid = ops.ones_like(flat[:, 0, 0, 0], dtype="bool")
    outputs: Any = head([flat, valid])
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [ops.reshape(o, (-1, count, *o.shape[1:])) for o in outputs]
