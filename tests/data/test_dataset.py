"""Dataset: Matterport's bookkeeping, and reading pictures of every kind."""

import numpy as np
import pytest
import skimage.io
from PIL import Image

from mrcnn.data.dataset import Dataset, read_image


@pytest.fixture
def two_sources() -> Dataset:
    dataset = Dataset()
    dataset.add_class("coco", 12, "stop sign, octagon")
    dataset.add_class("own", 1, "balloon")
    dataset.add_class("own", 1, "balloon")
    dataset.add_image("own", "a", "a.png", note="kept")
    dataset.add_image("coco", 7, None)
    dataset.prepare()
    return dataset


def test_background_is_class_0_and_duplicates_are_ignored(two_sources):
    assert two_sources.class_names == ["BG", "stop sign", "balloon"]
    assert two_sources.num_classes == 3
    assert two_sources.class_ids.tolist() == [0, 1, 2]
    assert two_sources.image_ids.tolist() == [0, 1]
    assert two_sources.sources == ["", "coco", "own"]


def test_ids_map_both_ways(two_sources):
    assert two_sources.map_source_class_id("coco.12") == 1
    assert two_sources.get_source_class_id(1, "coco") == 12
    assert two_sources.image_from_source_map == {"own.a": 0, "coco.7": 1}
    assert two_sources.source_class_ids == {"": [0], "coco": [0, 1], "own": [0, 2]}
    assert two_sources.image_info[0]["note"] == "kept"
    assert two_sources.source_image_link(0) == "a.png"


def test_wrong_ids_are_explained(two_sources):
    with pytest.raises(ValueError, match=r"own\.9.*coco\.12, own\.1"):
        two_sources.map_source_class_id("own.9")
    with pytest.raises(ValueError, match="belongs to source 'own'"):
        two_sources.get_source_class_id(2, "coco")
    with pytest.raises(ValueError, match="dot"):
        two_sources.add_class("a.b", 1, "x")
    with pytest.raises(ValueError, match="already 'balloon'"):
        two_sources.add_class("own", 1, "kite")


def test_empty_dataset_prepares():
    dataset = Dataset()
    assert len(dataset.image_ids) == 0
    dataset.prepare()
    assert (dataset.num_images, dataset.num_classes) == (0, 1)


def test_image_without_a_file_says_so(two_sources):
    assert two_sources.image_reference(1) == "image 7 of coco"
    with pytest.raises(ValueError, match="image 7 of coco has no file"):
        two_sources.load_image(1)


@pytest.mark.parametrize("channels", [(), (2,), (3,), (4,)])
def test_every_channel_count_becomes_rgb(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, *channels), np.uint8)
    skimage.io.imsave(tmp_path / "a.png", pixels, check_contrast=False)
    image = read_image(tmp_path / "a.png")
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    expected = pixels[..., :3] if channels in [(3,), (4,)] else np.dstack([grey] * 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("mode", ["P", "1", "CMYK"])
def test_palettes_bits_and_inks_become_rgb(tmp_path, mode):
    picture = Image.new("RGB", (4, 2), (255, 255, 255)).convert(mode)
    picture.save(tmp_path / "a.tif")
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.tif"), np.full((2, 4, 3), 255, np.uint8)
    )


def test_sixteen_bits_become_eight(tmp_path):
    pixels = np.array([[0, 257 * 100, 65535]], np.uint16)
    skimage.io.imsave(tmp_path / "a.png", pixels, check_contrast=False)
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == [0, 100, 255]


def test_unreadable_images_name_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.png is missing"):
        read_image(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"text\.png cannot be read"):
        read_image(tmp_path / "text.png")
    pixels = np.full((2, 2), np.nan, np.float32)
    skimage.io.imsave(tmp_path / "nan.tif", pixels, check_contrast=False)
    with pytest.raises(ValueError, match=r"nan\.tif.*NaN"):
        read_image(tmp_path / "nan.tif")


def test_base_class_has_no_objects(tmp_path, caplog):
    pixels = np.zeros((3, 5, 3), np.uint8)
    skimage.io.imsave(tmp_path / "a.png", pixels, check_contrast=False)
    dataset = Dataset()
    dataset.add_image("own", 0, tmp_path / "a.png")
    dataset.prepare()
    masks, class_ids = dataset.load_mask(0)
    assert (masks.shape, masks.dtype) == ((3, 5, 0), bool)
    assert (class_ids.shape, class_ids.dtype) == ((0,), np.int32)
    assert "has no load_mask" in caplog.text


def test_images_from_files_may_be_drawn_on(tmp_path):
    pixels = np.zeros((4, 4, 3), np.uint8)
    skimage.io.imsave(tmp_path / "a.png", pixels, check_contrast=False)
    image = read_image(tmp_path / "a.png")
    image[0] = 255
    assert image[0].all() and not image[1:].any()
