"""Which boxes are examples of what, from hand-made tables of overlaps."""

import numpy as np
import pytest
from keras import ops

from mrcnn.ops import matching
from tests.tensors import on_tensors

match_anchors = on_tensors(matching.match_anchors)
match_rois = on_tensors(matching.match_rois)


def arrays(matches):
    """Return positive, negative and index of one image as lists."""
    return [ops.convert_to_numpy(field)[0].tolist() for field in matches]


def batch(*rows):
    """Return arrays with a batch of one in front."""
    return [np.array([row]) for row in rows]


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_anchors_by_hand(xp):
    overlaps = np.array(
        [
            [
                [0.80, 0.00],  # positive by its overlap
                [0.50, 0.10],  # neither
                [0.00, 0.40],  # the best of object 1
                [0.00, 0.40],  # tied with it
                [0.29, 0.00],  # negative
                [0.30, 0.00],  # not below 0.3: neither
            ]
        ],
        np.float32,
    )
    objects, crowds = batch([True, True], [False, False])
    positive, negative, index = arrays(match_anchors(overlaps, objects, crowds, xp=xp))
    assert positive == [True, False, True, True, False, False]
    assert negative == [False, False, False, False, True, False]
    assert index[:4] == [0, 0, 1, 1]


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_an_object_that_nothing_touches_has_no_anchor(xp):
    overlaps = np.zeros((1, 3, 1), np.float32)
    objects, crowds = batch([True], [False])
    positive, negative, _ = arrays(match_anchors(overlaps, objects, crowds, xp=xp))
    assert not any(positive)
    assert all(negative)


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_without_objects_all_is_background(xp):
    overlaps = np.full((1, 4, 2), 0.9, np.float32)  # slots that hold nothing
    objects, crowds = batch([False, False], [False, False])
    for match in (
        match_anchors(overlaps, objects, crowds, xp=xp),
        match_rois(overlaps, np.ones((1, 4), bool), objects, crowds, xp=xp),
    ):
        positive, negative, _ = arrays(match)
        assert not any(positive)
        assert all(negative)


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_what_touches_a_crowd_is_no_background(xp):
    overlaps = np.array([[[0.0, 0.5], [0.0, 0.0005], [0.9, 0.5]]], np.float32)
    objects, crowds = batch([True, False], [False, True])
    for match in (
        match_anchors(overlaps, objects, crowds, xp=xp),
        match_rois(overlaps, np.ones((1, 3), bool), objects, crowds, xp=xp),
    ):
        positive, negative, _ = arrays(match)
        assert positive == [False, False, True]
        assert negative == [False, True, False]


@pytest.mark.parametrize("xp", [np, ops], ids=["numpy", "keras"])
def test_rois_by_hand(xp):
    overlaps = np.array([[[0.5, 0.6], [0.49, 0.0], [0.7, 0.0], [0.0, 0.0]]], np.float32)
    objects, crowds, valid = batch(
        [True, True], [False, False], [True, True, False, True]
    )
    positive, negative, index = arrays(
        match_rois(overlaps, valid, objects, crowds, xp=xp)
    )
    assert positive == [True, False, False, False]
    assert negative == [False, True, False, True]
    assert index[0] == 1
