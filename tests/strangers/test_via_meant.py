"""What is given to load_via and meant otherwise: it is refused, or said."""

import json
import unicodedata

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.via_classes import class_names, tidy, value_of
from mrcnn.data.via_dataset import load_via

COMPOSED, APART = (
    unicodedata.normalize(form, "gruenes Café") for form in ("NFC", "NFD")
)


def write(folder, *attributes, shape=(1, 1, 3, 4)):
    """Write a picture of 30 x 20 and a VIA file with a rect for each dictionary."""
    Image.new("RGB", (30, 20)).save(folder / "a.png")
    rect = {
        "name": "rect",
        **dict(zip(("x", "y", "width", "height"), shape, strict=True)),
    }
    regions = [{"shape_attributes": rect, "region_attributes": a} for a in attributes]
    path = folder / "set.json"
    path.write_text(json.dumps({"a": {"filename": "a.png", "regions": regions}}))
    return path


def ids(dataset):
    return dataset.load_mask(0)[1].tolist()


@pytest.mark.parametrize(
    ("classes", "fault"),
    [
        (
            {"plate": 2, "cup": 1},
            r"maps 'plate' to 2, 'cup' to 1: .*order of the names",
        ),
        ({"cup": True}, "maps 'cup' to True"),
        ({"cup": ["cup"]}, "maps 'cup' to"),
        ({None: "cup"}, "maps None to 'cup'"),
        ({("a", "b"): "cup"}, r"maps \('a', 'b'\)"),
        ([1, 2], "has 1, 2: names are text"),
        ([None, "cup"], "has None: names are text"),
        ([["cup"]], "names are text"),
        (None, "classes is None: give the names"),
        (1, "classes is 1: give the names"),
        (b"cup", "classes is b'cup'"),
        ({"cup", "plate"}, "in the order of their ids"),
    ],
)
def test_classes_that_are_no_names(tmp_path, classes, fault):
    with pytest.raises(TypeError, match=fault):
        load_via(write(tmp_path, {"kind": "cup"}), classes)


@pytest.mark.parametrize(
    ("classes", "named"),
    [
        ({np.int64(1): "cup", 2.5: "pot"}, {"1": "cup", "2.5": "pot"}),
        (np.array(["cup", "pot"]), {"cup": "cup", "pot": "pot"}),
        ((name for name in ("cup", "pot")), {"cup": "cup", "pot": "pot"}),
        ({"cup": "cup", "cup ": "cup"}, {"cup": "cup"}),
    ],
)
def test_classes_in_other_containers(classes, named):
    assert class_names(classes) == named


@pytest.mark.parametrize("classes", [["cup", "cup "], {"cup": "cup", " cup": "pot"}])
def test_values_that_are_one_without_their_spaces(classes):
    with pytest.raises(ValueError, match="cup more than once"):
        class_names(classes)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"annotations": None}, "annotations is None"),
        ({"annotations": 5}, "annotations is 5"),
        ({"annotations": " "}, "annotations is an empty text"),
        ({"annotations": ["a.json"]}, r"annotations is \['a.json'\]"),
        ({"images": ["a.png"]}, r"images is \['a.png'\]"),
        ({"images": ""}, "images is an empty text"),
        ({"class_key": ["kind"]}, r"class_key is \['kind'\]"),
    ],
)
def test_arguments_of_another_kind_are_named(tmp_path, options, fault):
    path = write(tmp_path, {"kind": "cup"})
    with pytest.raises((TypeError, ValueError), match=fault):
        load_via(**{"annotations": path, "classes": ["cup"], **options})


def test_a_folder_of_images_that_is_none(tmp_path):
    path = write(tmp_path, {"kind": "cup"})
    for place in (tmp_path / "gone", tmp_path / "a.png"):
        with pytest.raises(
            FileNotFoundError, match=rf"images is .*{place.name}, which"
        ):
            load_via(path, ["cup"], images=place)


def test_one_name_for_all_says_what_it_joins(tmp_path, capsys):
    many = [{"kind": "cup", "by": "me"}] * 3 + [
        {"kind": "plate"},
        {"kind": {"pot": True}},
    ]
    dataset = load_via(write(tmp_path, *many), "cup")
    assert ids(dataset) == [1] * 5
    said = capsys.readouterr().out
    assert said.count("all regions are 'cup', whatever they say") == 1
    assert "'kind' is 'cup' of 3, 'plate' of 1, 'pot' of 1" in said
    assert "'by' is 'me' of 3" in said and "class_key=" in said
    load_via(write(tmp_path, *[{"id": i} for i in range(9)]), "cup")
    assert "and 4 other values" in capsys.readouterr().out


