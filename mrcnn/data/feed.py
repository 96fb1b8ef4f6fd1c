"""How batches reach the training loop of each backend."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from mrcnn.data.findings import FaultyImagesError
from mrcnn.data.pipeline import Batches

PREFETCH = 2
"""Batches that wait while one is learnt from, beside those that are being prepared."""


def feed(batches: Batches) -> Any:
    """Return what `keras.Model.fit` is to read batches from, one epoch at a time.

    On TensorFlow that is a `tf.data.Dataset` without autotuning. Keras would make one
    with it, and the end of an epoch then waits for the autotuner's thread, which sleeps
    for up to as long as the epoch took and at times misses its wake-up (seen with
    TensorFlow 2.21 in `RootDataset::Iterator::~Iterator`): every second or third epoch
    took twice its time. Batches come in their order, whichever of the workers is done
    first. One that fails ends the data set, and what it raised is kept in the batches'
    `failures`.

    The data set does not keep the batches: TensorFlow never lets go of a function that
    it has called, so whoever reads the data set must hold them.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    lent = weakref.ref(batches)
    (first,) = batches[0]
    signature = {name: (a.dtype, a.shape) for name, a in first.items()}
    types = [dtype for dtype, _ in signature.values()]
    batches.failures.clear()

    def prepare(index: np.ndarray) -> list[np.ndarray]:
        batches = lent()
        try:
            (batch,) = batches[int(index)]
        except Exception as error:
            batches.failures[int(index)] = error
            return [np.empty(0, dtype) for dtype in types]  # which no batch has
        return [batch[name] for name in signature]

    @tf.autograph.experimental.do_not_convert  # it has no branch to convert
    def batch_of(index: Any) -> tuple[dict[str, Any]]:
        tensors = tf.numpy_function(prepare, [index], types)
        shaped = zip(signature.items(), tensors, strict=True)
        return ({name: tf.ensure_shape(t, shape) for (name, (_, shape)), t in shaped},)

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = batches.workers
    return (
        tf.data.Dataset.range(len(batches))
        .map(batch_of, num_parallel_calls=batches.workers, deterministic=True)
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
        Exception: as the preparation of a batch raised it, that of the first batch if
            several did; TensorFlow would tell of no more than an end.
    """
    try:
        with _as_raised(train, validation):
            return model.fit(
                feed(train),
                validation_data=feed(validation) if validation else None,
                shuffle=False,  # Keras would shuffle the batches once more, by no seed
                **options,
            )
    finally:
        model._eval_epoch_iterator = None  # Keras keeps it where a training fails


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
            if batches.failures:
                error = batches.failures[min(batches.failures)]
                raise error from error.__cause__
        raise
    except FaultyImagesError as error:
        raise error from error.fault  # Keras has cut it off
