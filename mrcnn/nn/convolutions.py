"""Convolutions, computed as products of matrices where that is what they are.

A 1 x 1 convolution is a product, so is one as large as its input, and so is a
transposed convolution whose steps do not overlap. Kernels for convolutions are made for
other shapes, and take longer: several times as long for the box head, in TensorFlow, in
OpenVINO and in ONNX Runtime.
"""

import math
from typing import Any

import keras
from keras import ops

from mrcnn.ops.portable import products
from mrcnn.structures import Tensor

NARROW = 16
"""Channels below which a 1 x 1 convolution with strides is a product too: of so few,
TensorFlow's own gradient (2.21 with oneDNN) was seen to end the process."""


@keras.saving.register_keras_serializable("mrcnn")
class Conv2D(keras.layers.Conv2D):
    """Keras' convolution, by a product where each input counts for one output only."""

    def call(self, inputs: Tensor) -> Tensor:
        """Return features (B, h', w', filters) of features (B, h, w, C)."""
        narrow = min(self.kernel.shape[-2:]) < NARROW
        pointwise = self.kernel_size == (1, 1) and (narrow or self.strides == (1, 1))
        whole = self.padding == "valid" and self.kernel_size == tuple(inputs.shape[1:3])
        product = whole or (pointwise and products())
        if not product or not _plain(self) or self.groups > 1:
            return super().call(inputs)
        if not whole:  # what strides leave out takes no part
            down, right = self.strides
            inputs = inputs[:, ::down, ::right]
        sides = (1, 1) if whole else ops.shape(inputs)[1:3]
        # Rows, columns and channels of kernel and input have the same order.
        rows = ops.reshape(inputs, (-1, math.prod(self.kernel.shape[:-1])))
        kernel = ops.reshape(self.kernel, (-1, self.filters))
        outputs = ops.matmul(rows, kernel)
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return ops.reshape(self.activation(outputs), (-1, *sides, self.filters))


@keras.saving.register_keras_serializable("mrcnn")
class Doubling(keras.layers.Conv2DTranspose):
    """A transposed convolution of 2 x 2 and stride 2: of each pixel it makes four."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        """Take the filters and what `keras.layers.Conv2DTranspose` takes besides."""
        fixed = {"kernel_size": 2, "strides": 2, "padding": "valid"}
        super().__init__(filters, **{**kwargs, **fixed})

    def call(self, inputs: Tensor) -> Tensor:
        """Return features (B, 2 h, 2 w, filters) of features (B, h, w, C)."""
        if not (products() and _plain(self)):
            return super().call(inputs)
        _, height, width, channels = ops.shape(inputs)
        # (2, 2, filters, C) -> (C, 4 filters)
        kernel = ops.transpose(ops.reshape(self.kernel, (-1, channels)))
        four = ops.matmul(ops.reshape(inputs, (-1, channels)), kernel)
        if self.use_bias:
            four = ops.add(four, ops.tile(self.bias, 4))
        four = ops.reshape(
            self.activation(four), (-1, height, width, 2, 2, self.filters)
        )
        # (B, h, w, 2, 2, filters) -> (B, h, 2, w, 2, filters)
        return ops.reshape(
            ops.transpose(four, (0, 1, 3, 2, 4, 5)),
            (-1, 2 * height, 2 * width, self.filters),
        )


def _plain(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has channels last and takes its pixels side by side."""
    return layer.data_format == "channels_last" and set(layer.dilation_rate) == {1}
