"""Costs counted by hand."""

import keras
import numpy as np
import pytest

from mrcnn.cost import (
    Cost,
    by_stage,
    held,
    layer_costs,
    layer_memory,
    model_cost,
    network_costs,
    total,
)
from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.roi_heads import build_mask_head, mask_head_widths

MAKE = LayerFactory(dtype="float32", train_statistics=True, bn_momentum=0.9, seed=0)


def test_a_convolution_by_hand():
    image = keras.Input((None, None, 3))
    network = keras.Model(image, MAKE.conv("c", 5, 3, strides=2, padding="same")(image))
    # 4 x 4 outputs, each 5 sums over 3 x 3 x 3; a bias for each filter.
    assert network_costs(network, [(1, 8, 8, 3)]) == {
        "c": Cost(3 * 3 * 3 * 5 + 5, 4 * 4 * 5 * 27)
    }


def test_the_mask_head_by_hand():
    head = build_mask_head(6, 14, mask_head_widths(4), 3, MAKE)
    shared = 14 * 14 * 9 * (6 * 4 + 3 * 4 * 4)
    doubled = 14 * 14 * 4 * 4 * 4  # each input spread over 2 x 2 outputs
    costs = network_costs(head, [(1, 14, 14, 6), (1,)])
    assert total(costs).macs == (shared + doubled + 28 * 28 * 4 * 3)


def test_the_parts_make_up_the_model(tiny_model):
    costs = model_cost(tiny_model, (64, 64), rois=10, masks=3)
    everything = costs.pop("total")
    # Two more: the weights of the losses, and the seed, are no parameters of a layer.
    layers = sum(
        part.count_params()
        for part in (
            *(tiny_model.backbone, tiny_model.fpn, tiny_model.rpn),
            *(tiny_model.box_head, tiny_model.mask_head),
        )
    )
    assert everything.parameters == layers == sum(c.parameters for c in costs.values())
    twice = model_cost(tiny_model, (64, 64), rois=20, masks=3)
    assert twice["box head"].macs == 2 * costs["box head"].macs
    assert twice["mask head"] == costs["mask head"]
    larger = model_cost(tiny_model, (128, 128), rois=10, masks=3)
    assert larger["backbone"].macs == 4 * costs["backbone"].macs
    assert larger["rpn"].macs == 4 * costs["rpn"].macs


def test_the_proposal_network_runs_over_every_level(tiny_model):
    depth = tiny_model.fpn.output_shape[0][-1]
    sides = (16, 8, 4, 2, 1)  # of 64 pixels, by strides 4 to 64
    levels = [
        total(network_costs(tiny_model.rpn, [(1, side, side, depth)])) for side in sides
    ]
    rpn = total(layer_costs(tiny_model, (64, 64), rois=1, masks=1)["rpn"])
    assert rpn.macs == sum(level.macs for level in levels)
    # All are the same convolutions, over 256 + 64 + 16 + 4 + 1 places.
    assert rpn.macs == 341 * levels[-1].macs
    assert rpn.parameters == levels[0].parameters


def test_every_layer_with_weights_is_counted_once(tiny_model):
    parts = layer_costs(tiny_model, (64, 64), rois=10, masks=3)
    side = np.array([64, 64])  # as in a configuration
    assert layer_costs(tiny_model, side, rois=10, masks=3) == parts
    names = [name for part in parts.values() for name in part]
    assert sorted(names) == sorted(
        layer.name
        for part in (
            *(tiny_model.backbone, tiny_model.fpn, tiny_model.rpn),
            *(tiny_model.box_head, tiny_model.mask_head),
        )
        for layer in part.layers
        if layer.weights
    )
    costs = model_cost(tiny_model, (64, 64), rois=10, masks=3)
    for part, layers in parts.items():
        assert total(layers) == costs[part]


