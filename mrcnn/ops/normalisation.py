"""Batch normalisation by the statistics of a batch."""

import keras
from keras import ops

from mrcnn.structures import Tensor


def normalise_batch(
    features: Tensor, scale: Tensor, offset: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return normalised features (B, h, w, C), and their mean and variance (C,).

    Batch Normalization, arXiv:1502.03167, algorithm 1. Statistics are float32, also of
    narrower features; the variance is that of the batch, not an estimate from it.
    TensorFlow has one kernel for all of it, and one for its gradient, where the formula
    passes over the features some ten times.

    Args:
        features: of any floating type.
        scale: gamma (C,).
        offset: beta (C,).
        epsilon: beside the variance.
    """
    if keras.backend.backend() != "tensorflow":
        x = ops.cast(features, keras.backend.result_type(features.dtype, "float32"))
        mean, variance = ops.moments(x, axes=(0, 1, 2))
        normal = ops.batch_normalization(
            x, mean, variance, axis=-1, offset=offset, scale=scale, epsilon=epsilon
        )
        return ops.cast(normal, features.dtype), mean, variance
    import tensorflow as tf

    normal, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=scale,
        offset=offset,
        mean=tf.zeros(0),
        variance=tf.zeros(0),
        epsilon=epsilon,
        is_training=True,
    )
    # The kernel estimates: it divides by one less than the count.
    count = tf.cast(tf.size(features) // tf.shape(features)[-1], "float32")
    return normal, mean, variance * (tf.maximum(count - 1, 1) / count)
