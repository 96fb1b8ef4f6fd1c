"""The smaller control has the size it claims, and is as wide as that allows."""

import pytest

from mrcnn import build
from mrcnn.build import narrower
from mrcnn.pruning import prunable_layers
from mrcnn.study.smaller import as_small_as


def weights(config):
    return sum(layer.size for layer in prunable_layers(build.model(config)))


def test_a_factor_of_one_changes_nothing(tiny_config):
    same = narrower(tiny_config, 1.0)
    assert build.layer_widths(same) == build.layer_widths(tiny_config)
    assert weights(same) == weights(tiny_config)


def test_the_control_has_as_many_weights_as_remain(tiny_config):
    limit = 0.5 * weights(tiny_config)
    small = as_small_as(tiny_config, 0.5)
    assert 0.6 * limit < weights(small) <= limit


def test_a_network_cannot_be_smaller_than_its_narrowest(tiny_config):
    with pytest.raises(ValueError, match="take a lower one"):
        as_small_as(tiny_config, 0.9999)
