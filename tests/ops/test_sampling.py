"""Random members of sets, rows by index, and order kept."""

import numpy as np
import pytest
from keras import ops

from mrcnn.ops.chunks import map_valid
from mrcnn.ops.sampling import compact, gather, of_class, sample


def as_arrays(*tensors):
    """Return tensors as NumPy arrays."""
    return [ops.convert_to_numpy(tensor) for tensor in tensors]


def test_only_members_are_drawn_and_none_twice(rng):
    members = rng.random((8, 50)) < 0.3
    members[0] = False
    members[1, :] = True
    indices, valid = as_arrays(*sample(members, 10, seed=1))
    for row, drawn, there in zip(members, indices, valid, strict=True):
        assert there.sum() == min(10, row.sum())
        assert (np.diff(there.astype(int)) <= 0).all()  # valid slots first
        assert row[drawn[there]].all()
        assert len(set(drawn[there])) == there.sum()


def test_more_slots_than_candidates():
    indices, valid = as_arrays(*sample(np.ones((1, 3), bool), 7, seed=0))
    assert valid[0].tolist() == [True] * 3 + [False] * 4
    assert sorted(indices[0, :3]) == [0, 1, 2] and not indices[0, 3:].any()


def test_a_draw_repeats_with_its_seed_and_is_fair():
    members = np.ones((2000, 5), bool)
    first, again, other = (as_arrays(*sample(members, 2, s))[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    counts = np.bincount(first.ravel(), minlength=5)
    # Each is drawn with probability 2 / 5: 800 times, standard deviation 22.
    assert np.abs(counts - 800).max() < 5 * 22


def test_rows_by_index(rng):
    rows = rng.random((3, 6, 2, 4)).astype(np.float32)
    indices = rng.integers(0, 6, (3, 5))
    (found,) = as_arrays(gather(rows, indices))
    np.testing.assert_array_equal(found, rows[np.arange(3)[:, None], indices])


@pytest.mark.parametrize("rest", [(), (4,), (2, 3)])
@pytest.mark.parametrize(("slots", "classes"), [(5, 3), (1, 1)])
def test_each_slot_has_the_values_of_its_class(rng, rest, slots, classes):
    values = rng.random((2, slots, classes, *rest)).astype(np.float32)
    class_ids = rng.integers(0, classes, (2, slots))
    (found,) = as_arrays(of_class(values, class_ids))
    expected = [[values[b, s, class_ids[b, s]] for s in range(slots)] for b in (0, 1)]
    np.testing.assert_array_equal(found, expected)


def test_compacting_keeps_the_order():
    valid = np.array([[0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    indices, there = as_arrays(*compact(valid, 3))
    assert indices[0].tolist() == [1, 3, 4]
    assert indices[2].tolist() == [0, 1, 2]
    assert there.tolist() == [[True] * 3, [False] * 3, [True] * 3]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 10])
@pytest.mark.parametrize("chunk", [1, 4, 16])
def test_chunks_give_what_one_call_gives(rng, count, chunk):
    values = rng.random((2, 10, 3)).astype(np.float32)
    valid = np.arange(10) < np.array([[count], [max(count - 2, 0)]])

    def double(x, there):
        return [2 * x, ops.cast(there, "float32")]

    shapes = ((3,), ())
    inputs = (ops.convert_to_tensor(values), ops.convert_to_tensor(valid))
    doubled, there = as_arrays(
        *map_valid(double, inputs, inputs[1], chunk=chunk, outputs=shapes)
    )
    np.testing.assert_array_equal(doubled[valid], 2 * values[valid])
    np.testing.assert_array_equal(there, valid)
    assert doubled.shape == (2, 10, 3)
    assert not doubled[~valid].any()
