"""Which format a file or folder is taken for: what it holds decides, not its name."""

import json

import numpy as np
import pytest

from mrcnn.data import open_dataset
from mrcnn.data.readers import READERS
from mrcnn.data.readers.coco import CocoDataset
from mrcnn.data.via_dataset import ViaDataset, load_via
from tests.data.readers.coco_sets import picture, write

SQUARE = {"name": "polygon", "all_points_x": [2, 9, 9, 2], "all_points_y": [1, 1, 8, 8]}


def region(**attributes):
    return {"shape_attributes": SQUARE, "region_attributes": attributes}


def via(regions, version=2):
    """Return the export of VIA 1 or 2, or a project, of one picture with regions."""
    kept = regions if version != 1 else dict(enumerate(regions))
    image = {"filename": "a.png", "size": 7, "regions": kept, "file_attributes": {}}
    return {"_via_img_metadata": {"a": image}} if version == "project" else {"a": image}


def save(folder, content, name="any.json"):
    picture(folder / "a.png")
    file = folder / name
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("version", [1, 2, "project"])
def test_via_comes_as_load_via_reads_it(tmp_path, version):
    content = via([region(kind="cup"), region(kind=" bowl\n")], version)
    file = save(tmp_path, content)
    expected = load_via(file, ["bowl", "cup"])
    for path in (file, tmp_path):
        dataset = open_dataset(path)
        assert isinstance(dataset, ViaDataset)
        assert dataset.class_names == ["BG", "bowl", "cup"]
        for ours, theirs in zip(
            dataset.load_mask(0), expected.load_mask(0), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_classes_of_via_are_its_values_unless_they_are_given(tmp_path):
    content = via([region(kind="cup", state="old"), region(kind="bowl", state="new")])
    file = save(tmp_path, content)
    assert open_dataset(file, class_key="state").class_names == ["BG", "new", "old"]
    assert open_dataset(file, classes="thing").class_names == ["BG", "thing"]
    with pytest.raises(ValueError, match=r"name the attribute .* as class_key"):
        open_dataset(file)
    silent = save(tmp_path, via([region(), region()]))
    assert open_dataset(silent).class_names == ["BG", "object"]


def test_faults_of_via_are_told_and_left_out_as_before(tmp_path, capsys):
    broken = {"shape_attributes": {"name": "polygon"}, "region_attributes": {}}
    file = save(tmp_path, via([region(kind="cup"), broken]))
    with pytest.raises(ValueError, match=r"any.json: image a.png: region 1: the poly"):
        open_dataset(file)
    dataset = open_dataset(file, skip_faulty=True)
    assert len(dataset.load_mask(0)[1]) == 1
    assert "1 fault is left out" in capsys.readouterr().out


def test_splits_of_a_folder(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        save(tmp_path / split, via([region(kind=split)]), "via_region_data.json")
    dataset = open_dataset(tmp_path, "validation")
    assert dataset.class_names == ["BG", "train", "val"]
    assert dataset.load_mask(0)[1].tolist() == [2]
    with pytest.raises(ValueError, match=r"2 files fit: give split= .*train/via_regi"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("name", ["set.json", "set.txt", "via_region_data.json", "x"])
def test_the_name_says_nothing(tmp_path, name):
    assert isinstance(open_dataset(write(tmp_path, name=name)), CocoDataset)
    file = save(tmp_path, via([region(kind="cup")]), name)
    assert isinstance(open_dataset(file), ViaDataset)


def test_hidden_copies_are_no_further_files(tmp_path):
    file = write(tmp_path)
    for copy in (".ipynb_checkpoints/set-checkpoint.json", "._set.json"):
        (tmp_path / copy).parent.mkdir(exist_ok=True)
        (tmp_path / copy).write_bytes(file.read_bytes())
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    assert isinstance(open_dataset(tmp_path), CocoDataset)


def test_two_formats_in_one_folder_are_both_named(tmp_path):
    coco = write(tmp_path)
    save(tmp_path, via([region(kind="cup")]))
    with pytest.raises(ValueError, match=r"holds 'COCO JSON' and 'VIA': give the path"):
        open_dataset(tmp_path)
    assert isinstance(open_dataset(coco), CocoDataset)
    assert isinstance(open_dataset(tmp_path, format="VIA"), ViaDataset)
    with pytest.raises(
        ValueError, match=r"format is 'via'; choose from COCO JSON, VIA"
    ):
        open_dataset(tmp_path, format="via")


def test_what_is_of_no_format_is_told_once_with_all_that_was_looked_for(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "cut.json").write_text('{"images": [')
    (tmp_path / "other.json").write_text('{"type": "FeatureCollection"}')
    names = ", ".join(name for name, _ in READERS)
    with pytest.raises(ValueError, match=f"no format .* Looked for: {names}") as raised:
        open_dataset(tmp_path)
    assert "cut.json is not valid JSON: it ends too early" in str(raised.value)
    with pytest.raises(ValueError, match=r"^\S*cut.json is not valid JSON: it ends"):
        open_dataset(tmp_path / "cut.json")
    for name in ("a.png", "other.json"):
        with pytest.raises(ValueError, match=name):
            open_dataset(tmp_path / name)


def test_arguments_that_are_none(tmp_path):
    file = write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"path is .*gone, where nothing is"):
        open_dataset(tmp_path / "gone")
    with pytest.raises(TypeError, match=r"path is 7: give the path"):
        open_dataset(7)
    with pytest.raises(TypeError, match=r"split is 7: give a name"):
        open_dataset(tmp_path, 7)
    with pytest.raises(TypeError, match=r"class_key is no option of COCO JSON, which"):
        open_dataset(file, class_key="kind")
    with pytest.raises(FileNotFoundError, match=r"images is .*, which is no folder"):
        open_dataset(file, images=tmp_path / "gone")
    with pytest.raises(ValueError, match=r"orientation is 'up'"):
        open_dataset(file, orientation="up")
