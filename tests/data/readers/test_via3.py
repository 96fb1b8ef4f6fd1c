"""Shapes of VIA 3 by their numbers, and its attributes."""

import json

import pytest

from mrcnn.data.readers import via3
from tests.data.readers import written

FILES = {"1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": "a.png"}}
VIEWS = {"1": {"fid_list": ["1"]}}
SQUARE = [7, 2, 2, 12, 2, 12, 12, 2, 12]


def one(folder, *regions):
    written.pictures(folder)
    table = {f"1_{i}": region for i, region in enumerate(regions)}
    return written.objects(via3.read(written.via3(folder, FILES, VIEWS, table)))["a"]


@pytest.mark.parametrize(
    ("xy", "area"),
    [
        ([1, 4, 5], 1),
        ([2, 2, 2, 10, 10], 100),
        ([3, 10, 10, 5], 81),  # x² + y² <= 25
        ([4, 15, 10, 5, 5], 81),
        ([5, 2, 3, 11, 3], 10),
        ([6, 2, 3, 11, 3, 11, 7], 14),
        (SQUARE, 121),
        ([8, 2, 5, 7, 2, 12, 9, 6, 12], 100),  # columns 2 to 12, rows 2 to 12
        ([9, 15, 10, 10, 15, 5, 10], 81),
    ],
)
def test_areas_of_shapes(tmp_path, xy, area):
    ((name, mask),) = one(tmp_path, written.region3(1, xy, 1))
    assert (name, mask.sum()) == ("plate", area)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"xy": [10, 1, 1]}, "begins with 10: expected the number of a shape, 1 to 9"),
        ({"xy": [True, 1, 1]}, "begins with True"),
        ({"xy": [2, 1, 1, 5]}, "3 coordinates: a rect has 4"),
        ({"xy": [7, 1, 1, 5, 5, 6]}, "a polygon has an even number"),
        ({"xy": [7, 1, 1, 5, 5]}, "at least 3 points"),
        ({"xy": [9, 1, 1, 2, 2, 3, 3]}, "lie on one line"),
        ({"xy": [3, 1, 1, "r"]}, "field 'xy' holds 'r'"),
        ({"xy": None}, "field 'xy' is None"),
        ({"z": [1.5]}, "it is of a film"),
        ({"vid": "9"}, "'9', which is no view of one file"),
        ({"av": {"1": "7"}}, r"'7' for 'kind', whose options are \['0', '1'\]"),
        ({"av": {}}, "attribute 'kind' is ''"),
    ],
)
def test_faults_name_file_region_and_field(tmp_path, change, said):
    good = written.region3(1, SQUARE)
    with pytest.raises(ValueError, match=rf"json: metadata '1_1'.*{said}"):
        one(tmp_path, good, good | change)


def test_what_is_no_region_is_left_out(tmp_path):
    of_picture = written.region3(1, []) | {"av": {"2": "sharp"}}
    assert len(one(tmp_path, of_picture, written.region3(1, SQUARE))) == 1


def test_regions_without_attributes_are_objects_of_one_class(tmp_path, capsys):
    bare = written.region3(1, SQUARE) | {"av": {}}
    assert [name for name, _ in one(tmp_path, bare)] == ["object"]
    assert "all are 'object'" in capsys.readouterr().out


def test_the_class_is_the_attribute_that_is_named(tmp_path, capsys):
    path = written.as_via3(tmp_path) / "project.json"
    content = json.loads(path.read_text())
    state = {"aname": "state", "anchor_id": "FILE1_Z0_XY1", "type": 1, "options": {}}
    content["attribute"]["2"] = state
    for region in content["metadata"].values():
        region["av"]["2"] = "full"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="class_key is not given"):
        via3.read(path)
    assert via3.read(path, class_key="kind").class_names == ["BG", "cup", "plate"]
    assert via3.read(path, class_key="state").class_names == ["BG", "full"]
