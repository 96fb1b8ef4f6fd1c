"""Values inside the network by Matterport's layer names, for `MaskRCNN.run_graph`.

Matterport's notebooks fetched tensors of a TensorFlow 1 graph. Here an output is its
name, and computed when it is asked for. As it is text, what such a notebook does to a
tensor first, `tf.identity` say, leaves a name.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from mrcnn.hardware import refuse_after_fork
from mrcnn.matterport.inputs import log
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.nms import nms
from mrcnn.ops.selection import rank_anchors
from mrcnn.structures import Stages
from mrcnn.tasks import LOSS_NAMES

STAGES = (
    *("input_image", "rpn_class", "rpn_bbox", "ROI"),
    *("mrcnn_class", "mrcnn_bbox", "mrcnn_detection", "mrcnn_mask"),
)
"""Layers whose outputs make up a detection; all in Matterport's shapes, boxes
normalised."""

PROPOSAL_STEPS = (
    *("pre_nms_anchors", "refined_anchors", "refined_anchors_clipped"),
    "rpn_non_max_suppression",
)
"""What goes on inside the layer ROI."""

ELSEWHERE = {
    "input_image_meta": "MaskRCNN.mold_inputs, which returns metas",
    **dict.fromkeys(("input_anchors", "anchors"), "MaskRCNN.get_anchors"),
    **dict.fromkeys(
        (
            *("input_rpn_match", "input_rpn_bbox", "input_gt_class_ids"),
            *("input_gt_boxes", "input_gt_masks"),
        ),
        "mrcnn.model.data_generator, which makes such arrays",
    ),
    **dict.fromkeys(
        ("proposal_targets", "output_rois"),
        "mrcnn.model.DetectionTargetLayer, which computes the same",
    ),
    **dict.fromkeys(
        ("roi_align_classifier", "roi_align_mask"),
        "mrcnn.model.PyramidROIAlign, which computes the same",
    ),
    **dict.fromkeys(LOSS_NAMES, "keras_model.history.history after training"),
}
"""Layers of Matterport's that are none here, and what to take in their place."""


