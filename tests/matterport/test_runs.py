"""Folders and files of training runs."""

from pathlib import Path

import pytest

from mrcnn.matterport.runs import RunFolder, last_weights


def touch(path: Path) -> Path:
    """Make an empty file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_new_run_is_named_by_configuration_and_time(tmp_path):
    run = RunFolder.of("Shapes", tmp_path)
    assert run.folder.parent == tmp_path
    assert run.folder.name.startswith("shapes2")
    assert run.file_name.format(epoch=7) == "mask_rcnn_shapes_0007.h5"
    assert run.epoch == 0
    assert not run.folder.exists()


@pytest.mark.parametrize(
    "file",
    [
        "/logs/coco20171029T2315/mask_rcnn_coco_0023.h5",
        r"logs\coco20171029T2315\mask_rcnn_coco_0023.h5",
        "/elsewhere/other-name20171029T2315/mask_rcnn_other-name_0023.h5",
    ],
)
def test_a_weight_file_says_which_run_goes_on(tmp_path, file):
    run = RunFolder.of("coco", tmp_path, file)
    assert run.folder == tmp_path / "coco20171029T2315"
    assert run.epoch == 23


@pytest.mark.parametrize("file", ["mask_rcnn_coco.h5", "/a/b/mask_rcnn_coco_0001.h5"])
def test_other_files_start_a_new_run(tmp_path, file):
    assert RunFolder.of("coco", tmp_path, file).epoch == 0


def test_runs_need_a_name(tmp_path):
    with pytest.raises(ValueError, match="has no NAME"):
        RunFolder.of(None, tmp_path)


def test_the_newest_file_of_the_newest_run(tmp_path):
    touch(tmp_path / "coco20250101T0000" / "mask_rcnn_coco_0009.h5")
    touch(tmp_path / "coco20260101T0000" / "mask_rcnn_coco_0001.h5")
    newest = touch(tmp_path / "coco20260101T0000" / "mask_rcnn_coco_0002.h5")
    touch(tmp_path / "coco20260101T0000" / "events.out")
    touch(tmp_path / "coco_people20270101T0000" / "mask_rcnn_coco_people_0001.h5")
    assert last_weights("COCO", tmp_path) == newest


def test_no_run_and_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No run of the configuration 'x'"):
        last_weights("x", tmp_path / "missing")
    (tmp_path / "x20260101T0000").mkdir()
    with pytest.raises(FileNotFoundError, match="No weight file is in"):
        last_weights("x", tmp_path)
