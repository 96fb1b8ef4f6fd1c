"""COCO JSON as pycocotools reads it, as tools write it, and faults that are named."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from mrcnn.data import open_dataset, rle
from mrcnn.data.readers.coco import CocoDataset
from mrcnn.ops.rle import encode
from tests.data.readers.coco_sets import SHAPE, SQUARE, TRIANGLE, picture, write


def by_pycocotools(file):
    """Return masks and signed category names of each image, by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(file))
    found = {}
    for image in coco.dataset["images"]:
        anns = coco.imgToAnns[image["id"]]
        masks = [coco.annToMask(ann).astype(bool) for ann in anns]
        names = [
            ("-" if ann.get("iscrowd") else "") + coco.cats[ann["category_id"]]["name"]
            for ann in anns
        ]
        found[image["id"]] = masks, names
    return found


def read(dataset):
    """Return the same of a data set of ours."""
    found = {}
    for i, info in enumerate(dataset.image_info):
        masks, ids = dataset.load_mask(i)
        assert masks.dtype == bool and ids.dtype == np.int32
        names = ["-" * int(c < 0) + dataset.class_names[abs(c)] for c in ids]
        found[info["id"]] = list(np.moveaxis(masks, -1, 0)), names
        assert dataset.load_image(i).shape[:2] == masks.shape[:2]
    return found


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert ours[key][1] == theirs[key][1]
        for one, other in zip(ours[key][0], theirs[key][0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_masks_are_those_of_pycocotools(tmp_path):
    file = write(tmp_path)
    dataset = open_dataset(file)
    assert isinstance(dataset, CocoDataset)
    assert dataset.class_names == ["BG", "cup", "cat", "never"]  # by their ids
    ours = read(dataset)
    same(ours, by_pycocotools(file))
    assert [int(m.sum()) for m in ours[0][0]] == [100, 341]  # as pycocotools fills
    assert [len(masks) for masks, _ in ours.values()] == [2, 2, 0]
    assert dataset.get_source_class_id(2, "coco") == 17


def test_ids_from_the_file_raise_no_doubt(tmp_path, caplog):
    open_dataset(write(tmp_path))
    assert not caplog.records


@pytest.mark.parametrize("seed", range(20))
def test_random_outlines_are_filled_as_pycocotools_does(tmp_path, seed):
    rng = np.random.default_rng(seed)

    def change(made):
        for each in made["annotations"]:
            parts = [
                (rng.random(2 * rng.integers(3, 9)) * 70 - 10).round(2).tolist()
                for _ in range(rng.integers(1, 4))
            ]
            each["segmentation"] = [*parts, [0, 0, 9, 0, 9, 9]]

    file = write(tmp_path, change)
    same(read(open_dataset(file)), by_pycocotools(file))


@pytest.mark.parametrize("seed", range(20))
def test_runs_as_text_have_the_lengths_that_pycocotools_reads(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 300, 2)
    masks = rng.random((*shape, 1)) < rng.choice([0, 0.002, 0.5, 1])
    (code,) = encode(masks)
    runs = rle.runs_of(code["counts"])
    pixels = masks[..., 0].ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(pixels, prepend=0)).tolist()
    assert runs.tolist() == np.diff([0, *edges, pixels.size]).tolist()
    assert rle.of_runs(runs, *shape.tolist()) == code


LAYOUTS = {  # tool or set: file, folder of pictures, split
    "COCO": ("annotations/instances_train2017.json", "train2017", "train"),
    "COCO, images/": ("annotations/instances_val2017.json", "images/val2017", "val"),
    "Roboflow": ("train/_annotations.coco.json", "train", "train"),
    "Roboflow, valid": ("valid/_annotations.coco.json", "valid", "val"),
    "CVAT": ("annotations/instances_default.json", "images", None),
    "COCO, plain folders": ("annotations/instances_train2017.json", "train", None),
    "CVAT, subset": ("annotations/instances_train.json", "images/train", "train"),
    "Label Studio": ("result.json", "images", None),
    "a file for each split": ("val.json", "val", "validation"),
    "a file beside": ("labels_test.json", "test", "test"),
    "pictures beside": ("anything.json", "", None),
    "any name": ("annotations/x.json", "data", None),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_folders_as_tools_write_them(tmp_path, layout):
    name, below, split = LAYOUTS[layout]
    file = write(tmp_path, name=name, below=below)
    expected = by_pycocotools(file)
    same(read(open_dataset(tmp_path, split)), expected)
    same(read(open_dataset(tmp_path)), expected)  # the only file needs no split
    same(read(open_dataset(file)), expected)
    same(read(open_dataset(file, images=tmp_path / below)), expected)


def test_several_splits_with_the_same_names_are_kept_apart(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path, name=f"{split}/_annotations.coco.json", below=split)
        picture(tmp_path / split / "a.png", SHAPE)
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "valid" / "a.png")
    assert not open_dataset(tmp_path, "val").load_image(0).any()
    assert open_dataset(tmp_path, "train").load_image(0).any()
    there = r"train/_annotations.coco.json, valid/_annotations.coco.json"
    with pytest.raises(ValueError, match=rf"which is meant is open.*{there}"):
        open_dataset(tmp_path)
    with pytest.raises(ValueError, match=rf"split is 'test', and 0 files.*{there}"):
        open_dataset(tmp_path, "test")
    with pytest.raises(ValueError, match=r"split is 'train', but .* is one file"):
        open_dataset(tmp_path / "train" / "_annotations.coco.json", "train")


def test_other_tasks_of_coco_beside_the_instances(tmp_path):
    for kind in ("instances", "captions", "person_keypoints"):
        write(tmp_path, name=f"annotations/{kind}_val2017.json", below="val2017")
    assert open_dataset(tmp_path, "val").num_images == 3


@pytest.mark.parametrize("name", ["images/a.png", "images\\a.png", "deep/er/a.png"])
def test_file_names_may_have_folders(tmp_path, name):
    def change(made):
        made["images"][0]["file_name"] = name

    file = write(tmp_path, change, below="images")
    picture(tmp_path / "deep" / "er" / "a.png")
    expected = tmp_path / name.replace("\\", "/")
    assert open_dataset(file).image_info[0]["path"] == expected
    picture(tmp_path / "elsewhere" / "a.png")
    assert open_dataset(tmp_path).image_info[0]["path"] == expected


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "x/../../a.png", "C:\\a.png", "..\\a.png"]
)
def test_pictures_stay_inside_the_folder(tmp_path, name):
    picture(tmp_path / "a.png")

    def change(made):
        made["images"][0]["file_name"] = name

    file = write(tmp_path / "set", change)
    with pytest.raises(ValueError, match=r"images\[0\].*leads out of"):
        open_dataset(file)


