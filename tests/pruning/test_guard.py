"""The guard goes back to the last model that kept the limit."""

from functools import partial

import numpy as np
import pytest

from mrcnn import build
from mrcnn.pruning import METHODS, Guard, Pruner, Schedule, masks_of, prunable_layers
from mrcnn.pruning.prunable import kernels
from mrcnn.structures import Stage
from mrcnn.tasks import Task
from mrcnn.training import fit

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
RAMP = Schedule(target=0.9, start=0, end=3, updates=3)


def guarded(
    config, dataset, values, limit=5.0, stages=(4,), others=(0.8, 0.8), **options
):
    """Prune through epochs of a step; measures are given, `others` first and later."""
    model = build.model(config, seed=3, precision="float32")
    pruner = Pruner(METHODS["magnitude, uniform"], RAMP)
    states = []

    def measure():
        states.append((kernels(prunable_layers(model)), [*model.get_weights()]))
        rest = dict.fromkeys(Task, others[len(states) > 1])
        return rest | {Task.MASK: values[len(states) - 1]}

    guard = Guard(pruner, measure, limit)
    fit(
        model,
        build.batches(config, dataset, steps=1, shuffle=True, seed=5),
        stages=[Stage("heads", epochs, 0.01) for epochs in stages],
        optimizer=partial(build.optimizer, config),
        callbacks=[pruner, guard],
        verbose=0,
        **options,
    )
    return model, pruner, guard, states


def test_a_task_that_falls_stops_the_training_and_the_model_goes_back(
    tiny_config, tiny_shapes
):
    values = [0.8, 0.79, 0.77, 0.5]
    model, pruner, guard, states = guarded(tiny_config, tiny_shapes, values)
    assert guard.stopped
    assert len(guard.history) == 3  # the fourth epoch never came
    changes = [worst for _, worst in guard.history]
    np.testing.assert_allclose(changes, [-1.25, -3.75, -37.5])
    sparsities = [s for s, _ in guard.history]
    assert sparsities == sorted(sparsities)
    for mine, kept in zip(model.get_weights(), states[2][1], strict=True):
        np.testing.assert_array_equal(mine, kept)
    found = masks_of(prunable_layers(model))
    for name, mask in pruner.masks.arrays().items():
        np.testing.assert_array_equal(mask, found[name])


def test_early_stopping_does_not_bring_back_what_the_guard_refused(
    tiny_config, tiny_shapes
):
    # Of a training that learns, early stopping keeps the last epoch as the best.
    values = [0.8, 0.79, 0.5]
    model, pruner, guard, states = guarded(tiny_config, tiny_shapes, values, patience=5)
    assert guard.stopped
    for mine, kept in zip(model.get_weights(), states[1][1], strict=True):
        np.testing.assert_array_equal(mine, kept)
    found = masks_of(prunable_layers(model))
    for name, mask in pruner.masks.arrays().items():
        np.testing.assert_array_equal(mask, found[name])


def test_nothing_happens_above_the_limit(tiny_config, tiny_shapes):
    values = [0.8, 0.79, 0.77, 0.78, 0.77]
    model, _, guard, states = guarded(tiny_config, tiny_shapes, values)
    assert not guard.stopped
    assert guard.history[-1][0] == pytest.approx(0.9, abs=1e-3)
    for name, kernel in kernels(prunable_layers(model)).items():
        np.testing.assert_array_equal(kernel, states[-1][0][name])


def test_a_task_that_cannot_be_measured_has_lost_everything(tiny_config, tiny_shapes):
    values = [0.8, float("nan")]
    *_, guard, _ = guarded(tiny_config, tiny_shapes, values)
    assert guard.stopped
    assert guard.history[-1][1] == -100


def test_what_all_tasks_gain_is_the_least_gain(tiny_config, tiny_shapes):
    values = [0.4, *[0.5] * 4]
    *_, guard, _ = guarded(tiny_config, tiny_shapes, values, others=(0.8, 0.9))
    assert [worst for _, worst in guard.history] == pytest.approx([12.5] * 4)


@pytest.mark.parametrize("others", [(0.8, 0.8), (0.0, 0.0)])
def test_a_task_without_anything_has_nothing_to_lose(tiny_config, tiny_shapes, others):
    *_, guard, _ = guarded(tiny_config, tiny_shapes, [0.0] * 5, others=others)
    assert not guard.stopped
    assert [worst for _, worst in guard.history] == [0, 0, 0, 0]


def test_a_resumed_training_is_held_to_the_first_measure(
    tiny_config, tiny_shapes, tmp_path
):
    where = {"folder": tmp_path, "stages": (2, 2)}
    values = [0.8, 0.79]
    with pytest.raises(IndexError):  # interrupted in the second epoch
        guarded(tiny_config, tiny_shapes, values, **where)
    # The first of these would do for a start, and be no loss at all.
    *_, guard, _ = guarded(tiny_config, tiny_shapes, [0.7], **where)
    assert guard.stopped
    np.testing.assert_allclose([w for _, w in guard.history], [-1.25, -12.5])
    *_, again, _ = guarded(tiny_config, tiny_shapes, [], **where)
    assert again.stopped  # also the next time


@pytest.mark.parametrize("limit", [0, -3, 120])
def test_a_limit_is_a_percentage(limit):
    pruner = Pruner(METHODS["random"], RAMP)
    with pytest.raises(ValueError, match=f"limit is {limit}"):
        Guard(pruner, dict, limit)
