"""Proposals and detections from hand-made answers of the network."""

import numpy as np
from keras import ops

from mrcnn.ops import selection
from tests.tensors import on_tensors

object_probability = on_tensors(selection.object_probability)
select_detections = on_tensors(selection.select_detections)
select_proposals = on_tensors(selection.select_proposals)

STD_DEV = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
BOXES = np.array(
    [
        [0.1, 0.1, 0.4, 0.4],
        [0.11, 0.1, 0.4, 0.4],
        [0.6, 0.6, 0.9, 0.9],
        [-0.2, 0, 0.2, 1],
    ],
    np.float32,
)
WINDOW = np.array([[0.0, 0.0, 1.0, 0.8]], np.float32)


def arrays(slots):
    """Return a result's fields for the first image."""
    return type(slots)(*[ops.convert_to_numpy(field)[0] for field in slots])


def proposals(logits, **options):
    """Return proposals from object logits, without deltas."""
    logits = np.stack([np.zeros(4), logits], axis=-1)[None].astype(np.float32)
    settings = {"std_dev": STD_DEV, "pre_nms": 4, "iou_threshold": 0.7, "slots": 4}
    deltas = np.zeros((1, 4, 4), np.float32)
    settings.update(options)
    probability = object_probability(logits)
    return arrays(select_proposals(probability, deltas, BOXES, **settings))


def test_an_object_is_as_probable_as_the_softmax_says(rng):
    logits = rng.normal(0, 5, (2, 300, 2))
    logits[0, :3] = [[100, -100], [-100, 100], [7, 7]]
    powers = np.exp(logits)
    expected = powers[..., 1] / powers.sum(-1)
    found = ops.convert_to_numpy(object_probability(logits.astype(np.float32)))
    np.testing.assert_allclose(found, expected, rtol=5e-6, atol=1e-38)


def detections(probabilities, valid=(True,) * 4, **options):
    """Return detections from class probabilities, without deltas."""
    probabilities = np.array([probabilities], np.float32)
    deltas = np.zeros((1, 4, probabilities.shape[-1], 4), np.float32)
    settings = {"min_confidence": 0.5, "iou_threshold": 0.3, "slots": 3}
    settings.update(options, std_dev=STD_DEV)
    rois = np.clip(BOXES, 0, 1)[None]
    args = (rois, np.array([valid]), probabilities, deltas, WINDOW)
    return arrays(select_detections(*args, **settings))


def test_proposals_are_sorted_thinned_and_clipped():
    found = proposals([1, 2, 3, 0])
    assert found.valid.tolist() == [True, True, True, False]
    expected = [BOXES[2], BOXES[1], [0, 0, 0.2, 1], [0, 0, 0, 0]]
    np.testing.assert_allclose(found.boxes, expected, atol=1e-6)
    np.testing.assert_allclose(found.scores[0], 1 / (1 + np.exp(-3)), rtol=1e-5)


def test_only_the_best_anchors_take_part():
    found = proposals([1, 2, 3, 0], pre_nms=1)
    assert found.valid.tolist() == [True, False, False, False]


def test_a_roi_is_its_most_probable_class():
    found = detections(
        [[0.1, 0.7, 0.2], [0.0, 0.1, 0.9], [0.8, 0.1, 0.1], [0.1, 0.45, 0.45]]
    )
    assert found.valid.tolist() == [True, True, False]
    assert found.class_ids.tolist() == [2, 1, 0]  # both overlap, but classes differ
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.0], rtol=1e-6)


def test_a_roi_may_be_its_best_class_below_background():
    # Boxes 0 and 1 are nearly one; the second is most probably background.
    rows = [[0.3, 0.1, 0.6], [0.6, 0.1, 0.3], [0.55, 0.3, 0.15], [0.97, 0.02, 0.01]]
    options = {"min_confidence": 0.05, "slots": 4}
    usual, all_of = (
        detections(rows, outscores_background=above, **options)
        for above in (True, False)
    )
    assert usual.class_ids.tolist() == [2, 0, 0, 0]
    assert all_of.class_ids.tolist() == [2, 1, 0, 0]
    np.testing.assert_allclose(all_of.scores, [0.6, 0.3, 0, 0], rtol=1e-6)


def test_from_one_half_on_background_makes_no_difference(rng):
    rows = rng.dirichlet(np.full(3, 0.5), 4)
    for least in (0.5, 0.7):
        one, other = (
            detections(rows, outscores_background=above, min_confidence=least)
            for above in (True, False)
        )
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_across_classes_a_place_holds_one_detection():
    # Boxes 0 and 1 are nearly one, box 2 lies elsewhere; the classes are 2, 1 and 2.
    rows = [[0, 0.1, 0.9], [0, 0.8, 0.2], [0, 0.3, 0.7], [0.9, 0.1, 0]]
    within, across = (
        detections(rows, across_classes=across) for across in (False, True)
    )
    assert within.class_ids.tolist() == [2, 1, 2]
    assert across.class_ids.tolist() == [2, 2, 0]
    assert across.valid.tolist() == [True, True, False]
    np.testing.assert_allclose(across.scores, [0.9, 0.7, 0], rtol=1e-6)
    np.testing.assert_allclose(across.boxes[1], [0.6, 0.6, 0.9, 0.8], atol=1e-6)


def test_detections_of_one_class_are_thinned_and_clipped_to_the_window():
    found = detections([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]], slots=4)
    expected = [BOXES[0], [0.6, 0.6, 0.9, 0.8], [0, 0, 0.2, 0.8], [0, 0, 0, 0]]
    np.testing.assert_allclose(found.boxes, expected, atol=1e-6)


def test_empty_slots_and_background_detect_nothing():
    assert not detections([[0.1, 0.9]] * 4, valid=(False,) * 4).valid.any()
    nothing = detections([[0.9, 0.1]] * 4)
    assert not nothing.valid.any()
    assert not any(np.any(field) for field in nothing)


def test_a_box_outside_the_window_is_dropped():
    rois = np.array([[[0.1, 0.85, 0.4, 0.95]]], np.float32)
    found = select_detections(
        rois,
        np.array([[True]]),
        np.array([[[0.1, 0.9]]], np.float32),
        np.zeros((1, 1, 2, 4), np.float32),
        WINDOW,
        std_dev=STD_DEV,
        min_confidence=0.5,
        iou_threshold=0.3,
        slots=1,
    )
    assert not arrays(found).valid.any()
