"""Balloons: a small set in the real layout, and every way in which it can be broken."""

import json

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.balloon import ANNOTATIONS, find_photographs, load_balloons


@pytest.fixture
def folder(tmp_path):
    """A set with one training image of 40 x 60 that shows two balloons."""
    place = tmp_path / "balloon" / "train"
    place.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(place / "a.jpg")
    annotate(place, [rect(2, 3, 10, 8), rect(50, 30, 100, 100)])
    return tmp_path / "balloon"


def rect(x, y, width, height):
    shape = {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    return {"shape_attributes": shape, "region_attributes": {}}


def annotate(place, regions):
    content = {
        "a.jpg1": {"filename": "a.jpg", "regions": regions},
        "bare.jpg1": {"filename": "bare.jpg", "regions": []},  # No such file: skipped.
    }
    (place / ANNOTATIONS).write_text(json.dumps(content))


def test_loads_masks_and_classes(folder):
    dataset = load_balloons(folder, "train")
    assert dataset.class_names == ["BG", "balloon"]
    assert dataset.num_images == 1
    assert dataset.load_image(0).shape == (40, 60, 3)
    masks, class_ids = dataset.load_mask(0)
    assert (masks.shape, masks.dtype) == ((40, 60, 2), bool)
    assert masks.sum(axis=(0, 1)).tolist() == [80, 100]  # The second is cut off.
    assert (class_ids.tolist(), class_ids.dtype) == ([1, 1], np.int32)
    assert dataset.image_reference(0).endswith("a.jpg")


def test_missing_pieces_are_named(folder):
    with pytest.raises(ValueError, match="subset 'test'"):
        load_balloons(folder, "test")
    with pytest.raises(FileNotFoundError, match=r"val is missing.*balloons\.zip"):
        load_balloons(folder, "val")
    (folder / "train" / "a.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.jpg is missing"):
        load_balloons(folder, "train")
    (folder / "train" / ANNOTATIONS).unlink()
    with pytest.raises(FileNotFoundError, match=ANNOTATIONS):
        load_balloons(folder, "train")


def test_truncated_image_is_found_before_training(folder):
    path = folder / "train" / "a.jpg"
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read"):
        load_balloons(folder, "train")
    path.write_bytes(b"no picture at all")
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read"):
        load_balloons(folder, "train")


def test_region_outside_its_image_is_found_before_training(folder):
    annotate(folder / "train", [rect(2, 3, 10, 8), rect(61, 3, 10, 8)])
    with pytest.raises(ValueError, match=r"image a\.jpg: region 1.*40 x 60"):
        load_balloons(folder, "train")


def test_nothing_annotated_is_an_error(folder):
    annotate(folder / "train", [])
    with pytest.raises(ValueError, match="no annotated image"):
        load_balloons(folder, "train")


def test_photographs_are_found_only_when_both_subsets_are_there(tmp_path):
    folder = tmp_path / "datasets" / "balloon"
    assert find_photographs(tmp_path) is None
    for subset in ("train", "val"):
        assert find_photographs(tmp_path) is None
        (folder / subset).mkdir(parents=True)
        (folder / subset / "via_region_data.json").write_text("{}")
    assert find_photographs(tmp_path) == folder
