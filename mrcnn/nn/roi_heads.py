"""The heads: class and box of a RoI from 7 x 7 features, its mask from 14 x 14.

Mask R-CNN, arXiv:1703.06870, figure 4 (right), with Matterport's layer names. RoIs of
all images run through the heads as one batch of n = B * R.
"""

import keras

from mrcnn.nn.layers import LayerFactory


def build_box_head(
    in_channels: int, pool_size: int, fc_size: int, num_classes: int, make: LayerFactory
) -> keras.Model:
    """Return the model [(n, pool, pool, C), (n,) bool] -> [logits, deltas].

    The second input says which RoIs exist; the statistics of batch normalisation leave
    the others out. Logits are (n, K) and deltas (n, K, 4), both float32.
    """
    features = keras.Input((pool_size, pool_size, in_channels), dtype=make.compute_dtype)
    valid = keras.Input((), dtype="bool")
    of_map = keras.layers.Reshape((1, 1), dtype="bool")(valid)
    # A convolution as large as its input is a fully connected layer.
    x = make.conv("mrcnn_class_conv1", fc_size, pool_size)(features)
    x = make.relu()(make.norm("mrcnn_class_bn1")(x, valid=of_map))
    x = make.conv("mrcnn_class_conv2", fc_size, 1)(x)
    x = make.relu()(make.norm("mrcnn_class_bn2")(x, valid=of_map))
    shared = keras.layers.Reshape((fc_size,), name="pool_squeeze", dtype=make.dtype)(x)
    logits = make.dense("mrcnn_class_logits", num_classes, 0.01)(shared)
    deltas = make.dense("mrcnn_bbox_fc", num_classes * 4, 0.001)(shared)
    deltas = keras.layers.Reshape(
        (num_classes, 4), name="mrcnn_bbox", dtype="float32"
    )(deltas)
    return keras.Model([features, valid], [logits, deltas], name="box_head")


def build_mask_head(
    in_channels: int, pool_size: int, channels: int, num_classes: int, make: LayerFactory
) -> keras.Model:
    """Return the model [(n, pool, pool, C), (n,) bool] -> logits (n, M, M, K) float32.

    M is twice the pool size. The second input is as in `build_box_head`.
    """
    features = keras.Input((pool_size, pool_size, in_channels), dtype=make.compute_dtype)
    valid = keras.Input((), dtype="bool")
    of_map = keras.layers.Reshape((1, 1), dtype="bool")(valid)
    x = features
    for i in range(1, 5):
        x = make.conv(f"mrcnn_mask_conv{i}", channels, 3, padding="same")(x)
        x = make.relu()(make.norm(f"mrcnn_mask_bn{i}")(x, valid=of_map))
    x = make.deconv("mrcnn_mask_deconv", channels)(x)
    logits = make.predictor("mrcnn_mask", num_classes)(x)
    return keras.Model([features, valid], logits, name="mask_head")