def test_memory_by_hand():
    image = keras.Input((None, None, 2), name="image")
    first = MAKE.conv("first", 3, 3, padding="same")(image)
    second = MAKE.conv("second", 3, 3, padding="same")(first)
    both = keras.layers.Add(name="both")([first, second])
    # On 4 x 4 pixels: 32 and 48; then 48 twice; then thrice, as the sum reads both.
    shape = [(1, 4, 4, 2)]
    assert held(keras.Model(image, first), shape) == {"image": 32, "first": 80}
    for outputs in (both, [first, both]):
        assert held(keras.Model(image, outputs), shape) == {
            **{"image": 32, "first": 80},
            **{"second": 96, "both": 144},
        }
    # An output stays, though nothing reads it again.
    third = MAKE.conv("third", 6, 1)(MAKE.conv("again", 1, 1)(both))
    network = keras.Model(image, [first, third])
    assert held(network, shape)["third"] == 48 + 16 + 96


def test_memory_grows_with_the_image_and_with_regions_up_to_what_runs_at_once(
    tiny_model,
):
    def peaks(side: int, rois: int, masks: int) -> dict[str, int]:
        memory = layer_memory(tiny_model, (side, side), rois=rois, masks=masks)
        return {part: max(layers.values()) for part, layers in memory.items()}

    small, large = peaks(64, 10, 3), peaks(128, 20, 3)
    assert small.keys() == layer_costs(tiny_model, (64, 64), rois=1, masks=1).keys()
    assert large["backbone"] == pytest.approx(4 * small["backbone"], rel=0.1)
    assert large["rpn"] == 4 * small["rpn"]
    assert large["box head"] == 2 * small["box head"]
    assert large["mask head"] == small["mask head"]
    settings = tiny_model.settings
    full = peaks(64, settings.box_chunk, settings.mask_chunk)
    assert peaks(64, 2 * settings.box_chunk, 2 * settings.mask_chunk) == full


def test_stages_hold_every_layer_once(tiny_model):
    parts = layer_costs(tiny_model, (64, 64), rois=10, masks=3)
    stages = by_stage(parts)
    assert list(stages) == [
        *("stem", "stage 2", "stage 3", "stage 4", "stage 5"),
        *("fpn", "rpn", "box head", "mask head"),
    ]
    backbone = {}
    for name in list(stages)[:5]:
        backbone |= stages[name]
    assert backbone == parts["backbone"]
    assert set(stages["stem"]) == {"conv1", "bn_conv1"}
    assert {name[:4] for name in stages["stage 3"]} == {"res3", "bn3a", "bn3b"}
    assert all(stages[part] == parts[part] for part in list(stages)[5:])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its profiler")
@pytest.mark.filterwarnings("ignore")
def test_work_is_what_tensorflow_counts(tiny_model):
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    depth = tiny_model.fpn.output_shape[0][-1]
    crops = (1, 14, 14, depth)
    for network, shapes in (
        (tiny_model.backbone, [(1, 64, 64, 3)]),
        (tiny_model.fpn, tiny_model.backbone.compute_output_shape((1, 64, 64, 3))),
        (tiny_model.rpn, [(1, 16, 16, depth)]),
        (tiny_model.box_head, [(1, 7, 7, depth), (1,)]),
        (tiny_model.mask_head, [crops, (1,)]),
    ):
        inputs = [
            tf.TensorSpec(shape, tensor.dtype)
            for shape, tensor in zip(shapes, network.inputs, strict=True)
        ]
        call = tf.function(lambda *x, n=network: n(x if len(x) > 1 else x[0]))
        graph = convert_to_constants.convert_variables_to_constants_v2(
            call.get_concrete_function(*inputs)
        ).graph
        options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
        counted = tf.compat.v1.profiler.profile(
            graph, cmd="op", options={**options, "output": "none"}
        )
        products = sum(
            child.float_ops
            for child in _every(counted)
            if child.name in ("Conv2D", "MatMul", "Conv2DBackpropInput")
        )
        assert products == 2 * total(network_costs(network, shapes)).macs


def _every(node):
    for child in node.children:
        yield child
        yield from _every(child)