class Layer:
    """A layer by Matterport's name: its output as a name, all else from Keras' layer.

    Attributes:
        name: of the layer.
        output: what `MaskRCNN.run_graph` takes, the name again.
    """

    def __init__(self, name: str, layer: keras.layers.Layer | None) -> None:
        """Take the name, and Keras' layer unless the name is that of a step only."""
        vars(self).update(name=name, output=name, _layer=layer)

    def __getattr__(self, attribute: str) -> Any:
        """Ask Keras' layer."""
        if attribute.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no {attribute}.")
        return getattr(self._of_keras(attribute), attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set it on Keras' layer, `trainable` say."""
        setattr(self._of_keras(attribute), attribute, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call Keras' layer; an output is a name here and cannot go through one."""
        if any(isinstance(argument, str) for argument in args):
            raise TypeError(
                f"{self.name} was called with {args[0]!r}, the name of an output. "
                "Names stand for values that MaskRCNN.run_graph computes; layers and "
                "networks take arrays."
            )
        return self._of_keras("call")(*args, **kwargs)

    def _of_keras(self, attribute: str) -> keras.layers.Layer:
        if self._layer is None:
            raise AttributeError(
                f"{self.name} is a step of the network and no Keras layer: it has a "
                f"name and an output, but no {attribute}."
            )
        return self._layer


def find_layer(model: MaskRCNN, name: str) -> Layer:
    """Return a layer of any of the five networks, or a step, by Matterport's name.

    Raises:
        ValueError: if there is none; names some like it.
    """
    for part in _parts(model):
        if part.name == name:
            return Layer(name, part)
        for layer in part.layers:
            if layer.name == name:
                return Layer(name, layer)
    if name in STAGES:
        return Layer(name, None)
    if name in ELSEWHERE:
        raise ValueError(
            f"Matterport's layer {name} is none here: use {ELSEWHERE[name]}."
        )
    raise ValueError(f"There is no layer {name!r}.{_similar(model, name)}")


def find_output(name: str) -> str | None:
    """Return the step that a node of Matterport's graph belongs to, None if no step.

    Args:
        name: such as "ROI/refined_anchors_clipped:0".
    """
    for step in sorted(PROPOSAL_STEPS, key=len, reverse=True):
        if re.match(rf"ROI/{step}(:\d+|/.*)?$", name):
            return step
    return name if name in STAGES else None


def name_of(output: Any) -> str:
    """Return an output's name, also after `tf.identity` made a tensor of it."""
    text = output.numpy() if hasattr(output, "numpy") else output
    return text.decode() if isinstance(text, bytes) else str(text)


def fetch(
    model: MaskRCNN,
    inputs: Mapping[str, np.ndarray],
    outputs: Iterable[tuple[str, Any]],
) -> OrderedDict[str, np.ndarray]:
    """Return, and print the shapes of, outputs under keys; see `MaskRCNN.run_graph`."""
    names = {key: name_of(output) for key, output in outputs}
    values = evaluate(model, inputs, names.values())
    found = OrderedDict((key, np.asarray(values[n])) for key, n in names.items())
    for key, value in found.items():
        log(key, value)
    return found


def evaluate(
    model: MaskRCNN, inputs: Mapping[str, np.ndarray], names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Return the values of outputs for a batch.

    Args:
        model: the network.
        inputs: as `mrcnn.detection.prepare` makes them.
        names: of `STAGES`, `PROPOSAL_STEPS`, or layers of backbone and pyramid.

    Raises:
        ValueError: names an output that cannot be had.
        RuntimeError: in a process forked after the backend had begun to work.
    """
    refuse_after_fork()
    names = set(names)
    values: dict[str, np.ndarray] = {"input_image": inputs["images"]}
    if names & {*STAGES, *PROPOSAL_STEPS}:
        stages = model.stages(inputs)
        values |= _detection_values(stages)
        if names & set(PROPOSAL_STEPS):
            values |= _proposal_values(model, stages, inputs["images"].shape[1:3])
        if "mrcnn_mask" in names:
            boxes = {"images": inputs["images"], "boxes": stages.detections.boxes}
            values["mrcnn_mask"] = model.predict_on_batch(boxes)
    values |= _feature_values(model, inputs["images"], names - set(values))
    return {name: values[name] for name in names}


def _detection_values(stages: Stages) -> dict[str, np.ndarray]:
    found = stages.detections
    extra = [np.asarray(a, np.float32) for a in (found.class_ids, found.scores)]
    return {
        "rpn_class": np.stack([1 - stages.rpn_scores, stages.rpn_scores], axis=-1),
        "rpn_bbox": stages.rpn_deltas,
        "ROI": stages.proposals.boxes,
        "mrcnn_class": stages.class_probabilities,
        "mrcnn_bbox": stages.box_deltas,
        "mrcnn_detection": np.concatenate(
            [found.boxes, np.stack(extra, axis=-1)], axis=-1
        ),
    }


def _proposal_values(
    model: MaskRCNN, stages: Stages, image_shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Take the steps from anchors to proposals once more, and keep them."""
    s, anchors = model.settings, model.anchors(image_shape)
    ranked = rank_anchors(
        ops.convert_to_tensor(stages.rpn_scores),
        ops.convert_to_tensor(stages.rpn_deltas),
        ops.convert_to_tensor(anchors),
        std_dev=s.rpn_std_dev,
        count=s.pre_nms,
    )
    clipped = ops.clip(ranked.boxes, 0.0, 1.0)
    indices, valid = nms(
        clipped,
        ranked.scores,
        ops.ones_like(ranked.scores, dtype="bool"),
        iou_threshold=s.proposal_iou,
        slots=s.proposals_inference,
    )
    kept = ops.convert_to_numpy(indices)[ops.convert_to_numpy(valid)]
    return {
        "pre_nms_anchors": anchors[ops.convert_to_numpy(ranked.indices)],
        "refined_anchors": ops.convert_to_numpy(ranked.boxes),
        "refined_anchors_clipped": ops.convert_to_numpy(clipped),
        "rpn_non_max_suppression": kept,
    }


def _feature_values(
    model: MaskRCNN, images: np.ndarray, names: set[str]
) -> dict[str, np.ndarray]:
    """Return outputs of layers of the backbone and the feature pyramid."""
    values: dict[str, np.ndarray] = {}
    inputs: Any = images
    for part in (model.backbone, model.fpn):
        wanted = [layer for layer in part.layers if layer.name in names]
        if wanted:
            outputs = [layer.output for layer in wanted]
            found = keras.Model(part.input, outputs)(inputs, training=False)
            found = found if len(wanted) > 1 else [found]
            for layer, value in zip(wanted, found, strict=True):
                values[layer.name] = ops.convert_to_numpy(ops.cast(value, "float32"))
        inputs = part(inputs, training=False)
    if missing := sorted(names - set(values)):
        raise ValueError(
            f"No output {', '.join(missing)} can be computed: take layers of the "
            f"backbone or the pyramid, or {', '.join((*STAGES, *PROPOSAL_STEPS))}."
        )
    return values


def _parts(model: MaskRCNN) -> tuple[keras.Model, ...]:
    return model.backbone, model.fpn, model.rpn, model.box_head, model.mask_head


def _similar(model: MaskRCNN, name: str) -> str:
    known = {layer.name for part in _parts(model) for layer in part.layers}
    alike = sorted(n for n in known | set(STAGES) if n[:4] == name[:4])
    return f" Near it are {', '.join(alike[:8])}." if alike else ""
