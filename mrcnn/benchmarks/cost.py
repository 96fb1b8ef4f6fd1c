"""What a network costs on paper: parameters and multiply-accumulates (MACs)."""

import math
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


def network_cost(network: keras.Model, input_shapes: list[tuple[int, ...]]) -> Cost:
    """Return the cost of a functional network on inputs of these shapes (1, ...)."""
    layers = [layer for layer in network.layers if layer.weights]
    probe = keras.Model(network.inputs, [layer.output for layer in layers])
    shapes = probe.compute_output_shape(
        input_shapes if len(input_shapes) > 1 else input_shapes[0]
    )
    shapes = shapes if isinstance(shapes, list) else [shapes]
    macs = sum(layer_macs(*pair) for pair in zip(layers, shapes, strict=True))
    return Cost(network.count_params(), macs)


def model_cost(
    model: MaskRCNN, image_shape: tuple[int, int], *, rois: int, masks: int
) -> dict[str, Cost]:
    """Return the cost of each part for one image, and of all as "total".

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
    box = network_cost(model.box_head, _roi_inputs(s.pool_size, depth))
    mask = network_cost(model.mask_head, _roi_inputs(s.mask_pool_size, depth))
    costs = {
        "backbone": network_cost(model.backbone, [(1, *image_shape, channels)]),
        "fpn": network_cost(model.fpn, stages),
        "rpn": Cost(
            model.rpn.count_params(),
            sum(network_cost(model.rpn, [(1, *s, depth)]).macs for s in levels),
        ),
        "box head": Cost(box.parameters, rois * box.macs),
        "mask head": Cost(mask.parameters, masks * mask.macs),
    }
    costs["total"] = Cost(
        *(sum(values) for values in zip(*costs.values(), strict=True))
    )
    return costs


def _roi_inputs(size: int, depth: int) -> list[tuple[int, ...]]:
    return [(1, size, size, depth), (1,)]
