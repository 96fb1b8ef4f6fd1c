"""Shapes: the recipe's bounds, masks of what is seen, the same pixels anywhere."""

import hashlib

import numpy as np
import pytest

from mrcnn.data.shapes import MAX_OVERLAP, Shape, ShapesDataset, _inside, _iou, _outline

VARIANTS = [{}, {"harder": True}, {"height": 64, "width": 96}]


def area(name: str, size: int) -> int:
    y, x = np.mgrid[-3 * size : 3 * size + 1, -3 * size : 3 * size + 1]
    return int(_inside(name, y, x, size).sum())


def test_areas_by_hand():
    assert area("square", 10) == 21 * 21
    assert area("circle", 1) == 5  # The centre and its four neighbours.
    assert area("circle", 2) == 13
    # Rows -2..2 of a triangle of size 2 reach (dy + 2) / sqrt(3) to either side:
    # 0, 0.58, 1.15, 1.73, 2.31 -> 1, 1, 3, 3, 5 pixels.
    assert area("triangle", 2) == 13


@pytest.mark.parametrize("name", ["square", "circle", "triangle"])
def test_turning_keeps_the_area(name):
    class_id = ["square", "circle", "triangle"].index(name) + 1
    areas = [
        _outline(Shape(class_id, (0, 0, 0), 100, 100, 30, angle), 200, 200)[1].sum()
        for angle in (0.0, 0.7, 2.0, 5.5)
    ]
    np.testing.assert_allclose(areas, areas[0], rtol=0.05)


def test_outline_reaches_all_of_the_shape():
    for class_id in (1, 2, 3):
        shape = Shape(class_id, (0, 0, 0), 60, 60, 20, 0.4)
        _, inside = _outline(shape, 120, 120)
        assert not (inside[0].any() or inside[-1].any())
        assert not (inside[:, 0].any() or inside[:, -1].any())


@pytest.mark.parametrize("options", VARIANTS)
def test_every_image_follows_the_recipe(options):
    dataset = ShapesDataset(60, seed=5, **options)
    height, width = options.get("height", 128), options.get("width", 128)
    counts, classes = set(), set()
    for i in dataset.image_ids:
        image, (masks, class_ids) = dataset.load_image(i), dataset.load_mask(i)
        assert (image.shape, image.dtype) == ((height, width, 3), np.uint8)
        assert (masks.shape[:2], masks.dtype) == ((height, width), bool)
        assert class_ids.dtype == np.int32 and len(class_ids) == masks.shape[2] > 0
        assert masks.any(axis=(0, 1)).all()
        assert masks.sum(axis=2).max() == 1
        counts.add(len(class_ids))
        classes.update(class_ids.tolist())
    assert classes == {1, 2, 3}
    assert max(counts) > 4 if options.get("harder") else counts <= {1, 2, 3, 4}


def test_masks_are_the_pixels_of_one_colour():
    dataset = ShapesDataset(40, seed=1)
    for i in dataset.image_ids:
        image, (masks, _) = dataset.load_image(i), dataset.load_mask(i)
        for layer in [*np.moveaxis(masks, 2, 0), ~masks.any(axis=2)]:
            assert len(np.unique(image[layer], axis=0)) == 1


def test_centres_sizes_and_overlaps_stay_in_bounds():
    dataset = ShapesDataset(200, seed=2)
    for i in dataset.image_ids:
        shapes = dataset._scene(i)[1]
        for shape in shapes:
            assert 20 <= shape.y < 108 and 20 <= shape.x < 108
            assert 20 <= shape.size <= 32
        for j, a in enumerate(shapes):
            assert all(_iou(a, b) <= MAX_OVERLAP for b in shapes[:j])


def test_iou_by_hand():
    a = Shape(1, (0, 0, 0), 0, 0, 1, 0.0)
    assert _iou(a, a) == 1
    assert _iou(a, a._replace(x=1)) == pytest.approx(2 / 6)
    assert _iou(a, a._replace(y=3)) == 0


@pytest.mark.parametrize("harder", [False, True])
def test_image_depends_on_seed_and_number_only(harder):
    one = ShapesDataset(3, seed=7, harder=harder)
    many = ShapesDataset(300, seed=7, harder=harder)
    other = ShapesDataset(3, seed=8, harder=harder)
    np.testing.assert_array_equal(one.load_image(2), many.load_image(2))
    np.testing.assert_array_equal(one.load_mask(2)[0], many.load_mask(2)[0])
    assert (one.load_image(2) != other.load_image(2)).any()
    assert (one.load_image(2) != one.load_image(1)).any()


@pytest.mark.parametrize(
    ("harder", "expected"), [(False, "5fc3f187f5825b3e"), (True, "977db37287de15e2")]
)
def test_pixels_are_the_same_on_every_machine(harder, expected):
    dataset = ShapesDataset(4, seed=0, harder=harder)
    digest = hashlib.sha256()
    for i in dataset.image_ids:
        digest.update(dataset.load_image(i).tobytes())
        digest.update(dataset.load_mask(i)[0].tobytes())
    assert digest.hexdigest()[:16] == expected


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="at least 32"):
        ShapesDataset(1, height=31)
    with pytest.raises(ValueError, match="count is -1"):
        ShapesDataset(-1)
    assert ShapesDataset(0).num_images == 0
