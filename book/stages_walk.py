"""One image on its way through the trained network: what the pictures show of it."""

from functools import cached_property

import numpy as np

from mrcnn import build, detection
from mrcnn.cost import model_cost
from mrcnn.data.shapes import ShapesDataset
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import feature_shapes, level_maps
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.matching import Matches, match_anchors
from mrcnn.ops.roi_align import assign_levels, pack_pyramid, pyramid_roi_align
from mrcnn.ops.selection import rank_anchors
from mrcnn.presets import SHAPES_TEST_SEED, ShapesConfig
from mrcnn.pretrained import shipped
from mrcnn.structures import TrainingOutputs
from mrcnn.weights import load_weights

IMAGE = 70
"""A test image with every class, in which shapes hide parts of others."""


class Walk:
    """An image of Shapes and what every stage of the trained model makes of it.

    Boxes are in pixels of the image.
    """

    def __init__(self) -> None:
        """Load the model that comes with the package, and detect."""
        self.config = ShapesConfig()
        self.data = ShapesDataset(IMAGE + 10, seed=SHAPES_TEST_SEED)
        self.names = self.data.class_names
        self.model = build.model(self.config, seed=0, precision="float32")
        load_weights(self.model, shipped("shapes"))
        self.image = self.data.load_image(IMAGE)
        self.true_masks, self.true_classes = self.data.load_mask(IMAGE)
        self.inputs, (geometry,) = detection.prepare(self.model, [self.image])
        self.shape = self.image.shape[:2]
        self.stages = self.model.stages(self.inputs)
        self.found = detection.unmold(self.stages, 0, geometry)
        self.shapes = feature_shapes(self.shape, self.config.BACKBONE_STRIDES)

    def pixels(self, boxes: np.ndarray) -> np.ndarray:
        """Return normalised boxes in pixels."""
        return box_ops.denormalise(np.asarray(boxes), self.shape, xp=np)

    # --- Features

    @cached_property
    def backbone_maps(self) -> list[np.ndarray]:
        """C2 to C5, each (1, rows, columns, C)."""
        return [np.asarray(x) for x in self.model.backbone(self.inputs["images"])]

    @cached_property
    def pyramid_maps(self) -> list[np.ndarray]:
        """P2 to P6, each (1, rows, columns, C)."""
        return [np.asarray(x) for x in self.model.fpn(self.backbone_maps)]

    # --- Proposals

    @cached_property
    def anchors(self) -> np.ndarray:
        """All anchors (A, 4)."""
        return self.pixels(self.model.anchors(self.shape))

    @cached_property
    def objectness(self) -> np.ndarray:
        """Probability of an object at each anchor (A,)."""
        return self.stages.rpn_scores[0]

    @cached_property
    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Which anchors (N,) go into the suppression, and their boxes moved (N, 4)."""
        best = rank_anchors(
            self.stages.rpn_scores,
            self.stages.rpn_deltas,
            self.model.anchors(self.shape),
            std_dev=self.model.settings.rpn_std_dev,
            count=self.model.settings.pre_nms,
        )
        boxes = np.clip(np.asarray(best.boxes[0]), 0, 1)
        return np.asarray(best.indices[0]), self.pixels(boxes)

    @cached_property
    def proposals(self) -> np.ndarray:
        """Those that are kept, (p, 4), best first."""
        kept = self.stages.proposals.valid[0]
        return self.pixels(self.stages.proposals.boxes[0][kept])

    def objectness_maps(self) -> list[np.ndarray]:
        """Return the best probability in each cell, level by level."""
        levels = level_maps(self.objectness, self.shapes)
        return [scores.max(axis=-1) for scores in levels]

    def roi_levels(self) -> np.ndarray:
        """Return from which level of the pyramid each proposal is cut, (p,)."""
        boxes = self.stages.proposals.boxes[:, : len(self.proposals)]
        return np.asarray(assign_levels(boxes, self.shape))[0]

    def crop(self, box: np.ndarray, size: int) -> np.ndarray:
        """Return the features (size, size, C) that a head sees of a box."""
        boxes = box_ops.normalise(box[None, None].astype(np.float32), self.shape, xp=np)
        crops = pyramid_roi_align(
            pack_pyramid(self.pyramid_maps[:4]),
            boxes,
            size,
            image_shape=self.shape,
            aligned=self.model.settings.aligned,
        )
        return np.asarray(crops)[0, 0]

    def hardest_to_round(self) -> np.ndarray:
        """Return the proposal (4,) of a detection that lies worst on P2's cells."""
        origins = np.array([proposal for _, proposal, _ in self.lineage()])
        cells = origins / self.config.BACKBONE_STRIDES[0]
        return origins[np.abs(cells - np.rint(cells)).sum(axis=1).argmax()]

    # --- Heads

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Of each class for each proposal, (p, K)."""
        return self.stages.class_probabilities[0][: len(self.proposals)]

    @cached_property
    def refined(self) -> np.ndarray:
        """Proposals moved by the deltas of their most probable class, (p, 4)."""
        winners = self.probabilities.argmax(axis=1)
        deltas = self.stages.box_deltas[0][np.arange(len(winners)), winners]
        boxes = box_ops.decode_deltas(
            self.stages.proposals.boxes[0][: len(winners)],
            deltas,
            std_dev=self.model.settings.box_std_dev,
            xp=np,
        )
        return self.pixels(np.clip(boxes, 0, 1))

    @cached_property
    def detections(self) -> np.ndarray:
        """Boxes (n, 4) before they are rounded to whole pixels."""
        kept = self.stages.detections.valid[0]
        return self.pixels(self.stages.detections.boxes[0][kept])

    def soft_masks(self) -> np.ndarray:
        """Return what the mask head draws of each detection and class, (n, M, M, K)."""
        kept = self.stages.detections.valid[0]
        batch = {
            "images": self.inputs["images"],
            "boxes": self.stages.detections.boxes[:, kept],
        }
        return self.model.predict_on_batch(batch)[0]

    def lineage(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return for each detection the anchor, the proposal and the box that it was.

        A stage keeps no record of where its boxes come from: they are recognised.
        """
        indices, moved = self.ranked
        rows = []
        for box in self.detections:
            i = np.abs(self.refined - box).sum(axis=1).argmin()
            j = np.abs(moved - self.proposals[i]).sum(axis=1).argmin()
            rows.append((self.anchors[indices[j]], self.proposals[i], box))
        return rows

    def candidates(self) -> np.ndarray:
        """Return which proposals are called an object with confidence, (p,) bool."""
        best = self.probabilities.max(axis=1)
        sure = best >= self.model.settings.min_confidence
        return sure & (self.probabilities.argmax(axis=1) > 0)

    def telling_proposals(self) -> list[int]:
        """Return the origin of each detection, and two proposals that are refused.

        Of these the best one, and the best that overlaps no object by a third.
        """
        origins = [
            int(np.abs(self.proposals - proposal).sum(axis=1).argmin())
            for _, proposal, _ in self.lineage()
        ]
        refused = np.flatnonzero(self.probabilities.argmax(axis=1) == 0)
        overlaps = self.overlaps(self.proposals[refused]).max(axis=1)
        return [*origins, int(refused[0]), int(refused[overlaps < 1 / 3][0])]

    # --- Truth and training

    @cached_property
    def true_boxes(self) -> np.ndarray:
        """Boxes of the annotated objects, (g, 4)."""
        return boxes_of_masks(self.true_masks)

    def overlaps(self, boxes: np.ndarray) -> np.ndarray:
        """Return the IoU (n, g) of boxes (n, 4) with the annotated ones."""
        return box_ops.iou(boxes.astype(float), self.true_boxes.astype(float), xp=np)

    def matches(self) -> Matches:
        """Return which anchors stand for an object, which for background."""
        anchors = self.model.anchors(self.shape)
        overlaps = box_ops.iou(anchors[None], self.batch["gt_boxes"][[self.row]], xp=np)
        objects = self.batch["gt_valid"][[self.row]]
        found = match_anchors(overlaps, objects, np.zeros_like(objects), xp=np)
        return Matches(*(array[0] for array in found))

    @cached_property
    def batch(self) -> dict[str, np.ndarray]:
        """A batch as in training; the image is in row `IMAGE % 8`."""
        batches = build.batches(self.config, self.data)
        return batches[IMAGE // batches.batch_size][0]

    @cached_property
    def row(self) -> int:
        """The image's row in `batch`."""
        return IMAGE % len(self.batch["images"])

    @cached_property
    def training(self) -> TrainingOutputs:
        """What the trained model is asked in training, and what it says."""
        return self.model(self.batch, training=False)

    def sampled_anchors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sampled anchors (S, 4), and which stand for an object, (S,)."""
        sample = self.training.rpn_targets
        valid = np.asarray(sample.valid[self.row])
        indices = np.asarray(sample.indices[self.row])[valid]
        return self.anchors[indices], np.asarray(sample.positive[self.row])[valid]

    def sampled_rois(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sampled RoIs (R, 4), and which stand for an object, (R,)."""
        sample = self.training.roi_targets
        valid = np.asarray(sample.valid[self.row])
        boxes = self.pixels(sample.rois[self.row])[valid]
        return boxes, np.asarray(sample.positive[self.row])[valid]

    def mask_targets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return RoIs (n, 4), masks to draw (n, M, M), and each one's object (n,)."""
        sample = self.training.roi_targets
        masks = np.asarray(sample.masks[self.row])
        positive = np.asarray(sample.positive[self.row])[: len(masks)]
        boxes = self.pixels(sample.rois[self.row])[: len(masks)][positive]
        return boxes, masks[positive], self.overlaps(boxes).argmax(axis=1)

    def losses(self, *, trained: bool) -> dict[str, float]:
        """Return the five losses of the batch, of the trained or of a random model."""
        model, outputs = self.model, self.training
        if not trained:
            model = build.model(self.config, seed=0, precision="float32")
            outputs = model(self.batch, training=True)
        return _floats(model, outputs, self.batch["active_class_ids"])

    def costs(self) -> dict[str, tuple[int, int]]:
        """Return parameters and multiply-accumulates of each part, and of all."""
        s = self.model.settings
        return model_cost(
            self.model, self.shape, rois=s.proposals_inference, masks=s.detections
        )


def _floats(
    model: MaskRCNN, outputs: TrainingOutputs, active: np.ndarray
) -> dict[str, float]:
    losses = model.compute_losses(outputs, active)
    return {name: float(value) for name, value in losses.items()}