def test_a_group_of_all_others_is_no_class_and_another_unused_one_is(tmp_path, capsys):
    """Roboflow writes the name of the project as category 0."""

    def change(made):
        made["categories"] = [
            {"id": 0, "name": "things", "supercategory": "none"},
            {"id": 1, "name": "cat", "supercategory": "things"},
            {"id": 2, "name": "cup", "supercategory": "things"},
        ]
        for each in made["annotations"]:
            each["category_id"] = 2

        annotation(made).update(segmentation=[[1, 2, 9, 9]])

    dataset = open_dataset(write(tmp_path, change), skip_faulty=True)
    assert dataset.class_names == ["BG", "cat", "cup"]
    assert "category 0, 'things', has no object" in capsys.readouterr().out


def test_categories_may_be_chosen_and_joined(tmp_path):
    file = write(tmp_path)
    cats = open_dataset(file, classes=["cat"])
    assert cats.class_names == ["BG", "cat"]
    assert [cats.load_mask(i)[1].tolist() for i in range(3)] == [[1], [-1], []]
    joined = open_dataset(file, classes={"cat": "thing", "cup": "thing"})
    assert joined.class_names == ["BG", "thing"]
    assert [joined.load_mask(i)[1].tolist() for i in range(3)] == [[1, 1], [1, -1], []]
    order = open_dataset(file, classes=["never", "cat", "cup"])
    assert order.load_mask(0)[1].tolist() == [2, 3]
    with pytest.raises(ValueError, match=r"no category 'dog'.*'cat', 'cup', 'never'"):
        open_dataset(file, classes=["cat", "dog"])


