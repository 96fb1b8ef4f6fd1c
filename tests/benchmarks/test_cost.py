"""Costs counted by hand."""

import keras
import pytest

from mrcnn.benchmarks import timing
from mrcnn.benchmarks.__main__ import table
from mrcnn.benchmarks.cost import Cost, model_cost, network_cost
from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.roi_heads import build_mask_head

MAKE = LayerFactory(dtype="float32", train_statistics=True, bn_momentum=0.9, seed=0)


def test_a_convolution_by_hand():
    image = keras.Input((None, None, 3))
    network = keras.Model(image, MAKE.conv("c", 5, 3, strides=2, padding="same")(image))
    # 4 x 4 outputs, each 5 sums over 3 x 3 x 3; a bias for each filter.
    assert network_cost(network, [(1, 8, 8, 3)]) == Cost(
        3 * 3 * 3 * 5 + 5, 4 * 4 * 5 * 27
    )


def test_the_mask_head_by_hand():
    head = build_mask_head(6, 14, 4, 3, MAKE)
    shared = 14 * 14 * 9 * (6 * 4 + 3 * 4 * 4)
    doubled = 14 * 14 * 4 * 4 * 4  # each input spread over 2 x 2 outputs
    assert network_cost(head, [(1, 14, 14, 6), (1,)]).macs == (
        shared + doubled + 28 * 28 * 4 * 3
    )


def test_the_parts_make_up_the_model(tiny_model):
    costs = model_cost(tiny_model, (64, 64), rois=10, masks=3)
    total = costs.pop("total")
    # Two more: the weights of the losses, and the seed, are no parameters of a layer.
    layers = sum(
        part.count_params()
        for part in (
            *(tiny_model.backbone, tiny_model.fpn, tiny_model.rpn),
            *(tiny_model.box_head, tiny_model.mask_head),
        )
    )
    assert total.parameters == layers == sum(c.parameters for c in costs.values())
    twice = model_cost(tiny_model, (64, 64), rois=20, masks=3)
    assert twice["box head"].macs == 2 * costs["box head"].macs
    assert twice["mask head"] == costs["mask head"]
    larger = model_cost(tiny_model, (128, 128), rois=10, masks=3)
    assert larger["backbone"].macs == 4 * costs["backbone"].macs


def test_timing_calls_as_often_as_it_says():
    calls = []
    found = timing.measure(lambda: calls.append(None), warm_up=2, repeats=5)
    assert len(calls) == 1 + 2 + 5
    assert 0 <= found.fastest <= found.median <= found.slowest


def test_a_row_of_the_table_says_how_far_from_the_limit():
    row = {
        "name": "train",
        "precision": "float32",
        "about": "a step",
        "first": 10.0,
        "median": 2.0,
        "fastest": 1.5,
        "slowest": 2.5,
        "gflop": 300.0,
        "convolution_gflops": 200.0,
        "of_limit": 0.75,
        "peak_memory_mb": 2000.0,
        "matterport_seconds": 6.0,
    }
    line = table([row]).splitlines()[-1]
    for part in ("train", "float32", "2.000", "1.500", "75", "2000", "6.0"):
        assert part in line, part


def test_the_yardstick_counts_its_own_work():
    assert timing.convolution_throughput("float32", repeats=1) > 1e8
    assert timing.peak_memory() > 1e6


@pytest.mark.parametrize("field", ["device", "python", "keras", "backend"])
def test_the_environment_is_named(field):
    assert timing.environment()[field]
