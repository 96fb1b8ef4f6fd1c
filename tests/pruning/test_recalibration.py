"""Recalibrated statistics are those of the batches, whatever they were (issue 26)."""

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.nn.layers import BatchNorm
from mrcnn.pruning import recalibrate
from mrcnn.structures import Stage
from mrcnn.training import set_trainable

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=3, shuffle=True, seed=5)


def made(config, past=0.0) -> keras.Model:
    """Return a model whose statistics are of another network's."""
    model = build.model(config, seed=3, precision="float32")
    for norm in norms(model).values():
        norm.moving_mean.assign(norm.moving_mean + past)
        norm.moving_variance.assign(norm.moving_variance + abs(past))
    return model


def norms(model) -> dict[str, BatchNorm]:
    return {x.name: x for x in model._flatten_layers() if isinstance(x, BatchNorm)}


def statistics(model) -> dict[str, np.ndarray]:
    return {
        name: np.array([norm.moving_mean, norm.moving_variance])
        for name, norm in norms(model).items()
    }


def of_batches(model, batches) -> dict[str, np.ndarray]:
    """Return means and variances of every batch alone (n, 2, C), by Keras' own layers.

    Of a momentum m, from 0 on, one batch leaves (1 - m) of its statistics.
    """
    found = {name: [] for name in norms(model)}
    for index in range(len(batches)):
        for norm in norms(model).values():
            norm.moving_mean.assign(0 * norm.moving_mean)
            norm.moving_variance.assign(0 * norm.moving_variance)
        model(batches[index][0], training=True)
        for name, pair in statistics(model).items():
            found[name].append(pair / (1 - norms(model)[name].momentum))
    return {name: np.array(pairs, np.float64) for name, pairs in found.items()}


@pytest.fixture
def one_seed(monkeypatch):
    """Draw the same samples for every batch."""
    seed = keras.ops.convert_to_tensor([3, 4], "uint32")
    monkeypatch.setattr(keras.random.SeedGenerator, "next", lambda *_, **__: seed)


@pytest.fixture
def same(batches, one_seed, monkeypatch):
    """Return batches that are always the first."""
    (batch,) = batches[0]
    monkeypatch.setattr(type(batches), "__getitem__", lambda self, index: (batch,))
    return batches


def test_constant_batches_give_their_own_statistics_whatever_was_before(
    tiny_config, same
):
    expected = of_batches(made(tiny_config), same)
    for past in (0.0, -7.0, 1e6):
        model = made(tiny_config, past)
        recalibrate(model, same)
        for name, found in statistics(model).items():
            np.testing.assert_allclose(
                found, expected[name][0], rtol=2e-5, atol=1e-5, err_msg=name
            )


def test_statistics_are_those_of_all_batches_together(tiny_config, batches):
    each = of_batches(made(tiny_config), batches)
    found = []
    for past in (0.0, 50.0):
        model = made(tiny_config, past)
        recalibrate(model, batches)
        found.append(statistics(model))
    for name, (means, variances) in ((n, x.swapaxes(0, 1)) for n, x in each.items()):
        mean = means.mean(0)
        # Of batches of one size it is the variance of all that is in them.
        variance = (variances + means**2).mean(0) - mean**2
        np.testing.assert_allclose(
            found[0][name], [mean, variance], rtol=1e-3, atol=1e-4, err_msg=name
        )
        np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)


def test_a_layer_that_no_batch_gives_anything_keeps_its_statistics(
    tiny_config, batches, one_seed, monkeypatch
):
    (full,) = batches[0]
    empty = {
        key: np.zeros_like(value) if key.startswith("gt_") else value
        for key, value in full.items()
    }
    given = {0: empty, 1: empty, 2: empty}
    monkeypatch.setattr(type(batches), "__getitem__", lambda self, i: (given[i],))
    model = made(tiny_config, 5.0)
    before = statistics(model)
    recalibrate(model, batches)
    for name, found in statistics(model).items():
        assert np.array_equal(found, before[name]) == ("mask" in name), name
    given[1] = full  # one batch with objects decides alone
    recalibrate(model, batches)
    alone = made(tiny_config)
    given[0] = given[2] = full
    recalibrate(alone, batches)
    for name, found in statistics(model).items():
        if "mask" in name:
            np.testing.assert_array_equal(found, statistics(alone)[name], name)


def test_nothing_but_statistics_changes_and_fixed_layers_are_measured_too(
    tiny_config, batches
):
    model = made(tiny_config, 5.0)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    set_trainable(model, "heads")
    optimizer, flags = model.optimizer, [x.trainable for x in model._flatten_layers()]
    before = {v.path: np.array(v) for v in model.variables}
    recalibrate(model, batches)
    assert model.optimizer is optimizer
    assert [x.trainable for x in model._flatten_layers()] == flags
    assert {norm.momentum for norm in norms(model).values()} == {
        tiny_config.BN_MOMENTUM
    }
    for variable in model.variables:
        same = np.array_equal(before[variable.path], np.array(variable))
        assert same != ("moving" in variable.name), variable.path


def test_it_does_not_matter_what_the_batches_were_used_for_before(tiny_config, batches):
    found = []
    for epoch in (0, 2):
        batches.epoch = epoch
        model = made(tiny_config)
        recalibrate(model, batches)
        found.append(statistics(model))
    for name, first in found[0].items():
        np.testing.assert_array_equal(first, found[1][name], name)


def test_frozen_statistics_stay(tiny_config, tiny_shapes):
    class Frozen(type(tiny_config)):
        TRAIN_BN = False

    config = Frozen()
    model = made(config, 5.0)
    before = statistics(model)
    recalibrate(model, build.batches(config, tiny_shapes, steps=1))
    for name, found in statistics(model).items():
        np.testing.assert_array_equal(found, before[name], name)


def test_numbers_that_are_none_are_named_and_the_model_stays(tiny_config, batches):
    model = made(tiny_config)
    kernel = model.backbone.get_layer("conv1").kernel
    kernel.assign(kernel * np.nan)
    before = model.get_weights()
    with pytest.raises(ArithmeticError, match=r"NaN or infinite on .*look at these"):
        recalibrate(model, batches)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_no_model_or_no_batches_is_refused(tiny_config, batches):
    with pytest.raises(TypeError, match="model is of the type Stage"):
        recalibrate(Stage("all", 1, 0.1), batches)
    with pytest.raises(TypeError, match=r"build\.batches"):
        recalibrate(made(tiny_config), [batches[0]])
