"""Statistics of batch normalisation for a network whose weights were cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from mrcnn.data.dataset import image_name
from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.ops.compiled import compiled
from mrcnn.pruning.untouched import untouched
from mrcnn.structures import Tensor
from mrcnn.training_checks import check_batches

Norms = Sequence[keras.layers.BatchNormalization]

NOTHING = -1.0
"""A variance that no batch has. Where it stays, there was nothing to normalise."""


def recalibrate(model: MaskRCNN, batches: Batches) -> None:
    """Measure the statistics of batch normalisation in the network as it is now.

    Pruning shifts activations, and the statistics still describe the dense network
    (arXiv:2007.02491, section 3.3). Of what they were nothing remains: they become the
    mean over batches of the batch's mean, and that of its variance plus the variance of
    the means (PreciseBN, arXiv:2105.07576, section 3). Nothing else in the model
    changes. A layer that no batch gave anything, as a mask head without objects, keeps
    its own. A batch costs one pass forward, a third of a training step.

    Args:
        model: with statistics that train (`TRAIN_BN = None`); frozen ones stay.
        batches: of training data; those of the first epoch are taken, and some 50 are
            enough.

    Raises:
        ArithmeticError: names the images on which statistics are NaN or infinite.
        TypeError: if it is no model, or these are no batches.
        ValueError: if the batches were made for another model.
    """
    model = native(model)
    check_batches(model, batches, None)
    norms: Norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and not getattr(layer, "frozen_statistics", False)
    ]
    batches.epoch = 0
    with untouched(model), _statistics_of_one_batch(norms):
        forward = _compiled(model)
        found = [_measure(norms, forward, batches, i) for i in range(len(batches))]
    for norm, pairs in zip(norms, zip(*found, strict=True), strict=True):
        seen = [pair for pair in pairs if (pair[1] != NOTHING).all()]
        if seen:
            means, variances = np.array(seen, np.float64).swapaxes(0, 1)
            norm.moving_mean.assign(means.mean(0))
            norm.moving_variance.assign(variances.mean(0) + means.var(0))
    print(batches.findings.summary(), end="")


@contextmanager
def _statistics_of_one_batch(norms: Norms) -> Iterator[None]:
    """Let moving statistics be those of the last batch, in fixed layers too."""
    before = [(norm.momentum, norm.trainable) for norm in norms]
    try:
        for norm in norms:
            norm.momentum, norm.trainable = 0.0, True
        yield
    finally:
        for norm, (momentum, trainable) in zip(norms, before, strict=True):
            norm.momentum, norm.trainable = momentum, trainable


def _compiled(model: MaskRCNN) -> Callable[[Mapping[str, np.ndarray]], None]:
    """Return a function that runs a batch forward as training does."""
    moved = model.non_trainable_variables

    def forward(batch: Mapping[str, Tensor]) -> list[Tensor]:
        model(batch, training=True)
        return [ops.convert_to_tensor(variable) for variable in moved]

    run = compiled(
        forward,
        lambda: model.variables,
        eagerly=model.run_eagerly,
        jit=model.jit_compile,
    )

    def move(batch: Mapping[str, np.ndarray]) -> None:
        # On JAX a compiled function moves nothing by itself.
        for variable, value in zip(moved, run(batch), strict=True):
            variable.assign(value)

    return move


def _measure(
    norms: Norms,
    forward: Callable[[Mapping[str, np.ndarray]], None],
    batches: Batches,
    index: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each layer's mean (C,) and variance (C,) of one batch."""
    for norm in norms:
        norm.moving_variance.assign(np.full(norm.moving_variance.shape, NOTHING))
    forward(batches[index][0])
    found = [(np.array(n.moving_mean), np.array(n.moving_variance)) for n in norms]
    for norm, pair in zip(norms, found, strict=True):
        if not np.isfinite(pair).all():
            ids = batches.image_ids(batches.epoch, index)
            names = ", ".join(image_name(batches.dataset, i) for i in ids)
            raise ArithmeticError(
                f"The statistics of {norm.name} are NaN or infinite on {names}: look "
                "at these images, or take precision float32."
            )
    return found
