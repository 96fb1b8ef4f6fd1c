"""Pascal VOC: palettes, void, the names of classes, lists of splits."""

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.readers import voc
from mrcnn.data.readers.numbered import voc_places
from tests.data.readers import written


def test_places_of_the_palette_are_those_of_the_development_kit():
    colours = np.array(written.voc_palette(), np.uint8).reshape(256, 3)
    np.testing.assert_array_equal(voc_places(colours), np.arange(256))
    assert colours[[1, 2, 15, 255]].tolist() == [
        [128, 0, 0],
        [0, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]


def change(path, rows, columns, value):
    """Write a value into a mask by its palette."""
    picture = Image.open(path)
    pixels = np.array(picture)
    pixels[rows, columns] = value
    picture.putdata(pixels.ravel().tolist())
    picture.save(path)


def test_void_is_of_no_object(tmp_path):
    path = written.as_voc(tmp_path)
    change(path / "SegmentationObject" / "a.png", slice(2, 4), slice(0, 30), 255)
    (_, cup), _ = written.objects(voc.read(path))["a"]
    assert cup.sum() == 121 - 2 * 11


def test_the_class_of_an_object_is_that_of_most_of_its_pixels(tmp_path):
    path = written.as_voc(tmp_path)
    change(path / "SegmentationClass" / "a.png", slice(2, 4), slice(2, 13), 2)
    assert written.objects(voc.read(path))["a"][0][0] == "cup"
    change(path / "SegmentationClass" / "a.png", slice(2, 13), slice(2, 13), 0)
    with pytest.raises(ValueError, match=r"Class.a\.png: object 1 is of no class"):
        written.objects(voc.read(path))


def test_masks_may_be_written_in_the_colours_of_the_palette(tmp_path):
    path = written.as_voc(tmp_path)
    want = written.objects(voc.read(path))
    for kind in ("Object", "Class"):
        for file in (path / f"Segmentation{kind}").iterdir():
            Image.open(file).convert("RGB").save(file)
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += ["cup:128,0,0::", "plate:0,128,0::"]
    (path / "labelmap.txt").write_text("\n".join(lines))
    found = written.objects(voc.read(path))
    for stem, objects in want.items():
        for (name, mask), (other, pixels) in zip(objects, found[stem], strict=True):
            assert name == other and (mask == pixels).all()
    (path / "labelmap.txt").write_text("cup:128,0,0::\nplate:128,0,0::")
    with pytest.raises(ValueError, match="line 2: 'cup' has the same colour"):
        voc.read(path)


def test_without_a_list_the_classes_are_the_twenty(tmp_path):
    path = written.as_voc(tmp_path)
    (path / "class_names.txt").unlink()
    assert [name for name, _ in written.objects(voc.read(path))["a"]] == [
        "aeroplane",
        "bicycle",
    ]
    assert voc.read(path).num_classes == 21


def test_lists_are_splits(tmp_path):
    path = written.as_voc(tmp_path / "VOCdevkit" / "VOC2012")
    lists = path / "ImageSets" / "Segmentation"
    (lists / "val.txt").write_text("b\n")
    assert voc.read(tmp_path, "val").num_images == 1
    assert voc.read(tmp_path, "train").num_images == 3
    (lists / "val.txt").write_text("b\nb\n../../a\nx\n")
    with pytest.raises(ValueError, match="3 faults") as caught:
        voc.read(tmp_path, "val")
    for said in ("line 2: 'b' is listed twice", "x.jpg is missing"):
        assert said in str(caught.value)


def test_a_mask_of_another_size_is_refused(tmp_path):
    path = written.as_voc(tmp_path)
    Image.new("P", (20, 30)).save(path / "SegmentationObject" / "a.png")
    with pytest.raises(
        ValueError, match=r"a\.png has 30 x 20 pixels .* picture 20 x 30"
    ):
        voc.read(path)


def test_a_set_without_classes_is_of_one(tmp_path, capsys):
    path = written.as_voc(tmp_path)
    (path / "SegmentationClass").rename(path / "other")
    assert [name for name, _ in written.objects(voc.read(path))["a"]] == ["object"] * 2
    assert "all objects are 'object'" in capsys.readouterr().out


def test_a_listed_picture_without_masks_shows_no_object(tmp_path, capsys):
    path = written.as_voc(tmp_path)
    (path / "SegmentationObject" / "b.png").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"SegmentationObject.b\.png is missing"
    ):
        voc.read(path)  # of which the classes are there
    (path / "SegmentationClass" / "b.png").unlink()
    assert written.objects(voc.read(path))["b"] == []
    assert "1 of 3 pictures have no mask" in capsys.readouterr().out
