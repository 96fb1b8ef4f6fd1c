"""Computing only for the slots that hold something, at static shapes."""

from collections.abc import Callable, Sequence

from keras import ops

from mrcnn.structures import Tensor


def map_valid(
    function: Callable[..., Sequence[Tensor]],
    inputs: Sequence[Tensor],
    valid: Tensor,
    *,
    chunk: int,
    outputs: Sequence[tuple[int, ...]],
) -> list[Tensor]:
    """Run a function over slots, `chunk` of them at a time, until the valid ones end.

    A head that is run on 1000 slots of which 40 are filled costs what 40 cost, up to a
    chunk. Valid slots must come first, as suppression and sampling put them.

    Args:
        function: takes slices (B, chunk, ...) of the inputs and returns as many float32
            results (B, chunk, ...) as `outputs` has entries.
        inputs: each (B, S, ...).
        valid: (B, S) bool.
        chunk: slots that run at once.
        outputs: what follows (B, S) in the shape of each result.

    Returns:
        Results (B, S, ...), zero where a slot holds nothing.
    """
    slots = valid.shape[1]
    if slots <= chunk:
        return [_where(valid, result) for result in function(*inputs)]
    padding = -slots % chunk
    inputs = [
        ops.pad(x, ((0, 0), (0, padding), *((0, 0),) * (len(x.shape) - 2)))
        for x in inputs
    ]
    last = ops.max(ops.sum(ops.cast(valid, "int32"), axis=1))
    batch = ops.shape(valid)[0]
    results = [
        ops.zeros((batch, slots + padding, *shape), "float32") for shape in outputs
    ]

    def body(start: Tensor, *results: Tensor) -> tuple[Tensor, ...]:
        parts = [
            ops.slice(
                x, (0, start, *(0,) * (len(x.shape) - 2)), (batch, chunk, *x.shape[2:])
            )
            for x in inputs
        ]
        updated = [
            ops.slice_update(result, (0, start, *(0,) * len(shape)), part)
            for result, part, shape in zip(
                results, function(*parts), outputs, strict=True
            )
        ]
        return start + chunk, *updated

    start = ops.zeros((), "int32")
    _, *results = ops.while_loop(
        lambda start, *_: start < last, body, (start, *results)
    )
    return [_where(valid, result[:, :slots]) for result in results]


def _where(valid: Tensor, result: Tensor) -> Tensor:
    """Return a result (B, S, ...) with zeros where valid (B, S) denies."""
    shape = (*ops.shape(valid), *(1,) * (len(result.shape) - 2))
    return ops.where(ops.reshape(valid, shape), result, 0.0)
