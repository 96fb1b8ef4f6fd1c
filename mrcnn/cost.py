"""What a network costs on paper: parameters and multiply-accumulates (MACs)."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import keras

from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.anchors import feature_shapes


class Cost(NamedTuple):
    """Parameters of a part, and the MACs of one image's forward pass through it."""

    parameters: int
    macs: int


def layer_macs(layer: keras.layers.Layer, output_shape: tuple[int, ...]) -> int:
    """Return the MACs of a layer for one image; 0 if it multiplies no kernel.

    Args:
        layer: a convolution, transposed convolution or dense layer, or any other.
        output_shape: (1, rows, columns, C) or (1, C).
    """
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    macs = math.prod(output_shape[1:-1]) * math.prod(kernel.shape)
    if isinstance(layer, keras.layers.Conv2DTranspose):
        # Each input is spread over strides x strides outputs.
        macs //= math.prod(layer.strides)
    return macs


def network_costs(
    network: keras.Model, input_shapes: list[tuple[int, ...]]
) -> dict[str, Cost]:
    """Return the cost of each layer with weights, on inputs of shapes (1, ...)."""
    layers = [layer for layer in network.layers if layer.weights]
    probe = keras.Model(network.inputs, [layer.output for layer in layers])
    shapes = probe.compute_output_shape(
        input_shapes if len(input_shapes) > 1 else input_shapes[0]
    )
    shapes = shapes if isinstance(shapes, list) else [shapes]
    return {
        layer.name: Cost(layer.count_params(), layer_macs(layer, shape))
        for layer, shape in zip(layers, shapes, strict=True)
    }


def layer_costs(
    model: MaskRCNN, image_shape: tuple[int, int], *, rois: int, masks: int
) -> dict[str, dict[str, Cost]]:
    """Return the cost of each layer with weights for one image, part by part.

    Args:
        model: built.
        image_shape: (H, W) in pixels.
        rois: that go through the box head.
        masks: RoIs that go through the mask head.
    """
    s = model.settings
    channels = model.backbone.input_shape[-1]
    levels = feature_shapes(image_shape, s.strides)
    depth = model.fpn.output_shape[0][-1]
    stages = [
        (1, *shape, inputs[-1])
        for shape, inputs in zip(levels, model.fpn.input_shape, strict=False)
    ]
    box = network_costs(model.box_head, _roi_inputs(s.pool_size, depth))
    mask = network_costs(model.mask_head, _roi_inputs(s.mask_pool_size, depth))
    rpn = [network_costs(model.rpn, [(1, *shape, depth)]) for shape in levels]
    return {
        "backbone": network_costs(model.backbone, [(1, *image_shape, channels)]),
        "fpn": network_costs(model.fpn, stages),
        "rpn": {
            name: Cost(cost.parameters, sum(level[name].macs for level in rpn))
            for name, cost in rpn[0].items()
        },
        "box head": _times(box, rois),
        "mask head": _times(mask, masks),
    }


def model_cost(
    model: MaskRCNN, image_shape: tuple[int, int], *, rois: int, masks: int
) -> dict[str, Cost]:
    """Return the cost of each part for one image, and of all as "total".

    Arguments as of `layer_costs`.
    """
    parts = layer_costs(model, image_shape, rois=rois, masks=masks)
    costs = {name: total(layers) for name, layers in parts.items()}
    return costs | {"total": total(costs)}


def total(costs: Mapping[str, Cost]) -> Cost:
    """Return the sum of several costs."""
    return Cost(*(sum(values) for values in zip(*costs.values(), strict=True)))


def _times(costs: Mapping[str, Cost], count: int) -> dict[str, Cost]:
    """Return costs with the work done `count` times."""
    return {n: Cost(cost.parameters, count * cost.macs) for n, cost in costs.items()}


def _roi_inputs(size: int, depth: int) -> list[tuple[int, ...]]:
    return [(1, size, size, depth), (1,)]
