"""What a network should say of anchors and proposals, for one image, in NumPy.

Matterport's functions for looking at training data and for training without proposals.
`mrcnn.targets` does the same inside our network; both match boxes and objects through
`mrcnn.ops`. Chance comes from NumPy's global state, as users seed it by
`numpy.random.seed`. Boxes are pixels of the padded image.
"""

from collections.abc import Sequence

import numpy as np

from mrcnn.config import Config
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import paste_masks
from mrcnn.ops.matching import Matches, match_anchors, match_rois
from mrcnn.ops.resize import resize_bilinear


def build_rpn_targets(
    image_shape: Sequence[int],
    anchors: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    config: Config,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose anchors to learn from, and say how the positive ones should move.

    RPN_TRAIN_ANCHORS_PER_IMAGE at most, half of them positive at most; see
    `mrcnn.ops.matching.match_anchors` for which are what. Without objects all are
    negative, where Matterport fails; and an object that no anchor touches has none,
    where it makes every anchor positive.

    Args:
        image_shape: (H, W, C); not used.
        anchors: (A, 4).
        gt_class_ids: (n,) int, negative for crowds.
        gt_boxes: (n, 4).
        config: the configuration.

    Returns:
        rpn_match (A,) int32, 1 positive, -1 negative and 0 neither; and rpn_bbox
        (RPN_TRAIN_ANCHORS_PER_IMAGE, 4) float64, the deltas of the positive anchors in
        their order, in units of RPN_BBOX_STD_DEV, then zeros.
    """
    boxes, objects, crowds = _slots(gt_class_ids, gt_boxes)
    matches = match_anchors(_overlaps(anchors, boxes), objects, crowds, xp=np)
    rpn_match = np.zeros(len(anchors), np.int32)
    count = config.RPN_TRAIN_ANCHORS_PER_IMAGE
    positive = _at_most(matches.positive[0], count // 2)
    negative = _at_most(matches.negative[0], count - len(positive))
    rpn_match[negative] = -1
    rpn_match[positive] = 1
    rpn_bbox = np.zeros((count, 4))
    rpn_bbox[: len(positive)] = box_ops.encode_deltas(
        anchors[positive],
        boxes[matches.index[0, positive]],
        std_dev=config.RPN_BBOX_STD_DEV,
        xp=np,
    )
    return rpn_match, rpn_bbox


def build_detection_targets(
    rpn_rois: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    gt_masks: np.ndarray,
    config: Config,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Choose TRAIN_ROIS_PER_IMAGE (R) proposals and say what the heads should answer.

    Positives first, at most ROI_POSITIVE_RATIO of R; then negatives, repeated if there
    are too few. See `mrcnn.ops.matching.match_rois` for which are what. Differences
    from Matterport: an IoU of exactly 0.5 is positive, as its comments say; a proposal
    on a crowd is no negative, as in its network; where there is no negative, the rest
    is empty, class 0 and zeros; proposals may reach out of the image.

    Args:
        rpn_rois: (P, 4); those without area, such as padding, are passed over.
        gt_class_ids: (n,) int, 0 for empty slots, negative for crowds.
        gt_boxes: (n, 4) int.
        gt_masks: (H, W, n) bool, or mini masks (*MINI_MASK_SHAPE, n) if USE_MINI_MASK.
        config: the configuration.

    Returns:
        rois (R, 4) as `rpn_rois`; class ids (R,) int32; deltas (R, NUM_CLASSES, 4)
        float32 in units of BBOX_STD_DEV, and masks (R, *MASK_SHAPE, NUM_CLASSES)
        float32 in 0..1, both zero except for the class of a positive.

    Raises:
        ValueError: without proposals, without objects or with an unknown class.
    """
    gt_class_ids = np.asarray(gt_class_ids, np.int32)
    _check_rois(rpn_rois, gt_class_ids, config.NUM_CLASSES)
    boxes, objects, crowds = _slots(gt_class_ids, gt_boxes)
    valid = box_ops.area(rpn_rois, xp=np)[None] > 0
    overlaps = _overlaps(rpn_rois, boxes)
    matches = match_rois(overlaps, valid, objects, crowds, xp=np)
    keep, positives = _sample_rois(matches, config)

    count, classes = config.TRAIN_ROIS_PER_IMAGE, config.NUM_CLASSES
    rois = np.zeros((count, 4), rpn_rois.dtype)
    rois[: len(keep)] = rpn_rois[keep]
    owners = matches.index[0, keep[:positives]]
    class_ids = np.zeros(count, np.int32)
    class_ids[:positives] = gt_class_ids[owners]
    deltas = np.zeros((count, classes, 4), np.float32)
    deltas[np.arange(positives), class_ids[:positives]] = box_ops.encode_deltas(
        rois[:positives], boxes[owners], std_dev=config.BBOX_STD_DEV, xp=np
    )
    masks = np.zeros((count, *config.MASK_SHAPE, classes), np.float32)
    whole = np.array([0, 0, *gt_masks.shape[:2]])
    for i, owner in enumerate(owners):
        frame = boxes[owner] if config.USE_MINI_MASK else whole
        masks[i, ..., class_ids[i]] = _mask_in_roi(
            gt_masks[..., owner], frame, rois[i], tuple(config.MASK_SHAPE)
        )
    return rois, class_ids, deltas, masks


def generate_random_rois(
    image_shape: Sequence[int],
    count: int,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
) -> np.ndarray:
    """Draw boxes as a proposal network might give them: most of them near objects.

    Nine in ten lie within one height and width around an object, as many for each, the
    others anywhere. Each pair of different edges is as likely. Matterport draws pairs
    until enough differ, for ever where an image or object has one row; and its boxes
    never touch the last row or column.

    Args:
        image_shape: (H, W, C).
        count: of boxes.
        gt_class_ids: (n,); not used.
        gt_boxes: (n, 4) int; those without area are passed over.

    Returns:
        (count, 4) int32, inside the image and never without area.
    """
    height, width = image_shape[:2]
    gt_boxes = gt_boxes[box_ops.area(gt_boxes, xp=np) > 0]
    each = int(0.9 * count / len(gt_boxes)) if len(gt_boxes) else 0
    regions = []
    for y1, x1, y2, x2 in gt_boxes.astype(int).tolist():
        rows = max(2 * y1 - y2, 0), min(2 * y2 - y1, height)
        columns = max(2 * x1 - x2, 0), min(2 * x2 - x1, width)
        regions.append((rows, columns, each))
    regions.append(((0, height), (0, width), count - each * len(gt_boxes)))
    rois = []
    for rows, columns, number in regions:
        (y1, y2), (x1, x2) = _edges(*rows, number), _edges(*columns, number)
        rois.append(np.stack([y1, x1, y2, x2], axis=-1))
    return np.concatenate(rois).astype(np.int32)


def _edges(low: int, high: int, count: int) -> np.ndarray:
    """Draw (2, count) edges in low..high, the first of each pair less than the other.

    The second is drawn from what the first leaves over, so that none is drawn twice.
    """
    first = np.random.randint(low, high + 1, count)
    second = np.random.randint(low, high, count)
    return np.sort([first, second + (second >= first)], axis=0)


def _slots(
    class_ids: np.ndarray, boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return boxes (n + 1, 4), and which slots (1, n + 1) hold objects, and crowds.

    The last slot is empty: no object at all is no special case then.
    """
    class_ids = np.append(np.asarray(class_ids, np.int32), 0)[None]
    boxes = np.concatenate([np.asarray(boxes).reshape(-1, 4), np.zeros((1, 4), int)])
    return boxes, class_ids > 0, class_ids < 0


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the IoUs (1, n, m) of boxes (n, 4) and others (m, 4).

    Anchors are many. One object at a time, with each coordinate of all anchors in one
    stretch of memory, is several times as fast as all at once, and needs less memory.
    """
    boxes = np.asfortranarray(boxes)
    each = [box_ops.iou(other[None], boxes, xp=np)[0] for other in others]
    return np.stack(each, axis=-1)[None]


def _at_most(members: np.ndarray, count: int) -> np.ndarray:
    """Return indices of members (n,) bool, in order; random ones drop out if too many.

    Those that go are drawn, not those that stay, as in Matterport: seeds agree.
    """
    indices = np.flatnonzero(members)
    extra = len(indices) - count
    if extra <= 0:
        return indices
    left = members.copy()
    left[np.random.choice(indices, extra, replace=False)] = False
    return np.flatnonzero(left)


def _check_rois(rois: np.ndarray, class_ids: np.ndarray, classes: int) -> None:
    """Raise ValueError if no targets can be made of these."""
    if not len(rois):
        raise ValueError("build_detection_targets: rpn_rois is empty; give proposals.")
    if not (class_ids > 0).any():
        raise ValueError(
            "build_detection_targets: no gt_class_ids is positive, so the image shows "
            "no object; leave such images out."
        )
    if class_ids.max() >= classes:
        raise ValueError(
            f"build_detection_targets: class id {class_ids.max()}, but NUM_CLASSES is "
            f"{classes}, background included."
        )


def _sample_rois(matches: Matches, config: Config) -> tuple[np.ndarray, int]:
    """Return indices of the RoIs to train on, positives first, and how many those are.

    Fewer than TRAIN_ROIS_PER_IMAGE only where nothing is negative.
    """
    count = config.TRAIN_ROIS_PER_IMAGE
    most = int(count * config.ROI_POSITIVE_RATIO)
    positives = np.flatnonzero(matches.positive[0])
    if len(positives) > most:
        positives = np.random.choice(positives, most, replace=False)
    negatives = np.flatnonzero(matches.negative[0])
    wanted = count - len(positives)
    if len(negatives) > wanted:
        negatives = np.random.choice(negatives, wanted, replace=False)
    missing = wanted - len(negatives)
    if missing and len(negatives):
        repeated = np.random.choice(negatives, missing, replace=True)
        negatives = np.concatenate([negatives, repeated])
    return np.concatenate([positives, negatives]), len(positives)


def _mask_in_roi(
    mask: np.ndarray, frame: np.ndarray, roi: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return the part of a mask inside an RoI, resized to (*shape,) float32 in 0..1.

    `mask` fills the box `frame`; what lies around is 0.
    """
    y1, x1, y2, x2 = (int(edge) for edge in roi)
    size = max(y2 - y1, 1), max(x2 - x1, 1)  # a float RoI may hold less than a pixel
    box = frame - np.array([y1, x1, y1, x1])
    part = paste_masks(mask[None], box[None], size)[..., 0]
    # Blending with the outside must not darken the edges of a part that is all object.
    return np.clip(resize_bilinear(part, shape), part.min(), part.max())
