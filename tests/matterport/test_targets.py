"""Targets of anchors and proposals: worked by hand, and by slow loops in float64."""

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.matterport.targets import (
    build_detection_targets,
    build_rpn_targets,
    generate_random_rois,
)
from mrcnn.ops.anchors import pyramid_anchors

IMAGE = (64, 64, 3)


class Small(Config):
    """Few anchors and few RoIs, so that all can be listed."""

    NUM_CLASSES = 3
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    RPN_TRAIN_ANCHORS_PER_IMAGE = 8
    TRAIN_ROIS_PER_IMAGE = 6
    ROI_POSITIVE_RATIO = 0.5
    MASK_SHAPE = (4, 4)
    USE_MINI_MASK = False


CONFIG = Small()
MINI = type("Mini", (Small,), {"USE_MINI_MASK": True})()


def slow_iou(a, b):
    """Return the IoU of two boxes."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


def slow_deltas(box, target, std_dev):
    """Return what moves one box onto another."""
    sides = [(b[2] - b[0], b[3] - b[1]) for b in (box, target)]
    centres = [(b[0] + b[2], b[1] + b[3]) for b in (box, target)]
    shift = [(centres[1][i] - centres[0][i]) / 2 / sides[0][i] for i in range(2)]
    grow = [np.log(sides[1][i] / sides[0][i]) for i in range(2)]
    return np.array(shift + grow) / std_dev


def ints(*rows):
    """Return boxes or class ids as annotations hold them."""
    return np.array(rows, np.int32)


ANCHORS = np.array(
    [
        [10.0, 10, 30, 30],  # the object itself
        [10, 10, 30, 34],  # IoU 400 / 480
        [10, 20, 30, 40],  # IoU 200 / 600: neither
        [40, 40, 60, 60],  # far away
    ]
)


def test_anchors_by_hand():
    match, deltas = build_rpn_targets(
        IMAGE, ANCHORS, ints(2), ints([10, 10, 30, 30]), CONFIG
    )
    assert match.dtype == np.int32
    assert match.tolist() == [1, 1, 0, -1]
    assert deltas.shape == (8, 4)
    assert deltas.dtype == np.float64
    second = [0, -2 / 24 / 0.1, 0, np.log(20 / 24) / 0.2]
    np.testing.assert_allclose(deltas[:2], [[0, 0, 0, 0], second], rtol=1e-6)
    assert not deltas[2:].any()


def test_an_anchor_on_a_crowd_is_no_background():
    boxes, ids = ints([10, 10, 30, 30], [59, 59, 64, 64]), ints(2, -2)
    match, _ = build_rpn_targets(IMAGE, ANCHORS, ids, boxes, CONFIG)
    assert match.tolist() == [1, 1, 0, 0]


def test_without_objects_all_anchors_are_background():
    for boxes, ids in ((np.zeros((0, 4), int), []), (ints([0] * 4), ints(0))):
        match, deltas = build_rpn_targets(IMAGE, ANCHORS, np.array(ids), boxes, CONFIG)
        assert match.tolist() == [-1] * 4
        assert not deltas.any()


def test_an_object_that_no_anchor_touches_has_none():
    match, _ = build_rpn_targets(IMAGE, ANCHORS, ints(1), ints([0, 0, 5, 5]), CONFIG)
    assert match.tolist() == [-1] * 4


def test_a_full_image_of_anchors_agrees_with_slow_loops(rng):
    anchors = pyramid_anchors((8, 16, 32), (0.5, 1, 2), IMAGE[:2], (8, 16, 32))
    corners = np.sort(rng.integers(0, 65, (20, 2, 2)), axis=1)
    boxes = corners.reshape(-1, 4)[(corners[:, 0] + 2 < corners[:, 1]).all(axis=1)]
    boxes = boxes.astype(np.int32)
    ids = ints(*([1, 2, -1] * 20)[: len(boxes)])
    table = np.array([[slow_iou(a, b) for b in boxes] for a in anchors])
    objects, crowds = table[:, ids > 0], table[:, ids < 0]
    tied = (objects == objects.max(axis=0)).any(axis=1)
    positive = tied | (objects.max(axis=1) >= 0.7)
    negative = (objects.max(axis=1) < 0.3) & (crowds.max(axis=1) < 0.001) & ~positive
    assert positive.sum() > 3 and (~positive & ~negative).any()

    config = Small()
    config.RPN_TRAIN_ANCHORS_PER_IMAGE = 2 * len(anchors)
    match, deltas = build_rpn_targets(IMAGE, anchors, ids, boxes, config)
    np.testing.assert_array_equal(match, positive * 1 - negative * 1)
    owners = boxes[ids > 0][objects.argmax(axis=1)[positive]]
    expected = [
        slow_deltas(anchor, owner, config.RPN_BBOX_STD_DEV)
        for anchor, owner in zip(anchors[positive], owners, strict=True)
    ]
    np.testing.assert_allclose(deltas[: len(owners)], expected, rtol=1e-5, atol=1e-6)
    assert not deltas[len(owners) :].any()

    # Too many: those that go are drawn, positives first, as in Matterport's code.
    config.RPN_TRAIN_ANCHORS_PER_IMAGE = 6
    np.random.seed(5)
    match, deltas = build_rpn_targets(IMAGE, anchors, ids, boxes, config)
    np.random.seed(5)
    for kind, most in ((1, 3), (-1, 3)):
        members = np.flatnonzero(positive if kind == 1 else negative)
        gone = np.random.choice(members, len(members) - most, replace=False)
        np.testing.assert_array_equal(
            np.flatnonzero(match == kind), sorted(set(members) - set(gone))
        )
    kept = np.flatnonzero(np.isin(np.flatnonzero(positive), np.flatnonzero(match == 1)))
    expected = np.array(expected)[kept]
    np.testing.assert_allclose(deltas[:3], expected, rtol=1e-5, atol=1e-6)


def test_many_objects():
    boxes = np.tile(ints([10, 10, 30, 30]), (40, 1))
    boxes[37] = 40, 40, 60, 60
    match, _ = build_rpn_targets(IMAGE, ANCHORS, np.ones(40, int), boxes, CONFIG)
    assert match.tolist() == [1, 1, 0, 1]


BOX = ints([8, 8, 24, 24])
LEFT_HALF = np.zeros((64, 64, 1), bool)
LEFT_HALF[8:24, 8:16] = True
MINI_LEFT_HALF = np.zeros((8, 8, 1), bool)
MINI_LEFT_HALF[:, :4] = True
ROIS = ints([40, 40, 60, 60], [8, 8, 24, 24], [0, 40, 10, 50])


@pytest.mark.parametrize(
    ("config", "masks"), [(CONFIG, LEFT_HALF), (MINI, MINI_LEFT_HALF)]
)
def test_proposals_by_hand(config, masks):
    np.random.seed(0)
    found = build_detection_targets(ROIS, ints(2), BOX, masks, config)
    rois, class_ids, deltas, targets = found
    assert [a.dtype for a in found] == [np.int32, np.int32, np.float32, np.float32]
    assert [a.shape for a in found] == [(6, 4), (6,), (6, 3, 4), (6, 4, 4, 3)]
    np.testing.assert_array_equal(rois[:3], ROIS[[1, 0, 2]])
    assert class_ids.tolist() == [2, 0, 0, 0, 0, 0]
    # Two negatives are too few, so they are repeated.
    assert {tuple(roi) for roi in rois[3:]} <= {tuple(roi) for roi in ROIS[[0, 2]]}
    assert not deltas.any()
    np.testing.assert_array_equal(targets[0, ..., 2], [[1, 1, 0, 0]] * 4)
    assert targets.sum() == 8


def test_deltas_belong_to_the_class_of_the_object():
    roi = ints([8, 10, 24, 30])
    _, class_ids, deltas, _ = build_detection_targets(
        np.concatenate([roi, ROIS[:1]]), ints(1), BOX, LEFT_HALF, CONFIG
    )
    assert class_ids.tolist() == [1, 0, 0, 0, 0, 0]
    expected = slow_deltas(roi[0], BOX[0], CONFIG.BBOX_STD_DEV)
    np.testing.assert_allclose(deltas[0, 1], expected, rtol=1e-6)
    assert np.count_nonzero(deltas) == np.count_nonzero(expected) == 2


def test_a_part_that_is_all_object_stays_so():
    whole = np.zeros((64, 64, 1), bool)
    whole[8:24, 8:24] = True
    config = type("Fine", (Small,), {"MASK_SHAPE": (28, 28)})()
    masks = build_detection_targets(BOX, ints(1), BOX, whole, config)[-1]
    assert (masks[0, ..., 1] == 1).all()


@pytest.mark.parametrize("config", [CONFIG, MINI])
def test_a_proposal_may_reach_out_of_the_image(config):
    box = ints([0, 8, 24, 24])
    masks = np.ones((8, 8, 1), bool)
    if not config.USE_MINI_MASK:
        masks = np.zeros((64, 64, 1), bool)
        masks[0:24, 8:24] = True
    roi = ints([-8, 8, 24, 24])
    targets = build_detection_targets(roi, ints(1), box, masks, config)[-1]
    np.testing.assert_array_equal(targets[0, :, 1:3, 1], [[0, 0]] + [[1, 1]] * 3)


def test_half_is_positive_and_quotas_hold():
    half = np.tile(ints([8, 8, 24, 40]), (9, 1))  # an IoU of exactly 1 / 2
    far = np.tile(ROIS[:1], (9, 1))
    np.random.seed(1)
    rois, class_ids, *_ = build_detection_targets(
        np.concatenate([far, half]), ints(1), BOX, LEFT_HALF, CONFIG
    )
    assert class_ids.tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_array_equal(rois, np.concatenate([half[:3], far[:3]]))


def test_draws_are_matterports():
    rng = np.random.default_rng(3)
    rois = np.concatenate(
        [BOX + rng.integers(-1, 2, (9, 4)), ROIS[:1] + rng.integers(-4, 4, (9, 4))]
    ).astype(np.int32)
    np.random.seed(7)
    found = build_detection_targets(rois, ints(1), BOX, LEFT_HALF, CONFIG)[0]
    np.random.seed(7)
    halves = np.arange(18).reshape(2, 9)
    drawn = [np.random.choice(half, 3, replace=False) for half in halves]
    np.testing.assert_array_equal(found, rois[np.concatenate(drawn)])


def test_crowds_and_padding_teach_nothing():
    boxes = np.concatenate([BOX, ROIS[:1], ints([0] * 4)])
    masks = np.repeat(LEFT_HALF, 3, axis=2)
    rois = np.concatenate([ROIS, ints([0] * 4)])
    found, class_ids, *_ = build_detection_targets(
        rois, ints(1, -1, 0), boxes, masks, CONFIG
    )
    assert class_ids.tolist() == [1, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(found[1:], np.tile(ROIS[2], (5, 1)))


def test_without_a_negative_the_rest_is_empty():
    rois, class_ids, deltas, masks = build_detection_targets(
        BOX.astype(float), ints(1), BOX, LEFT_HALF, CONFIG
    )
    assert rois.dtype == np.float64
    assert class_ids.tolist() == [1, 0, 0, 0, 0, 0]
    assert not rois[1:].any() and not deltas[1:].any() and not masks[1:].any()


def test_what_gives_no_targets_is_refused():
    with pytest.raises(ValueError, match="rpn_rois is empty"):
        build_detection_targets(ROIS[:0], ints(1), BOX, LEFT_HALF, CONFIG)
    with pytest.raises(ValueError, match="shows no object"):
        build_detection_targets(ROIS, ints(-1), BOX, LEFT_HALF, CONFIG)
    with pytest.raises(ValueError, match="class id 3, but NUM_CLASSES is 3"):
        build_detection_targets(ROIS, ints(3), BOX, LEFT_HALF, CONFIG)


def test_random_boxes_lie_near_objects():
    np.random.seed(0)
    boxes = ints([8, 8, 24, 24], [40, 50, 50, 64])
    rois = generate_random_rois((64, 80, 3), 100, ints(1, 2), boxes)
    assert rois.shape == (100, 4)
    assert rois.dtype == np.int32
    assert (rois[:, :2] < rois[:, 2:]).all()
    for part, low, high in (
        (rois[:45], (0, 0), (40, 40)),
        (rois[45:90], (30, 36), (60, 78)),
        (rois[90:], (0, 0), (64, 80)),
    ):
        first, last = part[:, :2].min(axis=0), part[:, 2:].max(axis=0)
        assert (first >= low).all() and (last <= high).all()
        # Draws come near the ends, a quarter of the way at most.
        assert (last - first > np.subtract(high, low) * 0.75).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (9, 1, 3)])
@pytest.mark.parametrize("count", [0, 1, 25])
def test_random_boxes_in_images_of_one_row(shape, count):
    boxes = ints([0, 0, 1, 1])
    for gt in (boxes, boxes[:0], ints([0, 0, 0, 0])):
        rois = generate_random_rois(shape, count, np.ones(len(gt), int), gt)
        assert rois.shape == (count, 4)
        assert (rois[:, :2] < rois[:, 2:]).all() and (rois >= 0).all()
        assert (rois[:, 2:] <= shape[:2]).all()


def test_every_pair_of_edges_is_as_likely():
    np.random.seed(2)
    rois = generate_random_rois((2, 2, 3), 3000, ints(), np.zeros((0, 4), np.int32))
    for low, high in ((0, 2), (1, 3)):
        pairs, counts = np.unique(rois[:, [low, high]], axis=0, return_counts=True)
        assert pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
        assert (abs(counts - 1000) < 130).all()  # five standard deviations


def test_a_seed_repeats_the_boxes():
    draws = []
    for seed in (4, 4, 5):
        np.random.seed(seed)
        draws.append(generate_random_rois(IMAGE, 20, ints(1), BOX))
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
