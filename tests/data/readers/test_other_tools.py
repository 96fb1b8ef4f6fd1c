"""Sets that other tools write and read: Datumaro, supervision and LabelMe itself.

`make test-backends` has them; each test is skipped where its tool is not installed.
A mask comes back pixel by pixel. Outlines do not: tools round their points, and each
fills in its own way what lies on an outline, such as pycocotools and Pillow.
"""

import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image
from skimage.draw import polygon2mask

from mrcnn.data import open_dataset
from mrcnn.data.coco_files import write_dataset
from mrcnn.ops.masks import boxes_of_masks
from tests.data.readers import written

SIZE = (400, 500)
NAMES = ["cup", "plate"]
TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
WAVES = 110 + 15 * np.sin(3 * TURN)
BLOB = np.stack([130 + WAVES * np.cos(TURN), 140 + WAVES * np.sin(TURN)], axis=1)
BOOT = np.array([(260, 20), (380, 20), (380, 200), (480, 200), (480, 380), (260, 380)])
LEFT = np.array([(20, 30), (180, 30), (200, 210), (20, 190)])
RIGHT = np.array([(300, 200), (480, 150), (480, 390), (300, 390)])
SET = {
    "a": [("plate", [BLOB]), ("cup", [BOOT])],
    "b": [("cup", [LEFT, RIGHT])],
    "c": [],
}
"""Objects by picture, each of a class and one or several outlines."""
SPLITS = ("train", "val")


def pixels(outlines):
    """Return the mask of an object, bool SIZE."""
    return np.any([polygon2mask(SIZE, points[:, ::-1]) for points in outlines], axis=0)


def agree(mask, wanted, exact):
    """Hold two masks against each other: to the pixel, or but for their rims."""
    if exact:
        np.testing.assert_array_equal(mask, wanted)
    assert (mask & wanted).sum() >= 0.98 * (mask | wanted).sum()
    boxes = boxes_of_masks(np.stack([mask, wanted], axis=-1)).astype(int)
    assert abs(boxes[0] - boxes[1]).max() <= 1


def compare(dataset, names, *, exact, crowds=False):
    """Hold a data set that was read against these pictures of the set."""
    assert dataset.class_names == ["BG", *NAMES]
    assert dataset.num_images == len(names)
    for i in dataset.image_ids:
        assert dataset.load_image(i).shape == (*SIZE, 3)
        masks, ids = dataset.load_mask(i)
        stem = Path(dataset.image_info[i]["path"]).stem
        drawn = SET[stem.rpartition("-")[2]]
        assert [(dataset.class_names[abs(c)], c < 0) for c in ids] == [
            (name, crowds) for name, _ in drawn
        ]
        for k, (_, outlines) in enumerate(drawn):
            agree(masks[..., k], pixels(outlines), exact)


def items(dm, kind):
    """Yield the set as Datumaro has it, in two splits."""
    for split in SPLITS:
        for stem, drawn in SET.items():
            found = []
            for i, (name, outlines) in enumerate(drawn, start=1):
                where = {"label": NAMES.index(name), "id": i, "group": i}
                found += (
                    [dm.Mask(pixels(outlines), **where)]
                    if kind == "mask"
                    else [dm.Polygon(p.ravel().tolist(), **where) for p in outlines]
                )
            grey = dm.Image.from_numpy(data=np.full((*SIZE, 3), 50, np.uint8))
            yield dm.DatasetItem(
                id=f"{split}-{stem}", subset=split, media=grey, annotations=found
            )


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("coco_instances", "polygon", {}),
        ("coco_instances", "mask", {}),
        ("coco_instances", "mask", {"segmentation_mode": "polygons"}),
        ("coco", "mask", {}),  # with the files of COCO's other tasks beside it
        ("cvat", "polygon", {}),
        ("cvat", "mask", {}),
        ("voc_segmentation", "mask", {"label_map": "source"}),
        ("voc_instance_segmentation", "mask", {"label_map": "source"}),
    ],
)
def test_what_datumaro_writes(tmp_path, name, kind, options):
    """Of YOLO it writes boxes alone. In COCO it calls every mask a crowd."""
    dm = pytest.importorskip("datumaro")
    dataset = dm.Dataset.from_iterable(list(items(dm, kind)), categories=NAMES)
    dataset.export(str(tmp_path), name, save_media=True, **options)
    exact = kind == "mask" and "segmentation_mode" not in options
    crowds = exact and name.startswith("coco")
    for split in SPLITS:
        compare(open_dataset(tmp_path, split), SET, exact=exact, crowds=crowds)


