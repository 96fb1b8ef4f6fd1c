"""One group at a time, and nothing is left behind."""

import numpy as np
import pytest

from mrcnn.pruning.prunable import GROUPS, kernels, prunable_layers
from mrcnn.pruning.sensitivity import (
    group_densities,
    group_sensitivity,
    masked,
    task_changes,
)
from mrcnn.tasks import Task


def zeros_by_group(model):
    count = dict.fromkeys(GROUPS, 0)
    for layer in prunable_layers(model):
        count[layer.group] += int((np.asarray(layer.kernel) == 0).sum())
    return count


def test_only_the_group_is_pruned_and_all_comes_back(tiny_model):
    before = kernels(prunable_layers(tiny_model))
    seen = []

    def measure():
        seen.append(zeros_by_group(tiny_model))
        return dict.fromkeys(Task, float(len(seen)))

    found = group_sensitivity(tiny_model, measure, (0.0, 0.5))
    assert list(found) == list(GROUPS)
    assert len(seen) == 1 + len(GROUPS)
    assert not any(seen[0].values())  # the dense model, measured once for all
    for i, group in enumerate(GROUPS, 1):
        half = seen[i]
        size = sum(
            layer.size for layer in prunable_layers(tiny_model) if layer.group == group
        )
        assert half.pop(group) == round(size * 0.5)
        assert not any(half.values())
        assert found[group][0.0][Task.BOX] == 1
        assert found[group][0.5][Task.BOX] == i + 1
    for name, kernel in kernels(prunable_layers(tiny_model)).items():
        np.testing.assert_array_equal(kernel, before[name])


def test_a_failure_inside_leaves_the_model_as_it_was(tiny_model):
    layers = prunable_layers(tiny_model)
    before = kernels(layers)
    masks = {name: np.zeros_like(kernel) for name, kernel in before.items()}
    with pytest.raises(RuntimeError), masked(layers, masks):
        assert not any(kernel.any() for kernel in kernels(layers).values())
        raise RuntimeError
    for name, kernel in kernels(layers).items():
        np.testing.assert_array_equal(kernel, before[name])


def measured(**drops):
    """Return each group's loss for boxes in per cent at 0.5 and 0.9."""
    return {
        group: {
            sparsity: dict.fromkeys(Task, 0.5) | {Task.BOX: 0.5 * (1 - lost / 100)}
            for sparsity, lost in zip((0.0, 0.5, 0.9), (0, *losses), strict=True)
        }
        for group, losses in drops.items()
    }


def test_changes_by_hand():
    found = task_changes(measured(a=(10, 90), b=(0, 20)))
    np.testing.assert_allclose(found[Task.BOX], [[-10, -90], [0, -20]])
    np.testing.assert_array_equal(found[Task.MASK], np.zeros((2, 2)))


def test_what_costs_nothing_goes_first():
    found = group_densities(measured(a=(0, 0), b=(10, 90)), {"a": 100, "b": 100}, 0.45)
    assert found == pytest.approx({"a": 0.1, "b": 1.0})
    found = group_densities(measured(a=(0, 0), b=(10, 90)), {"a": 100, "b": 100}, 0.6)
    # 90 of a for nothing; the other 30 come out of b.
    assert found == pytest.approx({"a": 0.1, "b": 0.7})


def test_cost_counts_for_each_weight_that_is_freed():
    # Either loses 10 % at a half, but half of b is ten times as much.
    found = group_densities(measured(a=(10, 90), b=(10, 90)), {"a": 10, "b": 100}, 0.4)
    assert found["a"] == 1
    assert found["b"] == pytest.approx(0.56)


def test_the_worst_task_decides():
    sensitivity = measured(a=(8, 8), b=(6, 6))
    for level in (0.5, 0.9):  # of c, masks lose more than boxes ever do
        sensitivity.setdefault("c", {0.0: dict.fromkeys(Task, 0.5)})
        sensitivity["c"][level] = dict.fromkeys(Task, 0.5) | {Task.MASK: 0.48}
    found = group_densities(sensitivity, dict.fromkeys("abc", 100), 0.5)
    # Masks lose 4 % by c; then b costs boxes 6 %, 2 more than the worst so far.
    assert found["c"] == pytest.approx(0.1)
    assert found["b"] < 1
    assert found["a"] == 1


def test_a_group_densities_needs_its_measures():
    sensitivity = measured(a=(0, 0))
    with pytest.raises(ValueError, match="measure higher ones"):
        group_densities(sensitivity, {"a": 100}, 0.95)
    del sensitivity["a"][0.0]
    with pytest.raises(ValueError, match="sparsity 0 too"):
        group_densities(sensitivity, {"a": 100}, 0.5)
