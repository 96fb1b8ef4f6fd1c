"""Boundaries and outlines by hand, and by distances between all pairs of pixels."""

import numpy as np
import pytest

from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import boundary_ap, outline_distance, outlines
from mrcnn.evaluation.coco import IOU_THRESHOLDS, average_precision
from mrcnn.evaluation.outlines import boundary_iou, distance
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.rle import encode

NAMES = ("BG", "a", "b")
BOX = (10, 10, 30, 30)


def code_of(mask):
    return encode(mask[..., None])[0]


def square(y1, x1, y2, x2, shape=(64, 64)):
    mask = np.zeros(shape, bool)
    mask[y1:y2, x1:x2] = True
    return mask


def disc(radius, shape=(200, 220), centre=(100, 100)):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def outside_of(mask):
    """Return where (n, 2) pixels are outside, a frame round the picture included."""
    return np.argwhere(~np.pad(mask, 1)) - 1


def boundary_by_pairs(mask, width):
    """Return the pixels (as a set) that are `width` or less from one outside."""
    inside, outside = np.argwhere(mask), outside_of(mask)
    steps = abs(inside[:, None] - outside[None]).max(axis=-1).min(axis=1)
    return set(map(tuple, inside[steps <= width].tolist()))


def boundary_iou_by_pairs(a, b, rim):
    width = max(1, round(rim * float(np.sqrt(a.shape[0] ** 2 + a.shape[1] ** 2))))
    first, second = boundary_by_pairs(a, width), boundary_by_pairs(b, width)
    return len(first & second) / len(first | second) if first | second else 0.0


def distance_by_pairs(a, b):
    """Return the mean of both means of nearest distances between outlines."""
    edges = []
    for mask in (a, b):
        inside, outside = np.argwhere(mask), outside_of(mask)
        beside = abs(inside[:, None] - outside[None]).sum(axis=-1).min(axis=1) == 1
        edges.append(inside[beside])
    between = np.sqrt(((edges[0][:, None] - edges[1][None]) ** 2).sum(axis=-1))
    return (between.min(axis=1).mean() + between.min(axis=0).mean()) / 2


def blobs(case):
    """Return two masks (h, w, 2) that differ along their edges, some cut off."""
    rng = np.random.default_rng(case)
    shape = tuple(rng.integers(8, 40, 2))
    y, x = np.indices(shape)
    cy, cx, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), shape[0] / 2
    blob = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
    moved = np.roll(blob, rng.integers(-2, 3, 2), (0, 1))
    return np.stack([blob, moved ^ (rng.random(shape) < 0.05)], axis=-1)


# --- Boundary IoU


@pytest.mark.parametrize("rim", [0.001, 0.02, 0.1, 3.0])
@pytest.mark.parametrize("case", range(12))
def test_boundary_iou_is_that_of_the_paper(case, rim):
    masks = blobs(case)
    a, b = masks[..., 0], masks[..., 1]
    expected = boundary_iou_by_pairs(a, b, rim)
    assert boundary_iou(code_of(a), code_of(b), rim) == pytest.approx(expected)
    if rim == 3.0:  # as wide as the picture: nothing but boundary
        assert expected == np.count_nonzero(a & b) / np.count_nonzero(a | b)


def test_boundary_iou_by_hand():
    # 100 x 100 pixels: the boundary is 3 wide (0.02 of 141). A square of 20 has
    # 400 - 14 ** 2 = 204 such pixels, its left half 200 - 14 * 4 = 144. They share
    # those of the square in its left half: 3 columns of 20, and 7 of 3 + 3.
    whole, half = square(20, 20, 40, 40, (100, 100)), square(20, 20, 40, 30, (100, 100))
    value = boundary_iou(code_of(whole), code_of(half))
    assert value == pytest.approx(102 / (204 + 144 - 102))
    assert boundary_iou(code_of(whole), code_of(whole)) == 1.0


