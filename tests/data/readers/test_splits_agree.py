"""All splits of a folder number their classes alike, whatever each of them shows."""

import json
import unicodedata

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import open_dataset
from mrcnn.data.readers import splits
from tests.data.readers import coco_sets, written

LABELS = {"train": ["cup", "plate"], "val": ["plate"]}


def as_via(folder):
    for split, labels in LABELS.items():
        coco_sets.picture(folder / split / "a.png")
        square = {"all_points_x": [2, 9, 9, 2], "all_points_y": [1, 1, 8, 8]}
        regions = [
            {
                "shape_attributes": {"name": "polygon", **square},
                "region_attributes": {"kind": label},
            }
            for label in labels
        ]
        image = {"filename": "a.png", "size": 7, "regions": regions}
        (folder / split / "via.json").write_text(json.dumps({"a": image}))


def as_labelme(folder):
    for split, labels in LABELS.items():
        written.pictures(folder / split)
        shapes = [written.shape(label, written.SQUARE) for label in labels]
        written.labelme(folder / split, "a", shapes)


def as_cvat(folder):
    """A file for each subset, without a list of labels."""
    written.pictures(folder / "images")
    for split, labels in LABELS.items():
        shapes = "".join(
            f'<polygon label="{label}" points="2,2;12,2;12,12"/>' for label in labels
        )
        (folder / f"{split}.xml").write_text(
            '<annotations><image id="0" name="a.png" width="30" height="20">'
            f"{shapes}</image></annotations>"
        )


def as_cvat_folders(folder):
    """An export for each split, whose lists of labels are in another order."""
    for split, labels in LABELS.items():
        written.pictures(folder / split / "images")
        names = LABELS["train"][:: 1 if split == "train" else -1]
        listed = "".join(f"<label><name>{name}</name></label>" for name in names)
        shapes = "".join(
            f'<polygon label="{label}" points="2,2;12,2;12,12"/>' for label in labels
        )
        (folder / split / "annotations.xml").write_text(
            f"<annotations><meta><job><labels>{listed}</labels></job></meta>"
            '<image id="0" name="a.png" width="30" height="20">'
            f"{shapes}</image></annotations>"
        )


def coco(folder, names, used, groups=None):
    """Write a split of COCO: names by id, and which have an object."""
    coco_sets.picture(folder / "a.png")
    content = {
        "images": [{"id": 0, "file_name": "a.png", "height": 40, "width": 50}],
        "categories": [
            {"id": i, "name": name, "supercategory": (groups or {}).get(name, "none")}
            for i, name in names.items()
        ],
        "annotations": [
            {"image_id": 0, "category_id": i, "segmentation": [coco_sets.SQUARE]}
            for i in used
        ],
    }
    (folder / "_annotations.coco.json").write_text(json.dumps(content))


def as_coco(folder):
    """As tools write it that list only what they show, by ids of the project."""
    coco(folder / "train", {3: "cup", 5: "plate"}, [3, 5])
    coco(folder / "val", {5: "plate"}, [5])


def as_roboflow(folder):
    """The group of all others is a category, with objects in one split alone."""
    names, groups = {0: "cup", 1: "plate"}, {"plate": "cup"}
    coco(folder / "train", names, [0, 1], groups)
    coco(folder / "val", names, [1], groups)


@pytest.mark.parametrize(
    "form", [as_via, as_labelme, as_cvat, as_cvat_folders, as_coco, as_roboflow]
)
def test_a_split_that_lacks_a_class_numbers_the_others_as_before(tmp_path, form):
    form(tmp_path)
    for split, labels in LABELS.items():
        dataset = open_dataset(tmp_path, split)
        assert dataset.class_names == ["BG", "cup", "plate"]
        _, ids = dataset.load_mask(0)
        assert [dataset.class_names[i] for i in ids] == labels


@pytest.mark.parametrize(
    "other", [{0: "plate", 1: "cup"}, {0: "plate"}, {7: "cup", 8: "plate"}]
)
def test_splits_of_coco_that_disagree_need_classes(tmp_path, other):
    coco(tmp_path / "train", {0: "cup", 1: "plate"}, [0, 1])
    coco(tmp_path / "valid", other, other)
    for split in ("train", "val"):
        with pytest.raises(ValueError, match=r"must number their classes alike.*class"):
            open_dataset(tmp_path, split)
    train, val = (
        open_dataset(tmp_path, split, classes=["cup", "plate"])
        for split in ("train", "val")
    )
    assert train.class_names == val.class_names == ["BG", "cup", "plate"]
    names = [val.class_names[i] for i in val.load_mask(0)[1]]
    assert names == list(other.values())
    with pytest.raises(ValueError, match=r"no category 'cat', .* are 'cup', 'plate'"):
        open_dataset(tmp_path, "train", classes=["cat"])


def test_all_files_of_another_split_tell_its_classes(tmp_path):
    as_via(tmp_path)
    twice = tmp_path / "train" / "again.json"
    twice.write_bytes((tmp_path / "train" / "via.json").read_bytes())
    assert open_dataset(tmp_path, "val").class_names == ["BG", "cup", "plate"]


def test_another_attribute_in_another_split_needs_classes(tmp_path):
    as_via(tmp_path)
    file = tmp_path / "val" / "via.json"
    file.write_text(file.read_text().replace('"kind"', '"type"'))
    with pytest.raises(ValueError, match=r"val.via\.json: no region .* give classes="):
        open_dataset(tmp_path, "train", class_key="kind")
    named = {"classes": ["cup", "plate"], "class_key": "kind"}
    assert open_dataset(tmp_path, "train", **named).load_mask(0)[1].tolist() == [1, 2]


def test_one_file_has_its_own_classes(tmp_path):
    as_coco(tmp_path)
    file = tmp_path / "val" / "_annotations.coco.json"
    assert open_dataset(file).class_names == ["BG", "plate"]


@pytest.mark.parametrize(
    ("name", "split", "fits"),
    [
        ("val2017", "val", True),
        ("instances_train2017", "train2017", True),
        ("instances_train2017", "train2014", False),
        ("_annotations_validation", "valid", True),
        ("interval", "val", False),
    ],
)
def test_names_of_splits(name, split, fits):
    assert splits.is_of(name, split) is fits


def test_splits_below_images_and_masks_are_not_mixed(tmp_path):
    for i, split in enumerate(("train", "val"), start=1):
        for kind in ("images", "masks"):
            (tmp_path / kind / split).mkdir(parents=True)
        written.pictures(tmp_path / "images" / split)
        numbers = np.zeros(written.SIZE, np.uint8)
        numbers[2:5, 2 : 2 + i] = 1
        for name in written.SET:
            Image.fromarray(numbers).save(tmp_path / "masks" / split / f"{name}.png")
    with pytest.raises(ValueError, match=r"the splits 'train', 'val': name one"):
        open_dataset(tmp_path)
    for i, split in enumerate(("train", "validation"), start=1):
        dataset = open_dataset(tmp_path, split)
        assert len(dataset.image_ids) == 3
        assert dataset.load_mask(0)[0].sum() == 3 * i


def test_a_picture_whose_accents_stand_by_themselves_is_found(tmp_path):
    def rename(content):
        content["images"][0]["file_name"] = "größe é.png"

    file = coco_sets.write(tmp_path, rename)
    there = tmp_path / unicodedata.normalize("NFD", "größe é.png")
    (tmp_path / "a.png").rename(there)
    assert open_dataset(file).image_info[0]["path"] == there
