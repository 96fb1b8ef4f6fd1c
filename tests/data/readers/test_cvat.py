"""CVAT's shapes against areas worked by hand; XML that declares things is refused."""

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.readers import cvat
from tests.data.readers import written

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
IMAGE = '<image id="0" name="a.png" width="30" height="20">'
SQUARE = 'points="2.00,2.00;12.00,2.00;12.00,12.00;2.00,12.00"'


def write(folder, *shapes, start=IMAGE, head=HEAD, meta=""):
    folder.mkdir(exist_ok=True)
    written.pictures(folder)
    text = f"{head}<annotations>{meta}{start}{''.join(shapes)}</image></annotations>"
    path = folder / "annotations.xml"
    path.write_text(text)
    return path


def one(folder, *shapes, **options):
    return written.objects(cvat.read(write(folder, *shapes, **options)))["a"]


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (f'<polygon label="cup" {SQUARE}/>', 121),
        ('<box label="cup" xtl="2" ytl="2" xbr="12" ybr="12"/>', 100),
        ('<box label="cup" xtl="2" ytl="4" xbr="12" ybr="8" rotation="90"/>', 55),
        ('<box label="cup" xtl="2" ytl="2" xbr="12" ybr="12" rotation="0.0"/>', 100),
        (f'<polyline label="cup" {SQUARE}/>', 31),
        ('<polyline label="cup" points="2,2;12,2;12,12;2,12;2,2.5"/>', 121),
        ('<ellipse label="cup" cx="15" cy="10" rx="5" ry="5"/>', 81),
        ('<ellipse label="cup" cx="15" cy="10" rx="9" ry="1" rotation="90"/>', 21),
        ('<points label="cup" points="4,5;7,9;1,1"/>', 3),
        ('<mask label="cup" rle="1, 2, 3" left="4" top="7" width="3" height="2"/>', 2),
    ],
)
def test_areas_of_shapes(tmp_path, shape, area):
    ((name, mask),) = one(tmp_path, shape)
    assert (name, mask.sum()) == ("cup", area)


def test_shapes_are_turned_clockwise_about_their_middle(tmp_path):
    shapes = [
        '<box label="cup" xtl="2" ytl="4" xbr="12" ybr="8" rotation="90"/>',
        '<ellipse label="cup" cx="15" cy="10" rx="7" ry="1" rotation="45"/>',
    ]
    (_, box), (_, ellipse) = one(tmp_path, *shapes)
    assert np.argwhere(box).min(0).tolist() == [1, 5]
    assert np.argwhere(box).max(0).tolist() == [11, 9]
    assert ellipse[14, 19] and not ellipse[6, 19]  # right is down


def test_the_runs_of_a_mask_go_along_its_rows(tmp_path):
    shape = (
        '<mask label="cup" rle="0,1,1,1,2,1" left="4" top="7" width="3" height="2"/>'
    )
    ((_, mask),) = one(tmp_path, shape)
    assert np.argwhere(mask).tolist() == [[7, 4], [7, 6], [8, 6]]


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            '<mask label="cup" rle="5" left="4" top="7" width="3" height="2"/>',
            "5 pixels",
        ),
        (
            '<mask label="cup" rle="6" left="4" top="7" width="3" height="2"/>',
            "no pixel",
        ),
        (
            '<mask label="cup" rle="0,6" left="28" top="7" width="3" height="2"/>',
            "leaves",
        ),
        (
            '<mask label="cup" rle="0,x" left="4" top="7" width="3" height="2"/>',
            "'rle'",
        ),
        (
            '<mask label="cup" rle="0,6" left="4" top="7" width="0" height="2"/>',
            "'width'",
        ),
        ('<box label="cup" xtl="2" ytl="2" xbr="2" ybr="12"/>', "'width' must be more"),
        ('<box label="cup" xtl="2" ytl="2" xbr="12"/>', "'ybr' is None"),
        ('<polygon label="cup" points="1,2;3"/>', "expected x,y;x,y"),
        ('<polygon label="cup"/>', "'points' is None"),
        ('<polygon points="1,2;3,4;5,9"/>', "'label' is None"),
        ('<cuboid label="cup" xtl1="2"/>', "no pixels that are known"),
        ('<ellipse label="cup" cx="5" cy="5" rx="inf" ry="3"/>', "pixel coordinate"),
    ],
)
def test_faults_name_file_image_and_shape(tmp_path, shape, said):
    with pytest.raises(ValueError, match=rf"xml: image a\.png: \w+ 0.*{said}"):
        one(tmp_path, shape)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY b "cccc">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?><!DOCTYPE annotations>',
    ],
)
def test_documents_that_declare_anything_are_refused(tmp_path, head):
    path = write(tmp_path, f'<polygon label="cup" {SQUARE}/>', head=head)
    with pytest.raises(ValueError, match=r"document type"):
        cvat.read(path)


def test_a_video_is_refused(tmp_path):
    path = write(tmp_path, meta='<track id="0" label="cup"/>')
    with pytest.raises(ValueError, match="CVAT for video"):
        cvat.read(path)


def test_groups_are_one_object(tmp_path):
    shapes = [
        f'<polygon label="cup" {SQUARE} group_id="3"/>',
        '<box label="cup" xtl="20" ytl="2" xbr="24" ybr="6" group_id="3"/>',
        f'<polygon label="cup" {SQUARE} group_id="0"/>',
    ]
    assert [mask.sum() for _, mask in one(tmp_path, *shapes)] == [137, 121]


def test_labels_are_in_the_order_of_the_file_and_attributes_are_kept(tmp_path, capsys):
    names = "".join(f"<label><name>{n}</name></label>" for n in ("plate", "cup"))
    meta = f"<meta><job><labels>{names}</labels></job></meta>"
    attribute = '<attribute name="full">yes</attribute>'
    shape = f'<polygon label="cup" {SQUARE}>{attribute}</polygon>'
    dataset = cvat.read(write(tmp_path, '<tag label="plate"/>', shape, meta=meta))
    assert dataset.class_names == ["BG", "plate", "cup"]
    (thing,) = dataset.image_info[0]["things"]
    assert thing.shapes[0].attributes == {"full": "yes"}
    assert dataset.image_info[0]["attributes"] == {"id": "0"}
    assert "1 tags say" in capsys.readouterr().out
    shape = shape.replace("cup", "cap")
    with pytest.raises(ValueError, match=r"label 'cap' is drawn, but"):
        cvat.read(write(tmp_path, shape, meta=meta))


def test_a_subset_is_a_split_and_a_folder(tmp_path):
    start = IMAGE.replace("<image", '<image subset="train"')
    path = write(tmp_path, f'<polygon label="cup" {SQUARE}/>', start=start)
    place = tmp_path / "images" / "train"
    place.mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(place / "a.png")
    assert cvat.read(path, "train").image_info[0]["path"] == place / "a.png"
    with pytest.raises(ValueError, match="splits 'train', and split is 'val'"):
        cvat.read(path, "val")


def test_a_file_for_each_subset_is_a_split(tmp_path):
    path = write(tmp_path, f'<polygon label="cup" {SQUARE}/>')
    path.rename(tmp_path / "train.xml")
    (tmp_path / "val.xml").write_text((tmp_path / "train.xml").read_text())
    assert cvat.read(tmp_path, "val").num_images == 1
    with pytest.raises(ValueError, match="splits 'train', 'val': name one"):
        cvat.read(tmp_path)