@pytest.mark.parametrize("attributes", [{}, {"kind": "cup"}, {"kind": ""}, {"k": None}])
def test_one_name_is_silent_where_it_joins_nothing(tmp_path, capsys, attributes):
    assert ids(load_via(write(tmp_path, attributes), "cup")) == [1]
    assert not capsys.readouterr().out


@pytest.mark.parametrize("attributes", [{}, {"kind": ""}, {"kind": {}}])
@pytest.mark.parametrize("classes", [["cup"], ("cup",), {"cup": "cup"}])
def test_one_class_in_a_list_needs_no_attribute(tmp_path, capsys, classes, attributes):
    dataset = load_via(write(tmp_path, attributes, attributes), classes)
    assert dataset.class_names == ["BG", "cup"] and ids(dataset) == [1, 1]
    assert "say nothing of their class: all are 'cup'" in capsys.readouterr().out


def test_nothing_is_said_of_no_regions(tmp_path, capsys):
    with pytest.raises(ValueError, match="no annotated image"):
        load_via(write(tmp_path), ["cup"])
    assert not capsys.readouterr().out


def test_a_list_of_one_still_reads_attributes(tmp_path):
    with pytest.raises(ValueError, match="'kind' is 'plate', which classes lacks"):
        load_via(write(tmp_path, {"kind": "plate"}), ["cup"])


@pytest.mark.parametrize(
    ("classes", "key"), [(["cup", "pot"], None), (["cup"], "kind"), ("cup", "kind")]
)
def test_regions_without_attributes_have_a_way_out(tmp_path, classes, key):
    path = write(tmp_path, {})
    match = r"Regions have no attributes .*name as text, such as classes='cup'"
    with pytest.raises(ValueError, match=match) as raised:
        load_via(path, classes, class_key=key)
    assert "name the attribute" not in str(raised.value)


@pytest.mark.parametrize(
    "value", [{"name": "cup"}, {"cup": 0.9}, {"cup": {"on": True}}, {"cup": [True]}]
)
def test_objects_that_are_no_check_boxes(tmp_path, value):
    path = write(tmp_path, {"kind": value}, {"kind": "cup"})
    match = r"region 0: attribute 'kind' holds an object that is no check boxes"
    with pytest.raises(ValueError, match=match):
        load_via(path, ["cup", "name"], class_key="kind")


@pytest.mark.parametrize("on", [True, 1, "true"])
@pytest.mark.parametrize("off", [False, 0, "false", "", None])
def test_check_boxes(on, off):
    assert value_of({"cup": off, "pot ": on}) == "pot"
    assert value_of({"cup": off}) == ""


def test_accents_typed_in_two_ways_are_one_name(tmp_path):
    assert COMPOSED != APART and tidy(APART) == COMPOSED
    for classes, value in ((COMPOSED, APART), (APART, COMPOSED)):
        path = write(tmp_path, {value: value}, {value: {value: True}})
        dataset = load_via(path, ["pot", classes], class_key=classes)
        assert ids(dataset) == [2, 2]
        assert dataset.class_names == ["BG", "pot", COMPOSED]


@pytest.mark.parametrize(
    ("shape", "beyond"),
    [
        ((0, 0, 30, 20), 0),
        ((5, 5, 26, 4), 1),  # right of column 30 by one: a slip of the hand
        ((5, 5, 40, 4), 15),
        ((5, 5, 4, 32.5), 17.5),
        ((-7, 5, 12, 4), 7),
        ((5, -3, 4, 9), 3),
    ],
)
def test_regions_that_are_cut_are_counted(tmp_path, capsys, shape, beyond):
    load_via(write(tmp_path, {}, {}, shape=shape), "cup")
    said = capsys.readouterr().out
    if beyond <= 1:
        assert not said
    else:
        assert said.count("2 of 2 regions leave their images and are cut there") == 1
        assert f"up to {beyond:g} pixels lie outside (image a.png: region 0)" in said
