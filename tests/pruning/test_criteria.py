"""Scores by hand, and what must hold of them for any weights."""

import numpy as np
import pytest

from mrcnn.pruning import criteria
from mrcnn.pruning.schedules import Schedule, check
from mrcnn.tasks import Task

EQUAL = dict.fromkeys(Task, 1.0)


def arrays(**lists):
    return {name: np.array(values, np.float32) for name, values in lists.items()}


def test_lamp_by_hand():
    # Squares 1, 4, 9: each over the sum of those not below it.
    scores = criteria.lamp(arrays(a=[-1, 3, 2], b=[0.1]))
    np.testing.assert_allclose(scores["a"], [1 / 14, 1, 4 / 13], rtol=1e-6)
    np.testing.assert_allclose(scores["b"], [1])


def test_lamp_does_not_see_the_scale_of_a_layer(rng):
    weights = rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
    one, other = criteria.lamp({"a": weights}), criteria.lamp({"a": weights * 64})
    np.testing.assert_allclose(one["a"], other["a"], rtol=1e-5)


def test_lamp_of_zeros_is_zero():
    np.testing.assert_array_equal(criteria.lamp(arrays(a=[0, 0]))["a"], [0, 0])


def test_ranks_by_hand():
    ranked = criteria.ranks(arrays(a=[5, 0, 1], b=[[3], [0]]))
    np.testing.assert_allclose(ranked["a"], [1, 0, 1 / 3])
    np.testing.assert_allclose(ranked["b"], [[2 / 3], [0]])


def test_surprise_by_hand():
    # Four scores: none is as high as the first but itself, all are as high as the last.
    found = criteria.surprise(arrays(a=[5, 0, 1], b=[[3], [2]]))
    expected = -np.log([1 / 4, 4 / 4])
    np.testing.assert_allclose(found["a"], [expected[0], 0, expected[1]], atol=1e-6)
    np.testing.assert_allclose(found["b"][:, 0], -np.log([2 / 4, 3 / 4]), rtol=1e-6)


def test_surprise_is_exponential_whatever_it_is_made_of(rng):
    found = criteria.surprise({"a": rng.lognormal(0, 5, 100_000).astype(np.float32)})
    assert found["a"].mean() == pytest.approx(1, abs=0.01)
    for tail in (0.5, 0.1, 0.001):
        assert (found["a"] > -np.log(tail)).mean() == pytest.approx(tail, rel=0.02)
    zeros = criteria.surprise(arrays(a=[0, 0]))
    np.testing.assert_array_equal(zeros["a"], [0, 0])


def test_surprise_of_the_best_of_too_many_for_float32_is_finite(monkeypatch):
    many = 1e9  # a step of ranks so small is lost beside 1
    monkeypatch.setattr(criteria, "ranks", lambda scores: {"a": np.float32([0, 1])})
    monkeypatch.setattr(np, "count_nonzero", lambda array: many)
    (best,) = criteria.surprise({"a": np.float32([0, 1])}).values()
    np.testing.assert_allclose(best, [0, np.log(many)], rtol=1e-6)


def test_a_task_that_does_not_reach_a_layer_is_not_asked():
    by_task = {
        Task.BOX: arrays(shared=[0.4], private=[0.0]),
        Task.CLASS: arrays(shared=[0.4], private=[0.0]),
        Task.MASK: arrays(shared=[0.4], private=[0.4]),
    }
    for exponent in (1, 4, np.inf):
        found = criteria.power_mean(by_task, exponent, EQUAL)
        assert found["private"] == pytest.approx(0.4)
        assert found["shared"] == pytest.approx(0.4)


def test_shares_have_mean_one(rng):
    given = {n: rng.random(s).astype(np.float32) for n, s in (("a", 7), ("b", (2, 3)))}
    shared = criteria.shares(given)
    assert np.concatenate([s.ravel() for s in shared.values()]).mean() == pytest.approx(
        1
    )
    one = criteria.shares({n: 1000 * a for n, a in given.items()})
    np.testing.assert_allclose(one["a"], shared["a"], rtol=1e-5)


def test_power_mean_runs_from_the_average_to_the_largest():
    by_task = {
        Task.BOX: arrays(a=[0.0, 0.2, 1.0]),
        Task.CLASS: arrays(a=[0.6, 0.2, 1.0]),
        Task.MASK: arrays(a=[0.3, 0.2, 1.0]),
    }
    means = [criteria.power_mean(by_task, p, EQUAL)["a"] for p in (1, 4, 64, np.inf)]
    np.testing.assert_allclose(means[0], [0.3, 0.2, 1], rtol=1e-6)
    np.testing.assert_allclose(means[3], [0.6, 0.2, 1], rtol=1e-6)
    assert means[0][0] < means[1][0] < means[2][0] < means[3][0]


def test_a_task_of_higher_priority_counts_for_more():
    by_task = {t: arrays(a=[float(t is Task.MASK), 0.5]) for t in Task}
    plain = criteria.power_mean(by_task, 4.0, EQUAL)["a"]
    urged = criteria.power_mean(
        by_task, 4.0, {Task.BOX: 0.5, Task.CLASS: 0.5, Task.MASK: 2.0}
    )["a"]
    assert urged[0] > plain[0]
    np.testing.assert_allclose(urged[1], plain[1], rtol=1e-6)


def test_random_scores_repeat(rng):
    weights = {"a": np.zeros((4, 5), np.float32)}
    one, again = criteria.random(weights, 3), criteria.random(weights, 3)
    np.testing.assert_array_equal(one["a"], again["a"])
    assert (criteria.random(weights, 4)["a"] != one["a"]).any()


def test_the_cubic_ramp_by_hand():
    ramp = Schedule(target=0.8, start=10, end=110, updates=4)
    assert ramp.steps() == [35, 60, 85, 110]
    assert ramp.sparsity(10) == 0
    assert ramp.sparsity(60) == pytest.approx(0.8 * (1 - 0.125))
    assert ramp.sparsity(110) == ramp.sparsity(500) == 0.8


def test_one_shot_chooses_once():
    assert Schedule(0.9, 5, 5, 10).steps() == [5]
    assert Schedule(0.9, 5, 5, 10).sparsity(5) == 0.9


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Schedule(1.0, 0, 5, 1), "Schedule.target is 1.0"),
        (Schedule(-0.1, 0, 5, 1), "Schedule.target is -0.1"),
        (Schedule(0.5, 6, 5, 1), "from step 6 to 5"),
        (Schedule(0.5, 0, 10, 1), "never be reached"),
        (Schedule(0.5, 0, 5, 0), "Schedule.updates is 0"),
    ],
)
def test_impossible_schedules_are_refused(schedule, message):
    with pytest.raises(ValueError, match=message):
        check(schedule, steps=10)
