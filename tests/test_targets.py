"""What the network is taught: samples of anchors and RoIs, and their right answers."""

import numpy as np
import pytest
from keras import ops

from mrcnn import targets
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import pyramid_anchors
from mrcnn.structures import GroundTruth
from tests.tensors import on_tensors

roi_targets = on_tensors(targets.roi_targets)
rpn_targets = on_tensors(targets.rpn_targets)

IMAGE = (64, 64)
STD_DEV = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
PIXELS = pyramid_anchors((8, 16, 32), (0.5, 1, 2), IMAGE, (4, 8, 16)).astype(np.float32)
ANCHORS = box_ops.normalise(PIXELS, IMAGE, xp=np)


def truth(boxes_px, class_ids) -> GroundTruth:
    """Return rectangles as the objects of one image, in four slots with full masks."""
    boxes = np.zeros((1, 4, 4), np.float32)
    masks = np.zeros((1, 4, *IMAGE), np.uint8)
    ids = np.zeros((1, 4), np.int32)
    for i, (y1, x1, y2, x2) in enumerate(boxes_px):
        boxes[0, i] = box_ops.normalise(np.array([y1, x1, y2, x2]), IMAGE, xp=np)
        masks[0, i, y1:y2, x1:x2] = 1
        ids[0, i] = class_ids[i]
    return GroundTruth(boxes, ids, masks, np.arange(4)[None] < len(boxes_px))


SCENE = truth([(8, 8, 40, 40), (20, 40, 36, 60)], [1, 3])
NOTHING = truth([], [])


def arrays(found):
    """Return targets with NumPy arrays of the first image."""
    return type(found)(*[ops.convert_to_numpy(field)[0] for field in found])


def anchors_of(scene, samples=16, seed=1):
    """Return sampled anchors of one image."""
    options = {"samples": samples, "std_dev": STD_DEV, "seed": seed}
    return arrays(rpn_targets(ANCHORS, scene, **options))


def rois_of(scene, rois, valid=None, **options):
    """Return sampled RoIs of one image."""
    settings = {
        "samples": 9,
        "positive_ratio": 1 / 3,
        "std_dev": STD_DEV,
        "mask_side": 8,
        "mask_slots": 100,
        "mini_masks": False,
        "image_shape": IMAGE,
        "seed": 1,
    }
    rois = np.asarray(rois, np.float32)[None]
    valid = np.ones(rois.shape[:2], bool) if valid is None else np.asarray([valid])
    return arrays(roi_targets(rois, valid, scene, **{**settings, **options}))


def near(scene, rng, count: int) -> np.ndarray:
    """Return RoIs close to the first object."""
    return scene.boxes[0, :1] + rng.normal(0, 0.01, (count, 4)).astype(np.float32)


FAR = np.tile(np.array([[0.8, 0.0, 0.95, 0.1]], np.float32), (20, 1))


def test_half_of_the_anchors_at_most_are_positive_and_negatives_fill_up():
    t = anchors_of(SCENE)
    assert 1 <= t.positive.sum() <= 8
    assert t.valid.sum() == 16
    assert (t.positive <= t.valid).all()
    overlaps = box_ops.iou(ANCHORS[t.indices], SCENE.boxes[0, :2], xp=np).max(axis=1)
    assert (overlaps[t.valid & ~t.positive] < 0.3).all()
    assert (overlaps[t.positive] >= 0.3).all()


def test_deltas_lead_back_to_the_object():
    t = anchors_of(SCENE)
    boxes = ANCHORS[t.indices[t.positive]]
    again = box_ops.decode_deltas(boxes, t.deltas[t.positive], std_dev=STD_DEV, xp=np)
    overlaps = box_ops.iou(again, SCENE.boxes[0, :2], xp=np).max(axis=1)
    np.testing.assert_allclose(overlaps, 1, atol=1e-4)


def test_an_image_without_objects_teaches_background():
    t = anchors_of(NOTHING)
    assert not t.positive.any() and t.valid.sum() == 16
    r = rois_of(NOTHING, FAR, fill=True)
    assert not r.positive.any() and r.valid.all() and not r.class_ids.any()
    for field in (*t, *r):
        assert np.isfinite(field).all()


def test_a_draw_repeats_with_its_seed():
    np.testing.assert_array_equal(anchors_of(SCENE).indices, anchors_of(SCENE).indices)
    assert (anchors_of(SCENE).indices != anchors_of(SCENE, seed=2).indices).any()


