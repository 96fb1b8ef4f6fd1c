"""Objects one pixel thin are learnt: they have anchors, and are no background."""

import numpy as np
import pytest
from keras import ops

from mrcnn import targets
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.data.transforms import boxes_to_original, plan_geometry
from mrcnn.detection import as_detection
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.anchors import pyramid_anchors
from mrcnn.structures import GroundTruth, Preprocessing
from tests.tensors import on_tensors

SIDE = 64
HOW = Preprocessing("none", 0, 0, 0, (0.0, 0.0, 0.0))
STD_DEV = (0.1, 0.1, 0.2, 0.2)
PIXELS = pyramid_anchors((8, 16, 32), (0.5, 1, 2), (SIDE, SIDE), (4, 8, 16))
ANCHORS = box_ops.normalise(PIXELS.astype(np.float32), (SIDE, SIDE), xp=np)
THIN = {
    "a row": (20, 10, 21, 50),
    "a column": (10, 30, 50, 31),
    "a pixel": (33, 41, 34, 42),
    "the first row": (0, 4, 1, 60),
    "the last column": (3, 63, 40, 64),
    "the first pixel": (0, 0, 1, 1),
    "the last pixel": (63, 63, 64, 64),
}
THICK = [(8, 8, 40, 40), (5, 50, 7, 60), (0, 0, 64, 2)]


class Boxes(Dataset):
    """One image of filled boxes."""

    def __init__(self, boxes):
        super().__init__()
        self.boxes = boxes
        self.add_class("own", 1, "thing")
        self.add_image("own", 0, None)
        self.prepare()

    def load_image(self, image_id):
        return np.zeros((SIDE, SIDE, 3), np.uint8)

    def load_mask(self, image_id):
        masks = np.zeros((SIDE, SIDE, len(self.boxes)), bool)
        for i, (y1, x1, y2, x2) in enumerate(self.boxes):
            masks[y1:y2, x1:x2, i] = True
        return masks, np.ones(len(self.boxes), np.int32)


def truth_of(boxes, mini: bool) -> GroundTruth:
    batches = Batches(
        Boxes(boxes),
        HOW,
        batch_size=1,
        instances=len(boxes) + 1,
        mini_mask_shape=(56, 56) if mini else None,
    )
    (batch,) = batches[0]
    return GroundTruth(*(batch[f"gt_{name}"] for name in GroundTruth._fields))


def test_others_are_normalised_as_before_to_the_last_bit():
    truth = truth_of([*THICK, *THIN.values()], mini=False)
    expected = box_ops.normalise(np.array(THICK), (SIDE, SIDE), xp=np)
    np.testing.assert_array_equal(truth.boxes[0, :3], expected.astype(np.float32))
    assert (box_ops.area(truth.boxes[0, :-1], xp=np) > 0).all()
    assert not truth.boxes[0, -1].any()  # an empty slot


def test_by_hand():
    box = np.array([[0.5, 0, 0.5, 1], [0, 1, 0, 1], [0.2, 0.4, 0.1, 0.6]])
    found = box_ops.with_area(box, (26, 51)) * [25, 50, 25, 50]
    expected = [[12.25, 0, 12.75, 50], [0, 49.75, 0.25, 50], [3.5, 20, 4, 30]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("box", THIN.values(), ids=THIN)
def test_an_anchor_is_taught_to_find_it(box):
    truth = truth_of([box], mini=False)
    sampled = on_tensors(targets.rpn_targets)(
        ANCHORS, truth, samples=32, std_dev=STD_DEV, seed=1
    )
    indices, deltas, positive, _ = (ops.convert_to_numpy(a)[0] for a in sampled)
    assert positive.any()
    assert abs(deltas[positive]).max() < 30
    again = box_ops.decode_deltas(
        ANCHORS[indices[positive]], deltas[positive], std_dev=STD_DEV, xp=np
    )
    np.testing.assert_allclose(again, truth.boxes[0, [0] * len(again)], atol=1e-4)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mini", [False, True])
@pytest.mark.parametrize("box", THIN.values(), ids=THIN)
def test_it_is_taught_as_itself_and_detected_as_drawn(box, mini, aligned):
    """What the heads are taught of it, taken for what they say, is the object."""
    truth = truth_of([box], mini)
    nowhere = np.zeros((1, 1, 4), np.float32)
    found = on_tensors(targets.roi_targets)(
        nowhere,
        np.zeros((1, 1), bool),
        truth,
        samples=4,
        positive_ratio=0.5,
        std_dev=STD_DEV,
        mask_side=28,
        mask_slots=4,
        mini_masks=mini,
        image_shape=(SIDE, SIDE),
        fill=True,
        append_truth=True,
        aligned=aligned,
        seed=1,
    )
    rois, class_ids, deltas, masks, positive, valid = (
        ops.convert_to_numpy(a)[0] for a in found
    )
    assert positive.tolist() == valid.tolist() == [True, False, False, False]
    assert class_ids[0] == 1
    np.testing.assert_allclose(deltas, 0, atol=1e-3)
    geometry = plan_geometry((SIDE, SIDE), HOW)
    back = boxes_to_original(rois[:1], geometry)
    detection = as_detection(
        back, class_ids[:1], np.ones(1), masks[:1], geometry.original_shape
    )
    assert detection["rois"].tolist() == [list(box)]
    wrong = detection["masks"] != Boxes([box]).load_mask(0)[0]
    # From corner to corner, 27 steps of 55 / 27 cells may end beyond the last cell, in
    # Matterport's kernel too: the last of 28 bins is lost then.
    assert np.count_nonzero(wrong) <= (2 if mini and not aligned else 0)
