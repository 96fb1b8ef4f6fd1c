"""What a network costs on paper: parameters, multiply-accumulates, activations.

Bytes are numbers times those of a number: 4 in float32, 2 in half precision.
"""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import keras

from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.anchors import feature_shapes

Value = TypeVar("Value")


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
    shapes = _shapes(network, [layer.output for layer in layers], input_shapes)
    return {
        layer.name: Cost(layer.count_params(), layer_macs(layer, *by_layer))
        for layer, by_layer in zip(layers, shapes, strict=True)
    }


def held(network: keras.Model, input_shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """Return how many numbers a forward pass holds while each layer runs, by its name.

    Layers run one after another; each writes its output, which stays until the last
    layer that reads it has run, and the network's own outputs stay to the end. What a
    library fuses or computes in place needs less.

    Args:
        network: whose layers are each used once.
        input_shapes: of its inputs, with the batch.
    """
    layers = network.layers
    shapes = _shapes(network, [layer.output for layer in layers], input_shapes)
    sizes = {
        id(tensor): math.prod(shape)
        for layer, by_layer in zip(layers, shapes, strict=True)
        for tensor, shape in zip(_flat(layer.output), by_layer, strict=True)
    }
    last_reader = dict.fromkeys(map(id, network.outputs), len(layers))
    for i, layer in enumerate(layers):
        for tensor in _flat(layer.input):
            last_reader[id(tensor)] = max(i, last_reader.get(id(tensor), i))
    alive: dict[int, int] = {}
    found = {}
    for i, layer in enumerate(layers):
        alive |= {id(tensor): sizes[id(tensor)] for tensor in _flat(layer.output)}
        found[layer.name] = sum(alive.values())
        alive = {t: size for t, size in alive.items() if last_reader.get(t, i) > i}
    return found


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
    inputs = _inputs(model, image_shape)
    depth = inputs["rpn"][0][-1]
    levels = feature_shapes(image_shape, model.settings.strides)
    rpn = [network_costs(model.rpn, [(1, *shape, depth)]) for shape in levels]
    return {
        "backbone": network_costs(model.backbone, inputs["backbone"]),
        "fpn": network_costs(model.fpn, inputs["fpn"]),
        "rpn": {
            name: Cost(cost.parameters, sum(level[name].macs for level in rpn))
            for name, cost in rpn[0].items()
        },
        "box head": _times(network_costs(model.box_head, inputs["box head"]), rois),
        "mask head": _times(network_costs(model.mask_head, inputs["mask head"]), masks),
    }


def layer_memory(
    model: MaskRCNN, image_shape: tuple[int, int], *, rois: int, masks: int
) -> dict[str, dict[str, int]]:
    """Return how many numbers are held while each layer runs, part by part.

    See `held`. The proposal network runs over one level after another, of which the
    largest is given, and the heads over as many RoIs at once as the settings allow.
    What other parts hold meanwhile is not included. Arguments as of `layer_costs`.
    """
    inputs = _inputs(model, image_shape)
    at_once = {
        "box head": min(rois, model.settings.box_chunk),
        "mask head": min(masks, model.settings.mask_chunk),
    }
    networks = {
        "backbone": model.backbone,
        "fpn": model.fpn,
        "rpn": model.rpn,
        "box head": model.box_head,
        "mask head": model.mask_head,
    }
    return {
        part: {
            name: at_once.get(part, 1) * numbers
            for name, numbers in held(network, inputs[part]).items()
        }
        for part, network in networks.items()
    }


def by_stage(parts: Mapping[str, Mapping[str, Value]]) -> dict[str, dict[str, Value]]:
    """Return the layers of each part, those of the backbone as "stem", "stage 2" to 5.

    Args:
        parts: from `layer_costs` or `layer_memory`. The layers of a backbone that the
            user wrote have other names, and all count as its stem.
    """
    stages: dict[str, dict[str, Value]] = {}
    for part, layers in parts.items():
        for name, value in layers.items():
            where = part
            if part == "backbone":
                stage = re.match(r"(?:res|bn)(\d)", name)
                where = f"stage {stage[1]}" if stage else "stem"
            stages.setdefault(where, {})[name] = value
    return stages


def _inputs(
    model: MaskRCNN, image_shape: tuple[int, int]
) -> dict[str, list[tuple[int, ...]]]:
    """Return the shapes of what each part reads, for one image and one RoI."""
    s = model.settings
    levels = feature_shapes(image_shape, s.strides)
    stages = [
        (1, *shape, inputs[-1])
        for shape, inputs in zip(levels, model.fpn.input_shape, strict=False)
    ]
    depth = model.fpn.output_shape[0][-1]
    return {
        # A configuration has NumPy's integers, which Keras takes for no shape.
        "backbone": [(1, *map(int, image_shape), model.backbone.input_shape[-1])],
        "fpn": stages,
        "rpn": [(1, *levels[0], depth)],
        "box head": [(1, s.pool_size, s.pool_size, depth), (1,)],
        "mask head": [(1, s.mask_pool_size, s.mask_pool_size, depth), (1,)],
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


def _flat(tensors: object) -> list:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _shapes(
    network: keras.Model, outputs: list, input_shapes: list[tuple[int, ...]]
) -> list[list[tuple[int, ...]]]:
    """Return for each of some outputs, or lists of them, their shapes."""
    probe = keras.Model(network.inputs, [t for each in outputs for t in _flat(each)])
    found = probe.compute_output_shape(
        input_shapes if len(input_shapes) > 1 else input_shapes[0]
    )
    found = iter(found if isinstance(found, list) else [found])
    return [[next(found) for _ in _flat(each)] for each in outputs]
