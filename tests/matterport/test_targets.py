"""What the network should say, by hand."""

import numpy as np
import pytest

from mrcnn import model as modellib

ANCHORS = np.array(
    [
        [0, 0, 16, 16],  # IoU 1 with the first object
        [0, 4, 16, 20],  # 0.6: neither
        [0, 30, 16, 46],  # none: background
        [40, 40, 56, 56],  # 0.56 with the second, whose best it is
        [44, 44, 64, 64],  # inside the crowd
        [4, 0, 20, 16],  # 0.6 with the first
    ],
    np.float64,
)
BOXES = np.array([[0, 0, 16, 16], [40, 40, 52, 52], [40, 40, 64, 64]])
CLASSES = np.array([1, 2, -1], np.int32)


@pytest.fixture
def config(tiny_config):
    settings = {
        "RPN_TRAIN_ANCHORS_PER_IMAGE": 4,
        "RPN_BBOX_STD_DEV": [0.1, 0.1, 0.2, 0.2],
    }
    settings |= {"NUM_CLASSES": 3, "USE_MINI_MASK": False, "MASK_SHAPE": [28, 28]}
    settings |= {"ROI_ALIGN": "crop_and_resize", "ROI_APPEND_GT": False}
    settings |= {"ROI_POSITIVE_RATIO": 0.5, "TRAIN_ROIS_PER_IMAGE": 6}
    return type("Any", (type(tiny_config),), settings)()


def test_anchors_by_hand(config):
    match, deltas = modellib.build_rpn_targets(
        (64, 64, 3), ANCHORS, CLASSES, BOXES, config
    )
    assert match.tolist() == [1, 0, -1, 1, 0, 0]
    assert match.dtype == np.int32
    # The second object's centre is 2 pixels up and left, its side 12 of 16.
    second = [
        -2 / 16 / 0.1,
        -2 / 16 / 0.1,
        np.log(12 / 16) / 0.2,
        np.log(12 / 16) / 0.2,
    ]
    np.testing.assert_allclose(deltas, [[0] * 4, second, [0] * 4, [0] * 4], atol=1e-5)


def test_an_image_without_objects_teaches_background(config):
    match, deltas = modellib.build_rpn_targets(
        (64, 64, 3), ANCHORS, CLASSES[:0], BOXES[:0], config
    )
    assert sorted(match.tolist()) == [-1] * 4 + [0] * 2
    assert not deltas.any()


def test_a_seed_repeats_the_sample(config):
    many = np.repeat(ANCHORS[2:3], 50, axis=0)

    def draw(seed):
        np.random.seed(seed)
        found = modellib.build_rpn_targets(
            (64, 64), many, CLASSES[:0], BOXES[:0], config
        )
        return found[0].tolist()

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert draw(1).count(-1) == 4


def test_regions_by_hand(config):
    masks = np.zeros((64, 64, 2), bool)
    masks[0:16, 0:16, 0] = True
    masks[40:52, 40:46, 1] = True  # the left half of its box
    rois = np.array(
        [[0, 0, 16, 16], [40, 40, 52, 52], [0, 40, 16, 56], [20, 0, 36, 16]]
    )
    chosen, classes, deltas, shapes = modellib.build_detection_targets(
        rois, CLASSES[:2], BOXES[:2], masks, config
    )
    assert chosen.dtype == np.int32
    assert sorted(classes.tolist()) == [0, 0, 0, 0, 1, 2]
    by_class = {c: i for i, c in enumerate(classes.tolist()) if c}
    assert chosen[by_class[1]].tolist() == rois[0].tolist()
    assert chosen[by_class[2]].tolist() == rois[1].tolist()
    background = chosen[(classes == 0) & chosen.any(axis=1)].tolist()
    assert sorted(background) == sorted(rois[2:].tolist())
    np.testing.assert_allclose(deltas, np.zeros_like(deltas), atol=1e-5)
    assert shapes.shape == (6, 28, 28, 3)
    assert shapes[by_class[1], :, :, 1].all()
    half = shapes[by_class[2], :, :, 2]
    assert half[:, :13].all()
    assert not half[:, 15:].any()
    others = shapes.sum(axis=(1, 2))
    assert (np.delete(others[by_class[1]], 1) == 0).all()
    assert (others[classes == 0] == 0).all()


def test_deltas_stand_in_the_row_of_the_class(config):
    rois = np.array([[2, 0, 18, 16]])
    masks = np.ones((64, 64, 1), bool)
    _, classes, deltas, _ = modellib.build_detection_targets(
        rois, np.array([2]), BOXES[:1], masks, config
    )
    (slot,) = np.flatnonzero(classes)
    # Two of 15 pixels (from the first pixel's centre to the last one's), up.
    np.testing.assert_allclose(deltas[slot, 2], [-2 / 15 / 0.1, 0, 0, 0], atol=1e-4)
    deltas[slot, 2] = 0
    assert not deltas.any()


def test_regions_need_an_object(config):
    with pytest.raises(ValueError, match="needs an image with an object"):
        modellib.build_detection_targets(
            ANCHORS, CLASSES[2:], BOXES[2:], np.ones((64, 64, 1), bool), config
        )


@pytest.mark.parametrize("shape", [(64, 48, 3), (1, 1, 3), (2, 200, 3)])
@pytest.mark.parametrize("objects", [0, 1, 3])
def test_random_regions_lie_in_the_image_and_have_an_area(shape, objects):
    height, width = shape[:2]
    boxes = np.array([[0, 0, 1, 1], [0, 0, height, width], [height - 1, 0, height, 1]])
    rois = modellib.generate_random_rois(shape, 200, np.ones(objects), boxes[:objects])
    assert rois.shape == (200, 4)
    assert rois.dtype == np.int32
    assert (rois[:, :2] >= 0).all()
    assert (rois[:, 2:] <= [height, width]).all()
    assert (rois[:, 2:] > rois[:, :2]).all()


def test_most_random_regions_are_near_objects():
    np.random.seed(0)
    box = np.array([[40, 40, 50, 50]])
    rois = modellib.generate_random_rois((1000, 1000, 3), 100, [1], box)
    near = ((rois >= 30) & (rois <= 60)).all(axis=1)
    assert near[:90].all()
    assert near[90:].sum() < 3
