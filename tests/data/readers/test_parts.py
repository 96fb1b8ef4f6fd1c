"""A split that may be there: of every format, with and without splits."""

import pytest

from mrcnn.data import open_dataset
from mrcnn.data.readers import open_part
from mrcnn.data.readers.fields import SplitError
from tests.data.readers import coco_sets, test_splits_agree, written
from tests.data.readers.test_same_set import FORMATS

SPLIT = ("as_via", "as_labelme", "as_cvat", "as_cvat_folders")


@pytest.mark.parametrize("name", FORMATS)
def test_whole_sets_have_no_validation(name, tmp_path):
    path = FORMATS[name][1](tmp_path)
    assert open_part(path, "val") is None
    assert open_dataset(path).num_images == len(written.SET)


@pytest.mark.parametrize("name", SPLIT)
def test_splits_are_found(name, tmp_path):
    getattr(test_splits_agree, name)(tmp_path)
    for split in ("train", "val"):
        found = open_part(tmp_path, split)
        assert found.image_reference(0).startswith(str(tmp_path))
        assert found.class_names == open_dataset(tmp_path, split).class_names
    assert open_part(tmp_path, "test") is None
    with pytest.raises(SplitError):
        open_dataset(tmp_path)


def test_coco_files(tmp_path):
    file = coco_sets.write(tmp_path, name="train.json")
    assert open_part(file, "train") is None  # a file is no folder of splits
    assert open_part(tmp_path, "train").num_images == 3
    assert open_part(tmp_path, "val") is None


def test_a_fault_in_a_split_is_no_missing_split(tmp_path):
    def broken(made):
        made["annotations"][0]["image_id"] = 5555

    coco_sets.write(tmp_path, broken, name="train.json")
    with pytest.raises(ValueError, match="5555"):
        open_part(tmp_path, "train")
    with pytest.raises(FileNotFoundError):
        open_part(tmp_path / "nowhere", "train")