def test_the_edge_of_the_picture_is_a_boundary():
    # All of it: 50 x 50 with a width of round(0.02 * 70.7) = 1, a ring of 196 pixels.
    # The same but the last column ends one earlier: it shares three sides of the ring.
    full, less = square(0, 0, 50, 50, (50, 50)), square(0, 0, 50, 49, (50, 50))
    shared = 49 + 49 + 48
    value = boundary_iou(code_of(full), code_of(less))
    assert value == pytest.approx(shared / (196 + 194 - shared))


def test_small_and_empty_masks():
    pixel, other = square(3, 4, 4, 5), square(3, 5, 4, 6)
    empty = np.zeros((64, 64), bool)
    assert boundary_iou(code_of(pixel), code_of(pixel)) == 1.0
    assert boundary_iou(code_of(pixel), code_of(other)) == 0.0
    assert boundary_iou(code_of(pixel), code_of(empty)) == 0.0
    assert boundary_iou(code_of(empty), code_of(empty)) == 0.0


# --- Boundary AP


@pytest.mark.parametrize("columns", [18, 15])
def test_the_lesser_overlap_decides(make_scene, columns):
    # 64 x 64: width 2. Masks share columns / 20, their boundaries less.
    found = (10, 10, 30, 10 + columns)
    scene = make_scene([(1, BOX)], [(1, found, 0.9)])
    overlap = boundary_iou_by_pairs(square(*BOX), square(*found), 0.02)
    assert overlap < columns / 20
    ap = (overlap >= IOU_THRESHOLDS).mean()
    assert boundary_ap([scene], NAMES).ap == pytest.approx(ap)
    assert ap < average_precision([scene], NAMES, "mask").ap


def test_a_wide_rim_leaves_mask_ap(make_scene):
    scene = make_scene([(1, BOX)], [(1, (10, 10, 30, 26), 0.9)])
    wide, masks = (
        boundary_ap([scene], NAMES, rim=1),
        average_precision([scene], NAMES, "mask"),
    )
    assert wide.ap == masks.ap > boundary_ap([scene], NAMES).ap
    assert wide.by_size["small"] == masks.by_size["small"]


def test_of_a_thin_object_the_boundary_is_the_mask():
    ring = square(5, 5, 60, 60) & ~square(7, 7, 58, 58)
    part = ring & ~square(5, 5, 60, 8)
    masks = (mask[..., None] for mask in (ring, part))
    truth, found = (annotated(np.array([1]), mask) for mask in masks)
    scene = Scene(0, truth, found, np.zeros((0, 4), np.float32))
    expected = average_precision([scene], NAMES, "mask").ap
    assert boundary_ap([scene], NAMES).ap == pytest.approx(expected)
    assert 0 < expected < 1


def test_crowds_are_matched_by_their_masks(make_scene):
    # Deep in the crowd and far from its boundary: it is no false alarm all the same.
    there, crowd, inside = (0, 0, 15, 15), (20, 20, 60, 60), (30, 30, 50, 50)
    found = [(1, there, 0.5), (1, inside, 0.9)]
    scene = make_scene([(1, there), (-1, crowd)], found)
    assert boundary_ap([scene], NAMES).ap == pytest.approx(1.0)
    without = make_scene([(1, there)], found)
    assert boundary_ap([without], NAMES).ap == pytest.approx(0.5)


def test_nothing_found_and_nothing_there(make_scene):
    missed = make_scene([(1, BOX), (2, BOX)], [])
    assert boundary_ap([missed], NAMES).ap == 0.0
    assert np.isnan(boundary_ap([make_scene([], [])], NAMES).ap)
    assert np.isnan(boundary_ap([make_scene([], [(1, BOX, 0.9)])], NAMES).ap)
    pixel = make_scene([(1, (0, 0, 1, 1))], [(1, (0, 0, 1, 1), 0.9)], shape=(1, 1))
    assert boundary_ap([pixel], NAMES).ap == pytest.approx(1.0)


def test_a_detection_without_pixels(make_scene):
    scene = make_scene([(1, BOX)], [(1, BOX, 0.5), (1, (5, 5, 5, 5), 0.9)])
    assert boundary_ap([scene], NAMES).ap == pytest.approx(0.5)
    assert outline_distance([scene]).pairs == 1


