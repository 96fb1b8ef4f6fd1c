"""Regions as strangers draw them: outlines by polyline, slips, missing pictures."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import via
from mrcnn.data.balloon import load_balloons
from mrcnn.data.via_dataset import load_via


def line(*points, name="polyline"):
    x, y = zip(*points, strict=True)
    return {"name": name, "all_points_x": [*x], "all_points_y": [*y]}


def rect(x, y, width, height):
    return {"name": "rect", "x": x, "y": y, "width": width, "height": height}


def write(folder, **images):
    """Write a VIA file; `a=[shape, ...]` are the regions of a.png."""
    content = {
        name: {
            "filename": f"{name}.png",
            "regions": [{"shape_attributes": shape} for shape in shapes],
        }
        for name, shapes in images.items()
    }
    path = folder / "via_region_data.json"
    path.write_text(json.dumps(content))
    return path


def picture(folder, *names, size=(30, 20)):
    for name in names:
        Image.new("RGB", size).save(folder / f"{name}.png")


# A square of 10 pixels whose last side lacks `missing` of them.
def open_square(missing):
    return line((2, 2), (12, 2), (12, 12), (2, 12), (2, 2 + missing))


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (open_square(0), 121),
        (open_square(1), 121),  # a gap of 1 / 39
        (open_square(6), 121),  # 6 / 34 is 0.18, the largest in real sets
        (open_square(7), 34),  # 7 / 33 is 0.21: the line alone
        (line((1, 3), (6, 3)), 6),
        (line((1, 3), (6, 3), (1, 3)), 6),  # there and back encloses nothing
    ],
)
def test_polylines_that_nearly_meet_are_outlines(tmp_path, capsys, shape, area):
    (region,) = via.read(write(tmp_path, a=[shape]))["a.png"]
    mask = region.mask(20, 30)
    assert mask.sum() == area
    assert region.outline == (area == 121)
    said = capsys.readouterr().out
    assert ("of 1 polylines 1 are filled" if region.outline else "1 stay lines") in said


@pytest.mark.parametrize(("polylines", "area"), [("lines", 39), ("outlines", 121)])
def test_an_argument_decides_over_polylines(tmp_path, capsys, polylines, area):
    path = write(tmp_path, a=[open_square(1 if polylines == "lines" else 7)])
    (region,) = via.read(path, polylines=polylines)["a.png"]
    assert region.mask(20, 30).sum() == area + (polylines == "lines")
    assert not capsys.readouterr().out
    with pytest.raises(ValueError, match="polylines is 'thick'"):
        via.read(path, polylines="thick")


def test_a_flat_polyline_is_no_outline(tmp_path):
    path = write(tmp_path, a=[line((1, 3), (6, 3), (9, 3))])
    with pytest.raises(ValueError, match=r"region 0: .*no outline"):
        via.read(path, polylines="outlines")


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (line((1, 1), (5, 5), name="polygon"), "at least 3 points"),
        (line((1, 1), (5, 5), (9, 9), (1, 1), name="polygon"), "lie on one line"),
        (line((1, 1), (1, 1), (1, 1), name="polygon"), "lie on one line"),
        (line((3, 3), (3, 3)), "all points of the polyline are one"),
        (rect(3, 3, 0, 4), "'width' must be more than 0"),
        ({"name": "ellipse", "cx": 5, "cy": 5, "rx": 3, "ry": 2, "theta": 45}, "radia"),
        ({"name": "extreme_rect"}, "unknown"),
    ],
)
def test_slips_are_named(tmp_path, shape, fault):
    with pytest.raises(ValueError, match=rf"a\.png: region 1.*{fault}"):
        via.read(write(tmp_path, a=[rect(1, 1, 3, 3), shape]))


def test_every_fault_is_in_one_error(tmp_path):
    images = {f"i{n}": [rect(1, 1, 0, 3), rect(1, 1, 3, 3)] for n in range(23)}
    with pytest.raises(ValueError, match="has 23 faults") as raised:
        via.read(write(tmp_path, **images))
    message = str(raised.value)
    assert message.count("region 0") == 20
    assert "and 3 more" in message
    assert "skip_faulty=True" in message


def test_one_slip_of_many_is_left_out_and_listed(tmp_path, capsys):
    picture(tmp_path, "a", "b", "d")
    (tmp_path / "d.png").write_bytes((tmp_path / "d.png").read_bytes()[:45])
    shapes = {
        "a": [rect(1, 1, 3, 3), rect(1, 1, 0, 3), rect(90, 1, 3, 3)],
        "b": [line((1, 1), (2, 2), name="polygon")],
        "c": [rect(1, 1, 3, 3)],  # no such picture
        "d": [rect(1, 1, 3, 3)],  # cut short
    }
    path = write(tmp_path, **shapes)
    with pytest.raises(ValueError, match="has 5 faults"):
        load_via(path, "leaf")
    dataset = load_via(path, "leaf", skip_faulty=True)
    assert [info["id"] for info in dataset.image_info] == ["a.png"]
    assert dataset.load_mask(0)[0].sum() == 9
    said = capsys.readouterr().out
    assert "5 faults are left out" in said
    for part in ("a.png: region 1", "region 2", "b.png: region 0", "c.png", "d.png"):
        assert part in said


def test_the_balloon_reader_takes_the_same_options(tmp_path, capsys):
    for subset in ("train", "val"):
        (tmp_path / subset).mkdir()
    picture(tmp_path / "train", "a")
    write(tmp_path / "train", a=[rect(1, 1, 3, 3), rect(1, 1, 3, 0), open_square(7)])
    with pytest.raises(ValueError, match=r"a\.png: region 1.*'height'"):
        load_balloons(tmp_path, "train")
    options = {"skip_faulty": True, "polylines": "outlines"}
    masks, ids = load_balloons(tmp_path, "train", **options).load_mask(0)
    assert masks.sum(axis=(0, 1)).tolist() == [9, 121]
    assert ids.tolist() == [1, 1]
    assert "1 fault is left out" in capsys.readouterr().out


def test_only_missing_pictures_are_a_missing_file(tmp_path):
    write(tmp_path, a=[rect(1, 1, 3, 3)], b=[rect(1, 1, 3, 3)])
    with pytest.raises(FileNotFoundError, match="has 2 faults"):
        load_via(tmp_path, "leaf")
    Image.new("RGB", (9, 9)).save(tmp_path / "A.PNG")
    with pytest.raises(FileNotFoundError, match=r"a\.png is missing \(but 'A\.PNG'"):
        load_via(tmp_path, "leaf")


def test_a_sliver_between_pixels_is_found_before_training(tmp_path):
    picture(tmp_path, "a")
    sliver = line((1.2, 1.2), (9.3, 1.3), (9.3, 1.6), name="polygon")
    write(tmp_path, a=[sliver])
    with pytest.raises(ValueError, match=r"region 0: .*falls between the pixels"):
        load_via(tmp_path, "leaf")


def test_the_cheap_check_never_errs(rng):
    for _ in range(300):
        points = rng.integers(-12, 40, (int(rng.integers(3, 6)), 2))
        if rng.random() < 0.5:
            points = points + rng.random(points.shape)
        x, y = points.T.astype(float)
        numbers = {"all_points_x": x, "all_points_y": y}
        region = via.Region("polygon", numbers, {}, "here")
        failed = []
        for call in (region.check, region.mask):
            try:
                call(20, 30)
            except ValueError:
                failed.append(call.__name__)
        assert failed in ([], ["check", "mask"])


def test_folders_in_file_names(tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    picture(tmp_path, "a", "b")
    picture(tmp_path / "deep", "c")
    names = ["C:\\set\\a.png", "https://example.org/x/b.png", "deep\\c.png"]
    regions = [{"shape_attributes": rect(1, 1, 3, 3)}]
    content = {name: {"filename": name, "regions": regions} for name in names}
    path = tmp_path / "set.json"
    path.write_text(json.dumps(content))
    dataset = load_via(path, "leaf")
    places = [info["path"].relative_to(tmp_path) for info in dataset.image_info]
    assert [p.as_posix() for p in places] == ["a.png", "b.png", "deep/c.png"]
    assert "3 file names have folders" in capsys.readouterr().out
    content["a"] = {"filename": "a.png", "regions": regions}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"a\.png is annotated twice"):
        load_via(path, "leaf")


def test_what_is_not_used_is_counted(tmp_path, capsys):
    picture(tmp_path, "a", "b", "c", "d")
    path = write(tmp_path, a=[rect(1, 1, 3, 3)], b=[])
    assert load_via(path, "leaf").num_images == 1
    said = capsys.readouterr().out
    assert "1 of 2 images have no region" in said
    assert "2 pictures beside it have no entry" in said
    dataset = load_via(path, "leaf", keep_empty=True)
    assert dataset.num_images == 2
    assert dataset.load_mask(1)[0].shape == (20, 30, 0)
    assert "no region" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        (rect(0, 0, 30, 20), [True] * 4),
        (rect(10, 5, 10, 25), [True, True, False, False]),
        (line((1, 1), (31, 1), (1, 21), name="polygon"), [True, False, False]),
        ({"name": "circle", "cx": 10, "cy": 10, "r": 11}, [False] * 4),
        (
            {"name": "ellipse", "cx": 10, "cy": 10, "rx": 5, "ry": 1, "theta": 0},
            [True] * 4,
        ),
    ],
)
def test_which_points_lie_in_a_frame(tmp_path, shape, inside):
    (region,) = via.read(write(tmp_path, a=[shape]))["a.png"]
    found = region.points_inside(20, 30)
    if shape["name"] == "circle":  # right (21, 10), down (10, 21), left and up below 0
        inside = [True, False, False, False]
    assert found.tolist() == inside


def test_corners_of_a_turned_ellipse(tmp_path):
    shape = {"name": "ellipse", "cx": 50, "cy": 40, "rx": 10, "ry": 2}
    path = write(tmp_path, a=[{**shape, "theta": math.pi / 2}])
    x, y = via.read(path)["a.png"][0].corners()
    np.testing.assert_allclose(x, [50, 48, 50, 52], atol=1e-9)
    np.testing.assert_allclose(y, [50, 40, 30, 40], atol=1e-9)
