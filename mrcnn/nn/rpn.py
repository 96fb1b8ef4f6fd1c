"""The region proposal network: which anchors hold an object, and where exactly.

Faster R-CNN, arXiv:1506.01497, section 3.1.
"""

from collections.abc import Mapping

import keras

from mrcnn.nn.layers import LayerFactory


def rpn_widths(channels: int) -> dict[str, int]:
    """Return the filters of the convolution that both outputs read."""
    return {"rpn_conv_shared": channels}


def build_rpn(
    in_channels: int,
    widths: Mapping[str, int],
    anchors_per_cell: int,
    anchor_stride: int,
    make: LayerFactory,
) -> keras.Model:
    """Return the model that one pyramid level (B, h, w, C) after another runs through.

    It gives class logits (B, h w a, 2), background first, and deltas (B, h w a, 4),
    both float32, in the order of `ops.anchors`. Its name and the order of its weights
    are those of Matterport's nested "rpn_model".
    """
    features = keras.Input(
        (None, None, in_channels),
        name="input_rpn_feature_map",
        dtype=make.compute_dtype,
    )
    shared = make.conv(
        "rpn_conv_shared",
        widths["rpn_conv_shared"],
        3,
        strides=anchor_stride,
        padding="same",
        activation="relu",
    )(features)
    logits = make.predictor("rpn_class_raw", 2 * anchors_per_cell)(shared)
    deltas = make.predictor("rpn_bbox_pred", 4 * anchors_per_cell)(shared)
    # (B, h, w, a * 2) -> (B, h * w * a, 2), and likewise for the deltas.
    logits = keras.layers.Reshape((-1, 2), name="rpn_class_logits", dtype="float32")(
        logits
    )
    deltas = keras.layers.Reshape((-1, 4), name="rpn_bbox", dtype="float32")(deltas)
    return keras.Model(features, [logits, deltas], name="rpn_model")
