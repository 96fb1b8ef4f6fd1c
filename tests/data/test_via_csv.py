"""VIA's CSV holds what its JSON does, and faults are named by their lines."""

import csv
import io
import json

import numpy as np
import pytest

from mrcnn.data import open_dataset, via
from mrcnn.data.via_csv import is_csv
from tests.data.readers.coco_sets import picture

HEADER = (
    "filename", "file_size", "file_attributes", "region_count", "region_id",
    "region_shape_attributes", "region_attributes",
)  # fmt: skip
SHAPES = [
    {"name": "polygon", "all_points_x": [2, 9, 9], "all_points_y": [1, 1, 8]},
    {"name": "rect", "x": 3, "y": 4, "width": 5, "height": 6},
    {"name": "ellipse", "cx": 9, "cy": 9, "rx": 4, "ry": 3, "theta": 0.5},
]


def rows():
    """Return two images with regions and one without, as VIA 2 writes them."""
    regions = [(SHAPES[0], {"kind": "cup"}), (SHAPES[1], {"kind": "möbel, alt"})]
    found = [
        ("a.png", 7, "{}", 2, i, json.dumps(shape), json.dumps(attributes))
        for i, (shape, attributes) in enumerate(regions)
    ]
    found.append(("b.png", 8, "{}", 0, 0, "{}", "{}"))
    return [*found, ("c.png", 9, "{}", 1, 0, json.dumps(SHAPES[2]), '{"kind":"cup"}')]


def written(path, delimiter=",", mark="", encoding="utf-8", change=lambda r: r):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(change([HEADER, *rows()]))
    path.write_bytes((mark + text.getvalue()).encode(encoding))
    return path


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"mark": "#"},  # VIA 1
        {"delimiter": ";", "encoding": "utf-8-sig"},  # a spreadsheet's
    ],
)
def test_regions_are_those_of_the_json(tmp_path, way):
    path = written(tmp_path / "set.csv", **way)
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    images = {}
    for name, *_, shape, attributes in rows():
        image = images.setdefault(name, {"filename": name, "regions": []})
        region = {
            "shape_attributes": json.loads(shape),
            "region_attributes": json.loads(attributes),
        }
        image["regions"] += [region] if shape != "{}" else []
    beside = tmp_path / "json" / "set.json"
    beside.parent.mkdir()
    beside.write_text(json.dumps(images))
    expected = open_dataset(beside, images=tmp_path)
    for given in (path, tmp_path):
        if given == tmp_path:
            beside.unlink()
        dataset = open_dataset(given)
        assert dataset.class_names == expected.class_names == ["BG", "cup", "möbel"]
        assert dataset.num_images == 3
        for i in range(3):
            ours, theirs = dataset.load_mask(i), expected.load_mask(i)
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda r: [r[0][1:], *r[1:]], r"the first line has no filename"),
        (lambda r: [r[0], r[1][:-1]], r"line 2 has other fields than the first"),
        (lambda r: [r[0], (*r[1], "x")], r"line 2 has other fields than the first"),
        (
            lambda r: [r[0], (*r[1][:-2], "{cut", "{}")],
            r"line 2: field 'region_shape_a",
        ),
        (lambda r: [r[0], (*r[1][:-1], "[]")], r"line 2: field 'region_attributes' is"),
        (lambda r: [r[0], ("", *r[1][1:])], r"has no field 'filename'"),
        (lambda r: [r[0], (*r[1][:-2], '{"name": "blob"}', "{}")], r"a.png: region 0"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path, change, match):
    path = written(tmp_path / "set.csv", change=change)
    with pytest.raises(ValueError, match=match) as raised:
        via.read(path)
    assert "set.csv" in str(raised.value)


def test_other_files_are_not_taken_for_it(tmp_path):
    path = tmp_path / "x"
    for text in ("", "a,b\n", '{"region_shape_attributes": 1}', "\n"):
        path.write_text(text)
        assert not is_csv(path)
    assert not is_csv(tmp_path / "gone")
