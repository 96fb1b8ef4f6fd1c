"""Masks of numbers and of single objects: bits, layouts, and what cannot be told."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from mrcnn.data.readers import mask_folder
from tests.data.readers import written


def numbers(folder, name, pixels, suffix=".png"):
    path = folder / "masks" / f"{name}{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    return path


def areas(folder, split=None):
    dataset = mask_folder.read(folder, split)
    found = written.objects(dataset)
    return {name: [mask.sum() for _, mask in parts] for name, parts in found.items()}


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        (np.uint8, ".png"),
        (np.uint16, ".png"),
        (np.uint8, ".tif"),
        (np.uint16, ".tif"),
        (np.int32, ".tif"),
        (np.int64, ".tif"),  # what skimage.measure.label returns
    ],
)
def test_numbers_of_any_bits_are_read_as_they_are(tmp_path, kind, suffix):
    written.as_masks(tmp_path)
    pixels = np.zeros(written.SIZE, kind)
    pixels[2:4, 2:7], pixels[5, 5], pixels[9, 9] = 1, 2, np.iinfo(kind).max % 65536
    (tmp_path / "masks" / "a.png").unlink()
    numbers(tmp_path, "a", pixels, suffix)
    assert sorted(areas(tmp_path)["a"]) == [1, 1, 10]


def test_marks_without_numbers_are_refused(tmp_path):
    written.pictures(tmp_path / "images")
    (tmp_path / "masks").mkdir()
    pixels = np.zeros(written.SIZE, np.uint8)
    pixels[2:4, 2:7] = pixels[8, 8] = 255
    for name in written.SET:
        path = numbers(tmp_path, name, pixels)
    with pytest.raises(ValueError, match=r"a\.png marks several pieces with one value"):
        mask_folder.read(tmp_path)
    numbers(tmp_path, "a", np.arange(600, dtype=np.uint16).reshape(written.SIZE))
    dataset = mask_folder.read(tmp_path)  # most are numbers: the others are seen later
    with pytest.raises(ValueError, match=f"{path.name} marks several pieces"):
        dataset.load_mask(2)
    for name in written.SET:  # a single object in each picture
        numbers(tmp_path, name, np.where(pixels > 0, pixels, 0) * (np.arange(30) > 7))
    assert areas(tmp_path)["a"] == [1]


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((20, 30, 3), np.uint8), r"has colours \(RGB\)"),
        (np.zeros((30, 20), np.uint8), "has 30 x 20 pixels"),
    ],
)
def test_masks_that_cannot_be_numbers_are_refused(tmp_path, pixels, said):
    written.as_masks(tmp_path)
    numbers(tmp_path, "a", pixels)
    with pytest.raises(ValueError, match=rf"a\.png.*{said}"):
        areas(tmp_path)


def test_fractions_and_jpeg_are_refused(tmp_path):
    written.as_masks(tmp_path)
    (tmp_path / "masks" / "a.png").unlink()
    numbers(tmp_path, "a", np.zeros(written.SIZE, np.float32), ".tif")
    with pytest.raises(ValueError, match=r"a\.tif holds float32"):
        areas(tmp_path)
    (tmp_path / "masks" / "a.tif").unlink()
    numbers(tmp_path, "a", np.zeros(written.SIZE, np.uint8), ".jpg")
    with pytest.raises(ValueError, match=r"a\.jpg: JPEG changes numbers"):
        areas(tmp_path)


def test_a_folder_for_each_picture_has_its_objects(tmp_path):
    written.pictures(tmp_path / "images")
    for name, objects in written.SET.items():
        (tmp_path / "masks" / name).mkdir(parents=True)
        for i, (_, points) in enumerate(objects):
            numbers(tmp_path, f"{name}/{i}", written.mask(points))
    whole = {n: [written.mask(p).sum() for _, p in o] for n, o in written.SET.items()}
    assert areas(tmp_path) == whole
    path = numbers(tmp_path, "a/2", np.arange(600, dtype=np.uint16).reshape(20, 30))
    dataset = mask_folder.read(tmp_path)
    with pytest.raises(ValueError, match=rf"{path.name} has the values \[0, 1"):
        dataset.load_mask(0)
    numbers(tmp_path, "a/2", np.zeros(written.SIZE, bool))
    with pytest.raises(ValueError, match=r"has the values \[0\]: a mask of one object"):
        mask_folder.read(tmp_path).load_mask(0)


def test_names_may_end_in_mask_and_folders_are_splits(tmp_path, capsys):
    for split in ("train", "val"):
        written.as_masks(tmp_path / split)
    masks = tmp_path / "val" / "masks"
    (masks / "a.png").rename(masks / "a_mask.png")
    (masks / "b.png").rename(masks / "other.png")
    assert len(areas(tmp_path, "train")) == 3
    with pytest.raises(FileNotFoundError, match=r"b\.png has no mask .*masks.b\.png"):
        areas(tmp_path, "val")
    dataset = mask_folder.read(tmp_path, "val", skip_faulty=True)
    assert dataset.num_images == 2
    assert "1 masks have no picture" in capsys.readouterr().out


def test_a_file_names_the_class(tmp_path):
    written.as_masks(tmp_path)
    (tmp_path / "classes.txt").write_text("nucleus\n")
    assert mask_folder.read(tmp_path).class_names == ["BG", "nucleus"]
    (tmp_path / "classes.txt").write_text("nucleus\ncell\n")
    with pytest.raises(ValueError, match="has 2 names"):
        mask_folder.read(tmp_path)


@pytest.mark.parametrize("kinds", [1, 3])
def test_numbers_of_classes_are_refused(tmp_path, kinds):
    """Each class lies in several pieces; of objects, one that is hidden in part."""
    written.as_masks(tmp_path)
    pixels = np.zeros(written.SIZE, np.uint8)
    pixels[2:4, 2:-1:4] = 1 + np.arange(7) % kinds
    for name in written.SET:
        numbers(tmp_path, name, pixels)
    with pytest.raises(ValueError, match=r"a\.png marks several pieces with one value"):
        areas(tmp_path)
    pixels[2:4, 2:-1:4] = [1, 1, *range(2, 7)]
    for name in written.SET:
        numbers(tmp_path, name, pixels)
    assert areas(tmp_path)["a"] == [4, 2, 2, 2, 2, 2]
