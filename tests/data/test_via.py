"""VIA files: every shape against areas counted by hand, every fault named."""

import json
import math

import numpy as np
import pytest
import skimage.draw

from mrcnn.data import via

SQUARE = {"name": "polygon", "all_points_x": [2, 5, 5, 2], "all_points_y": [1, 1, 4, 4]}


def write(tmp_path, regions, **entry):
    """Write a file with one image, a.jpg."""
    path = tmp_path / "via.json"
    content = {"a.jpg1": {"filename": "a.jpg", "regions": regions, **entry}}
    path.write_text(json.dumps(content))
    return path


def mask_of(tmp_path, shape, height=20, width=30):
    path = write(tmp_path, [{"shape_attributes": shape, "region_attributes": {}}])
    return via.read(path)["a.jpg"][0].mask(height, width)


@pytest.mark.parametrize("wrap", [list, lambda r: dict(enumerate(r))])
@pytest.mark.parametrize("project", [False, True])
def test_both_versions_and_the_project_file(tmp_path, wrap, project):
    attributes = {"kind": "party"}
    regions = wrap([{"shape_attributes": SQUARE, "region_attributes": attributes}])
    content = {
        "a.jpg1": {"filename": "a.jpg", "regions": regions},
        "b.jpg1": {"filename": "b.jpg", "regions": wrap([])},
        "c.jpg1": {"filename": "c.jpg"},
    }
    if project:
        content = {"_via_settings": {}, "_via_img_metadata": content}
    path = tmp_path / "via.json"
    path.write_text(json.dumps(content))
    annotated = via.read(path)
    assert list(annotated) == ["a.jpg"]
    assert annotated["a.jpg"][0].attributes == attributes
    assert annotated["a.jpg"][0].mask(10, 10).sum() == 16


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (SQUARE, 16),  # Columns 2..5, rows 1..4: corners belong to it.
        ({"name": "rect", "x": 3, "y": 2, "width": 7, "height": 4}, 28),
        ({"name": "circle", "cx": 10, "cy": 10, "r": 2}, 13),
        ({"name": "ellipse", "cx": 10, "cy": 10, "rx": 3, "ry": 1}, 9),
        # Upright: columns and rows change places.
        (
            {"name": "ellipse", "cx": 9, "cy": 9, "rx": 1, "ry": 3, "theta": 0.0},
            9,
        ),
        ({"name": "point", "cx": 4, "cy": 5}, 1),
        ({"name": "polyline", "all_points_x": [1, 6], "all_points_y": [3, 3]}, 6),
        # An open corner of two legs of 4 pixels that share one.
        ({"name": "polyline", "all_points_x": [1, 4, 4], "all_points_y": [2, 2, 5]}, 7),
        # Closed, so filled like the polygon.
        (
            {
                "name": "polyline",
                "all_points_x": [2, 5, 5, 2, 2],
                "all_points_y": [1, 1, 4, 4, 1],
            },
            16,
        ),
    ],
)
def test_areas_by_hand(tmp_path, shape, area):
    assert mask_of(tmp_path, shape).sum() == area


def test_rect_lies_where_it_says(tmp_path):
    mask = mask_of(tmp_path, {"name": "rect", "x": 3, "y": 2, "width": 7, "height": 4})
    expected = np.zeros((20, 30), bool)
    expected[2:6, 3:10] = True
    np.testing.assert_array_equal(mask, expected)


def test_ellipse_turns_from_x_towards_y(tmp_path):
    shape = {"name": "ellipse", "cx": 50, "cy": 50, "rx": 30, "ry": 5}
    mask = mask_of(tmp_path, {**shape, "theta": math.pi / 4}, 100, 100)
    assert mask[65, 65] and mask[35, 35]  # y grows downwards.
    assert not mask[65, 35] and not mask[35, 65]
    assert mask.sum() == pytest.approx(math.pi * 30 * 5, rel=0.02)


def test_polygons_are_those_of_skimage(tmp_path):
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = rng.uniform(-5, 35, 7), rng.uniform(-5, 25, 7)
        shape = {"name": "polygon", "all_points_x": [*x], "all_points_y": [*y]}
        expected = np.zeros((20, 30), bool)
        expected[skimage.draw.polygon(y, x, (20, 30))] = True
        np.testing.assert_array_equal(mask_of(tmp_path, shape), expected)


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ({**SQUARE, "all_points_x": [-9, 1, 1, -9]}, 8),  # Columns 0, 1.
        ({"name": "rect", "x": 28, "y": 18, "width": 50, "height": 50}, 4),
        ({"name": "circle", "cx": 0, "cy": 0, "r": 1}, 3),
        ({"name": "polyline", "all_points_x": [28, 40], "all_points_y": [3, 3]}, 2),
    ],
)
def test_what_sticks_out_is_cut_off(tmp_path, shape, area):
    assert mask_of(tmp_path, shape).sum() == area


