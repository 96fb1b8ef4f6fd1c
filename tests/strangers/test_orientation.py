"""Orientation tags: pictures and their annotations meet, whichever frame it was."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from mrcnn.data import frames
from mrcnn.data.balloon import ANNOTATIONS, load_balloons
from mrcnn.data.dataset import Dataset, read_image
from mrcnn.data.orientation import STEPS, turn, turned_shape
from mrcnn.data.pictures import examine, header
from mrcnn.data.pipeline import load_annotated

F = np.array([[1, 2, 3], [4, 5, 6]])
TURNED = {  # of EXIF's table: which stored side becomes the top, and which the left
    1: [[1, 2, 3], [4, 5, 6]],  # top, left
    2: [[3, 2, 1], [6, 5, 4]],  # top, right
    3: [[6, 5, 4], [3, 2, 1]],  # bottom, right
    4: [[4, 5, 6], [1, 2, 3]],  # bottom, left
    5: [[1, 4], [2, 5], [3, 6]],  # left, top
    6: [[4, 1], [5, 2], [6, 3]],  # left, bottom: a quarter turn clockwise
    7: [[6, 3], [5, 2], [4, 1]],  # right, bottom
    8: [[3, 6], [2, 5], [1, 4]],  # right, top
}


def save(path, pixels, tag, **options):
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(pixels).save(path, exif=exif, **options)


@pytest.fixture
def pixels(rng) -> np.ndarray:
    return rng.integers(0, 256, (8, 12, 3), np.uint8)


@pytest.mark.parametrize("tag", STEPS)
def test_every_tag_by_hand(tag):
    turned = turn(F, tag)
    assert turned.tolist() == TURNED[tag]
    assert turned.flags.c_contiguous
    assert turned_shape(F.shape, tag) == turned.shape


@pytest.mark.parametrize("kind", ["png", "tif", "webp"])
@pytest.mark.parametrize("tag", STEPS)
def test_files_of_every_tag_and_format(tmp_path, pixels, kind, tag):
    path = tmp_path / f"a.{kind}"
    save(path, pixels, tag, **({"lossless": True} if kind == "webp" else {}))
    np.testing.assert_array_equal(read_image(path, orientation="stored"), pixels)
    np.testing.assert_array_equal(read_image(path), turn(pixels, tag))
    assert examine(path) == header(path) == (8, 12, tag)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("tag", STEPS)
def test_tiff_files_of_every_depth(tmp_path, rng, tag, count, depth):
    """Pillow turns them itself, and mixes up those that it maps into memory."""
    full = np.iinfo(depth).max
    stored = rng.integers(0, full + 1, (8, 12, count)).astype(depth)
    stored[0, 0], stored[0, 1] = 0, full
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored if count == 3 else stored[..., 0],
        photometric="rgb" if count == 3 else "minisblack",
        extratags=[(274, "H", 1, tag, True)],
    )
    expected = np.rint(stored / (full / 255)).astype(np.uint8)
    found = read_image(tmp_path / "a.tif", count, orientation="stored")
    np.testing.assert_array_equal(found, expected)
    found = read_image(tmp_path / "a.tif", count)
    np.testing.assert_array_equal(found, turn(expected, tag))
    assert header(tmp_path / "a.tif") == (8, 12, tag)


@pytest.mark.parametrize("tag", STEPS)
def test_photographs_of_every_tag(tmp_path, tag):
    quarters = np.kron(F[:, :2] * 50, np.ones((8, 8))).astype(np.uint8)
    save(tmp_path / "a.jpg", quarters, tag)
    turned = read_image(tmp_path / "a.jpg", 1)[..., 0]
    assert abs(turned - turn(quarters, tag).astype(int)).max() < 3
    assert examine(tmp_path / "a.jpg") == header(tmp_path / "a.jpg") == (16, 16, tag)


def test_what_is_no_tag_turns_nothing(tmp_path, pixels):
    for tag in (0, 9, 65535):
        save(tmp_path / "a.png", pixels, tag)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0"
    Image.fromarray(pixels).save(tmp_path / "b.png", exif=broken)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), pixels)
    with pytest.raises(ValueError, match="orientation is 'up'; it must be one of"):
        read_image(tmp_path / "b.png", orientation="up")


def polygon(x, y):
    shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
    return {"shape_attributes": shape, "region_attributes": {}}


UPRIGHT = polygon([2, 6, 6, 2], [9, 9, 11, 11])  # rows 9 to 11: not in 8 x 12
LYING = polygon([9, 11, 11, 9], [2, 2, 6, 6])  # columns 9 to 11: not in 12 x 8
SMALL = polygon([2, 6, 6, 2], [1, 1, 5, 5])  # in both


def folder(tmp_path, pixels, images):
    """A set of pictures of 8 x 12: name -> (tag, region)."""
    place = tmp_path / "train"
    place.mkdir()
    entries = {}
    for name, (tag, region) in images.items():
        save(place / name, pixels, tag)
        entries[name] = {"filename": name, "regions": [region]}
    (place / ANNOTATIONS).write_text(json.dumps(entries))
    return tmp_path


@pytest.mark.parametrize(
    ("region", "shape", "said"),
    [
        (UPRIGHT, (12, 8), "1 regions leave the images as stored, 0 the turned"),
        (LYING, (8, 12), "0 regions leave the images as stored, 1 the turned"),
        (SMALL, (12, 8), 'orientation="stored" does otherwise'),  # a tie
    ],
)
def test_regions_say_in_which_frame_they_were_drawn(
    tmp_path, pixels, capsys, region, shape, said
):
    images = {"a.png": (6, region), "b.png": (1, SMALL)}
    dataset = load_balloons(folder(tmp_path, pixels, images), "train")
    out = capsys.readouterr().out
    assert out.count("1 of 2 images have an orientation tag") == 1 and said in out
    image, masks, _ = load_annotated(dataset, 0)
    assert image.shape[:2] == masks.shape[:2] == shape
    np.testing.assert_array_equal(image, turn(pixels, 6 if shape[0] == 12 else 1))
    x, y = region["shape_attributes"]["all_points_x"], None
    y = region["shape_attributes"]["all_points_y"]
    assert masks.sum() == (max(x) - min(x) + 1) * (max(y) - min(y) + 1)
    np.testing.assert_array_equal(dataset.load_image(1), pixels)


def test_the_argument_overrides_and_sets_without_tags_say_nothing(
    tmp_path, pixels, capsys
):
    root = folder(tmp_path, pixels, {"a.png": (6, SMALL)})
    dataset = load_balloons(root, "train", orientation="stored")
    assert load_annotated(dataset, 0)[0].shape == (8, 12, 3)
    with pytest.raises(ValueError, match="orientation is 'left'"):
        load_balloons(root, "train", orientation="left")
    save(root / "train" / "a.png", pixels, 1)
    load_balloons(root, "train")
    assert "orientation" not in capsys.readouterr().out


def test_a_good_region_in_the_other_frame_is_never_to_be_removed(tmp_path, pixels):
    images = {"a.png": (6, UPRIGHT), "b.png": (6, UPRIGHT), "c.png": (8, LYING)}
    root = folder(tmp_path, pixels, images)
    with pytest.raises(ValueError, match=r"image c\.png has orientation tag 8") as info:
        load_balloons(root, "train")
    assert 'orientation="turned"' in str(info.value)
    assert "remove" not in str(info.value)
    with pytest.raises(ValueError, match=r'see orientation="turned"') as info:
        load_balloons(root, "train", orientation="stored")
    assert "remove" not in str(info.value)


class Drawn(Dataset):
    """Photographs with one object in masks of a shape, as a user's own class has it."""

    def __init__(self, paths, shape):
        super().__init__()
        self.add_class("own", 1, "thing")
        for path in paths:
            self.add_image("own", path.name, path)
        self.shape, self.asked = shape, 0
        self.prepare()

    def load_mask(self, image_id):
        self.asked += 1
        return np.ones((*self.shape, 1), bool), np.ones(1, np.int32)


