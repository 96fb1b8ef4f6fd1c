"""Networks that differ from the book's in one loss or layer, for `balloon_choices`.

Boxes that learn from their overlap with the object (GIoU, arXiv:1902.09630), and
outlines that are looked at again point by point (PointRend, arXiv:1912.08193). They are
tried here, and no part of the package knows of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from mrcnn.losses import masked_mean
from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.roi_heads import RoiHeads
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.chunks import map_valid
from mrcnn.ops.masks import smooth_masks
from mrcnn.ops.roi_align import crop_and_resize
from mrcnn.ops.sampling import gather, of_class
from mrcnn.structures import Tensor, TrainingOutputs

UNSURE = 3.0
"""Cells of a mask with a logit between minus this and this, 0.05 to 0.95 as a
probability, are looked at again."""
POINT_CHANNELS = 64


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised IoU (...,) of boxes a (..., 4) with b (..., 4), in pairs.

    It is the IoU less the part of the smallest box around both that neither covers:
    from 1 for the same box down to -1 for boxes far apart, which still pull at each
    other. Those of b have an area.
    """
    low, high = ops.maximum(a, b), ops.minimum(a, b)
    shared = box_ops.area(ops.concatenate([low[..., :2], high[..., 2:]], axis=-1))
    around = box_ops.area(ops.concatenate([high[..., :2], low[..., 2:]], axis=-1))
    union = box_ops.area(a) + box_ops.area(b) - shared
    return shared / union - (around - union) / around


def overlap_loss(
    deltas: Tensor, targets: Tensor, positive: Tensor, std_dev: Sequence[float]
) -> Tensor:
    """Return 1 - GIoU of where deltas move boxes with where they should, the mean.

    Which boxes makes no difference: overlaps stay when both axes are scaled, each by
    itself. It pulls about as hard as the smooth L1 of the book: one delta that is off
    by one costs 0.18, as it moves an edge by a tenth of the side or two; there 0.24.

    Args:
        deltas: (B, S, 4).
        targets: (B, S, 4), the right deltas.
        positive: (B, S) bool, what counts.
        std_dev: (4,) units of the deltas.
    """
    square = ops.array([0.0, 0.0, 1.0, 1.0])
    found, right = (
        box_ops.decode_deltas(square, each, std_dev=std_dev)
        for each in (deltas, targets)
    )
    return masked_mean(1 - giou(found, right), positive)


class HeadByOverlap(MaskRCNN):
    """The box head learns from overlaps."""

    def compute_losses(
        self, outputs: TrainingOutputs, active_class_ids: Tensor
    ) -> dict[str, Tensor]:
        """Return the five losses, see `MaskRCNN.compute_losses`."""
        rois = outputs.roi_targets
        deltas = of_class(outputs.box_deltas, rois.class_ids)
        of_boxes = overlap_loss(
            deltas, rois.deltas, rois.positive, self.settings.box_std_dev
        )
        losses = super().compute_losses(outputs, active_class_ids)
        return losses | {"mrcnn_bbox_loss": of_boxes}


class ProposalsByOverlap(HeadByOverlap):
    """The box head and the proposal network learn from overlaps."""

    def compute_losses(
        self, outputs: TrainingOutputs, active_class_ids: Tensor
    ) -> dict[str, Tensor]:
        """Return the five losses, see `MaskRCNN.compute_losses`."""
        anchors = outputs.rpn_targets
        deltas = gather(outputs.rpn_deltas, anchors.indices)
        of_boxes = overlap_loss(
            deltas, anchors.deltas, anchors.positive, self.settings.rpn_std_dev
        )
        losses = super().compute_losses(outputs, active_class_ids)
        return losses | {"rpn_bbox_loss": of_boxes}


class PointOutputs(NamedTuple):
    """What the network with points says in training."""

    usual: TrainingOutputs
    logits: Tensor  # (B, R+, M, M) of the mask head for the true class
    corrected: Tensor  # (B, R+, M, M) what the points make of them


