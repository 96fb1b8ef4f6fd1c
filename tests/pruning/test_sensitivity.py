"""One group at a time, and nothing is left behind."""

import numpy as np
import pytest

from mrcnn.pruning.prunable import GROUPS, kernels, prunable_layers
from mrcnn.pruning.sensitivity import group_sensitivity, masked
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
    for i, group in enumerate(GROUPS):
        dense, half = seen[2 * i], seen[2 * i + 1]
        assert not any(dense.values())
        size = sum(
            layer.size for layer in prunable_layers(tiny_model) if layer.group == group
        )
        assert half.pop(group) == round(size * 0.5)
        assert not any(half.values())
        assert found[group][0.5][Task.BOX] == 2 * i + 2
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
