"""Where VIA's JSON is expected: other formats are named, broken files explained."""

import json

import pytest

from mrcnn.data import via

SQUARE = {"name": "polygon", "all_points_x": [2, 5, 5, 2], "all_points_y": [1, 1, 4, 4]}
ENTRY = {"filename": "a.jpg", "size": 7, "regions": [{"shape_attributes": SQUARE}]}

OTHERS = [
    ("COCO", {"images": [], "annotations": [], "categories": []}),
    ("COCO", {"info": {}, "images": [{"id": 1}], "categories": []}),
    ("COCO results", [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]),
    ("LabelMe", {"version": "5", "shapes": [], "imagePath": "a.jpg"}),
    (
        "VIA 3",
        {
            "project": {},
            "config": {},
            "attribute": {},
            "file": {},
            "metadata": {"1_x": {"vid": "1", "xy": [2, 1, 1, 9, 9], "av": {}}},
            "view": {},
        },
    ),
    ("VIA 3", {"metadata": {"1_x": {"vid": "1", "xy": [2, 1, 1, 9, 9]}}}),
    ("VIA's attributes", {"region": {"kind": {"type": "text"}}, "file": {}}),
    ("project without", {"_via_settings": {}, "_via_attributes": {}}),
    ("Supervisely", {"size": {"height": 1, "width": 1}, "objects": []}),
    ("GeoJSON", {"type": "FeatureCollection", "features": []}),
    ("Label Studio", [{"id": 1, "data": {}, "annotations": []}]),
    ("CreateML", [{"image": "a.jpg", "annotations": []}]),
    ("in an object, not in a list", [ENTRY]),
    ("in an object, not in a list", "text"),
]


@pytest.mark.parametrize(("kind", "content"), OTHERS)
def test_other_annotations_are_named(tmp_path, kind, content):
    path = tmp_path / "set.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"set\.json.* {kind}"):
        via.read(path)


def test_a_file_without_images_is_told_once(tmp_path):
    path = tmp_path / "set.json"
    path.write_text(json.dumps({f"{i}.jpg": {"boxes": []} for i in range(9)}))
    with pytest.raises(ValueError, match=r"'0\.jpg' has no field 'filename'") as raised:
        via.read(path, skip_faulty=True)
    assert "1.jpg" not in str(raised.value)
    assert "skip_faulty" not in str(raised.value)


TEXTS = [
    ("VIA 3's CSV", "# Exported using VGG Image Annotator (http://x)\n# CSV_HEADER"),
    ("Pascal VOC", "<annotation>\n <folder>x</folder></annotation>"),
    ("CVAT", '<?xml version="1.0"?>\n<annotations><version>1</version></annotations>'),
    ("web page", "<!DOCTYPE html>\n<html></html>"),
    ("YOLO", "0 0.5 0.5 0.2 0.1\n1 0.1 0.2 0.3 0.4\n"),
    ("Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    ("empty", ""),
    ("empty", " \n"),
    ("after its end comes more, at line 2", '{"a": 1}\n{"b": 2}\n'),
    ("ends too early", '{"a": {"filename": "a.jpg", '),
]


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_other_texts_are_named(tmp_path, kind, text):
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"set\.json is .*{kind}"):
        via.read(path)


@pytest.mark.parametrize(
    ("kind", "data"), [("ZIP", b"PK\x03\x04rest"), ("picture", b"\x89PNG\r\n")]
)
def test_other_bytes_are_named(tmp_path, kind, data):
    path = tmp_path / "set.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"set\.json is .*{kind}"):
        via.read(path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": {"filename": "a.jpg",}}', "line 1, column 27"),
        ('{"a": [1, 2, ]}', "line 1, column 12"),
        ('{"a": 1,\n "b": [\n  3,\n ]\n}', "line 3, column 4"),
        ('{"a": 1\n,\n}', "line 2, column 1"),
    ],
)
def test_a_comma_too_many_has_a_place(tmp_path, text, place):
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"the comma at {place} stands before"):
        via.read(path)


def test_a_key_written_twice_is_named(tmp_path):
    path = tmp_path / "set.json"
    one, other = (json.dumps({**ENTRY, "size": size}) for size in (7, 8))
    path.write_text(f'{{"a.jpg7": {one}, "a.jpg7": {other}}}')
    with pytest.raises(ValueError, match=r"key twice.*'a\.jpg7'"):
        via.read(path)
    path.write_text(f'{{"a.jpg7": {one}, "a.jpg7": {one}}}')  # says nothing new
    assert list(via.read(path)) == ["a.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_that_tell_themselves(tmp_path, encoding):
    path = tmp_path / "set.json"
    text = json.dumps({"x": {**ENTRY, "filename": "café.jpg"}}, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    assert list(via.read(path)) == ["café.jpg"]


def test_other_encodings_name_the_line(tmp_path):
    path = tmp_path / "set.json"
    path.write_bytes(b'{"x":\n {"filename": "caf\xe9.jpg"}}')
    with pytest.raises(ValueError, match=r"not UTF-8 text: byte 0xe9 in line 2"):
        via.read(path)


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "labels.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"gone\.json is missing.*labels\.json"):
        via.read(tmp_path / "gone.json")