@pytest.mark.parametrize(
    "shape",
    [
        {**SQUARE, "all_points_x": [42, 45, 45, 42]},
        {"name": "rect", "x": -9, "y": 0, "width": 5, "height": 5},
        {"name": "circle", "cx": 50, "cy": 5, "r": 3},
        {"name": "ellipse", "cx": 5, "cy": 90, "rx": 3, "ry": 9},
        {"name": "point", "cx": 30, "cy": 0},
        {"name": "polyline", "all_points_x": [-5, -1], "all_points_y": [1, 1]},
        # Round the image's corner without touching it.
        {"name": "polygon", "all_points_x": [-9, 9, -9], "all_points_y": [-1, -9, -9]},
    ],
)
def test_entirely_outside_is_an_error(tmp_path, shape):
    path = write(tmp_path, [{"shape_attributes": SQUARE}, {"shape_attributes": shape}])
    region = via.read(path)["a.jpg"][1]
    for call in (region.check, region.mask):
        with pytest.raises(
            ValueError, match=r"via\.json: image a\.jpg: region 1: .*20"
        ):
            call(20, 30)


def test_check_accepts_a_large_region_round_the_image(tmp_path):
    shape = {
        "name": "polygon",
        "all_points_x": [-99, 99, 0],
        "all_points_y": [-99, -99, 999],
    }
    path = write(tmp_path, [{"shape_attributes": shape}])
    region = via.read(path)["a.jpg"][0]
    region.check(20, 30)
    assert region.mask(20, 30).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"all_points_x": [1]}, "name None"),
        ({"name": "heart"}, "'heart' is unknown; VIA has polygon"),
        ({"name": ["rect"]}, "is unknown"),
        ({"name": "polygon", "all_points_x": [1, 2, 3]}, "no field 'all_points_y'"),
        ({**SQUARE, "all_points_x": [1, 2]}, "2 x but 4 y"),
        ({**SQUARE, "all_points_x": [1, 2, "3", 4]}, "'all_points_x' holds '3'"),
        ({**SQUARE, "all_points_x": [1, None, 3, 4]}, "holds None"),
        ({**SQUARE, "all_points_x": [1, True, 3, 4]}, "holds True"),
        ({**SQUARE, "all_points_y": [1, math.nan, 3, 4]}, "holds nan"),
        ({**SQUARE, "all_points_y": [1, 1e300, 3, 4]}, "holds 1e[+]300"),
        ({**SQUARE, "all_points_y": 4}, "must be a list"),
        ({**SQUARE, "all_points_x": [1, 2], "all_points_y": [1, 2]}, "at least 3"),
        ({**SQUARE, "all_points_x": [], "all_points_y": []}, "this one has 0"),
        (
            {"name": "polyline", "all_points_x": [1], "all_points_y": [1]},
            "at least 2 points",
        ),
        ({"name": "rect", "x": 1, "y": 1, "width": 5}, "no field 'height'"),
        ({"name": "rect", "x": 1, "y": 1, "width": 0, "height": 2}, "'width' must be"),
        ({"name": "circle", "cx": [1], "cy": 1, "r": 2}, "'cx' must be a number"),
        ({"name": "circle", "cx": 1, "cy": 1, "r": -2}, "'r' must be more than 0"),
        (
            {"name": "ellipse", "cx": 1, "cy": 1, "rx": 2, "ry": 2, "theta": "up"},
            "'theta' holds 'up'",
        ),
        (None, "no field 'shape_attributes'"),
    ],
)
def test_faults_name_file_image_and_region(tmp_path, shape, message):
    good = {"shape_attributes": SQUARE}
    path = write(tmp_path, [good, {"shape_attributes": shape}])
    with pytest.raises(
        ValueError, match=rf"via\.json: image a\.jpg: region 1.*{message}"
    ):
        via.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": \n {"filename" "a.jpg"}}', "not valid JSON.*line 2, column 14"),
        ("", "not valid JSON"),
        ("[]", "in an object, not in a list"),
        ('{"a": 3}', "image 'a' must be an object"),
        ('{"a": {"regions": []}}', "image 'a' has no field 'filename'"),
        ('{"a": {"filename": "x", "regions": 5}}', "image x: field 'regions'"),
        ('{"a": {"filename": "x", "regions": [5]}}', "region 0 has no field"),
    ],
)
def test_faulty_files_are_named(tmp_path, text, message):
    path = tmp_path / "via.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"via\.json.*{message}"):
        via.read(path)


def test_missing_binary_and_repeated(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json is missing"):
        via.read(tmp_path / "gone.json")
    (tmp_path / "binary.json").write_bytes(b'{"\xff\xfe')
    with pytest.raises(ValueError, match=r"binary\.json is not UTF-8"):
        via.read(tmp_path / "binary.json")
    entry = {"filename": "a.jpg", "regions": [{"shape_attributes": SQUARE}]}
    (tmp_path / "twice.json").write_text(json.dumps({"a.jpg1": entry, "a.jpg2": entry}))
    with pytest.raises(ValueError, match=r"a\.jpg is annotated twice"):
        via.read(tmp_path / "twice.json")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = write(tmp_path, [{"shape_attributes": SQUARE}])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(via.read(path)) == ["a.jpg"]
