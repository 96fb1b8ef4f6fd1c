"""Data sets and detections as COCO's files: the same masks again, the same scores."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.data import open_dataset
from mrcnn.data.coco_files import numbers, results, write_dataset, write_results
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.ops.masks import boxes_of_masks

SHAPE = (60, 80)


class Drawn(Dataset):
    """Masks and ids as they are given, pictures of one colour."""

    def __init__(self, images, classes=("a", "b")) -> None:
        super().__init__()
        self.images = images
        for i, name in enumerate(classes, start=1):
            self.add_class("drawn", i, name)
        for i in range(len(images)):
            self.add_image("drawn", f"image {i}", None)
        self.prepare()

    def load_image(self, image_id):
        return np.full((*SHAPE, 3), 40 * image_id % 256, np.uint8)

    def load_mask(self, image_id):
        return self.images[image_id]


def blobs(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return masks (h, w, count): boxes with holes, from one pixel on."""
    masks = np.zeros((*SHAPE, count), bool)
    for i in range(count):
        y, x = rng.integers(0, 55), rng.integers(0, 75)
        h, w = rng.integers(1, 40, 2)
        part = masks[y : y + h, x : x + w, i]
        part[:] = rng.random(part.shape) < 0.9
        masks[y, x, i] = True
    return masks


