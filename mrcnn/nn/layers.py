"""The convolution and normalisation that every part of the network is made of."""

import math
from typing import Any

import keras
from keras import ops

from mrcnn.nn.convolutions import Conv2D, Doubling
from mrcnn.ops.normalisation import normalise_batch
from mrcnn.structures import Tensor


@keras.saving.register_keras_serializable("mrcnn")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation whose statistics are trained or frozen for good.

    `frozen_statistics=True` always uses the moving averages, in training too, while
    gamma and beta still learn: right for batches of one or two images on pretrained
    weights (Matterport's TRAIN_BN = False). With moving averages it is one multiply and
    one add in the compute type; only the two coefficients are computed in float32.

    Trained statistics are those of what is valid. Where nothing is, as in the mask head
    on images without objects, they stay, and the batch is normalised as in inference.
    """

    def __init__(self, *, frozen_statistics: bool = False, **kwargs: Any) -> None:
        """Take `frozen_statistics` and what `keras.layers.BatchNormalization` takes."""
        super().__init__(**kwargs)
        self.frozen_statistics = frozen_statistics

    def call(
        self, inputs: Tensor, training: bool | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """Normalise inputs (..., C); statistics skip what `valid` (...,) denies."""
        if training and self.trainable and not self.frozen_statistics:
            if valid is None:
                return self._normalise_batch(inputs)
            return self._normalise_by_valid(inputs, valid)
        scale = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
        shift = self.beta - self.moving_mean * scale
        return inputs * ops.cast(scale, inputs.dtype) + ops.cast(shift, inputs.dtype)

    def _normalise_batch(self, inputs: Tensor) -> Tensor:
        """Do what Keras does, in fewer operations."""
        normal, mean, variance = normalise_batch(
            inputs, self.gamma, self.beta, self.epsilon
        )
        self.moving_mean.assign(self._followed(self.moving_mean, mean))
        self.moving_variance.assign(self._followed(self.moving_variance, variance))
        return normal

    def _followed(self, moving: keras.Variable, found: Tensor) -> Tensor:
        """Return a moving average after a step towards what was found."""
        old = ops.cast(moving, found.dtype)
        return old * self.momentum + found * (1 - self.momentum)

    def _normalise_by_valid(self, inputs: Tensor, valid: Tensor) -> Tensor:
        """Do what Keras does with a mask, and leave statistics where it is all False.

        Keras takes 0 for mean and variance of nothing, and moves towards them.
        """
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        valid = ops.broadcast_to(ops.cast(valid, "bool"), ops.shape(x)[:-1])
        axes, of_map = tuple(range(len(x.shape) - 1)), valid[..., None]
        some, count = ops.any(valid), ops.sum(ops.cast(valid, x.dtype))

        def average(values: Tensor) -> Tensor:
            return ops.sum(values, axes) / ops.maximum(count, 1)

        def settle(moving: keras.Variable, found: Tensor) -> Tensor:
            old = ops.cast(moving, x.dtype)
            moving.assign(ops.where(some, self._followed(moving, found), old))
            return ops.where(some, found, old)

        mean = average(ops.where(of_map, x, 0))
        variance = average(ops.square(ops.where(of_map, x - mean, 0)))
        used = settle(self.moving_mean, mean), settle(self.moving_variance, variance)
        normal = ops.batch_normalization(
            x, *used, axis=-1, offset=self.beta, scale=self.gamma, epsilon=self.epsilon
        )
        return ops.cast(normal, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to build this layer again."""
        return {**super().get_config(), "frozen_statistics": self.frozen_statistics}


@keras.saving.register_keras_serializable("mrcnn")
class Upsampling(keras.layers.Layer):
    """Doubles rows and columns of features (B, h, w, C): every pixel becomes four.

    What `keras.layers.UpSampling2D` does, in fewer operations, in exported files too.
    """

    def call(self, features: Tensor) -> Tensor:
        """Return features (B, 2 h, 2 w, C)."""
        _, rows, columns, channels = ops.shape(features)
        flat = ops.reshape(features, (-1, rows, 1, columns * channels))
        taller = ops.reshape(
            ops.concatenate([flat, flat], axis=2), (-1, 2 * rows, columns, channels)
        )
        # Twice a pixel's channels, one after the other, are two pixels.
        return ops.reshape(
            ops.concatenate([taller, taller], axis=3),
            (-1, 2 * rows, 2 * columns, channels),
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the result; None where a side is not yet known."""
        batch, *sides, channels = input_shape
        return (batch, *(2 * side if side else None for side in sides), channels)


class LayerFactory:
    """Makes layers that share a numeric type and a way of normalising.

    Convolutions have biases even before a normalisation: Matterport's weights do.
    """

    def __init__(
        self, *, dtype: str, train_statistics: bool, bn_momentum: float, seed: int
    ) -> None:
        """Fix what all layers have in common.

        Args:
            dtype: Keras dtype policy, such as "mixed_bfloat16".
            train_statistics: whether batch normalisation learns its statistics.
            bn_momentum: of its moving averages.
            seed: of the initial weights, with the layer's name.

        Raises:
            ValueError: if Keras' layers would take channels for rows.
        """
        if keras.config.image_data_format() != "channels_last":
            raise ValueError(
                "keras.config.image_data_format() is "
                f"{keras.config.image_data_format()!r}, and images are (h, w, C) here: "
                'call keras.config.set_image_data_format("channels_last") first.'
            )
        self.dtype = dtype
        self.compute_dtype = keras.DTypePolicy(dtype).compute_dtype
        self.train_statistics = train_statistics
        self.bn_momentum = bn_momentum
        self.seed = seed

    def _seed(self, name: str) -> int:
        # One seed a layer, whatever the order in which layers are made.
        return (
            self.seed * 1_000_003 + sum(ord(c) * 31**i for i, c in enumerate(name))
        ) % (2**31)

    def conv(self, name: str, filters: int, size: int, **kwargs: Any) -> Conv2D:
        """Return a convolution of `size` x `size` (He initialisation by default)."""
        kwargs.setdefault(
            "kernel_initializer", keras.initializers.HeNormal(self._seed(name))
        )
        return Conv2D(filters, size, name=name, **{"dtype": self.dtype, **kwargs})

    def depthwise(
        self, name: str, size: int, strides: int
    ) -> keras.layers.DepthwiseConv2D:
        """Return a convolution of every channel by itself, without biases."""
        # He initialisation: Keras' own counts all channels, of which each sees one.
        initializer = keras.initializers.RandomNormal(
            stddev=math.sqrt(2) / size, seed=self._seed(name)
        )
        return keras.layers.DepthwiseConv2D(
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            name=name,
            dtype=self.dtype,
            depthwise_initializer=initializer,
        )

    def predictor(self, name: str, filters: int, **kwargs: Any) -> Conv2D:
        """Return a 1 x 1 convolution in float32 that starts near zero."""
        initializer = keras.initializers.RandomNormal(
            stddev=0.01, seed=self._seed(name)
        )
        return self.conv(
            name, filters, 1, dtype="float32", kernel_initializer=initializer, **kwargs
        )

    def dense(self, name: str, units: int, stddev: float) -> keras.layers.Dense:
        """Return a float32 dense layer whose outputs start near zero."""
        initializer = keras.initializers.RandomNormal(
            stddev=stddev, seed=self._seed(name)
        )
        return keras.layers.Dense(
            units, name=name, dtype="float32", kernel_initializer=initializer
        )

    def deconv(self, name: str, filters: int) -> Doubling:
        """Return a 2 x 2 transposed convolution of stride 2 that doubles the side."""
        return Doubling(
            filters,
            activation="relu",
            name=name,
            dtype=self.dtype,
            kernel_initializer=keras.initializers.HeNormal(self._seed(name)),
        )

    def norm(self, name: str, **kwargs: Any) -> BatchNorm:
        """Return a batch normalisation."""
        return BatchNorm(
            name=name,
            momentum=self.bn_momentum,
            frozen_statistics=not self.train_statistics,
            dtype=self.dtype,
            **kwargs,
        )

    def relu(self, name: str | None = None) -> keras.layers.Activation:
        """Return a rectifier."""
        return keras.layers.Activation("relu", name=name, dtype=self.dtype)