@pytest.mark.parametrize("shape", [(8, 12), (12, 8)])
def test_the_facade_follows_the_masks_and_warns_once(tmp_path, pixels, caplog, shape):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, tag in zip(paths, (1, 6, 8), strict=True):
        save(path, pixels, tag)
    dataset = Drawn(paths, shape)
    assert dataset.load_image(0).shape == (8, 12, 3)
    assert not caplog.text
    for i in (1, 2, 1):
        assert dataset.load_image(i).shape[:2] == shape
    (record,) = caplog.records
    assert "2 of 3 images have an orientation tag" in record.message
    assert "orientation = " in record.message
    assert dataset.asked == 2


def test_the_facade_leaves_ties_as_stored(tmp_path, rng, caplog):
    square = rng.integers(0, 256, (8, 8, 3), np.uint8)
    save(tmp_path / "a.png", square, 6)
    np.testing.assert_array_equal(
        Drawn([tmp_path / "a.png"], (8, 8)).load_image(0), square
    )
    assert "1 of 1 images" in caplog.text
    caplog.clear()
    dataset = Drawn([tmp_path / "a.png"], (8, 8))
    dataset.orientation = "turned"
    np.testing.assert_array_equal(dataset.load_image(0), turn(square, 6))
    assert not caplog.text


def test_a_load_mask_that_reads_its_image_or_fails_decides_nothing(
    tmp_path, pixels, caplog
):
    class Reads(Drawn):
        def load_mask(self, image_id):
            shape = self.load_image(image_id).shape[:2]
            return np.ones((*shape, 1), bool), np.ones(1, np.int32)

    class Fails(Drawn):
        def load_mask(self, image_id):
            raise IndexError("index 11 is out of bounds")

    save(tmp_path / "a.png", pixels, 6)
    for kind in (Reads, Fails):
        assert kind([tmp_path / "a.png"], None).load_image(0).shape == (8, 12, 3)
    dataset = Dataset(orientation="turned")
    assert dataset.orientation == "turned" and Dataset().orientation == "auto"


def test_masks_of_another_frame_name_the_attribute(tmp_path, pixels):
    save(tmp_path / "a.png", pixels, 6)
    dataset = Drawn([tmp_path / "a.png"], (12, 8))
    dataset.orientation = "stored"
    with pytest.raises(ValueError, match=r"a\.png.*12 x 8.*`orientation`"):
        load_annotated(dataset, 0)


def test_what_is_no_picture_has_no_header(tmp_path):
    (tmp_path / "a.png").write_text("nothing")
    assert header(tmp_path / "a.png") is header(tmp_path / "gone.png") is None
    assert frames.misfits([], (8, 12, 6)) == (0, 0)