def random_images(seed: int, count: int = 12) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return masks and class ids, crowds among them, and images without objects."""
    rng = np.random.default_rng(seed)
    images = []
    for i in range(count):
        n = 0 if i == 3 else rng.integers(1, 7)
        ids = rng.integers(1, 3, n) * np.where(rng.random(n) < 0.2, -1, 1)
        images.append((blobs(rng, n), ids.astype(np.int32)))
    return images


def detections_of(images, seed: int) -> list[dict]:
    """Return detections near the objects, with some that are not."""
    rng = np.random.default_rng(seed)
    found = []
    for masks, ids in images:
        shift = rng.integers(-4, 5, 2)
        near = np.roll(masks, shift, (0, 1))
        all_masks = np.concatenate([near, masks, blobs(rng, 2)], axis=-1)
        keep = rng.random(all_masks.shape[-1]) < 0.8
        all_masks = all_masks[..., keep]
        ids = np.concatenate([abs(ids), abs(ids), [1, 2]])[keep]
        order = np.argsort(-rng.random(len(ids)))
        scores = np.sort(rng.random(len(ids)).astype(np.float32).round(1))[::-1]
        boxes = boxes_of_masks(all_masks[..., order])
        found.append(
            {  # boxes of a network are not those of its masks
                "rois": boxes + rng.integers(0, 2, boxes.shape) * [-1, -1, 1, 1],
                "class_ids": ids[order].astype(np.int32),
                "scores": scores,
                "masks": all_masks[..., order],
            }
        )
    return found


def same_objects(one: Dataset, other: Dataset) -> None:
    assert one.class_names == other.class_names
    assert one.num_images == other.num_images
    for i in one.image_ids:
        (a, ids), (b, again) = one.load_mask(i), other.load_mask(i)
        seen = a.any(axis=(0, 1))
        np.testing.assert_array_equal(a[..., seen], b)
        np.testing.assert_array_equal(ids[seen], again)


@pytest.mark.parametrize("seed", range(4))
def test_a_data_set_comes_back_with_the_same_masks_and_pictures(tmp_path, seed):
    dataset = Drawn(random_images(seed))
    again = open_dataset(write_dataset(dataset, tmp_path / "set.json"))
    same_objects(dataset, again)
    for i in dataset.image_ids:
        np.testing.assert_array_equal(dataset.load_image(i), again.load_image(i))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set.json", "set_pictures"]


def test_what_was_read_from_coco_keeps_its_ids_and_its_pictures(tmp_path):
    first = open_dataset(write_dataset(ShapesDataset(3, seed=1), tmp_path / "a.json"))
    content = json.loads((tmp_path / "a.json").read_text())
    for image in content["images"]:
        image["id"] = 10 * image["id"] + 7
    for annotation in content["annotations"]:
        annotation["image_id"] = 10 * annotation["image_id"] + 7
        annotation["category_id"] = 2 * annotation["category_id"] - 2  # from 0
    for category in content["categories"]:
        category["id"] = 2 * category["id"] - 2
    (tmp_path / "a.json").write_text(json.dumps(content))
    second = open_dataset(tmp_path / "a.json")
    assert numbers(second) == ([7, 17, 27], [0, 2, 4])
    same_objects(first, second)
    write_dataset(second, tmp_path / "b.json")
    assert not (tmp_path / "b_pictures").exists()
    assert json.loads((tmp_path / "b.json").read_text()) == content


def test_pictures_that_are_turned_or_lie_elsewhere_are_written(tmp_path):
    (tmp_path / "in").mkdir()
    pixels = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "in" / "turned.png", exif=exif)
    Image.fromarray(pixels).save(tmp_path / "outside.png")

    class Files(Dataset):
        def load_mask(self, image_id):
            shape = self.load_image(image_id).shape[:2]
            return np.ones((*shape, 1), bool), np.array([1], np.int32)

    dataset = Files(orientation="turned")
    dataset.add_class("x", 1, "all")
    for name in ("in/turned.png", "outside.png"):
        dataset.add_image("x", name, tmp_path / name)
    dataset.prepare()
    file = write_dataset(dataset, tmp_path / "in" / "set.json")
    images = json.loads(file.read_text())["images"]
    assert [(im["height"], im["width"]) for im in images] == [(30, 20), (20, 30)]
    again = open_dataset(file)
    for i in dataset.image_ids:
        np.testing.assert_array_equal(dataset.load_image(i), again.load_image(i))
    with pytest.raises(FileExistsError, match=r"set_pictures.* remove the folder"):
        write_dataset(dataset, file)
    with pytest.raises(
        NotADirectoryError, match=r"folder of path is .*set\.json is a f"
    ):
        write_dataset(dataset, file / "below.json")


def test_a_set_that_fails_leaves_nothing_behind(tmp_path):
    images = random_images(0, 2)
    images[1] = (np.zeros((9, 9, 1), bool), np.array([1]))
    with pytest.raises(ValueError, match=r"image 1 of drawn has 60 x 80 pixels"):
        write_dataset(Drawn(images), tmp_path / "set.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("task", ["mask", "box"])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_pycocotools_through_files(tmp_path, task, seed):
    images = random_images(seed)
    found, dataset = detections_of(images, seed + 100), Drawn(images)
    truth = write_dataset(dataset, tmp_path / "truth.json")
    file = write_results(found, dataset, tmp_path / "found.json", task=task)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(truth))
        run = COCOeval(
            reference,
            reference.loadRes(str(file)),
            {"mask": "segm", "box": "bbox"}[task],
        )
        run.evaluate()
        run.accumulate()
        run.summarize()
    scenes = [
        Scene(i, annotated(ids, masks), detected(f), np.zeros((0, 4)))
        for i, ((masks, ids), f) in enumerate(zip(images, found, strict=True))
    ]
    ours = average_precision(scenes, dataset.class_names, task)
    assert 0.1 < ours.ap < 1
    values = [ours.ap, ours.ap50, ours.ap75, ours.recall]
    np.testing.assert_allclose(values, run.stats[[0, 1, 2, 8]], rtol=0, atol=1e-9)


def test_results_of_some_images_and_of_codes(tmp_path):
    images = random_images(1)
    found, dataset = detections_of(images, 1), Drawn(images)
    every = results(found, dataset)
    some = results([found[5], found[2]], dataset, image_ids=[5, 2])
    assert some == [r for i in (5, 2) for r in every if r["image_id"] == i]
    codes = [dict(f, masks=detected(f).encoded) for f in found]
    assert results(codes, dataset) == every
    assert results(iter(found), dataset) == every


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        (lambda f: f[1:], {}, r"detections are 11 for 12 images"),
        (lambda f: [*f, f[0]], {}, r"detections are more for 12 images"),
        (lambda f: f[:1], {"image_ids": [12]}, r"image_ids has 12: 0 to 11 exist"),
        (lambda f: f, {"task": "masks"}, r"task is 'masks'; choose from mask, box"),
        (lambda f: [{"masks": []}] * 12, {}, r"has no rois, class_ids, scores"),
        (lambda f: [None] * 12, {}, r"has no rois, class_ids, scores, masks: give"),
        (
            lambda f: [dict(f[0], class_ids=f[0]["class_ids"] + 2)] * 12,
            {},
            r"is of class \d, and the data set has 1 to 2",
        ),
    ],
)
def test_detections_that_do_not_fit_are_refused(change, options, match):
    images = random_images(1)
    with pytest.raises(ValueError, match=match):
        results(change(detections_of(images, 1)), Drawn(images), **options)


def test_written_areas_and_boxes_are_those_of_the_masks(tmp_path):
    masks = np.zeros((*SHAPE, 2), bool)
    masks[3:7, 10:30, 0] = True
    masks[4, 12, 0] = False  # a hole; the other has no pixel
    file = write_dataset(Drawn([(masks, np.array([1, 2]))]), tmp_path / "x" / "a.json")
    (only,) = json.loads(file.read_text())["annotations"]
    assert (only["id"], only["area"], only["bbox"]) == (1, 79, [10, 3, 20, 4])
