"""Overlaps counted by hand."""

import numpy as np
import pytest

from mrcnn.pruning import by_chance, group_shares, overlap, task_overlap


def test_overlap_by_hand():
    first = {"a": np.array([1, 1, 0, 0]), "b": np.zeros(3)}
    second = {"a": np.array([0, 1, 1, 0]), "b": np.zeros(3)}
    found = overlap(first, second)
    assert found["a"] == pytest.approx(1 / 3)
    assert np.isnan(found["b"])


def test_tasks_are_compared_where_both_reach():
    scores = np.arange(1.0, 11.0)
    saliency = {
        "box": {"shared": scores, "private": scores},
        "class": {"shared": scores, "private": scores[::-1]},
        "mask": {"shared": scores[::-1], "private": np.zeros(10)},
    }
    found = task_overlap(saliency, 0.8)
    assert set(found) == {("box", "class"), ("box", "mask"), ("class", "mask")}
    assert found["box", "class"] == {"shared": 1.0, "private": 0.0}
    assert found["box", "mask"]["shared"] == 0
    assert np.isnan(found["box", "mask"]["private"])


def test_independent_masks_overlap_as_by_chance():
    rng = np.random.default_rng(0)
    first, second = ({"a": rng.random(200_000)} for _ in range(2))
    found = task_overlap({"one": first, "two": second}, 0.9)
    assert found["one", "two"]["a"] == pytest.approx(by_chance(0.9), abs=0.003)


def test_shares_of_groups_by_hand():
    stage = {"res2a_branch1": np.ones(3), "res2b_branch2a": np.ones(2)}
    pyramid = {"fpn_p2": np.full(5, 3.0)}
    shares = group_shares({"box": stage | pyramid})["box"]
    assert shares["stage 2"] == pytest.approx(0.25)
    assert shares["pyramid"] == pytest.approx(0.75)
    assert sum(shares.values()) == pytest.approx(1)