@pytest.mark.parametrize("turned", [True, False])
def test_the_size_in_the_file_says_which_way_a_photograph_is_turned(tmp_path, turned):
    exif = Image.Exif()
    exif[274] = 6

    def change(made):
        if turned:
            made["images"][2].update(height=50, width=40)

    file = write(tmp_path, change)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "empty.png", exif=exif)
    dataset = open_dataset(file)
    assert dataset.load_image(2).shape == ((50, 40, 3) if turned else (40, 50, 3))
    assert dataset.load_mask(2)[0].shape[:2] == dataset.load_image(2).shape[:2]
    if turned:
        with pytest.raises(ValueError, match=r"empty.png has 40 x 50.*says 50 x 40"):
            open_dataset(file, orientation="stored")


def test_sizes_that_are_not_written_are_those_of_the_pictures(tmp_path):
    def change(made):
        for image in made["images"]:
            del image["height"], image["width"]

    whole, bare = write(tmp_path / "a"), write(tmp_path / "b", change)
    same(read(open_dataset(bare)), by_pycocotools(whole))


def annotation(made, place=0):
    return made["annotations"][place]


def segmentation(value):
    return lambda made: annotation(made).update(segmentation=value)


FAULTS = {
    "four numbers": (segmentation([[1, 2, 9, 9]]), r"annotations\[0\] \(id 0\) of "
                     "'a.png': field 'segmentation', part 0 has 4 numbers, a line or "),
    "four in the second part": (segmentation([SQUARE, [1, 2, 9, 9]]), "part 1 has 4"),
    "a point": (segmentation([[1, 2]]), "2 numbers, a point, where"),
    "odd": (segmentation([[*TRIANGLE, 7]]), "7 numbers: x and y come in pairs"),
    "texts": (segmentation([["1", *SQUARE[1:]]]), "expected numbers"),
    "truths": (segmentation([[True, *SQUARE[1:]]]), "expected numbers"),
    "not finite": (segmentation([[float("nan"), *SQUARE[1:]]]), "are no pixels"),
    "far": (segmentation([[1e300, *SQUARE[1:]]]), "are no pixels"),
    "box alone": (segmentation([]), "missing or empty: it has a box alone"),
    "one empty part": (segmentation([[]]), "missing or empty"),
    "outside": (segmentation([[50, 0, 60, 0, 60, 9]]), "outside, in columns 50 to 60"),
    "size": (segmentation({"size": [50, 40], "counts": [2000]}), "'size' is \\[50, 40"),
    "no size": (segmentation({"counts": [2000]}), "'size' is None"),
    "too few": (segmentation({"size": [40, 50], "counts": [7, 9]}), "fill 16 pixels"),
    "negative": (segmentation({"size": [40, 50], "counts": [2001, -1]}), "lengths of"),
    "cut text": (segmentation({"size": [40, 50], "counts": "lk0b0f"}), "is cut off"),
    "other text": (segmentation({"size": [40, 50], "counts": "a b"}), "characters"),
    "long text": (segmentation({"size": [40, 50], "counts": "ooooooooo0"}), "cut off"),
    "empty text": (segmentation({"size": [40, 50], "counts": ""}), "is empty"),
    "no counts": (segmentation({"size": [40, 50]}), "'counts' is None"),
    "a number": (segmentation(7), "expected polygons or run"),
    "crowd": (lambda m: annotation(m).update(iscrowd=2), "'iscrowd' is 2: it is 0 or"),
    "no image": (lambda m: annotation(m).update(image_id=5), "no image with .* 5"),
    "image missing": (lambda m: annotation(m).pop("image_id"), "'image_id' is missing"),
    "no category": (lambda m: annotation(m).update(category_id=5), "no category with"),
    "list as id": (lambda m: annotation(m).update(category_id=[1]), "must be a whole"),
    "no object": (lambda m: m["annotations"].insert(0, 3), r"annotations\[0\] is 3"),
    "no annotations": (lambda m: m.update(annotations=None), "list as field 'anno"),
    "no categories": (lambda m: m.pop("categories"), "has no field 'categories'"),
    "an id twice": (lambda m: m["images"][1].update(id=0), r"es\[1\]: id 0 is that"),
    "a file twice": (lambda m: m["images"][1].update(file_name="a.png"), "picture of"),
    "no name": (lambda m: m["images"][1].pop("file_name"), "'file_name' is None"),
    "height": (lambda m: m["images"][1].update(height="x"), "'height' is 'x', no num"),
    "huge": (lambda m: m["images"][1].update(height=10**400), "'height' is 1000"),
    "other size": (lambda m: m["images"][1].update(height=41), "b.png has 40 x 50"),
    "nothing": (lambda m: m["annotations"].clear(), "has no annotated object"),
    "class twice": (lambda m: m["categories"][1].update(id=17), "'cup', and 'cat' bef"),
    "nameless": (lambda m: m["categories"][1].update(name=None), "'name' is None"),
    "background": (lambda m: m["categories"][0].update(name="BG"), "background's"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_entry_and_field(tmp_path, fault):
    change, match = FAULTS[fault]
    with pytest.raises(ValueError, match=match) as raised:
        open_dataset(write(tmp_path, change))
    assert "set.json" in str(raised.value)


def test_all_faults_come_in_one_error_and_can_be_left_out(tmp_path, capsys):
    def change(made):
        made["images"].append({"id": 8, "file_name": "gone.png"})
        made["annotations"].append(dict(annotation(made), id=8, image_id=8))
        annotation(made).update(segmentation=[[1, 2, 9, 9]])

    file = write(tmp_path, change)
    with pytest.raises(ValueError, match=r"has 2 faults:\n.*has 4 num.*\n.*gone.png"):
        open_dataset(file)
    dataset = open_dataset(file, skip_faulty=True)
    assert dataset.num_images == 3 and len(dataset.load_mask(0)[1]) == 1
    assert "2 faults are left out" in capsys.readouterr().out


@pytest.mark.parametrize(("count", "said"), [(1, 0), (2, 1)])
def test_that_most_objects_are_crowds_is_said_once(tmp_path, capsys, count, said):
    """Datumaro and what is built on it call every mask one."""

    def change(made):
        for each in made["annotations"][:count]:
            each["iscrowd"] = 1  # as the third is anyway

    file = write(tmp_path, change)
    for _ in range(2):
        open_dataset(file)
    text = "3 of 4 objects are crowds (iscrowd is 1), which are not learnt"
    assert capsys.readouterr().out.count(text) == said


def test_missing_pictures_alone_are_missing_files(tmp_path):
    file = write(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "A.PNG")
    with pytest.raises(FileNotFoundError, match=r"a.png is missing.*'A.PNG' is there"):
        open_dataset(file)
    with pytest.raises(FileNotFoundError, match=r"images= names another folder"):
        open_dataset(file)


def test_a_region_that_via_writes_for_each_of_two_attributes(tmp_path):
    """VIA 2.0.10 gives both the same id, and the area of the box."""

    def change(made):
        made["annotations"].append(dict(annotation(made), category_id=0))

    with pytest.raises(ValueError, match=r"same region.* category 17 and now 0: VIA"):
        open_dataset(write(tmp_path, change))


def test_a_file_is_read_again_after_it_has_changed(tmp_path):
    file = write(tmp_path)
    assert len(open_dataset(file).load_mask(0)[1]) == 2
    content = json.loads(file.read_text())
    del content["annotations"][0]
    file.write_text(json.dumps(content))
    assert len(open_dataset(file).load_mask(0)[1]) == 1


def test_runs_beyond_what_is_counted(tmp_path):
    def change(made):
        del made["images"][0]["height"], made["images"][0]["width"]
        runs = {"size": [10**6, 10**6], "counts": [10**12]}
        annotation(made).update(segmentation=runs)

    with pytest.raises(ValueError, match=r"'size' is .*of too many pixels"):
        open_dataset(write(tmp_path, change))
