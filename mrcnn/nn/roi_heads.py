"""The heads: class and box of a RoI from 7 x 7 features, its mask from 14 x 14.

Mask R-CNN, arXiv:1703.06870, figure 4 (right), with Matterport's layer names. RoIs of
all images run through the heads as one batch of n = B * R.
"""

from collections.abc import Mapping

import keras
from keras import ops

from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.settings import Settings
from mrcnn.ops.masks import smooth_masks
from mrcnn.ops.roi_align import Canvas, pyramid_roi_align
from mrcnn.ops.sampling import of_class
from mrcnn.structures import Tensor


def box_head_widths(size: int) -> dict[str, int]:
    """Return the filters of the two layers that class and box share."""
    return {"mrcnn_class_conv1": size, "mrcnn_class_conv2": size}


def mask_head_widths(channels: int) -> dict[str, int]:
    """Return the filters of the mask head's layers before the last."""
    names = [*(f"mrcnn_mask_conv{i}" for i in range(1, 5)), "mrcnn_mask_deconv"]
    return dict.fromkeys(names, channels)


def build_box_head(
    in_channels: int,
    pool_size: int,
    widths: Mapping[str, int],
    num_classes: int,
    make: LayerFactory,
) -> keras.Model:
    """Return the model [(n, pool, pool, C), (n,) bool] -> [logits, deltas].

    The second input says which RoIs exist; the statistics of batch normalisation leave
    the others out. Logits are (n, K) and deltas (n, K, 4), both float32.
    """
    features = keras.Input(
        (pool_size, pool_size, in_channels), dtype=make.compute_dtype
    )
    valid = keras.Input((), dtype="bool")
    of_map = keras.layers.Reshape((1, 1), dtype="bool")(valid)
    x = features
    # A convolution as large as its input is a fully connected layer.
    for i, size in ((1, pool_size), (2, 1)):
        name = f"mrcnn_class_conv{i}"
        x = make.conv(name, widths[name], size)(x)
        x = make.relu()(make.norm(f"mrcnn_class_bn{i}")(x, valid=of_map))
    shared = keras.layers.Reshape(
        (widths["mrcnn_class_conv2"],), name="pool_squeeze", dtype=make.dtype
    )(x)
    logits = make.dense("mrcnn_class_logits", num_classes, 0.01)(shared)
    deltas = make.dense("mrcnn_bbox_fc", num_classes * 4, 0.001)(shared)
    deltas = keras.layers.Reshape((num_classes, 4), name="mrcnn_bbox", dtype="float32")(
        deltas
    )
    return keras.Model([features, valid], [logits, deltas], name="box_head")


def build_mask_head(
    in_channels: int,
    pool_size: int,
    widths: Mapping[str, int],
    num_classes: int,
    make: LayerFactory,
) -> keras.Model:
    """Return the model [(n, pool, pool, C), (n,) bool] -> logits (n, M, M, K) float32.

    M is twice the pool size. The second input is as in `build_box_head`.
    """
    features = keras.Input(
        (pool_size, pool_size, in_channels), dtype=make.compute_dtype
    )
    valid = keras.Input((), dtype="bool")
    of_map = keras.layers.Reshape((1, 1), dtype="bool")(valid)
    x = features
    for i in range(1, 5):
        name = f"mrcnn_mask_conv{i}"
        x = make.conv(name, widths[name], 3, padding="same")(x)
        x = make.relu()(make.norm(f"mrcnn_mask_bn{i}")(x, valid=of_map))
    x = make.deconv("mrcnn_mask_deconv", widths["mrcnn_mask_deconv"])(x)
    logits = make.predictor("mrcnn_mask", num_classes)(x)
    return keras.Model([features, valid], logits, name="mask_head")


class RoiHeads:
    """Both heads over one batch's pyramid, on RoIs (B, R, 4) in normalised boxes."""

    def __init__(
        self,
        box_head: keras.Model,
        mask_head: keras.Model,
        canvas: Canvas,
        image_shape: tuple[int, int],
        settings: Settings,
        training: bool,
    ) -> None:
        """Take the heads and what they read from.

        Args:
            box_head: from `build_box_head`.
            mask_head: from `build_mask_head`.
            canvas: P2 to P5, packed.
            image_shape: (H, W) in pixels.
            settings: of the model.
            training: whether batch normalisation trains.
        """
        self.box_head, self.mask_head = box_head, mask_head
        self.canvas, self.image_shape = canvas, image_shape
        self.settings, self.training = settings, training

    def classify(self, rois: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits (B, R, K) and deltas (B, R, K, 4)."""
        features = self._pool(rois, self.settings.pool_size)
        inputs = [features, ops.reshape(valid, (-1,))]
        logits, deltas = self.box_head(inputs, training=self.training)
        count, classes = rois.shape[1], logits.shape[-1]
        return (
            ops.reshape(logits, (-1, count, classes)),
            ops.reshape(deltas, (-1, count, classes, 4)),
        )

    def outline(self, rois: Tensor, valid: Tensor) -> Tensor:
        """Return mask logits (B, R, M, M, K)."""
        features = self._pool(rois, self.settings.mask_pool_size)
        inputs = [features, ops.reshape(valid, (-1,))]
        logits = self.mask_head(inputs, training=self.training)
        return ops.reshape(logits, (-1, rois.shape[1], *logits.shape[1:]))

    def masks(self, boxes: Tensor, class_ids: Tensor | None = None) -> Tensor:
        """Return masks of boxes (B, R, 4) taken for classes (B, R): (B, R, M, M).

        Without classes those of every class, (B, R, M, M, K).
        """
        logits = self.outline(boxes, ops.ones(ops.shape(boxes)[:2], dtype="bool"))
        if class_ids is not None:
            logits = of_class(ops.moveaxis(logits, -1, 2), class_ids)
        return smooth_masks(ops.sigmoid(logits), self.settings.mask_smoothing)

    def _pool(self, rois: Tensor, size: int) -> Tensor:
        """Return the features (B R, size, size, C) of RoIs."""
        crops = pyramid_roi_align(
            self.canvas,
            rois,
            size,
            image_shape=self.image_shape,
            aligned=self.settings.aligned,
        )
        return ops.reshape(crops, (-1, size, size, crops.shape[-1]))
