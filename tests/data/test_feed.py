"""What the training loop reads is what the batches hold, epoch by epoch."""

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.feed import feed


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=2, shuffle=True, seed=5)


def test_every_epoch_is_that_of_the_batches(batches):
    if keras.backend.backend() != "tensorflow":
        assert feed(batches) is batches
        return
    fed = feed(batches)
    assert len(fed) == 2
    seen = []
    for epoch in range(2):
        batches.epoch = epoch
        found = [part for (part,) in fed.as_numpy_iterator()]
        for i, batch in enumerate(found):
            (expected,) = batches[i]
            assert batch.keys() == expected.keys()
            for name, array in expected.items():
                np.testing.assert_array_equal(batch[name], array, err_msg=name)
                assert batch[name].dtype == array.dtype
        seen.append(found[0]["images"])
    assert (seen[0] != seen[1]).any()


def test_no_autotuner_sleeps_beside_it(batches):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("concerns tf.data")
    assert feed(batches).options().autotune.enabled is False
