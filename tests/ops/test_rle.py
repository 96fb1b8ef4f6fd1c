"""Codes are what pycocotools makes of the masks that `paste_masks` draws."""

import numpy as np
import pytest
from pycocotools import mask as coco

from mrcnn.ops import rle
from mrcnn.ops.masks import paste_masks

SHAPE = (40, 30)


def encoded(masks):
    return coco.encode(np.asfortranarray(masks, np.uint8))


@pytest.mark.parametrize("strip", [1, 100, 1 << 22])
@pytest.mark.parametrize("case", range(40))
def test_codes_are_those_of_pasted_masks(monkeypatch, case, strip):
    monkeypatch.setattr(rle, "STRIP", strip)
    rng = np.random.default_rng(case)
    masks = rng.random((6, 14, 14), dtype=np.float32)
    masks[0], masks[1] = 1, 0
    corners = rng.integers(-10, 35, (6, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 45, (6, 2))], axis=1)
    boxes[2] = 0, 0, *SHAPE
    boxes[3] = 0, 4, SHAPE[0], 9  # from top to bottom: its columns are one run
    masks[3] = 1
    codes = rle.encode_masks(masks, boxes, SHAPE)
    pasted = paste_masks(masks, boxes, SHAPE)
    assert codes == encoded(pasted)
    np.testing.assert_array_equal(rle.decode(codes, SHAPE), pasted)


def test_other_thresholds():
    mask = np.linspace(0, 1, 196, dtype=np.float32).reshape(1, 14, 14)
    boxes = np.array([[3, 4, 33, 29]])
    for threshold in (0.1, 0.9):
        pasted = paste_masks(mask, boxes, SHAPE, threshold)
        assert rle.encode_masks(mask, boxes, SHAPE, threshold) == encoded(pasted)


def test_no_mask():
    none = rle.encode_masks(np.zeros((0, 14, 14)), np.zeros((0, 4)), SHAPE)
    assert none == []
    decoded = rle.decode(none, SHAPE)
    assert decoded.shape == (*SHAPE, 0)
    assert decoded.dtype == bool
    assert rle.ious(none, none).shape == (0, 0)
    assert rle.within(none, (0, 0, 1, 1)) == []


def test_overlaps_by_hand():
    masks = np.zeros((10, 10, 3), bool)
    masks[0:4, 0:4, 0] = True  # 16 pixels
    masks[2:4, 2:10, 1] = True  # 16, of which 4 are shared; the third is empty
    codes = encoded(masks)
    np.testing.assert_allclose(
        rle.ious(codes, codes), [[1, 4 / 28, 0], [4 / 28, 1, 0], [0, 0, 0]]
    )
    np.testing.assert_allclose(
        rle.shares(codes, codes), [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 0]]
    )
    masks[:, 3:, :] = False
    assert rle.within(codes, (0, 0, 10, 3)) == encoded(masks)
    assert (
        rle.union(codes[:2])
        == encoded((rle.decode(codes, (10, 10)).any(axis=-1))[..., None])[0]
    )


def test_a_picture_with_more_pixels_than_run_lengths_count():
    with pytest.raises(ValueError, match=r"65536 x 65536 pixels .*: cut it in parts\."):
        rle.encode_masks(
            np.ones((1, 14, 14)), np.array([[0, 0, 5, 5]]), (1 << 16, 1 << 16)
        )


def test_a_thousand_masks():
    """pycocotools 2.0.11 counts in one byte in some of its functions."""
    boxes = np.stack(np.meshgrid(np.arange(32), np.arange(28)), -1).reshape(-1, 2)
    boxes = np.concatenate([boxes, np.add(boxes, (2, 1))], axis=1)
    codes = rle.encode_masks(np.ones((len(boxes), 14, 14)), boxes, SHAPE)
    assert len(codes) == 896
    overlaps = rle.ious(codes, codes)
    np.testing.assert_array_equal(np.diag(overlaps), 1)
    assert overlaps.sum() == 896 + 2 * 31 * 28 / 3
    assert rle.shares(codes, codes).sum() == 896 + 2 * 31 * 28 / 2
    assert rle.decode(codes, SHAPE).sum() == 2 * 896
    assert len(rle.within(codes, (0, 0, 5, 5))) == 896
    assert coco.area(rle.union(codes)) == 33 * 28


@pytest.mark.parametrize("case", range(20))
def test_a_cut_is_the_decoded_part(case):
    rng = np.random.default_rng(case)
    shape = tuple(rng.integers(1, 3000 if case == 0 else 60, 2))
    # Noise has runs of few pixels, blocks long ones, whose codes take several bytes.
    masks = rng.random((*shape, 6)) < rng.random(6)
    masks[: shape[0] // 2, : shape[1] // 2, 1] = True
    masks[..., 2], masks[..., 3] = True, False
    masks[..., 4] = False
    masks[rng.integers(shape[0]), rng.integers(shape[1]), 4] = True
    (y1, y2), (x1, x2) = (np.sort(rng.integers(0, side + 1, 2)) for side in shape)
    boxes = [(y1, x1, y2, x2), (0, 0, *shape), (0, x1, shape[0], x2)]
    for mask, code in zip(np.moveaxis(masks, -1, 0), rle.encode(masks), strict=True):
        for top, left, bottom, right in boxes:
            np.testing.assert_array_equal(
                rle.cut(code, (top, left, bottom, right)), mask[top:bottom, left:right]
            )
        top, left, bottom, right = rle.bounds(code)
        assert rle.cut(code, (top, left, bottom, right)).sum() == mask.sum()
        rows, columns = np.nonzero(mask)
        if rows.size:
            tight = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
            assert (top, left, bottom, right) == tight


def test_a_cut_of_nothing():
    (empty,) = rle.encode(np.zeros((0, 5, 1), bool))
    assert rle.cut(empty, (0, 0, 0, 5)).shape == (0, 5)
    (blank,) = rle.encode(np.zeros((4, 5, 1), bool))
    assert rle.bounds(blank) == (0, 0, 0, 0)
    assert rle.cut(blank, (0, 0, 0, 0)).shape == (0, 0)
