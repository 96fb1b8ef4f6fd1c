"""Derivatives of losses, added in one order, and apart, on whichever backend runs."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from mrcnn.structures import Tensor

Losses = Callable[[Mapping[str, Tensor]], Tensor]
"""Takes a batch and returns a vector (T,) of float32 losses."""


def separate_gradients(
    model: keras.Model, losses: Losses, variables: Sequence[keras.Variable]
) -> Callable[[Mapping[str, np.ndarray]], tuple[Tensor, list[list[Tensor]]]]:
    """Return a compiled function batch -> (losses (T,), gradients of each).

    The gradients are one list for each loss, in the order of `variables`; a variable
    that a loss does not reach has a gradient of zeros. What the forward pass itself
    changes, such as moving statistics, it changes.

    Args:
        model: whose variables `losses` uses.
        losses: to differentiate.
        variables: trainable ones of the model.
    """
    backend = keras.backend.backend()
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    if backend not in makers:
        raise NotImplementedError(
            f"Gradients are not available on {backend}; set KERAS_BACKEND to one of "
            f"{', '.join(makers)}."
        )
    return makers[backend](model, losses, list(variables))


def is_tracing() -> bool:
    """Return whether TensorFlow makes a graph of what it is told just now."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.executing_eagerly()


def ordered_gradients(
    loss: Tensor, variables: Sequence[keras.Variable]
) -> list[Tensor | None]:
    """Return the gradients of a loss in a graph that TensorFlow is tracing.

    Where a tensor is used n times, n gradients meet. A tape adds them by one AddN,
    which writes into whichever of them nobody reads any more and begins the sum with
    that one: of three, the last bit depends on which thread was first. Here each is
    added to the sum of those before it.

    Args:
        loss: a scalar of the graph.
        variables: a variable that the loss does not reach has a gradient of None.
    """
    import tensorflow as tf

    return tf.gradients(
        loss,
        [variable.value for variable in variables],
        aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
    )


def _tensorflow(
    model: keras.Model, losses: Losses, variables: list[keras.Variable]
) -> Any:
    import tensorflow as tf

    sources = [variable.value for variable in variables]

    @tf.function(autograph=False, reduce_retracing=True)
    def run(batch: Mapping[str, Tensor]) -> tuple[Tensor, list[list[Tensor]]]:
        # Persistent: the forward pass is shared, each loss goes back through it apart.
        with tf.GradientTape(persistent=True) as tape:
            values = losses(batch)
            parts = tf.unstack(values)
        back = partial(ordered_gradients, variables=variables)
        if not is_tracing():  # functions are told to run as they are
            back = partial(tape.gradient, sources=sources)
        return values, [
            [
                tf.zeros_like(source) if gradient is None else gradient
                for source, gradient in zip(sources, back(part), strict=True)
            ]
            for part in parts
        ]

    return run


def _jax(model: keras.Model, losses: Losses, variables: list[keras.Variable]) -> Any:
    import jax

    wanted = {id(variable) for variable in variables}
    others = [variable for variable in model.variables if id(variable) not in wanted]

    def forward(values: list, rest: list, batch: Mapping) -> tuple:
        mapping = [
            *zip(variables, values, strict=True),
            *zip(others, rest, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            result = losses(batch)
        changed = [scope.get_current_value(v) for v in others]
        return result, (result, changed)

    @jax.jit
    def derive(values: list, rest: list, batch: Mapping) -> tuple:
        return jax.jacrev(forward, has_aux=True)(values, rest, batch)

    def run(batch: Mapping[str, np.ndarray]) -> tuple[Tensor, list[list[Tensor]]]:
        jacobian, (result, changed) = derive(
            [v.value for v in variables], [v.value for v in others], dict(batch)
        )
        for variable, value in zip(others, changed, strict=True):
            variable.assign(value)
        return result, [[j[t] for j in jacobian] for t in range(result.shape[0])]

    return run


def _torch(model: keras.Model, losses: Losses, variables: list[keras.Variable]) -> Any:
    import torch

    sources = [variable.value for variable in variables]

    def run(batch: Mapping[str, np.ndarray]) -> tuple[Tensor, list[list[Tensor]]]:
        values = losses(
            {name: keras.ops.convert_to_tensor(part) for name, part in batch.items()}
        )
        gradients = [
            torch.autograd.grad(value, sources, retain_graph=True, allow_unused=True)
            for value in values
        ]
        return values.detach(), [
            [
                torch.zeros_like(s) if g is None else g
                for s, g in zip(sources, each, strict=True)
            ]
            for each in gradients
        ]

    return run
