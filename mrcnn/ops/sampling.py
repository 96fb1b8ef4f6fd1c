"""Drawing a fixed number of random members from sets of varying size."""

import keras
from keras import ops

from mrcnn.structures import Tensor


def sample(
    members: Tensor, slots: int, seed: keras.random.SeedGenerator | int
) -> tuple[Tensor, Tensor]:
    """Draw up to `slots` members of each row at random, without replacement.

    Args:
        members: (B, N) bool, who may be drawn.
        slots: how many at most.
        seed: a seed generator, or an integer for a draw that can be repeated.

    Returns:
        Indices (B, slots) int32 and valid (B, slots) bool. Valid slots come first;
        their order is random, so that the first k of them are a random sample too.
    """
    priority = keras.random.uniform(ops.shape(members), seed=seed)
    priority = ops.where(members, priority, -1.0)
    count = members.shape[-1]
    if count < slots:
        priority = ops.pad(priority, ((0, 0), (0, slots - count)), constant_values=-1.0)
    values, indices = ops.top_k(priority, slots)
    valid = values >= 0
    return ops.where(valid, ops.cast(indices, "int32"), 0), valid


def gather(rows: Tensor, indices: Tensor) -> Tensor:
    """Return rows (B, N, ...) at indices (B, S), as (B, S, ...)."""
    count, rest = rows.shape[1], rows.shape[2:]
    batch = ops.arange(ops.shape(rows)[0], dtype="int32")[:, None]
    # Whole rows of one flat list: nothing is transposed, unlike in take_along_axis.
    flat = ops.reshape(rows, (-1, *rest))
    return ops.take(flat, batch * count + ops.cast(indices, "int32"), axis=0)


def of_class(values: Tensor, class_ids: Tensor) -> Tensor:
    """Return what each slot has for its class: values (B, S, K, ...) as (B, S, ...).

    Args:
        values: for every class.
        class_ids: (B, S) integers below K.
    """
    slots, classes, *rest = values.shape[1:]
    first = classes * ops.arange(slots, dtype="int32")
    rows = ops.reshape(values, (-1, slots * classes, *rest))
    return gather(rows, first + ops.cast(class_ids, "int32"))


def compact(valid: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """Return indices (B, slots) of valid entries (B, N) in order, and which exist."""
    count = valid.shape[-1]
    order = ops.where(valid, count - ops.arange(count, dtype="int32"), 0)
    values, indices = ops.top_k(order, slots)
    return ops.cast(indices, "int32"), values > 0
