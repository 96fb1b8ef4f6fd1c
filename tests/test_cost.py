"""Costs counted by hand."""

import keras

from mrcnn.cost import Cost, layer_costs, model_cost, network_costs, total
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


def test_every_layer_with_weights_is_counted_once(tiny_model):
    parts = layer_costs(tiny_model, (64, 64), rois=10, masks=3)
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