@pytest.mark.parametrize("rim", [0, -1, float("nan"), "2 %", None])
def test_a_rim_without_width(rim):
    with pytest.raises(ValueError, match=r"rim is .*; it must be a number greater"):
        boundary_ap([], NAMES, rim=rim)


@pytest.fixture(scope="module")
def noisy_scenes():
    """Return images with detections shifted, renamed and lost, and a crowd in each."""
    dataset, rng = ShapesDataset(12, seed=5, harder=True), np.random.default_rng(5)
    scenes = []
    for i in dataset.image_ids:
        masks, class_ids = dataset.load_mask(i)
        crowd = rng.integers(len(class_ids))
        keep = rng.random(len(class_ids)) < 0.85
        found = np.roll(masks[..., keep], rng.integers(-2, 3, 2), (0, 1))
        found = np.concatenate([found, found], axis=-1)
        detection = {
            "rois": boxes_of_masks(found),
            "class_ids": np.tile(class_ids[keep], 2),
            "scores": rng.random(found.shape[-1]).astype(np.float32),
            "masks": found,
        }
        signs = np.where(np.arange(len(class_ids)) == crowd, -1, 1)
        scenes.append(
            Scene(
                int(i),
                annotated(class_ids * signs, masks),
                detected(detection),
                np.zeros((0, 4), np.float32),
            )
        )
    return scenes


def test_same_as_with_the_overlaps_of_every_pair_in_whole_pictures(
    noisy_scenes, monkeypatch
):
    """Every pair's boundaries, from whole masks, whether or not they could match."""
    ours = boundary_ap(noisy_scenes, ("BG", "square", "circle", "triangle"))

    def overlaps(self, image, class_id):
        truth, found = self._gts[image, class_id], self._dts[image, class_id]
        found = sorted(found, key=lambda entry: -entry["score"])
        table = np.zeros((len(found), len(truth)))
        for i, j in np.ndindex(table.shape):
            a, b = (
                outlines.cut(entry["segmentation"], (0, 0, 128, 128))
                for entry in (found[i], truth[j])
            )
            shared = np.count_nonzero(a & b)
            if truth[j]["iscrowd"]:
                table[i, j] = shared / np.count_nonzero(a)
            else:
                whole = shared / np.count_nonzero(a | b)
                table[i, j] = min(whole, boundary_iou_by_erosion(a, b, 4))
        return table

    monkeypatch.setattr(outlines.BoundaryEval, "computeIoU", overlaps)
    theirs = boundary_ap(noisy_scenes, ("BG", "square", "circle", "triangle"))
    assert 0.05 < ours.ap < 0.95
    for name in ("ap", "ap50", "ap75", "recall", "by_size", "per_class"):
        np.testing.assert_equal(getattr(ours, name), getattr(theirs, name))


def boundary_iou_by_erosion(a, b, width):
    """Return what the authors compute: masks without what `width` erosions leave."""
    rings = []
    for mask in (a, b):
        left = np.pad(mask, 1)
        for _ in range(width):
            for axis in (0, 1):
                near = [np.roll(left, step, axis) for step in (-1, 0, 1)]
                left = np.all(near, axis=0)
        rings.append(mask & ~left[1:-1, 1:-1])
    return np.count_nonzero(rings[0] & rings[1]) / np.count_nonzero(rings[0] | rings[1])


# --- Distances of outlines


@pytest.mark.parametrize("case", range(12))
def test_distances_are_those_between_all_pixels(case):
    masks = blobs(case)
    a, b = masks[..., 0], masks[..., 1]
    expected = distance_by_pairs(a, b)
    assert distance(code_of(a), code_of(b)) == pytest.approx(expected)
    assert distance(code_of(b), code_of(a)) == pytest.approx(expected)


@pytest.mark.parametrize("radius", [20, 60])
def test_discs_that_are_two_apart(radius):
    apart = distance(code_of(disc(radius)), code_of(disc(radius + 2)))
    assert apart == pytest.approx(2, abs=0.15)  # pixels lie on a grid
    assert distance(code_of(disc(radius)), code_of(disc(radius))) == 0


