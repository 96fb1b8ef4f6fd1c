"""LabelMe's shapes against areas worked by hand, and what people have around them."""

import json

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.dataset import load_pixels
from mrcnn.data.readers import labelme
from tests.data.readers import written

SQUARE = [list(point) for point in written.SQUARE]


def one(folder, *shapes, **more):
    """Return class names and masks of a file of these shapes."""
    written.pictures(folder)
    path = written.labelme(folder, "a", shapes, **more)
    return written.objects(labelme.read(path))["a"]


@pytest.mark.parametrize(
    ("kind", "points", "area"),
    [
        ("polygon", SQUARE, 121),
        (None, SQUARE, 121),  # version 3 has no types
        ("rectangle", [[12, 12], [2, 2]], 121),  # of any two corners
        ("rectangle", [[2.5, 2.5], [12.5, 12.5]], 100),
        ("oriented_rectangle", [[10, 2], [18, 10], [10, 18], [2, 10]], 145),  # 8² + 9²
        ("circle", [[10, 10], [15, 10]], 81),  # x² + y² <= 25 has 81 solutions
        ("circle", [[10, 10], [13, 14]], 81),  # 3, 4, 5
        ("line", [[2, 3], [11, 3]], 10),
        ("linestrip", [[2, 3], [11, 3], [11, 7]], 14),
        ("linestrip", [*SQUARE, [2, 3]], 121),  # nearly closed: an outline
        ("point", [[4.4, 5.6]], 1),
        ("points", [[4, 5], [7, 9], [1, 1]], 3),
    ],
)
def test_areas_of_shapes(tmp_path, kind, points, area):
    ((name, mask),) = one(tmp_path, written.shape("cup", points, kind))
    assert (name, mask.sum()) == ("cup", area)


def test_a_mask_lies_between_its_corners(tmp_path):
    pixels = np.array([[1, 0, 1], [0, 0, 1]], bool)
    data = written.base64_png(pixels)
    shape = written.shape("cup", [[4.0, 7.0], [6.0, 8.0]], "mask", mask=data)
    ((_, mask),) = one(tmp_path, shape)
    assert np.argwhere(mask).tolist() == [[7, 4], [7, 6], [8, 6]]  # row, column


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": [[4, 7], [7, 8]]}, r"'mask' is a picture of 2 x 3 .* span 2 x 4"),
        ({"points": [[28, 7], [30, 8]]}, r"columns 28 to 31 .* leaves its image"),
        ({"mask": "no base64!"}, "'mask' holds no picture"),
        ({"mask": None}, "'mask' holds no picture"),
        ({"mask": written.base64_png(np.zeros((2, 3), bool))}, "has no pixel"),
        ({"label": ""}, "field 'label' is ''"),
        ({"label": "background"}, "no class that can be drawn"),
        ({"shape_type": "spline"}, "LabelMe has polygon, rectangle"),
        ({"shape_type": "circle", "points": [[1, 1]]}, "expected 2 points, each"),
        ({"shape_type": "circle", "points": [[1, 1], [1, 1]]}, "'r' must be more"),
        ({"shape_type": "polygon", "points": [[1, 1], [2, "x"], [3, 0]]}, "holds 'x'"),
        ({"shape_type": "polygon", "points": [[1, 1], [2, 2], [3, 3]]}, "one line"),
        ({"points": None}, "field 'points' is None"),
        ({"group_id": [1]}, "field 'group_id'"),
    ],
)
def test_faults_name_file_shape_and_field(tmp_path, change, said):
    data = written.base64_png(np.ones((2, 3), bool))
    shape = written.shape("cup", [[4, 7], [6, 8]], "mask", mask=data) | change
    with pytest.raises(ValueError, match=rf"a\.json: shape 0.*{said}"):
        one(tmp_path, shape)


def test_parts_of_one_group_and_label_are_one_object(tmp_path):
    far = [[20, 2], [24, 2], [24, 6], [20, 6]]  # 25 pixels
    shapes = [
        written.shape("cup", SQUARE, group_id=1),
        written.shape("plate", far, group_id=1),  # another class: another object
        written.shape("cup", far, group_id=1),
        written.shape("cup", far),
        written.shape("cup", far, group_id=None),
    ]
    found = [(name, mask.sum()) for name, mask in one(tmp_path, *shapes)]
    assert found == [("cup", 146), ("plate", 25), ("cup", 25), ("cup", 25)]


def test_labels_that_are_no_object_are_left_out(tmp_path):
    shapes = [written.shape(n, SQUARE) for n in ("__ignore__", "_background_", "cup")]
    assert [name for name, _ in one(tmp_path, *shapes)] == ["cup"]