def test_what_supervision_writes_as_yolo(tmp_path):
    """A line is one outline, so that only objects of one outline are written."""
    sv = pytest.importorskip("supervision")
    stems = [stem for stem, drawn in SET.items() if all(len(o) == 1 for _, o in drawn)]
    found = {}
    for stem in stems:
        file = str(tmp_path / f"{stem}.png")
        Image.new("RGB", SIZE[::-1]).save(file)
        found[file] = sv.Detections.empty()
        if SET[stem]:
            masks = np.stack([pixels(outlines) for _, outlines in SET[stem]])
            found[file] = sv.Detections(
                xyxy=sv.mask_to_xyxy(masks).astype(float),
                mask=masks,
                class_id=np.array([NAMES.index(name) for name, _ in SET[stem]]),
            )
    folder = tmp_path / "set"
    sv.DetectionDataset(classes=NAMES, images=list(found), annotations=found).as_yolo(
        images_directory_path=str(folder / "train" / "images"),
        annotations_directory_path=str(folder / "train" / "labels"),
        data_yaml_path=str(folder / "data.yaml"),
        approximation_percentage=0.0,
    )
    with pytest.raises(ValueError, match="none of the fields train, val, test"):
        open_dataset(folder)
    with open(folder / "data.yaml", "a") as stream:
        stream.write("\ntrain: train/images\n")
    compare(open_dataset(folder), stems, exact=True)


def test_datumaro_reads_what_is_written_as_coco(tmp_path):
    dm = pytest.importorskip("datumaro")
    (tmp_path / "images").mkdir()  # where it looks for pictures
    dataset = open_dataset(written.as_labelme(tmp_path / "images"))
    file = write_dataset(dataset, tmp_path / "annotations" / "instances_train.json")
    theirs = dm.Dataset.import_from(str(file), "coco_instances")
    kinds = theirs.categories()[dm.AnnotationType.label].items
    seen = []
    for item in theirs:
        number = item.attributes["id"]
        seen.append(number)
        assert item.media.size == written.SIZE
        found = [a for a in item.annotations if a.type is dm.AnnotationType.mask]
        found.sort(key=lambda each: each.id)
        masks, ids = dataset.load_mask(number)
        assert ["BG", *(kind.name for kind in kinds)] == dataset.class_names
        assert [1 + each.label for each in found] == ids.tolist()
        assert not any(each.attributes["is_crowd"] for each in found)
        for k, each in enumerate(found):
            np.testing.assert_array_equal(each.image, masks[..., k])
    assert sorted(seen) == dataset.image_ids.tolist()


@pytest.fixture
def labelme(monkeypatch):
    """Return LabelMe, which draws without a window: instead of Qt stands nothing."""
    monkeypatch.setitem(sys.modules, "PyQt5", MagicMock())
    return pytest.importorskip("labelme")


SHAPES = [
    ("polygon", BLOB),
    ("polygon", BOOT),
    ("rectangle", [(40, 30), (300, 350)]),
    ("rectangle", [(300, 350), (40, 30)]),
    ("oriented_rectangle", [(200, 50), (350, 200), (250, 300), (100, 150)]),
    ("circle", [(250, 200), (250, 350)]),
    ("circle", [(200, 200), (290, 320)]),
    ("line", [(20, 30), (480, 350)]),
    ("linestrip", [(20, 30), (480, 30), (480, 350)]),
    ("point", [(33, 44)]),
    ("points", [(33, 44), (300, 20), (70, 390)]),
    ("mask", [(100, 50), (399, 299)]),
]
ROUND = ("polygon", "oriented_rectangle", "circle", "line")
"""Of these the fill of LabelMe, which is Pillow's, has other pixels at the rim."""


def test_what_labelme_writes_is_what_it_draws(tmp_path, labelme):
    inner = np.random.default_rng(0).random((250, 300)) < 0.7
    shapes = [
        written.shape(f"{i:02} {kind}", np.asarray(points, float).tolist(), kind)
        for i, (kind, points) in enumerate(SHAPES)
    ]
    shapes[-1]["mask"] = written.base64_png(inner)
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "a.png")
    file = str(tmp_path / "a.json")
    height, width = SIZE
    labelme.LabelFile().save(
        file, shapes, image_path="a.png", image_height=height, image_width=width
    )
    dataset = open_dataset(tmp_path)
    masks, ids = dataset.load_mask(0)
    own = labelme.utils.shape_to_mask
    for k, shape in enumerate(labelme.LabelFile(file).shapes):
        kind, points = shape["shape_type"], shape["points"]
        assert dataset.class_names[ids[k]] == shape["label"]
        wanted = np.zeros(SIZE, bool)
        if kind == "mask":
            wanted[50:300, 100:400] = shape["mask"]
        elif kind in ("point", "points"):  # it draws discs, and one point at a time
            discs = [own(SIZE, [point], "point") for point in points]
            middles = [np.argwhere(disc).mean(axis=0) for disc in discs]
            wanted[tuple(np.rint(middles).astype(int).T)] = True
        else:
            wanted = own(SIZE, points, kind, line_width=1)
        agree(masks[..., k], wanted, kind not in ROUND)