class Pointed(MaskRCNN):
    """Where a mask is unsure, the finest features decide, each cell by itself.

    The mask head sees an object at the level of its size; here two layers see, for each
    cell, what the finest level (P2) has at its centre, and the head's logit, which they
    correct. PointRend takes few points of ever finer masks; this is its smallest form:
    all unsure cells of the mask as it is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Put the parts together, see `Composite`, and add the layers of the points."""
        super().__init__(*args, **kwargs)
        channels = self.fpn.outputs[0].shape[-1]
        features = keras.Input((None, None, channels))
        logits = keras.Input((None, None, 1))
        make = LayerFactory(
            dtype=self.precision, train_statistics=True, bn_momentum=0.0, seed=self.seed
        )
        x = keras.layers.Concatenate()([features, logits])
        for i in (1, 2):
            layer = make.conv(f"mrcnn_point_conv{i}", POINT_CHANNELS, 1)
            x = make.relu()(layer(x))
        # It starts near zero: at first all masks are those of the mask head.
        correction = make.predictor("mrcnn_point", 1)(x)
        corrected = keras.layers.Add(dtype="float32")([logits, correction])
        self.point_head = keras.Model([features, logits], corrected, name="point_head")

    def compute_losses(
        self, outputs: PointOutputs, active_class_ids: Tensor
    ) -> dict[str, Tensor]:
        """Return the five losses; that of the unsure cells joins the masks' one."""
        losses = super().compute_losses(outputs.usual, active_class_ids)
        targets = outputs.usual.roi_targets
        slots = targets.masks.shape[1]
        entropy = ops.binary_crossentropy(
            targets.masks, outputs.corrected, from_logits=True
        )
        positive = targets.positive[:, :slots, None, None]
        counted = _unsure(outputs.logits) & positive  # what is sure stays as it is
        of_masks = losses["mrcnn_mask_loss"] + masked_mean(entropy, counted)
        return losses | {"mrcnn_mask_loss": of_masks}

    def _train(
        self,
        batch: Mapping[str, Tensor],
        heads: RoiHeads,
        logits: Tensor,
        deltas: Tensor,
    ) -> PointOutputs:
        usual = super()._train(batch, heads, logits, deltas)
        rois, slots = usual.roi_targets, usual.mask_logits.shape[1]
        masks = of_class(
            ops.moveaxis(usual.mask_logits, -1, 2), rois.class_ids[:, :slots]
        )
        masks = ops.stop_gradient(masks)  # the mask head learns as it does elsewhere
        return PointOutputs(
            usual, masks, self._corrected(heads, rois.rois[:, :slots], masks)
        )

    def _outline(
        self, heads: RoiHeads, boxes: Tensor, class_ids: Tensor, valid: Tensor
    ) -> Tensor:
        """Return masks (B, R, M, M) of the slots that hold a box, else zeros."""

        def masks(boxes: Tensor, class_ids: Tensor) -> tuple[Tensor]:
            logits = heads.outline(boxes, ops.ones_like(class_ids, dtype="bool"))
            logits = of_class(ops.moveaxis(logits, -1, 2), class_ids)
            corrected = self._corrected(heads, boxes, logits)
            decided = ops.sigmoid(ops.where(_unsure(logits), corrected, logits))
            return (smooth_masks(decided, self.settings.mask_smoothing),)

        side = 2 * self.settings.mask_pool_size
        (found,) = map_valid(
            masks,
            (boxes, class_ids),
            valid,
            chunk=self.settings.mask_chunk,
            outputs=((side, side),),
        )
        return found

    def _corrected(self, heads: RoiHeads, boxes: Tensor, logits: Tensor) -> Tensor:
        """Return what the points make of the logits (B, R, M, M) of boxes (B, R, 4)."""
        count, side = logits.shape[1:3]
        features = finest(heads, boxes, side)
        corrected = self.point_head(
            [features, ops.reshape(logits, (-1, side, side, 1))]
        )
        return ops.reshape(corrected, (-1, count, side, side))


def _unsure(logits: Tensor) -> Tensor:
    return ops.abs(logits) < UNSURE


def finest(heads: RoiHeads, boxes: Tensor, side: int) -> Tensor:
    """Return P2 at the centres of the cells of boxes' masks, (B R, side, side, C).

    Args:
        heads: have the pyramid.
        boxes: (B, R, 4), not differentiated.
        side: of a mask, in cells.
    """
    canvas, boxes = heads.canvas, ops.stop_gradient(boxes)
    in_image = ops.array([*heads.image_shape] * 2, dtype="float32")
    on_level = ops.array([*canvas.shapes[0]] * 2, dtype="float32")
    edges = box_ops.denormalise(boxes, heads.image_shape) / in_image * on_level
    half = 0.5 * (edges[..., 2:] - edges[..., :2]) / side
    first = ops.array([canvas.first_rows[0], 1] * 2, dtype="float32")
    points = edges + ops.concatenate([half, -half], axis=-1) - 0.5 + first
    height, width = canvas.image.shape[1:3]
    points = points / ops.array([height - 1, width - 1] * 2, dtype="float32")
    images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype="int32"), boxes.shape[1])
    return crop_and_resize(
        canvas.image, ops.reshape(points, (-1, 4)), images, (side, side)
    )
