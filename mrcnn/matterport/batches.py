"""Functions of one image run over a batch."""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from mrcnn.structures import Tensor


def batch_slice(
    inputs: Tensor | list[Tensor],
    graph_fn: Callable[..., Any],
    batch_size: int,
    names: Sequence[str] | None = None,
) -> Tensor | list[Tensor]:
    """Apply a function of one image to each image of a batch, and stack the results.

    Args:
        inputs: one tensor (B, ...), or a list of them.
        graph_fn: takes a slice (...) of each input and returns a tensor or several.
        batch_size: how many slices to take.
        names: of the results in a TensorFlow 1 graph; Keras 3 has no such names, and
            they are ignored.

    Returns:
        A tensor (batch_size, ...), or a list if `graph_fn` returns more than one.
    """
    inputs = inputs if isinstance(inputs, list | tuple) else [inputs]
    slices = []
    for i in range(batch_size):
        result = graph_fn(*(tensor[i] for tensor in inputs))
        slices.append(result if isinstance(result, list | tuple) else [result])
    results = [ops.stack(parts) for parts in zip(*slices, strict=True)]
    return results[0] if len(results) == 1 else results
