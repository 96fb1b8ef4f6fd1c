"""Functions of one image over a batch."""

import numpy as np
import pytest
from keras import ops

from mrcnn.matterport.batches import batch_slice


def test_one_input_and_one_result(rng):
    batch = rng.random((3, 4, 2)).astype(np.float32)
    found = batch_slice(batch, lambda image: ops.sum(image, axis=0), 3)
    np.testing.assert_allclose(ops.convert_to_numpy(found), batch.sum(axis=1), 1e-6)
    one = batch_slice([batch], lambda image: [image], 1, names=["image"])
    np.testing.assert_array_equal(ops.convert_to_numpy(one), batch[:1])


@pytest.mark.parametrize("kind", [list, tuple])
def test_several_inputs_and_results(rng, kind):
    a, b = rng.random((2, 5)).astype(np.float32), np.array([[1], [3]], np.int32)
    found = batch_slice(kind([a, b]), lambda x, k: (x * 2, k + 1), 2, names=["x", "k"])
    assert isinstance(found, list)
    np.testing.assert_allclose(ops.convert_to_numpy(found[0]), 2 * a)
    assert ops.convert_to_numpy(found[1]).tolist() == [[2], [4]]
