"""How batches reach the training loop of each backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from mrcnn.data.findings import FaultyImagesError
from mrcnn.data.pipeline import Batches

PREFETCH = 2
"""Batches that are prepared while one is learnt from."""


def feed(batches: Batches) -> Any:
    """Return what `keras.Model.fit` is to read batches from, one epoch at a time.

    On TensorFlow that is a `tf.data.Dataset` without autotuning. Keras would make one
    with it, and the end of an epoch then waits for the autotuner's thread, which sleeps
    for up to as long as the epoch took and at times misses its wake-up (seen with
    TensorFlow 2.21 in `RootDataset::Iterator::~Iterator`): every second or third epoch
    took twice its time. A batch that fails ends the data set, and what it raised is
    kept as the batches' `failure`.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def epoch() -> Iterator[tuple[dict[str, np.ndarray]]]:
        for i in range(len(batches)):
            try:
                batch = batches[i]
            except Exception as error:
                batches.failure = error
                return
            yield batch

    batches.failure = None
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


def fit_batches(
    model: keras.Model, train: Batches, validation: Batches | None, **options: Any
) -> keras.callbacks.History:
    """Train a model by `keras.Model.fit`, in the order of the batches.

    Args:
        model: compiled.
        train: what it learns from.
        validation: what it is measured on after every epoch; None for nothing.
        options: of `keras.Model.fit`.

    Raises:
        Exception: as the preparation of a batch raised it; TensorFlow would tell of a
            data set that is too short.
    """
    with _as_raised(train, validation):
        return model.fit(
            feed(train),
            validation_data=feed(validation) if validation else None,
            shuffle=False,  # Keras would shuffle the batches once more, by no seed
            **options,
        )


@contextmanager
def _as_raised(*feeding: Batches | None) -> Iterator[None]:
    """Put the batches' own failure in the place of TensorFlow's, and keep its cause."""
    of_backend: Any = ()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        of_backend = tf.errors.OpError
    try:
        yield
    except of_backend:
        for batches in filter(None, feeding):
            if error := batches.failure:
                raise error from error.__cause__
        raise
    except FaultyImagesError as error:
        raise error from error.fault  # Keras has cut it off
