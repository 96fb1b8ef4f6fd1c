"""Loss weights by hand."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.pruning.balance import LIMITS, TaskBalance, weigh_losses
from mrcnn.tasks import Task


def balance(*rows, rate=2.0):
    """Return a balance that measures one row of metrics after another."""
    values = iter(rows)
    return TaskBalance(rate, lambda: dict(zip(Task, next(values), strict=True)))


def test_the_first_measure_is_only_remembered():
    found = balance((0.9, 0.8, 0.5))
    found.update()
    assert set(found.priority.values()) == {1.0}


def test_the_task_that_lost_most_gains_weight():
    found = balance((0.8, 1.0, 0.5), (0.6, 1.0, 0.45))
    found.update()
    found.update()
    lost = np.array([0.25, 0, 0.1])
    expected = np.exp(2 * (lost - lost.mean()))
    expected *= 3 / expected.sum()
    np.testing.assert_allclose(list(found.priority.values()), expected)
    assert max(found.priority, key=found.priority.__getitem__) == Task.BOX


def test_equal_losses_change_nothing():
    found = balance((0.8, 1.0, 0.5), (0.4, 0.5, 0.25))
    found.update()
    found.update()
    np.testing.assert_allclose(list(found.priority.values()), 1)


def test_no_task_is_given_up():
    rows = [(0.8, 1.0, 0.5), *[(0.0, 1.0, 0.5)] * 50]
    found = balance(*rows, rate=20.0)
    for _ in rows:
        found.update()
    low, high = LIMITS
    assert sum(found.priority.values()) == pytest.approx(3)
    assert max(found.priority.values()) / min(found.priority.values()) <= high / low


def test_it_goes_on_where_it_was():
    rows = [(0.8, 1.0, 0.5), (0.6, 1.0, 0.45), (0.7, 0.9, 0.3)]
    whole, before, after = balance(*rows), balance(*rows[:2]), balance(rows[2])
    for _ in range(3):
        whole.update()
    for _ in range(2):
        before.update()
    after.restore(before.state())
    after.update()
    assert after.priority == pytest.approx(whole.priority)


def test_priorities_multiply_what_the_configuration_says(tiny_config):
    class Weighted(type(tiny_config)):
        LOSS_WEIGHTS = tiny_config.LOSS_WEIGHTS | {"mrcnn_bbox_loss": 3.0}

    model = build.model(Weighted())
    weigh_losses(model, {Task.BOX: 2.0, Task.MASK: 0.5})
    # rpn class, rpn box, class, box, mask
    np.testing.assert_array_equal(model.loss_weights, [1, 2, 1, 6, 0.5])
    weigh_losses(model, {})
    np.testing.assert_array_equal(model.loss_weights, [1, 1, 1, 3, 1])


def test_the_sum_of_priorities_stays():
    measures = iter([(0.8, 1.0, 0.5), (0.6, 1.0, 0.45)])
    start = {Task.BOX: 2.0}
    found = TaskBalance(
        2.0, lambda: dict(zip(Task, next(measures), strict=True)), start
    )
    found.update()
    assert list(found.priority.values()) == [2, 1, 1]
    found.update()
    assert sum(found.priority.values()) == pytest.approx(4)
