"""Functions that the backend compiles, and that any number of threads may call."""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras

Function = Callable[[Any], Any]

_tracing = threading.Lock()
"""Held while layers are traced: they were not written for two threads at a time."""


def compiled(
    function: Function,
    variables: Callable[[], Sequence[keras.Variable]],
    *,
    eagerly: bool,
    jit: bool,
) -> Function:
    """Return what a function becomes for this backend, compiled at its first call.

    Keras' own `predict_function` will not do: on JAX it gives the memory of all weights
    away for as long as it runs, so that a second thread finds none.

    Args:
        function: of a structure of tensors; has no other effect.
        variables: gives the variables that it reads, with their values of today.
        eagerly: compile nothing, as Keras' `run_eagerly` has it.
        jit: compile as Keras' `jit_compile` has it.
    """
    match keras.backend.backend():
        case "tensorflow":
            return _for_tensorflow(function, eagerly, jit)
        case "jax" if jit and not eagerly:
            return _for_jax(function, variables)
        case "torch":
            return _for_torch(function, jit and not eagerly)
    return function


def _for_tensorflow(function: Function, eagerly: bool, jit: bool) -> Function:
    import tensorflow as tf
    from tensorflow.python.eager import context

    def traced(inputs: Any) -> Any:
        with _tracing:
            return function(inputs)

    run = function
    if not eagerly:
        # Partial, or it would count as one function with the others that are made here,
        # and TensorFlow would warn of a function that is traced so often.
        run = tf.function(
            functools.partial(traced),
            autograph=False,
            reduce_retracing=True,
            jit_compile=jit or None,
        )

    def call(inputs: Any) -> Any:
        if tf.executing_eagerly():
            return run(inputs)
        # Web servers of TensorFlow 1's days call inside `graph.as_default()`.
        with context.eager_mode():
            return run(inputs)

    return call


def _for_jax(
    function: Function, variables: Callable[[], Sequence[keras.Variable]]
) -> Function:
    import jax

    @jax.jit
    def pure(values: list[Any], inputs: Any) -> Any:
        state = list(zip(variables(), values, strict=True))
        with _tracing, keras.StatelessScope(state_mapping=state):
            return function(inputs)

    return lambda inputs: pure([v.value for v in variables()], inputs)


def _for_torch(function: Function, jit: bool) -> Function:
    import torch

    run = torch.compile(function) if jit else function

    def call(inputs: Any) -> Any:
        with torch.no_grad():
            return run(inputs)

    return call