def test_pictures_by_paths_of_windows_and_of_other_folders(tmp_path):
    written.pictures(tmp_path / "images")
    (tmp_path / "labels").mkdir()
    shapes = [written.shape("cup", SQUARE)]
    name = "..\\images\\a.png"
    file = written.labelme(tmp_path / "labels", "a", shapes, imagePath=name)
    dataset = labelme.read(tmp_path)
    assert dataset.image_info[0]["path"] == tmp_path / "images" / "a.png"
    with pytest.raises(ValueError, match=r"field 'imagePath'.* leads out of"):
        labelme.read(file)  # whose folder is `labels`


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "x/../../a.png", "C:\\a.png", "~/a.png"]
)
def test_no_picture_outside_of_the_folder_is_read(tmp_path, name):
    written.pictures(tmp_path)
    inner = tmp_path / "inner"
    inner.mkdir()
    written.labelme(inner, "a", [written.shape("cup", SQUARE)], imagePath=name)
    with pytest.raises(ValueError, match="leads out of"):
        labelme.read(inner)


def test_a_picture_within_the_file_is_taken_where_there_is_no_other(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (*written.SIZE, 3), np.uint8)
    data = written.base64_png(pixels)
    shapes = [written.shape("cup", SQUARE)]
    file = written.labelme(tmp_path, "a", shapes, imageData=data)
    dataset = labelme.read(tmp_path)
    np.testing.assert_array_equal(dataset.load_image(0), pixels)
    assert dataset.load_mask(0)[0].sum() == 121
    assert load_pixels(dataset, 0, 3).shape == (*written.SIZE, 3)
    Image.fromarray(255 - pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(labelme.read(file).load_image(0), 255 - pixels)


def test_annotations_of_a_picture_of_another_size_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"of a picture of 40 x 60 .* file has 20 x 30"
    ):
        one(tmp_path, written.shape("cup", SQUARE), imageHeight=40, imageWidth=60)


def test_a_turned_photograph_is_turned_by_the_size_that_is_stated(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    tall = [[2, 22], [12, 22], [12, 28], [2, 28]]
    size = {"imageHeight": 30, "imageWidth": 20, "imagePath": "a.jpg"}
    written.labelme(tmp_path, "a", [written.shape("cup", tall)], **size)
    dataset = labelme.read(tmp_path)
    assert dataset.load_image(0).shape == (30, 20, 3)
    assert dataset.load_mask(0)[0].shape == (30, 20, 1)


def test_splits_are_folders_and_have_the_same_classes(tmp_path):
    for split, label in (("train", "cup"), ("valid", "plate")):
        written.pictures(tmp_path / split)
        written.labelme(tmp_path / split, "a", [written.shape(label, SQUARE)])
    train, val = (labelme.read(tmp_path, split) for split in ("train", "val"))
    assert train.class_names == val.class_names == ["BG", "cup", "plate"]
    assert [d.load_mask(0)[1].tolist() for d in (train, val)] == [[1], [2]]
    with pytest.raises(ValueError, match="splits 'train', 'valid': name one"):
        labelme.read(tmp_path)


def test_a_list_of_labels_gives_their_order(tmp_path):
    written.as_labelme(tmp_path)
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\nplate\ncup\n")
    assert labelme.read(tmp_path).class_names == ["BG", "plate", "cup"]
    (tmp_path / "labels.txt").write_text("plate\ncap\n")
    with pytest.raises(ValueError, match=r"'cup' is drawn, but .*labels.txt lacks it"):
        labelme.read(tmp_path)


def test_all_faults_are_in_one_error_and_can_be_left_out(tmp_path, capsys):
    written.as_labelme(tmp_path)
    written.labelme(tmp_path, "b", [written.shape("cup", [[1, 1]])])
    (tmp_path / "c.png").unlink()
    (tmp_path / "d.json").write_text("{")
    with pytest.raises(ValueError, match="3 faults") as caught:
        labelme.read(tmp_path)
    assert all(name in str(caught.value) for name in ("b.json", "c.json", "d.json"))
    dataset = labelme.read(tmp_path, skip_faulty=True)
    assert dataset.num_images == 2  # b has no object left, as c never had
    assert "3 faults are left out" in capsys.readouterr().out


def test_other_json_files_are_left_out_and_said_once(tmp_path, capsys):
    written.as_labelme(tmp_path)
    (tmp_path / "coco.json").write_text(json.dumps({"images": [], "annotations": []}))
    for _ in range(2):
        assert labelme.read(tmp_path).num_images == 3
    assert capsys.readouterr().out.count("1 JSON files are not LabelMe's") == 1
