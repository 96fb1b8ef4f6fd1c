"""Classes from the attributes of VIA regions, written as people write them."""

import json

import pytest
from PIL import Image

from mrcnn.data.via_dataset import ViaDataset, load_via

SHAPE = {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 4}


def write(folder, *attributes, name="set.json"):
    """Write a VIA file with one image and a region for each dictionary."""
    Image.new("RGB", (30, 20)).save(folder / "a.png")
    regions = [{"shape_attributes": SHAPE, "region_attributes": a} for a in attributes]
    path = folder / name
    path.write_text(json.dumps({"a": {"filename": "a.png", "regions": regions}}))
    return path


def ids(dataset):
    return dataset.load_mask(0)[1].tolist()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cup", 2),
        (" cup\n", 2),
        ("tea  pot", 1),
        ("tea\tpot ", 1),
        ({"cup": True}, 2),
        ({"cup": True, "tea pot": False}, 2),
        ({"tea pot ": True}, 1),
    ],
)
def test_values_are_put_right(tmp_path, value, expected):
    path = write(tmp_path, {"kind": value})
    dataset = load_via(path, ["tea pot", "cup"], class_key="kind")
    assert dataset.class_names == ["BG", "tea pot", "cup"]
    assert ids(dataset) == [expected]


@pytest.mark.parametrize("classes", [{1: "cup", 2: "pot"}, {"1": "cup", "2": "pot"}])
def test_ids_as_text_or_numbers(tmp_path, classes):
    path = write(tmp_path, {"id": "2"}, {"id": 1}, {"id": " 2"})
    assert ids(load_via(path, classes, class_key="id")) == [2, 1, 2]


def test_a_mapping_joins_and_leaves_out(tmp_path):
    path = write(tmp_path, {"k": "cup"}, {"k": "cpu"}, {"k": "dirt"}, {"k": "pot"})
    classes = {"cup": "cup", "pot": "pot", "cpu": "cup", "dirt": None}
    dataset = load_via(path, classes, class_key="k")
    assert dataset.class_names == ["BG", "cup", "pot"]
    assert ids(dataset) == [1, 1, 2]


def test_unknown_values_are_listed_with_counts_and_neighbours(tmp_path):
    path = write(
        tmp_path, *[{"k": "Cup"}] * 3, {"k": "tea_pot"}, {"k": "zebra"}, {"k": "cup"}
    )
    with pytest.raises(ValueError, match="has 3 faults") as raised:
        # Leaving out would lose a whole class to a misspelling.
        load_via(path, ["cup", "tea pot"], class_key="k", skip_faulty=True)
    message = str(raised.value)
    assert "3 regions, first" in message and "{'Cup': 'cup'}" in message
    assert "{'tea_pot': 'tea pot'}" in message
    assert "{'zebra': a class, or None" in message
    assert "skip_faulty" not in message


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({}, "has no value"),
        ({"k": ""}, "has no value"),
        ({"k": " \n"}, "has no value"),
        ({"k": None}, "has no value"),
        ({"k": {}}, "has no value"),
        ({"k": {"cup": False}}, "has no value"),
        ({"k": {"cup": True, "pot": True}}, r"has 2 boxes ticked \(cup, pot\)"),
        ({"k": ["cup"]}, "holds a list"),
    ],
)
def test_regions_without_one_class_are_named(tmp_path, attributes, fault, capsys):
    path = write(tmp_path, {"k": "cup"}, attributes)
    with pytest.raises(ValueError, match=rf"a\.png: region 1: attribute 'k' {fault}"):
        load_via(path, ["cup", "pot"], class_key="k")
    dataset = load_via(path, ["cup", "pot"], class_key="k", skip_faulty=True)
    assert ids(dataset) == [1]
    assert "a.png: region 1" in capsys.readouterr().out


def test_other_attributes_of_such_a_region_are_shown(tmp_path):
    path = write(tmp_path, {"name": "cup"}, {"names": "cup", "name": ""})
    with pytest.raises(ValueError, match=r"'name' has no value. Others are {'names'"):
        load_via(path, ["cup"], class_key="name")


def test_the_key_may_differ_between_files(tmp_path):
    first = write(tmp_path, {"name": "cup"}, name="train.json")
    second = write(tmp_path, {"names": "pot"}, name="val.json")
    classes = ["cup", "pot"]
    assert ids(load_via(first, classes, class_key="name")) == [1]
    assert ids(load_via(second, classes, class_key="names")) == [2]
    with pytest.raises(ValueError, match=r"no region has 'name'.*'names' of 1 regions"):
        load_via(second, classes, class_key="name")


def test_the_only_key_is_taken_and_said(tmp_path, capsys):
    path = write(tmp_path, {"sort": "pot"})
    assert ids(load_via(path, ["cup", "pot"])) == [2]
    assert "the class is attribute 'sort'" in capsys.readouterr().out
    path = write(tmp_path, {"sort": "pot", "quality": {"good": True}})
    with pytest.raises(ValueError, match=r"class_key is not given.*'sort'.*'quality'"):
        load_via(path, ["cup", "pot"])
    path = write(tmp_path, {})
    with pytest.raises(ValueError, match="Regions have no attributes"):
        load_via(path, ["cup", "pot"])


def test_one_class_needs_no_attribute(tmp_path):
    path = write(tmp_path, {}, {"k": "anything"})
    assert ids(load_via(path, " leaf")) == [1, 1]
    assert load_via(path, "leaf").class_names == ["BG", "leaf"]


@pytest.mark.parametrize(
    ("classes", "fault"),
    [
        ([], "is empty"),
        ({"x": None}, "is empty"),
        (["BG", "cup"], "leave out the background"),
        (["background"], "leave out the background"),
        (["cup", "cup"], "cup more than once"),
        (["cup", ""], "not empty"),
    ],
)
def test_classes_that_cannot_be_meant(tmp_path, classes, fault):
    with pytest.raises(ValueError, match=fault):
        load_via(write(tmp_path, {"k": "cup"}), classes, class_key="k")


def test_two_files_make_one_set(tmp_path):
    dataset = ViaDataset()
    for name, value in (("one", "cup"), ("two", "pot")):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"k": value})
        dataset.load_via(tmp_path / name, ["cup", "pot"], class_key="k")
    dataset.prepare()
    assert [dataset.load_mask(i)[1].tolist() for i in (0, 1)] == [[1], [2]]
    assert dataset.class_names == ["BG", "cup", "pot"]


def test_the_file_of_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no via_region_data\.json"):
        load_via(tmp_path, "leaf")
    write(tmp_path, {}, name="mine.json")
    assert load_via(tmp_path, "leaf").num_images == 1
    write(tmp_path, {}, name="other.json")
    with pytest.raises(ValueError, match=r"several JSON files.*mine\.json, other\.jso"):
        load_via(tmp_path, "leaf")
