"""Synthetic balloons: outlines lie on the objects, and every byte is repeatable."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mrcnn.data import scenery, synthetic
from mrcnn.data.archive import extract
from mrcnn.data.balloon import ANNOTATIONS, load_balloons
from mrcnn.data.balloon_art import Balloon, form
from mrcnn.data.via import Region
from mrcnn.files import sha256

SHIPPED = Path(__file__).parents[2] / "datasets" / "balloons.zip"


def test_render_depends_on_its_arguments_only():
    image, polygons = synthetic.render([3, 1], 96)
    again, same = synthetic.render([3, 1], 96)
    np.testing.assert_array_equal(image, again)
    assert polygons == same
    assert image.dtype == np.uint8 and max(image.shape) == 96
    other, _ = synthetic.render([3, 2], 96)
    assert other.shape != image.shape or (other != image).any()


def test_polygons_lie_inside_their_image():
    for seed in range(8):
        image, polygons = synthetic.render(seed, 96)
        for polygon in polygons:
            x, y = np.array(polygon).T
            assert len(x) >= 3
            assert x.min() >= 0 and x.max() <= image.shape[1] - 1
            assert y.min() >= 0 and y.max() <= image.shape[0] - 1


def test_outline_follows_what_is_drawn(monkeypatch):
    """One balloon on black: its polygon covers what is bright, and little else."""

    def black(height, width, rng):
        return np.zeros((height, width, 3), np.float32)

    def one(height, width, rng):
        white = np.ones(3)
        yield Balloon(height * 0.4, width * 0.6, height / 6, 1.2, 0.3, 0.5, white, 1.0)

    monkeypatch.setattr(synthetic, "background", black)
    monkeypatch.setattr(synthetic, "_arrangement", one)
    monkeypatch.setattr(synthetic, "draw_string", lambda *arguments: None)
    monkeypatch.setattr(synthetic, "cover", lambda *arguments: None)
    for seed in range(5):
        image, (polygon,) = synthetic.render(seed, 200)
        x, y = np.array(polygon).T
        numbers = {"all_points_x": x, "all_points_y": y}
        mask = Region("polygon", numbers, {}, "here").mask(*image.shape[:2])
        bright = image.max(axis=2) > 45
        assert (mask & bright).sum() / (mask | bright).sum() > 0.9


def test_upright_balloon_has_its_knot_below():
    balloon = Balloon(100, 100, 40, 1.2, 0.3, 0.0, np.ones(3), 1.0)
    inside, window, normals = form(balloon, (200, 200))
    rows = np.flatnonzero(inside.any(axis=1)) + window[0].start
    assert rows.min() == pytest.approx(100 - 48, abs=1.5)
    assert rows.max() == pytest.approx(100 + 48 * 1.09, abs=1.5)
    middle = 100 - window[0].start, 100 - window[1].start
    np.testing.assert_allclose(normals[middle], [0, 0, 1], atol=1e-6)
    lengths = np.linalg.norm(normals, axis=-1)[inside & (normals[..., 2] > 0)]
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_set_and_zip_hold_the_same_files(tmp_path):
    options = {"train": 3, "val": 1, "size": 96, "seed": 4}
    synthetic.write_set(tmp_path / "set", **options)
    for name in ("a.zip", "b.zip"):
        synthetic.write_zip(tmp_path / name, **options)
    assert sha256(tmp_path / "a.zip") == sha256(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        for name in names:
            assert (tmp_path / "set" / name).read_bytes() == archive.read(name)
    assert names == sorted(names) and f"val/{ANNOTATIONS}" in names
    assert sum(name.endswith(".jpg") for name in names) == 4
    with pytest.raises(FileExistsError, match="remove it"):
        synthetic.write_set(tmp_path / "set", **options)


def test_annotations_are_those_of_via_1(tmp_path):
    synthetic.write_set(tmp_path / "set", train=2, val=0, size=128)
    content = json.loads((tmp_path / "set" / "train" / ANNOTATIONS).read_text())
    for key, entry in content.items():
        path = tmp_path / "set" / "train" / entry["filename"]
        assert key == f"{path.name}{path.stat().st_size}"
        assert list(entry["regions"]) == [str(i) for i in range(len(entry["regions"]))]
    assert json.loads((tmp_path / "set" / "val" / ANNOTATIONS).read_text()) == {}


def test_shipped_zip_loads(tmp_path):
    assert SHIPPED.stat().st_size < 8_000_000
    folder = extract(SHIPPED, tmp_path / "balloons")
    for subset, count in (("train", 200), ("val", 40)):
        dataset = load_balloons(folder, subset)
        assert dataset.num_images == count
        image = dataset.load_image(0)
        masks, _ = dataset.load_mask(0)
        assert image.shape[:2] == masks.shape[:2] and max(image.shape) == 384
        assert masks.any(axis=(0, 1)).all()


@pytest.mark.parametrize(
    "kind", ["_photograph", "_outdoors", "sky", "_wall", "textured"]
)
def test_backgrounds_are_pictures(kind):
    for seed in range(3):
        picture = getattr(scenery, kind)(60, 90, np.random.default_rng(seed))
        assert picture.shape == (60, 90, 3)
        assert np.isfinite(picture).all()
        assert picture.min() >= -0.01 and picture.max() <= 1.2
        assert np.ptp(picture) > 0


def test_command_line(tmp_path, capsys):
    arguments = [str(tmp_path / "a.zip"), "--train", "1", "--val", "1", "--size", "64"]
    assert synthetic.main(arguments) == 0
    assert "a.zip: 0.0 MB" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == 4
