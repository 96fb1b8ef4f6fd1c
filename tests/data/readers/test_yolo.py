"""YOLO's files as they come: names, splits, folders, rounded numbers, boxes."""

import numpy as np
import pytest

from mrcnn.data.readers import yolo
from tests.data.readers import written

DATA = "train: train/images\nnames: [cup, plate]\n"
HALF = "0 0 0 0.5 0 0.5 1 0 1"


def small(folder, data=DATA, split="train", **labels):
    """Write pictures and label files; return the folder."""
    written.pictures(folder / split / "images")
    (folder / split / "labels").mkdir()
    for name, text in labels.items():
        (folder / split / "labels" / f"{name}.txt").write_text(text)
    (folder / "data.yaml").write_text(data)
    return folder


def test_a_border_between_pixels_is_not_left_to_the_last_digit(tmp_path):
    # 2 / 30 and 4 / 30, rounded up and down; 2 to 4 and 5 to 10 with both borders
    small(tmp_path, a="1 0.066667 0.25 0.133333 0.25 0.133333 0.5 0.066667 0.50")
    ((name, mask),) = written.objects(yolo.read(tmp_path))["a"]
    assert (name, mask.sum()) == ("plate", 3 * 6)
    assert mask[5:11, 2:5].all()


def test_many_digits_are_believed(tmp_path):
    x = (2.4 / 30, 4.6 / 30)  # columns 3 and 4
    small(tmp_path, a=f"0 {x[0]} 0.25 {x[1]} 0.25 {x[1]} 0.5 {x[0]} 0.5")
    ((_, mask),) = written.objects(yolo.read(tmp_path))["a"]
    assert np.unique(np.argwhere(mask)[:, 1]).tolist() == [3, 4]


@pytest.mark.parametrize(
    "names",
    ["names:\n  0: cup\n  1: plate\n", "names:\n- cup\n- plate\nnc: 2\n"],
)
def test_names_are_a_list_or_by_number(tmp_path, names):
    small(tmp_path, "train: train/images\n" + names, a=HALF)
    assert yolo.read(tmp_path).class_names == ["BG", "cup", "plate"]
    assert yolo.read(tmp_path / "data.yaml").num_images == 3  # b and c have no labels


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("train: train/images\nnames: {0: cup, 2: plate}\n", "numbers .0, 2.: count"),
        ("train: train/images\nnames: cup\n", "field 'names' is 'cup'"),
        ("train: train/images\nnames: [cup, cup]\n", "'cup' twice"),
        ("train: train/images\nnames: [on, off]\n", "class 0 is True: expected a text"),
        (DATA + "nc: 3\n", "field 'nc' is 3, but names 2"),
        (DATA + "train: x\n", "writes a key twice"),
        (DATA + "a: &a [1]\nb: [*a]\n", "references"),
        (DATA + "a: !!python/object/apply:os.system [ls]\n", "could not determine"),
        ("train: /etc\nnames: [cup]\n", "field 'train' is '/etc', which leads out"),
        ("train: [train/images, ../../x]\nnames: [cup]\n", "x is missing"),
        ("train: images\nnames: [cup]\n", "images is missing"),
        ("train: 5\nnames: [cup]\n", "field 'train' is 5: expected a text"),
        ("names: [cup]\ntrain:\n", "has none of the fields"),
        ("nc: 1\nnames: [cup]\n", "has none of .* add where the pictures are"),
    ],
)
def test_faults_of_the_yaml_name_file_and_field(tmp_path, data, said):
    small(tmp_path, data, a=HALF)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"data\.yaml.*{said}"):
        yolo.read(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.2 0.2", "is a box, without an outline"),
        ("0 0.1 0.1 0.5 0.5", "is a box"),
        ("0 0.1 0.1 0.5 0.5 0.1", "5 numbers after its class"),
        ("2 0 0 0.5 0 0.5 1", "class is 2; names has 0 to 1"),
        ("-1 0 0 0.5 0 0.5 1", "expected a number from 0"),
        ("cup 0 0 0.5 0 0.5 1", "is 'cup': expected a whole number"),
        ("0 0 0 15 0 15 20", "values from 0 to 20: points are in parts"),
        ("0 0 0 nan 0 0.5 1", "points are in parts"),
        ("0 0 0 0,5 0 0.5 1", "expected numbers"),
        ("0 0 0 0.2 0.2 0.4 0.4", "one line"),
    ],
)
def test_faults_of_a_line_name_file_and_line(tmp_path, line, said):
    small(tmp_path, a=f"{HALF}\n{line}\n")
    with pytest.raises(ValueError, match=rf"labels/a\.txt: line 2.*{said}"):
        yolo.read(tmp_path)


def test_a_path_of_another_machine_is_not_followed(tmp_path, capsys):
    data = "path: /content/datasets/cups\n" + DATA
    assert yolo.read(small(tmp_path, data, a=HALF)).num_images == 3
    assert "there is no '/content/datasets/cups' beside it" in capsys.readouterr().out


def test_splits_by_their_names_and_by_those_of_roboflow(tmp_path):
    data = "train: ../train/images\nval: ../valid/images\nnames: [cup, plate]\n"
    small(tmp_path, data, a=HALF)
    small(tmp_path, data, "valid", b=HALF, c=HALF)
    assert len(written.objects(yolo.read(tmp_path, "train"))["a"]) == 1
    for split in ("val", "valid"):
        assert len(written.objects(yolo.read(tmp_path, split))["b"]) == 1
    with pytest.raises(ValueError, match="splits 'train', 'val': name one"):
        yolo.read(tmp_path)


def test_a_split_may_be_a_list_of_pictures(tmp_path):
    data = "train: train.txt\nnames: [cup, plate]\n"
    small(tmp_path, data, a=HALF)
    (tmp_path / "train.txt").write_text("./train/images/a.png\n\ntrain/images/b.png\n")
    assert yolo.read(tmp_path).num_images == 2
    (tmp_path / "train.txt").write_text("./train/images/a.png\n/etc/passwd\n")
    with pytest.raises(ValueError, match=r"train\.txt: line 2 .* leads out"):
        yolo.read(tmp_path)


def test_lines_that_stand_twice_count_once(tmp_path, capsys):
    dataset = yolo.read(small(tmp_path, a=f"{HALF}\n{HALF} \n1{HALF[1:]}\n"))
    assert [name for name, _ in written.objects(dataset)["a"]] == ["cup", "plate"]
    assert "1 lines stand twice" in capsys.readouterr().out


def test_labels_that_are_nowhere_are_said_to_be(tmp_path):
    with pytest.raises(ValueError, match=r"no picture .* has a label file, such as"):
        yolo.read(small(tmp_path))


def test_a_whole_path_is_taken_where_it_lies_inside(tmp_path):
    data = f"train: {tmp_path}/train/images\nnames: [cup, plate]\n"
    assert yolo.read(small(tmp_path, data, a=HALF)).num_images == 3
