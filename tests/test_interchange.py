"""Detections for supervision: what it computes of them is what is in ours.

`make test-backends` has the package; without it, only its absence is tested.
"""

import sys

import numpy as np
import pytest

from mrcnn.interchange import to_supervision
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.rle import encode
from mrcnn.structures import Detection

NAMES = ["BG", "square", "disc"]


def detection(count=3, form="array", shift=0):
    """Return rectangles of (h, w) = (40, 60), classes 1, 2, 1."""
    masks = np.zeros((40, 60, count), bool)
    for i in range(count):
        masks[3 + 10 * i : 9 + 10 * i, 5 + shift : 25 + 3 * i + shift, i] = True
    return Detection(
        rois=boxes_of_masks(masks).astype(np.int32),
        class_ids=np.arange(count, dtype=np.int32) % 2 + 1,
        scores=np.linspace(0.9, 0.5, count).astype(np.float32),
        masks=masks if form == "array" else encode(masks),
    )


def test_its_absence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ImportError, match=r"pip install 'supervision>=0\.31'"):
        to_supervision(detection(), NAMES)


@pytest.fixture
def sv():
    """Return the package; skip where it is not installed."""
    return pytest.importorskip("supervision")


@pytest.mark.parametrize("form", ["array", "rle"])
def test_boxes_masks_scores_and_classes(sv, form):
    ours = detection(form=form)
    theirs = to_supervision(ours, NAMES)
    assert isinstance(theirs, sv.Detections)
    assert theirs.xyxy.tolist() == [[5, 3, 25, 9], [5, 13, 28, 19], [5, 23, 31, 29]]
    assert theirs.class_id.tolist() == [1, 2, 1]
    assert theirs.data["class_name"].tolist() == ["square", "disc", "square"]
    np.testing.assert_array_equal(theirs.confidence, ours["scores"])
    masks = np.moveaxis(detection()["masks"], -1, 0)
    np.testing.assert_array_equal(np.asarray(theirs.mask), masks)
    # Of rectangles, both areas are the pixels: ends are exclusive.
    pixels = [6 * 20, 6 * 23, 6 * 26]
    assert theirs.box_area.tolist() == theirs.area.tolist() == pixels


@pytest.mark.parametrize("form", ["array", "rle"])
@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_thing(sv, form, count):
    theirs = to_supervision(detection(count, form), NAMES)
    assert len(theirs) == count
    assert theirs.is_empty() == (count == 0)
    assert len(theirs[theirs.confidence > 0.99]) == 0
    assert len(sv.Detections.merge([theirs, to_supervision(detection(2), NAMES)])) == (
        count + 2
    )


@pytest.mark.parametrize("form", ["array", "rle"])
def test_a_tracker_follows_what_moves(sv, form):
    """Three rectangles that move a pixel in each picture keep their numbers."""
    tracker = pytest.importorskip("trackers").ByteTrackTracker(
        minimum_consecutive_frames=1,
        track_activation_threshold=0.25,
        high_conf_det_threshold=0.25,
    )
    seen = [
        tracker.update(to_supervision(detection(form=form, shift=i), NAMES))
        for i in range(6)
    ]
    numbers = [dict(zip(s.xyxy[:, 1], s.tracker_id, strict=True)) for s in seen]
    assert len(set(numbers[1].values()) - {-1}) == 3
    assert all(one == numbers[1] for one in numbers[1:])
    for one in seen:
        names = dict(zip(one.xyxy[:, 1], one.data["class_name"], strict=True))
        assert names == {3: "square", 13: "disc", 23: "square"}


@pytest.mark.parametrize("form", ["array", "rle"])
def test_its_annotators_draw_where_things_are(sv, form):
    ours = detection()
    theirs = to_supervision(detection(form=form), NAMES)
    black = np.zeros((40, 60, 3), np.uint8)
    drawn = sv.MaskAnnotator(opacity=1.0).annotate(black.copy(), theirs)
    np.testing.assert_array_equal(drawn.any(axis=-1), ours["masks"].any(axis=-1))
    boxed = sv.BoxAnnotator(thickness=1).annotate(black.copy(), theirs)
    assert boxed.any()
    labelled = sv.LabelAnnotator().annotate(
        black.copy(), theirs, labels=list(theirs.data["class_name"])
    )
    assert labelled.any()
