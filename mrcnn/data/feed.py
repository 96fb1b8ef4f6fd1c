"""How batches reach the training loop of each backend."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from mrcnn.data.pipeline import Batches

PREFETCH = 2
"""Batches that are prepared while one is learnt from."""


def feed(batches: Batches) -> Any:
    """Return what `keras.Model.fit` is to read batches from, one epoch at a time.

    On TensorFlow that is a `tf.data.Dataset` without autotuning. Keras would make one
    with it, and the end of an epoch then waits for the autotuner's thread, which sleeps
    for up to as long as the epoch took and at times misses its wake-up (seen with
    TensorFlow 2.21 in `RootDataset::Iterator::~Iterator`): every second or third epoch
    took twice its time.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def epoch() -> Iterator[tuple[dict[str, np.ndarray]]]:
        return (batches[i] for i in range(len(batches)))

    (first,) = batches[0]
    signature = {name: tf.TensorSpec(a.shape, a.dtype) for name, a in first.items()}
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.from_generator(epoch, output_signature=(signature,))
        .apply(tf.data.experimental.assert_cardinality(len(batches)))
        .prefetch(PREFETCH)
        .with_options(options)
    )