def test_lines_that_are_apart():
    # Each pixel of either line is 3 from the other; one pixel is its own outline.
    first, second = square(10, 5, 11, 40), square(13, 5, 14, 40)
    assert distance(code_of(first), code_of(second)) == 3
    pixels = square(0, 0, 1, 1), square(3, 4, 4, 5)
    assert distance(*map(code_of, pixels)) == 5


def test_both_directions_count_alike():
    # From the pixel to the line 0; from the line's 5 pixels 0, 1, 2, 3, 4.
    pixel, line = square(10, 10, 11, 11), square(10, 10, 11, 15)
    assert distance(code_of(pixel), code_of(line)) == pytest.approx((0 + 2) / 2)


def test_a_shifted_square_by_hand(make_scene):
    # Outlines of 4 x 4, the one shifted by a column, have 12 pixels each. Of the one,
    # the left side (4) is 1 away, and so are the inner pixels of the right side (2).
    # The others (6) are pixels of both, but for none. The other way round likewise.
    scene = make_scene([(1, (8, 8, 12, 12))], [(1, (8, 9, 12, 13), 0.9)])
    result = outline_distance([scene])
    assert result.pixels == pytest.approx([6 / 12])
    assert result.relative == pytest.approx([6 / 12 / 4])
    assert (result.pairs, result.missed) == (1, 0)


def test_means_and_medians_are_over_pairs(make_scene):
    far = (40, 40, 60, 60)
    scenes = [
        make_scene([(1, BOX), (1, far)], [(1, BOX, 0.9), (2, (40, 41, 60, 61), 0.8)]),
        make_scene([(1, BOX), (-1, far)], [(1, far, 0.9)], image_id=1),
        make_scene([(1, BOX)], [(1, BOX, 0.3)], image_id=2),
        make_scene([], [], image_id=3),
    ]
    result = outline_distance(scenes)  # of another class, and yet an outline
    shifted = distance_by_pairs(square(*far), square(40, 41, 60, 61))
    assert result.pixels == pytest.approx([0, shifted])
    assert (result.pairs, result.missed) == (2, 2)
    assert result.mean == result.median == pytest.approx(shifted / 2)
    assert result.mean_relative == pytest.approx(shifted / 2 / 20)
    assert result.median_relative == result.mean_relative
    assert str(result).startswith("2 objects found, 2 missed; outlines off by 0.2")
    less = outline_distance(scenes, min_score=0.2)
    assert (less.pairs, less.missed) == (3, 1)
    assert less.median == 0 < less.mean


def test_pairs_need_half_of_the_masks(make_scene):
    half, less = (10, 10, 30, 20), (10, 10, 30, 19)
    assert outline_distance([make_scene([(1, BOX)], [(1, half, 0.9)])]).pairs == 1
    assert outline_distance([make_scene([(1, BOX)], [(1, less, 0.9)])]).missed == 1
    # The best score takes the object, though the other outline is better.
    scene = make_scene([(1, BOX)], [(1, BOX, 0.6), (1, half, 0.9)])
    assert outline_distance([scene]).mean > 0


def test_no_pair_has_no_distance(make_scene):
    for scenes in ([], [make_scene([(1, BOX)], [])], [make_scene([], [(1, BOX, 1)])]):
        result = outline_distance(scenes)
        assert result.pixels.shape == result.relative.shape == (0,)
        values = (
            result.mean,
            result.median,
            result.mean_relative,
            result.median_relative,
        )
        assert np.isnan(values).all()
        assert "0 objects found" in str(result)


def test_cut_off_objects_share_the_edge_of_the_picture():
    # Of 64 x 64 the left 10 and the left 12 columns: three sides are the picture's.
    a, b = square(0, 0, 64, 10), square(0, 0, 64, 12)
    assert distance(code_of(a), code_of(b)) == pytest.approx(distance_by_pairs(a, b))
    assert 0 < distance(code_of(a), code_of(b)) < 2
