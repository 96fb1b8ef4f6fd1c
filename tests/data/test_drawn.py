"""Balloons drawn on demand: repeatable, disjoint, visible, and like the photographs."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from mrcnn.data import drawn, synthetic, varied
from mrcnn.data.balloon import ANNOTATIONS, load_balloons
from mrcnn.data.balloon_art import SHOWN
from mrcnn.data.drawing import layers
from mrcnn.data.drawing.layers import Layer, Scene, outline
from mrcnn.data.drawing.rubber import Shape, egg, form
from mrcnn.data.drawn import DrawnBalloons
from mrcnn.data.via import Region
from mrcnn.files import sha256

SHIPPED = Path(__file__).parents[2] / "datasets" / "balloons.zip"
SIZE = 96


def pictures(dataset, ids):
    """Return image and masks of some ids, drawn anew."""
    drawn._drawn.cache_clear()
    return {i: (dataset.load_image(i), dataset.load_mask(i)[0]) for i in ids}


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_an_image_depends_on_its_number_only(share):
    few = pictures(DrawnBalloons(3, seed=4, size=SIZE, varied=share), [0, 1, 2])
    many = pictures(DrawnBalloons(9, seed=4, size=SIZE, varied=share), [2, 7, 0, 1])
    for i, arrays in few.items():
        for one, other in zip(arrays, many[i], strict=True):
            np.testing.assert_array_equal(one, other)
    assert few[0][0].shape != few[1][0].shape or (few[0][0] != few[1][0]).any()


def test_image_and_mask_are_drawn_once(monkeypatch):
    drawn._drawn.cache_clear()
    calls = []
    draw = varied.draw
    monkeypatch.setattr(varied, "draw", lambda *a: calls.append(a) or draw(*a))
    dataset = DrawnBalloons(2, size=SIZE)
    image = dataset.load_image(1)
    image[:] = 0  # A user's own copy.
    dataset.load_mask(1)
    assert dataset.load_image(1).any()
    assert len(calls) == 1


def test_the_share_of_varied_scenes_is_the_one_asked_for():
    for share in (0.0, 0.3, 1.0):
        dataset = DrawnBalloons(400, varied=share)
        found = np.mean([dataset.is_varied(i) for i in dataset.image_ids])
        assert found == pytest.approx(share, abs=0.08 if 0 < share < 1 else 0)
    dataset = DrawnBalloons(20, varied=0.5)
    kinds = {dataset.image_reference(i).split()[0] for i in dataset.image_ids}
    assert kinds == {"varied", "plain"}


def test_plain_pictures_are_those_of_the_zip():
    """The pixels of `render`, and masks that its polygons agree with."""
    dataset = DrawnBalloons(6, seed=3, size=SIZE, varied=0)
    for i in dataset.image_ids:
        image, polygons = synthetic.render([3, 0, i], SIZE)
        np.testing.assert_array_equal(dataset.load_image(i), image)
        masks, _ = dataset.load_mask(i)
        union = np.zeros(image.shape[:2], bool)
        for polygon in polygons:
            x, y = np.array(polygon).T
            region = {"all_points_x": x, "all_points_y": y}
            union |= Region("polygon", region, {}, "here").mask(*image.shape[:2])
        both = masks.any(axis=-1)
        assert not (union & ~binary_dilation(both)).any()
        assert not (binary_erosion(union) & ~both).any()


def test_shipped_plain_pictures_are_still_drawn_byte_for_byte():
    files = synthetic._files(2, 1, 384, 0, False)
    with zipfile.ZipFile(SHIPPED) as archive:
        for name, content in files:
            if name.endswith(".jpg"):
                assert archive.read(name) == content, name


def test_masks_are_disjoint_and_visible():
    dataset = DrawnBalloons(30, seed=1, size=128)
    for i in dataset.image_ids:
        image, (masks, class_ids) = dataset.load_image(i), dataset.load_mask(i)
        assert image.dtype == np.uint8 and image.shape[2] == 3
        assert max(image.shape) == 128 and masks.shape[:2] == image.shape[:2]
        assert masks.sum(axis=-1).max() == 1
        assert masks.any(axis=(0, 1)).all()
        assert (class_ids == 1).all() and len(class_ids) == masks.shape[-1] >= 1


def test_every_balloon_keeps_its_least_share():
    for i in range(20):
        _, scene = varied._scene([7, varied.PART, i], 128)
        for window, share, whole in scene.seen:
            assert share.sum() >= SHOWN * whole >= SHOWN * layers.LEAST
            assert share.shape == tuple(s.stop - s.start for s in window)
            assert share.min() > -1e-6 and share.max() < 1 + 1e-6


def test_numbers_and_sizes_are_those_of_the_photographs():
    """`datasets/README.md`: 44 % show one balloon, 15 % ten or more; median 0.13."""
    counts, sizes = [], []
    dataset = DrawnBalloons(100, seed=2, size=96)
    for i in dataset.image_ids:
        masks = dataset.load_mask(i)[0]
        counts.append(masks.shape[-1])
        sizes += np.sqrt(masks.mean(axis=(0, 1))).tolist()
    counts = np.array(counts)
    assert 0.34 < (counts == 1).mean() < 0.56
    assert 0.06 < (counts >= 10).mean() < 0.2
    assert counts.max() <= 30
    assert 0.09 < np.median(sizes) < 0.17


def test_outlines_of_varied_scenes_agree_with_their_masks():
    for i in range(12):
        _, scene = varied._scene([5, varied.PART, i], 128)
        owner = scene.owner()
        for polygon in scene.outlines():
            x, y = np.array(polygon).T
            assert len(x) >= 3 and min(x.min(), y.min()) >= 0
            assert x.max() <= owner.shape[1] - 1 and y.max() <= owner.shape[0] - 1
        if len(scene.seen) == 1:
            region = {"all_points_x": x, "all_points_y": y}
            mask = Region("polygon", region, {}, "here").mask(*owner.shape)
            assert not (mask & ~binary_dilation(owner > 0, iterations=2)).any()


def test_outline_of_a_disc_lies_on_its_circle():
    rows, columns = np.mgrid[:60, :60]
    share = np.clip(20.5 - np.hypot(rows - 30.25, columns - 29.5), 0, 1)
    x, y = np.array(outline(share, share.shape, 1)).T
    np.testing.assert_allclose(np.hypot(y - 30.25, x - 29.5), 20, atol=0.15)


def test_a_layer_hides_what_is_below_or_is_left_out():
    scene = Scene(np.zeros((10, 10, 3), np.float32))
    everything = slice(0, 10), slice(0, 10)
    full = np.ones((10, 10), np.float32)
    left = full * (np.arange(10) < 5)
    assert scene.put([Layer(everything, full, np.ones(3))], balloon=True)
    assert scene.put([Layer(everything, left, np.zeros(3))])
    assert scene.owner()[:, 5:].all() and not scene.owner()[:, :5].any()
    more = Layer(everything, full * (np.arange(10) < 8), np.full(3, 0.5))
    assert not scene.put([more])  # 20 % would be left.
    assert scene.picture[0].tolist() == [[0] * 3] * 5 + [[1] * 3] * 5
    dot = np.zeros((10, 10), np.float32)
    dot[0, :3] = 1
    assert not scene.put([Layer(everything, dot, np.ones(3))], balloon=True)
    scene.mark(Layer(everything, full, np.full(3, 0.25)))  # A string hides nothing.
    assert scene.owner()[:, 5:].all() and scene.picture.max() == 0.25


def test_a_varied_balloon_has_its_knot_below():
    outline_, knot = egg(np.random.default_rng(0))
    shape = Shape(100, 100, 40, outline_, knot, 0.0)
    window, cover, normals, depth = form(shape, (200, 200))
    rows = np.flatnonzero((cover > 0.5).any(axis=1)) + window[0].start
    top = 100 - 40 * outline_[len(outline_) // 2]
    assert rows.min() == pytest.approx(top, abs=1.5)
    assert rows.max() == pytest.approx(100 + 40 * (knot + 0.12), abs=2)
    middle = 100 - window[0].start, 100 - window[1].start
    np.testing.assert_allclose(normals[middle], [0, 0, 1], atol=1e-3)
    rim = rows.min() - window[0].start, middle[1]
    assert depth[rim] == pytest.approx(0, abs=1) and depth[middle] > 30
    inside = depth > 1
    np.testing.assert_allclose(np.linalg.norm(normals[inside], axis=-1), 1, atol=1e-2)


def test_varied_zip_loads(tmp_path):
    options = {"train": 3, "val": 1, "size": SIZE, "varied_scenes": True}
    synthetic.write_set(tmp_path / "set", **options)
    dataset = load_balloons(tmp_path / "set", "train")
    for i in dataset.image_ids:
        masks, _ = dataset.load_mask(i)
        assert masks.any(axis=(0, 1)).all() and masks.shape[-1]
    assert not synthetic.main(
        [str(tmp_path / "a.zip"), "--train=3", "--val=1", f"--size={SIZE}", "--varied"]
    )
    synthetic.write_zip(tmp_path / "b.zip", **options)
    assert sha256(tmp_path / "a.zip") == sha256(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        name = f"train/{ANNOTATIONS}"
        assert archive.read(name) == (tmp_path / "set" / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"count": -1}, "count is -1: give 0 or more"),
        ({"count": 1, "size": 20}, "size is 20: give at least 64"),
        ({"count": 1, "varied": 1.5}, "varied is 1.5: give a share"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, fault):
    with pytest.raises(ValueError, match=fault):
        DrawnBalloons(**options)
