"""Thin objects: a wire outlives every way in which masks shrink."""

import numpy as np
import pytest
import skimage.draw
from scipy.ndimage import label

from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.data.transforms import place_masks, plan_geometry
from mrcnn.ops.masks import boxes_of_masks, mini_mask
from mrcnn.ops.thin import blurred, keep_thin, touched
from mrcnn.structures import Preprocessing

QUARTER = Preprocessing("square", 0, 64, 0, (0.0, 0.0, 0.0))
SIDE = 256


def line(y1, x1, y2, x2, width=1) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    rows, columns = skimage.draw.line(y1, x1, y2, x2)
    for i in range(width):
        mask[rows + i, columns] = True
    return mask


def shrink(mask: np.ndarray) -> np.ndarray:
    geometry = plan_geometry(mask.shape, QUARTER)
    return place_masks(mask[..., None], geometry)[..., 0]


def pieces(mask: np.ndarray) -> int:
    return label(mask, np.ones((3, 3)))[1]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize("run", [(0, 200), (200, 0), (200, 200), (50, 200), (200, 31)])
def test_a_wire_stays_whole_at_a_quarter_of_its_size(run, offset, width):
    start = 12 + offset
    wire = line(start, start, start + run[0], start + run[1], width)
    small = shrink(wire)
    assert pieces(small) == 1
    (box,), (whole,) = (boxes_of_masks(m[..., None]) for m in (small, wire))
    assert abs(box - whole / 4).max() <= 1
    # No thicker than the cells that it touches, of which a diagonal may touch two.
    assert small.sum() <= touched(wire, (64, 64)).sum()


def test_touched_cells_by_hand():
    mask = np.array([[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]], bool)
    assert touched(mask, (3, 3)).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert touched(mask, (1, 2)).tolist() == [[1, 1]]
    assert touched(mask, (6, 1)).tolist() == [[1], [1], [0], [0], [1], [1]]
    np.testing.assert_array_equal(touched(mask, mask.shape), mask)
    assert not touched(mask & False, (2, 2)).any()


def test_objects_of_some_width_keep_their_nearest_pixels(rng):
    """Discs, rings, blots and crowds of them: as before, to the pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(40):
        cy, cx = rng.uniform(30, SIDE - 30, 2)
        radius = rng.uniform(4, 25)
        distance = np.hypot(y - cy, x - cx)
        disc = distance <= radius
        ring = disc & (distance >= radius - 6)
        for mask in (disc, ring, disc | disc[::-1, ::-1]):
            np.testing.assert_array_equal(shrink(mask), mask[2::4, 2::4])


def test_a_speck_is_kept_as_one_cell():
    speck = np.zeros((SIDE, SIDE), bool)
    speck[96, 131] = True
    assert not speck[2::4, 2::4].any()
    assert np.argwhere(shrink(speck)).tolist() == [[24, 32]]


def test_what_grows_or_is_empty_stays_as_it_is():
    mask = np.eye(5, dtype=bool)
    larger = np.eye(9, dtype=bool)
    assert keep_thin(mask, larger) is larger
    nothing = np.zeros((2, 2), bool)
    assert not keep_thin(np.zeros((8, 8), bool), nothing).any()


@pytest.mark.parametrize("slope", [(200, 200), (200, 187), (200, 91), (173, 211)])
def test_a_wire_stays_whole_in_a_mini_mask(slope):
    wire = line(20, 20, 20 + slope[0], 20 + slope[1])
    (box,) = boxes_of_masks(wire[..., None])
    part = wire[box[0] : box[2], box[1] : box[3]]
    mini = keep_thin(part, mini_mask(wire, box, (28, 28)))
    assert pieces(mini) == 1 and mini[0, 0] and mini[-1, -1]
    assert blurred(part, mini)
    disc = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 100)) < 50
    (box,) = boxes_of_masks(disc[..., None])
    part, mini = disc[box[0] : box[2], box[1] : box[3]], mini_mask(disc, box, (28, 28))
    assert keep_thin(part, mini) is mini
    assert not blurred(part, mini)


class Wires(Dataset):
    def load_image(self, image_id):
        return np.zeros((SIDE, SIDE, 3), np.uint8)

    def load_mask(self, image_id):
        masks = [line(9, 9, 209, 152), line(30, 30, 30, 200)]
        return np.stack(masks, axis=-1), np.ones(2, np.int32)


@pytest.mark.parametrize("mini", [None, (28, 28)])
def test_training_is_taught_both_wires_and_says_so_once(capsys, mini):
    dataset = Wires()
    dataset.add_class("own", 1, "wire")
    for i in range(2):
        dataset.add_image("own", i, None)
    dataset.prepare()
    how = QUARTER if mini is None else QUARTER._replace(max_dim=SIDE)
    batches = Batches(
        dataset, how, batch_size=2, instances=3, mini_mask_shape=mini, steps=1
    )
    (batch,) = batches[0]
    assert batch["gt_valid"].sum(axis=1).tolist() == [2, 2]
    for mask in batch["gt_masks"][0, :2]:
        assert pieces(mask) == 1
    said = capsys.readouterr().out
    assert said.count("thinner than the cells") == (mini is not None)
    assert ("image 0 of own" in said) == (mini is not None)
