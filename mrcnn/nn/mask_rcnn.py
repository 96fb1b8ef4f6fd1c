"""Mask R-CNN as one Keras model: features, proposals, RoIs, heads.

Mask R-CNN, arXiv:1703.06870, figure 1. Shapes as in `mrcnn.structures`; boxes are
normalised.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from mrcnn import losses as loss_ops
from mrcnn.nn.composite import Composite
from mrcnn.nn.roi_heads import RoiHeads
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import pyramid_anchors
from mrcnn.ops.chunks import map_valid
from mrcnn.ops.penalty import mean_squares
from mrcnn.ops.roi_align import pack_pyramid
from mrcnn.ops.selection import object_probability, select_detections, select_proposals
from mrcnn.structures import (
    GroundTruth,
    Proposals,
    RoiPredictions,
    Stages,
    Tensor,
    TrainingOutputs,
)
from mrcnn.targets import roi_targets, rpn_targets
from mrcnn.tasks import LOSS_NAMES


@keras.saving.register_keras_serializable("mrcnn")
class MaskRCNN(Composite):
    """Detects, classifies and outlines objects.

    Called with a dictionary whose keys say what to do (images are padded, float32):

    - `images` (B, H, W, C) and `windows` (B, 4): detect, returns `Stages`;
    - with `gt_boxes`, `gt_class_ids`, `gt_masks`, `gt_valid` and `active_class_ids`:
      what the losses need, returns `TrainingOutputs`;
    - with `rois` (B, R, 4): the box head on given regions, returns `RoiPredictions`;
    - with `boxes` (B, R, 4): the masks of those boxes for every class,
      (B, R, M, M, K), or with `class_ids` (B, R) for these, (B, R, M, M); and with
      `valid` (B, R) of the first slots alone, those that hold a box.
    """

    def call(self, batch: Mapping[str, Tensor], training: bool = False) -> Any:
        """Do what the keys of the batch ask for, see the class."""
        image_shape = tuple(batch["images"].shape[1:3])
        pyramid = self.fpn(
            self.backbone(batch["images"], training=training), training=training
        )
        canvas = pack_pyramid(pyramid[:4])  # P6 only serves proposals
        heads = RoiHeads(
            self.box_head, self.mask_head, canvas, image_shape, self.settings, training
        )
        if "rois" in batch:
            return self._predict_boxes(heads, batch["rois"])
        if "boxes" in batch:
            boxes, class_ids, valid = map(batch.get, ("boxes", "class_ids", "valid"))
            if valid is not None:
                return self._outline(heads, boxes, class_ids, valid)
            return heads.masks(boxes, class_ids)
        logits, deltas = self._propose(pyramid, training)
        if "gt_boxes" in batch:
            return self._train(batch, heads, logits, deltas)
        return self._detect(heads, logits, deltas, batch["windows"])

    def anchors(self, image_shape: tuple[int, int]) -> np.ndarray:
        """Return the anchors (A, 4) float32, normalised, for images (H, W)."""
        pixels = pyramid_anchors(
            self.settings.anchor_scales,
            self.settings.anchor_ratios,
            image_shape,
            self.settings.strides,
            self.settings.anchor_stride,
        ).astype(np.float32)
        return box_ops.normalise(pixels, image_shape, xp=np)

    def stages(self, inputs: Mapping[str, np.ndarray]) -> Stages:
        """Return all that detection finds on the way, as NumPy arrays."""
        return self.predict_on_batch(inputs)

    def predict_boxes(self, images: np.ndarray, rois: np.ndarray) -> RoiPredictions:
        """Return what the box head says of given RoIs (B, R, 4) as NumPy arrays."""
        return self.predict_on_batch({"images": images, "rois": rois})

    def predict_masks(
        self,
        images: np.ndarray,
        boxes: np.ndarray,
        class_ids: np.ndarray,
        valid: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return masks (B, R, M, M) for boxes (B, R, 4) of given classes (B, R).

        Where `valid` (B, R) is given, whose true ones come first, the others are zero
        and cost nothing.
        """
        batch = {"images": images, "boxes": boxes, "class_ids": class_ids}
        if valid is not None:
            batch["valid"] = valid
        return self.predict_on_batch(batch)

    def _propose(self, pyramid: list[Tensor], training: bool) -> tuple[Tensor, Tensor]:
        """Return the logits (B, A, 2) and deltas (B, A, 4) of all levels in order."""
        levels = [self.rpn(level, training=training) for level in pyramid]
        logits, deltas = zip(*levels, strict=True)
        return ops.concatenate(logits, axis=1), ops.concatenate(deltas, axis=1)

    def _select_proposals(
        self, scores: Tensor, deltas: Tensor, slots: int, image_shape: tuple[int, int]
    ) -> Proposals:
        return select_proposals(
            scores,
            deltas,
            ops.convert_to_tensor(self.anchors(image_shape)),
            std_dev=self.settings.rpn_std_dev,
            pre_nms=self.settings.pre_nms,
            iou_threshold=self.settings.proposal_iou,
            slots=slots,
        )

    # --- Training

    def _train(
        self,
        batch: Mapping[str, Tensor],
        heads: RoiHeads,
        logits: Tensor,
        deltas: Tensor,
    ) -> TrainingOutputs:
        """Sample anchors and RoIs, and run the heads on the RoIs.

        The mask head runs on the slots of positive RoIs only: no other has a mask loss.
        """
        s = self.settings
        truth = GroundTruth(*(batch[f"gt_{name}"] for name in GroundTruth._fields))
        anchors = rpn_targets(
            ops.convert_to_tensor(self.anchors(heads.image_shape)),
            truth,
            samples=s.anchors_per_image,
            std_dev=s.rpn_std_dev,
            seed=self.sampling_seed,
        )
        scores = object_probability(logits)
        proposals = self._select_proposals(
            scores, deltas, s.proposals_training, heads.image_shape
        )
        rois = roi_targets(
            proposals.boxes,
            proposals.valid,
            truth,
            samples=s.rois_per_image,
            positive_ratio=s.positive_ratio,
            fill=s.fill_negatives,
            append_truth=s.append_truth,
            mask_slots=s.mask_rois_per_image,
            std_dev=s.box_std_dev,
            mask_side=2 * s.mask_pool_size,
            mini_masks=s.mini_masks,
            image_shape=heads.image_shape,
            aligned=s.aligned,
            seed=self.sampling_seed,
        )
        slots = rois.masks.shape[1]
        class_logits, box_deltas = heads.classify(rois.rois, rois.valid)
        mask_logits = heads.outline(rois.rois[:, :slots], rois.positive[:, :slots])
        return TrainingOutputs(
            logits, deltas, anchors, class_logits, box_deltas, mask_logits, rois
        )

    def compute_losses(
        self, outputs: TrainingOutputs, active_class_ids: Tensor
    ) -> dict[str, Tensor]:
        """Return the five losses by Matterport's names, not yet weighted."""
        anchors, rois = outputs.rpn_targets, outputs.roi_targets
        beta = self.settings.smooth_l1_beta
        values = (
            loss_ops.rpn_class_loss(outputs.rpn_logits, anchors),
            loss_ops.rpn_bbox_loss(outputs.rpn_deltas, anchors, beta),
            loss_ops.mrcnn_class_loss(outputs.class_logits, rois, active_class_ids),
            loss_ops.mrcnn_bbox_loss(outputs.box_deltas, rois, beta),
            loss_ops.mrcnn_mask_loss(outputs.mask_logits, rois),
        )
        return dict(zip(LOSS_NAMES, values, strict=True))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the weighted sum of the five losses and of the weights' mean squares.

        The penalty is Matterport's: the sum over trainable weights, those of batch
        normalisation excepted, of `l2` times the mean square of the weight.
        """
        losses = self.compute_losses(y_pred, x["active_class_ids"])
        for name, value in losses.items():
            self.loss_trackers[name].update_state(value)
        total = ops.sum(ops.stack(list(losses.values())) * self.loss_weights)
        if self.settings.l2:
            total += self.settings.l2 * mean_squares(
                [w for w in self.trainable_weights if w.name not in ("gamma", "beta")]
            )
        return total

    # --- Inference

    def _detect(
        self, heads: RoiHeads, logits: Tensor, deltas: Tensor, windows: Tensor
    ) -> Stages:
        """Propose, classify and refine, then outline what was found."""
        s = self.settings
        scores = object_probability(logits)
        proposals = self._select_proposals(
            scores, deltas, s.proposals_inference, heads.image_shape
        )
        classes = self.box_head.output_shape[0][-1]
        class_logits, box_deltas = map_valid(
            heads.classify,
            (proposals.boxes, proposals.valid),
            proposals.valid,
            chunk=s.box_chunk,
            outputs=((classes,), (classes, 4)),
        )
        probabilities = ops.softmax(class_logits, axis=-1)
        detections = select_detections(
            proposals.boxes,
            proposals.valid,
            probabilities,
            box_deltas,
            windows,
            std_dev=s.box_std_dev,
            min_confidence=s.min_confidence,
            iou_threshold=s.detection_iou,
            across_classes=s.across_classes,
            outscores_background=s.outscores_background,
            slots=s.detections,
        )
        masks = self._outline(
            heads, detections.boxes, detections.class_ids, detections.valid
        )
        return Stages(
            scores, deltas, proposals, probabilities, box_deltas, detections, masks
        )

    def _outline(
        self, heads: RoiHeads, boxes: Tensor, class_ids: Tensor, valid: Tensor
    ) -> Tensor:
        """Return masks (B, R, M, M) of the slots that hold a box, else zeros."""
        side = 2 * self.settings.mask_pool_size
        (masks,) = map_valid(
            lambda *some: (heads.masks(*some),),
            (boxes, class_ids),
            valid,
            chunk=self.settings.mask_chunk,
            outputs=((side, side),),
        )
        return masks

    def _predict_boxes(self, heads: RoiHeads, rois: Tensor) -> RoiPredictions:
        everyone = ops.ones(ops.shape(rois)[:2], dtype="bool")
        logits, deltas = heads.classify(rois, everyone)
        std_dev = self.settings.box_std_dev
        boxes = box_ops.decode_deltas(rois[:, :, None], deltas, std_dev=std_dev)
        return RoiPredictions(ops.softmax(logits, -1), ops.clip(boxes, 0.0, 1.0))
