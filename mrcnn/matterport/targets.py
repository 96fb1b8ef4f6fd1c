"""What the network should say, as Matterport's NumPy functions give it.

Boxes are in pixels of the padded image. Samples are drawn from NumPy's global
generator.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from mrcnn.build import settings
from mrcnn.config import Config
from mrcnn.ops import boxes as box_ops
from mrcnn.structures import GroundTruth
from mrcnn.targets import roi_targets, rpn_targets

NEAR_OBJECTS = 0.9
"""Part of the random regions that lie around an object."""


def _seed() -> int:
    return int(np.random.randint(2**31))


def build_rpn_targets(
    image_shape: Sequence[int],
    anchors: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    config: Config,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which anchors are objects, and where these are from there.

    Args:
        image_shape: not needed.
        anchors: (A, 4).
        gt_class_ids: (n,), negative for crowds.
        gt_boxes: (n, 4).
        config: of the network.

    Returns:
        Match (A,) int32, 1 for an object, -1 for background and 0 for neither; and
        deltas (S, 4) float32 of the anchors of objects in their order, then zeros.
    """
    count = config.RPN_TRAIN_ANCHORS_PER_IMAGE
    # A slot that holds nothing makes an image without objects like any other.
    boxes = np.concatenate([gt_boxes, np.zeros((1, 4))]).astype(np.float32)
    class_ids = np.append(gt_class_ids, 0).astype(np.int32)
    truth = GroundTruth(
        ops.convert_to_tensor(boxes[None]),
        ops.convert_to_tensor(class_ids[None]),
        None,
        ops.convert_to_tensor(class_ids[None] != 0),
    )
    found = rpn_targets(
        ops.convert_to_tensor(np.asarray(anchors, np.float32)),
        truth,
        samples=count,
        std_dev=settings(config).rpn_std_dev,
        seed=_seed(),
    )
    indices, deltas, positive, valid = (
        ops.convert_to_numpy(field)[0] for field in found
    )
    match = np.zeros(len(anchors), np.int32)
    match[indices[valid & ~positive]] = -1
    match[indices[valid & positive]] = 1
    objects = np.flatnonzero(valid & positive)
    objects = objects[np.argsort(indices[objects])]
    offsets = np.zeros((count, 4), np.float32)
    offsets[: len(objects)] = deltas[objects]
    return match, offsets


def build_detection_targets(
    rpn_rois: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    gt_masks: np.ndarray,
    config: Config,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sample regions for the heads, and return what they should say of each.

    Slots that the sample leaves empty hold no region, and background.

    Args:
        rpn_rois: (N, 4).
        gt_class_ids: (n,).
        gt_boxes: (n, 4).
        gt_masks: (H, W, n), or mini masks, as the configuration says.
        config: of the network.

    Returns:
        RoIs (R, 4) int32; classes (R,) int32; deltas (R, K, 4) float32 in the row of
        the class; and masks (R, M, M, K) float32 likewise.

    Raises:
        ValueError: if the image has no object: there would be nothing to match.
    """
    if not (np.asarray(gt_class_ids) > 0).any():
        raise ValueError("build_detection_targets needs an image with an object.")
    s, side = settings(config), int(config.MASK_SHAPE[0])
    image_shape = tuple(int(d) for d in config.IMAGE_SHAPE[:2])
    rois, boxes = (
        box_ops.normalise(np.asarray(b, np.float32), image_shape, xp=np)[None]
        for b in (rpn_rois, gt_boxes)
    )
    class_ids = np.asarray(gt_class_ids, np.int32)[None]
    masks = np.moveaxis(np.asarray(gt_masks, np.float32), -1, 0)[None]
    truth = GroundTruth(
        *map(ops.convert_to_tensor, (boxes, class_ids, masks, class_ids != 0))
    )
    found = roi_targets(
        ops.convert_to_tensor(rois),
        ops.convert_to_tensor((rpn_rois != 0).any(axis=-1)[None]),
        truth,
        samples=s.rois_per_image,
        positive_ratio=s.positive_ratio,
        fill=s.fill_negatives,
        append_truth=s.append_truth,
        mask_slots=s.rois_per_image,
        std_dev=s.box_std_dev,
        mask_side=side,
        mini_masks=s.mini_masks,
        image_shape=image_shape,
        aligned=s.aligned,
        seed=_seed(),
    )
    chosen, classes, deltas, of_object, _, valid = (
        ops.convert_to_numpy(field)[0] for field in found
    )
    pixels = np.rint(box_ops.denormalise(chosen, image_shape, xp=np)).astype(np.int32)
    count, slots = len(classes), len(of_object)
    offsets = np.zeros((count, config.NUM_CLASSES, 4), np.float32)
    offsets[np.arange(count), classes] = deltas
    shapes = np.zeros((count, side, side, config.NUM_CLASSES), np.float32)
    shapes[np.arange(slots), :, :, classes[:slots]] = of_object
    shapes[classes == 0] = 0
    return np.where(valid[:, None], pixels, 0), classes, offsets, shapes


def generate_random_rois(
    image_shape: Sequence[int],
    count: int,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
) -> np.ndarray:
    """Return regions (count, 4) int32 inside the image, most of them around objects.

    Those have corners up to a side of the object's box away from the box's own. The
    others lie anywhere. Every region has an area.

    Args:
        image_shape: (H, W, ...).
        count: how many.
        gt_class_ids: (n,); its length alone counts.
        gt_boxes: (n, 4).
    """
    sides = np.array(image_shape[:2])
    low, high = np.zeros((count, 2), int), np.tile(sides, (count, 1))
    if len(gt_boxes):
        near = round(NEAR_OBJECTS * count)
        box = np.asarray(gt_boxes)[np.arange(near) % len(gt_boxes)]
        reach = box[:, 2:] - box[:, :2]
        low[:near] = np.maximum(box[:, :2] - reach, 0)
        high[:near] = np.minimum(box[:, 2:] + reach, sides)
    # Two different numbers from low to high are the ends of a side.
    first = np.random.randint(low, high + 1)
    step = np.random.randint(1, high - low + 1)
    second = low + (first - low + step) % (high - low + 1)
    return np.concatenate(
        [np.minimum(first, second), np.maximum(first, second)], axis=-1
    ).astype(np.int32)
