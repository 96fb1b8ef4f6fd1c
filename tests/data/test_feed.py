"""What the training loop reads is what the batches hold, epoch by epoch."""

import gc
import threading
import time
import weakref
from contextlib import suppress
from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.augment import AugmentationError, for_balloons
from mrcnn.data.feed import feed, fit_batches
from mrcnn.data.pipeline import Batches
from mrcnn.data.shapes import ShapesDataset
from mrcnn.training import fit


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


# --- What is fed is let go of


def fed_once(model, config, dataset, **options) -> list[weakref.ref]:
    """Train on batches of their own, and return what is left of them."""
    both = [build.batches(config, dataset, steps=1, **options) for _ in range(2)]
    with suppress(AugmentationError):
        fit(
            *(model, *both),
            stages=build.stage(config, 1),
            optimizer=partial(build.optimizer, config),
            verbose=0,
        )
    return [weakref.ref(batches) for batches in both]


@pytest.mark.filterwarnings("ignore:Even though")
def test_no_training_keeps_its_batches(tiny_config, tiny_shapes, eager):
    """Issue 26, 17: each kept its cache of images, up to 2 GB, for ever."""
    model = build.model(tiny_config, seed=3)
    left = [*fed_once(model, tiny_config, tiny_shapes)]
    left += fed_once(model, tiny_config, tiny_shapes)
    gc.collect()
    assert [ref() for ref in left] == [None] * 4


@pytest.mark.filterwarnings("ignore:Even though")
def test_nor_does_one_that_fails(tiny_config, tiny_shapes, eager):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("elsewhere nothing is prepared in other threads")
    raised = []

    def fails(image, masks, rng):
        if threading.current_thread() is not threading.main_thread():
            raised.append(masks.shape)
            raise ValueError("not in the rehearsal")
        return image, masks

    model = build.model(tiny_config, seed=3)
    left = fed_once(model, tiny_config, tiny_shapes, augmentation=fails)
    gc.collect()
    assert raised
    assert [ref() for ref in left] == [None] * 2
    assert model._eval_epoch_iterator is None  # nor what Keras had made of them


def test_a_data_set_that_is_read_anew_goes_on(batches):
    """As long as somebody holds the batches."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("concerns tf.data")
    fed = feed(batches)
    gc.collect()
    assert [len(list(fed)) for _ in range(2)] == [2, 2]


# --- Workers


class Counted(ShapesDataset):
    """Loading takes a while, and how many load at a time is counted."""

    most, lock = 0, threading.Lock()
    loading = 0

    def load_image(self, image_id):
        with self.lock:
            self.loading += 1
            self.most = max(self.most, self.loading)
        time.sleep(
            0.02 * (1 + image_id % 3)
        )  # whoever begins first ends last, at times
        with self.lock:
            self.loading -= 1
        return super().load_image(image_id)


def epochs_of(batches) -> list[np.ndarray]:
    """Return all arrays of two epochs, as the training loop reads them."""
    fed, found = feed(batches), []
    for batches.epoch in range(2):
        for batch in fed.as_numpy_iterator():
            found += keras.tree.flatten(batch)
    return found


def test_workers_load_side_by_side_and_change_nothing(tiny_config):
    """Issue 26: TensorFlow took no notice of `workers`."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("elsewhere Keras has threads of its own")
    found = {}
    for workers in (1, 3):
        dataset = Counted(6, height=64, width=64, seed=7)
        batches = Batches(
            dataset,
            build.preprocessing(tiny_config),
            **{"batch_size": 2, "instances": 4, "mini_mask_shape": None},
            **{"steps": 5, "shuffle": True, "cache_bytes": 0, "workers": workers},
            augmentation=for_balloons(),
        )
        found[workers] = epochs_of(batches)
        assert 1 < dataset.most <= 3 if workers == 3 else dataset.most == 1
    assert all(map(np.array_equal, *found.values()))
    assert len(found[1]) == len(found[3]) == 2 * 5 * len(batches[0][0])


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, None, "two"])
def test_workers_are_a_number_of_them(tiny_config, tiny_shapes, workers):
    with pytest.raises(ValueError, match=r"^workers "):
        Batches(
            tiny_shapes,
            build.preprocessing(tiny_config),
            **{"batch_size": 2, "instances": 4, "mini_mask_shape": None},
            workers=workers,
        )


def test_of_several_failures_that_of_the_first_batch_is_raised(
    tiny_config, tiny_shapes
):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("elsewhere Keras has threads of its own")

    class Reader:
        def fit(self, x, **options):
            list(x)

    class Late(Batches):
        def __getitem__(self, index):
            if index:
                time.sleep(0.05 * (3 - index))  # the first fails last
                raise ArithmeticError(f"batch {index}")
            return super().__getitem__(index)

    batches = Late(
        tiny_shapes,
        build.preprocessing(tiny_config),
        **{"batch_size": 2, "instances": 4, "mini_mask_shape": None},
        **{"steps": 3, "workers": 3},
    )
    with pytest.raises(ArithmeticError, match="batch 1"):
        fit_batches(Reader(), batches, None)
