"""Windows show what the pictures show, all of it, and say what they cut."""

import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data import check
from mrcnn.data.dataset import Dataset
from mrcnn.data.windows import Windows
from mrcnn.training_origin import fingerprint
from tests.tiny import TinyConfig


class Drawn(Dataset):
    """Pictures that are given, with their masks and classes."""

    def __init__(self, pictures):
        super().__init__()
        self.pictures = pictures
        self.add_class("own", 7, "cell, round")
        self.add_class("own", 9, "thread")
        for i in range(len(pictures)):
            self.add_image("own", i, None)
        self.prepare()

    def load_image(self, image_id):
        return self.pictures[image_id][0]

    def load_mask(self, image_id):
        return self.pictures[image_id][1:]


def picture(shape, *boxes, classes=None):
    """Return random pixels and filled boxes as masks."""
    pixels = np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), np.uint8)
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    ids = [1] * len(boxes) if classes is None else classes
    return pixels, masks, np.array(ids, np.int32)


def test_windows_put_together_are_the_picture():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 60, (12, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 40, (12, 2))], axis=1)
    pixels, masks, ids = picture((77, 93), *boxes, classes=[1, 2] * 6)
    windows = Windows(Drawn([(pixels, masks, ids)]), (32, 40), 8)
    seen, drawn = np.zeros((77, 93), int), np.zeros_like(masks)
    for i in windows.image_ids:
        y1, x1, y2, x2 = windows.image_info[i]["window"]
        np.testing.assert_array_equal(windows.load_image(i), pixels[y1:y2, x1:x2])
        parts, class_ids = windows.load_mask(i)
        assert parts.shape[:2] == (y2 - y1, x2 - x1) == (32, 40)
        here = np.flatnonzero(masks[y1:y2, x1:x2].any(axis=(0, 1)))
        np.testing.assert_array_equal(parts, masks[y1:y2, x1:x2, here])
        np.testing.assert_array_equal(abs(class_ids), ids[here])
        seen[y1:y2, x1:x2] += 1
        drawn[y1:y2, x1:x2, here] |= parts
    assert seen.min() == 1
    np.testing.assert_array_equal(drawn, masks)


@pytest.mark.parametrize(
    ("columns", "learnt"),  # of an object from column 10 - its part left of the edge
    [(10, [True, False]), (9, [True, False]), (5, [True, True]), (1, [False, True])],
)
def test_what_is_cut_off_is_a_crowd(columns, learnt):
    left = 20 - columns
    dataset = Drawn([picture((20, 40), (5, left, 9, left + 10))])
    windows = Windows(dataset, 20, 0)
    found = [windows.load_mask(i)[1].tolist() for i in windows.image_ids]
    shown = [columns > 0, columns < 10]
    expected = [
        [1 if is_learnt else -1] if is_shown else []
        for is_shown, is_learnt in zip(shown, learnt, strict=True)
    ]
    assert found == expected


def test_the_share_is_asked_for():
    dataset = Drawn([picture((20, 40), (5, 13, 9, 23))])  # 7 of 10 columns on the left
    found = [Windows(dataset, 20, 0, whole=w).load_mask(0)[1] for w in (0.7, 0.71)]
    assert [ids.tolist() for ids in found] == [[1], [-1]]


def test_crowds_stay_crowds():
    dataset = Drawn([picture((20, 40), (0, 0, 4, 4), (0, 8, 4, 12), classes=[-2, 2])])
    masks, ids = Windows(dataset, 20).load_mask(0)
    assert ids.tolist() == [-2, 2]
    assert masks.sum(axis=(0, 1)).tolist() == [16, 16]


def test_small_pictures_and_those_without_objects_are_windows_too():
    small, empty = picture((9, 11), (1, 2, 3, 4)), picture((20, 20))
    windows = Windows(Drawn([small, empty]), 16, 4)
    assert windows.load_image(0).shape == (9, 11, 3)
    assert windows.num_images == 1 + 4
    masks, ids = windows.load_mask(3)
    assert (masks.shape, ids.shape) == ((16, 16, 0), (0,))


def test_classes_and_names_are_the_data_sets():
    dataset = Drawn([picture((40, 40), (1, 2, 3, 4))])
    windows = Windows(dataset, 20, 0)
    assert windows.class_names == dataset.class_names == ["BG", "cell", "thread"]
    assert windows.class_info == dataset.class_info
    called = windows.image_reference(2)
    assert called == "image 0 of own, rows 20 to 40, columns 0 to 20"
    assert fingerprint(windows) != fingerprint(Windows(dataset, 20, 4))
    assert fingerprint(windows) == fingerprint(Windows(dataset, 20, 0))


def test_a_training_on_windows():
    class Two(TinyConfig):
        NUM_CLASSES = 3

    boxes = (5, 5, 30, 30), (50, 20, 80, 60)
    dataset = Drawn([picture((90, 70), *boxes), picture((80, 64), *boxes)])
    windows = Windows(dataset, 64)
    assert not check(windows, Two()).faults
    history = training.fit(
        build.model(Two(), seed=0),
        build.batches(Two(), windows, steps=1, shuffle=True),
        stages=[build.stage(Two(), 1)],
        optimizer=lambda rate: build.optimizer(Two(), rate),
        verbose=0,
    )
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((None,), {}, "tile is None"),
        ((0,), {}, "tile"),
        ((16, 16), {}, "overlap is 16"),
        ((16,), {"whole": 1.5}, "whole"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, options, named):
    with pytest.raises(ValueError, match=named):
        Windows(Drawn([picture((20, 20))]), *arguments, **options)


def test_faulty_annotations_are_named():
    pixels, masks, _ = picture((20, 20), (1, 2, 3, 4))
    dataset = Drawn([(pixels, masks, np.array([5]))])
    with pytest.raises(ValueError, match="image 0 of own"):
        Windows(dataset, 16)
    with pytest.raises(TypeError, match="give an instance"):
        Windows(Drawn, 16)