@pytest.mark.parametrize(("hits", "negatives"), [(0, 0), (1, 2), (2, 4), (9, 6)])
def test_matterport_keeps_the_ratio(rng, hits, negatives):
    r = rois_of(SCENE, np.concatenate([near(SCENE, rng, hits), FAR]))
    positives = min(hits, 3)
    assert r.positive.tolist() == [True] * positives + [False] * (9 - positives)
    assert r.valid.sum() == positives + negatives
    assert not r.rois[~r.valid].any()


@pytest.mark.parametrize(("hits", "total"), [(33, 100), (66, 200), (80, 200)])
def test_a_ratio_of_0_33_loses_no_negative_to_rounding(rng, hits, total):
    rois = np.concatenate([near(SCENE, rng, hits), np.tile(FAR, (10, 1))])
    r = rois_of(SCENE, rois, samples=200, positive_ratio=0.33, mask_side=2)
    assert r.positive.sum() == min(hits, 66)
    assert r.valid.sum() == total  # int(positives / 0.33), positives included


def test_filling_leaves_no_slot_empty(rng):
    r = rois_of(SCENE, np.concatenate([near(SCENE, rng, 1), FAR]), fill=True)
    assert r.positive.sum() == 1 and r.valid.all()


def test_positive_rois_know_class_box_and_mask(rng):
    r = rois_of(SCENE, np.concatenate([near(SCENE, rng, 5), FAR]))
    assert r.class_ids.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    again = box_ops.decode_deltas(r.rois[:3], r.deltas[:3], std_dev=STD_DEV, xp=np)
    np.testing.assert_allclose(again, SCENE.boxes[0, [0, 0, 0]], atol=1e-4)
    assert not r.deltas[3:].any()
    assert r.masks.shape == (3, 8, 8)
    # RoIs are nearly the box of a rectangle: one row or column of 8 may lie outside.
    assert r.masks.mean() > 0.8


def test_masks_are_cut_for_the_first_positives_only(rng):
    rois = np.concatenate([near(SCENE, rng, 5), FAR])
    few, all_of_them = rois_of(SCENE, rois, mask_slots=2), rois_of(SCENE, rois)
    np.testing.assert_array_equal(few.masks, all_of_them.masks[:2])


def test_the_truth_may_join_the_proposals():
    assert not rois_of(SCENE, FAR, fill=True).positive.any()
    r = rois_of(SCENE, FAR, fill=True, append_truth=True)
    assert sorted(r.class_ids[r.positive]) == [1, 3]
    np.testing.assert_allclose(r.deltas, 0, atol=1e-4)


def test_proposals_that_do_not_exist_teach_nothing(rng):
    rois = np.concatenate([near(SCENE, rng, 2), FAR[:2]])
    r = rois_of(SCENE, rois, valid=[False, True, False, True], fill=True)
    assert r.valid.sum() == 2 and r.positive.sum() == 1


MINI = SCENE._replace(masks=np.ones((1, 4, 32, 32), np.uint8))
"""The scene with masks cut to their boxes, which rectangles fill."""


def test_mini_masks_teach_what_full_masks_teach(rng):
    shift = np.array([0, 0, 0.1, 0], np.float32)
    rois = np.concatenate([near(SCENE, rng, 3) + shift, FAR])
    full = rois_of(SCENE, rois, aligned=True)
    mini = rois_of(MINI, rois, aligned=True, mini_masks=True)
    assert full.masks.any() and not full.masks.all()
    assert (full.masks != mini.masks).mean() < 0.02


@pytest.mark.parametrize("aligned", [False, True])
def test_a_roi_inside_an_object_is_taught_a_full_mask(aligned):
    inner = box_ops.normalise(np.array([[10, 10, 38, 38]]), IMAGE, xp=np)
    rois = np.concatenate([inner, FAR])
    for scene, mini in ((SCENE, False), (MINI, True)):
        taught = rois_of(scene, rois, aligned=aligned, mini_masks=mini)
        assert taught.masks[0].all() and not taught.masks[1:].any()


def test_a_crowd_is_neither_object_nor_background(rng):
    scene = truth([(8, 8, 40, 40)], [-1])
    assert not anchors_of(scene).positive.any()
    r = rois_of(scene, np.concatenate([near(scene, rng, 5), FAR]), fill=True)
    assert not r.positive.any()
    overlaps = box_ops.iou(r.rois[r.valid], scene.boxes[0, :1], xp=np)
    assert (overlaps < 0.001).all()
