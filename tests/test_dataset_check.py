"""`mrcnn.data.check` finds what is wrong with data sets, and nothing in good ones."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mrcnn.data
from mrcnn.config import checked
from mrcnn.data.balloon import load_balloons
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.presets import BalloonConfig, CompactConfig, ShapesConfig

BALLOONS = Path(__file__).resolve().parents[1] / "datasets" / "balloons.zip"
SIDE = 128


class SquaresConfig(CompactConfig):
    """For `Squares`."""

    NUM_CLASSES = 1 + 2
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = SIDE
    RPN_ANCHOR_SCALES = (32, 40, 48, 64, 96)
    MAX_GT_INSTANCES = DETECTION_MAX_INSTANCES = 8


class Squares(Dataset):
    """Five pictures of noise, on each a red and a blue square; may be spoilt."""

    def __init__(self, folder, seed, names=("red", "blue")):
        super().__init__()
        self.drawn, self.far = {}, {}
        for i, name in enumerate(names, start=1):
            self.add_class("squares", i, name)
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(seed)
        for i in range(5):
            path = folder / f"{i}.png"
            noise = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(noise).save(path)
            self.add_image("squares", i, path)
            self.draw(i, (1, 10, 10, 40, 41), (2, 60, 50, 100, 90))
        self.prepare()

    def draw(self, i, *squares, size=(SIDE, SIDE)):
        masks = np.zeros((*size, len(squares)), bool)
        for k, (_, y1, x1, y2, x2) in enumerate(squares):
            masks[y1:y2, x1:x2, k] = True
        self.drawn[i] = masks, np.array([s[0] for s in squares], np.int32)

    def load_mask(self, image_id):
        if isinstance(self.drawn[image_id], Exception):
            raise self.drawn[image_id]
        return self.drawn[image_id]

    def drawn_outside(self, image_id):
        return self.far.get(image_id, [0.0] * self.drawn[image_id][0].shape[-1])

    def path(self, i):
        return self.image_info[i]["path"]


def replace(dataset, i, pixels):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(dataset.path(i))


def every(dataset, *squares):
    for i in range(5):
        dataset.draw(i, *squares)


def animate(train, _):
    frames = [Image.fromarray(np.full((SIDE, SIDE), 60 * k, np.uint8)) for k in (1, 2)]
    frames[0].save(train.path(3), "GIF", save_all=True, append_images=frames[1:])


def give_nan(train, _):
    read = train.load_image
    nan = np.full((SIDE, SIDE, 3), np.nan)
    train.load_image = lambda i: nan if i == 3 else read(i)


def soften(train, _):
    masks, ids = train.drawn[3]
    train.drawn[3] = masks * np.linspace(0.1, 0.9, SIDE)[:, None, None], ids


def turn_classes(train, val):
    val.class_info[1:] = val.class_info[:0:-1]
    val.prepare()


def another_source(train, _):
    train.add_class("other", 1, "green")
    train.prepare()
    train.draw(3, (3, 10, 10, 40, 40))


def alike_names(train, val):
    for one in (train, val):
        one.class_info[2]["name"] = "Red"
        one.prepare()


def twice_one_id(train, _):
    train.image_info[3]["id"] = 1
    train.prepare()


def no_classes(train, _):
    train.image_info[3]["source"] = "squaers"
    train.prepare()


def grid_of(count):
    return [(1 + k % 2, 12 * k, 10, 12 * k + 11, 100) for k in range(count)]


PLANTED = {
    "missing picture": ("missing picture", lambda t, v: t.path(3).unlink()),
    "cut off": (
        "unreadable picture",
        lambda t, v: t.path(3).write_bytes(t.path(3).read_bytes()[:3000]),
    ),
    "no picture": ("unreadable picture", lambda t, v: t.path(3).write_text("<html>")),
    "empty file": ("unreadable picture", lambda t, v: t.path(3).write_bytes(b"")),
    "frames": ("unreadable picture", animate),
    "NaN": ("unreadable picture", give_nan),
    "0 and 1": (
        "black picture",
        lambda t, v: replace(t, 3, np.indices((SIDE, SIDE)).sum(axis=0) % 2),
    ),
    "one colour": (
        "blank picture",
        lambda t, v: replace(t, 3, np.full((SIDE, SIDE, 3), 9)),
    ),
    "other size": (
        "faulty annotation",
        lambda t, v: t.draw(3, (1, 9, 9, 40, 40), size=(SIDE, 60)),
    ),
    "own error": (
        "faulty annotation",
        lambda t, v: t.drawn.update({3: KeyError("red")}),
    ),
    "nothing returned": ("faulty annotation", lambda t, v: t.drawn.update({3: None})),
    "unknown class": ("faulty annotation", lambda t, v: t.draw(3, (9, 9, 9, 40, 40))),
    "background": ("faulty annotation", lambda t, v: t.draw(3, (0, 9, 9, 40, 40))),
    "soft mask": ("faulty annotation", soften),
    "no pixel": (
        "object without pixels",
        lambda t, v: t.draw(3, (1, 9, 9, 40, 40), (2, 200, 5, 230, 30)),
    ),
    "drawn outside": (
        "object outside",
        lambda t, v: t.far.update({3: [0.0, 17.5]}),
    ),
    "object twice": (
        "object that is there twice",
        lambda t, v: t.draw(3, (1, 9, 9, 40, 40), (2, 9, 9, 40, 40)),
    ),
    "inverted": (
        "object that fills its image",
        lambda t, v: t.draw(3, (1, 0, 0, SIDE, SIDE)),
    ),
    "no object": ("images without objects", lambda t, v: t.draw(3)),
    "nowhere an object": ("no object at all", lambda t, v: every(t)),
    "class of none": (
        "class without objects",
        lambda t, v: every(t, (1, 9, 9, 40, 40)),
    ),
    "copy": (
        "picture that is there twice",
        lambda t, v: t.path(3).write_bytes(t.path(1).read_bytes()),
    ),
    "copy in validation": (
        "picture in both sets",
        lambda t, v: t.path(3).write_bytes(v.path(0).read_bytes()),
    ),
    "classes turned": ("sets that disagree", turn_classes),
    "unlearnt class": (
        "sets that disagree",
        lambda t, v: every(t, (1, 9, 9, 40, 40)),
    ),
    "unmeasured class": (
        "sets that disagree",
        lambda t, v: every(v, (1, 9, 9, 40, 40)),
    ),
    "one id for two": ("classes and ids", twice_one_id),
    "names alike": ("classes and ids", alike_names),
    "class of another source": ("class of another source", another_source),
    "source without classes": ("unusable data set", no_classes),
    "not prepared": (
        "unusable data set",
        lambda t, v: t.add_image("squares", 9, t.path(1)),
    ),
    "tiny": (
        "objects that no anchor matches",
        lambda t, v: t.draw(3, (1, 9, 9, 12, 12)),
    ),
    "long": (
        "objects that no anchor matches",
        lambda t, v: t.draw(3, (1, 9, 0, 12, SIDE)),
    ),
    "crowded": ("more objects than slots", lambda t, v: t.draw(3, *grid_of(9))),
}
"""Name: the kind of the finding, and what spoils training and validation, mostly in
picture 3 of training."""
ELSEWHERE = {
    *("nowhere an object", "class of none", "copy", "copy in validation"),
    *("classes turned", "unlearnt class", "unmeasured class", "one id for two"),
    *("names alike", "source without classes", "not prepared"),
}
"""Those that no single picture is named for, or another one."""


def kinds(report):
    return {finding.kind for finding in report.findings}


@pytest.fixture
def sets(tmp_path):
    return Squares(tmp_path / "train", 1), Squares(tmp_path / "val", 2)


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_fault_is_found_by_its_kind_and_place(name, sets):
    kind, spoil = PLANTED[name]
    spoil(*sets)
    report = mrcnn.data.check(sets[0], SquaresConfig(), validation=sets[1])
    found = [finding for finding in report.findings if finding.kind == kind]
    assert found
    if name not in ELSEWHERE:
        assert any("3.png" in finding.where + finding.text for finding in found)
    assert kind in str(report)
    assert kind in json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("setting", "value", "kind"),
    [
        ("NUM_CLASSES", 2, "settings that do not fit"),
        ("RPN_ANCHOR_SCALES", (80, 90, 100, 110, 120), "settings that do not fit"),
        ("RPN_ANCHOR_SCALES", (90, 95, 100, 110, 120), "objects that no anchor"),
        ("MAX_GT_INSTANCES", 1, "more objects than slots"),
        ("DETECTION_MAX_INSTANCES", 1, "more objects than slots"),
    ],
)
def test_settings_that_do_not_fit_are_found(sets, setting, value, kind):
    config = type("Other", (SquaresConfig,), {setting: value})()
    report = mrcnn.data.check(sets[0], config)
    assert any(finding.kind.startswith(kind) for finding in report.findings)


def test_pictures_of_several_sizes_where_training_takes_one(sets):
    replace(sets[0], 3, np.random.default_rng(5).integers(0, 256, (64, 200, 3)))
    sets[0].draw(3, (1, 9, 9, 40, 40), size=(64, 200))
    config = SquaresConfig()
    config.IMAGE_RESIZE_MODE, config.IMAGE_MIN_DIM = "pad64", None
    (found,) = mrcnn.data.check(sets[0], config).faults
    assert "3.png becomes 64 x 256 pixels" in found.text
    config.IMAGE_RESIZE_MODE, config.IMAGE_MIN_DIM = "square", SIDE
    assert not mrcnn.data.check(sets[0], config).findings


def test_nothing_is_found_in_good_sets(sets, tmp_path):
    report = mrcnn.data.check(sets[0], SquaresConfig(), validation=sets[1])
    assert not report.findings
    shapes = ShapesDataset(8, seed=1), ShapesDataset(6, seed=2)
    report = mrcnn.data.check(shapes[0], ShapesConfig(), validation=shapes[1])
    assert not report.findings
    with zipfile.ZipFile(BALLOONS) as archive:
        archive.extractall(tmp_path)
    root = next(tmp_path.rglob("via_region_data.json")).parents[1]
    balloons = load_balloons(root, "train"), load_balloons(root, "val")
    report = mrcnn.data.check(balloons[0], validation=balloons[1])
    assert not report.findings
    # A few are smaller than half of the smallest anchor, as the configuration says.
    report = mrcnn.data.check(balloons[0], BalloonConfig(), validation=balloons[1])
    assert kinds(report) == {"objects that no anchor matches"}
    assert report.to_dict()["sets"]["training"]["objects"] > 500


def test_the_numbers_of_a_set_by_hand(sets):
    facts = mrcnn.data.check(sets[0]).to_dict()["sets"]["training"]
    assert facts["images"] == facts["readable"] == 5
    assert facts["objects"] == 10
    assert facts["classes"] == {"red": 5, "blue": 5}
    assert facts["most_objects"] == 2
    # 30 x 31 pixels and 40 x 40; the percentiles of five each.
    least, most = round((30 * 31) ** 0.5, 2), 40.0
    assert facts["sides"] == [least, least, round((least + most) / 2, 2), most, most]


def test_crowds_are_counted_apart_and_need_no_anchor(sets):
    sets[0].draw(3, (-1, 0, 0, 3, SIDE), (1, 10, 10, 40, 41), (2, 60, 50, 100, 90))
    report = mrcnn.data.check(sets[0], SquaresConfig())
    assert not report.findings
    facts = report.to_dict()["sets"]["training"]
    assert (facts["objects"], facts["crowds"]) == (10, 1)


def test_the_suggestion_is_code_that_configures_a_model_without_findings(sets):
    sets[0].draw(3, *grid_of(9))
    report = mrcnn.data.check(sets[0], validation=sets[1])
    scope = {"CompactConfig": CompactConfig}
    exec(f"class Mine(CompactConfig):\n{report.code}", scope)
    config = checked(scope["Mine"]())
    assert config.MAX_GT_INSTANCES >= 9
    after = mrcnn.data.check(sets[0], config, validation=sets[1])
    assert after.suggestion == report.suggestion
    assert not after.faults


def test_many_objects_ask_for_as_many_proposals_and_anchors(sets):
    """The compact network proposes 100 boxes, chosen among 512."""
    few = mrcnn.data.check(sets[0]).suggestion
    assert few["MAX_GT_INSTANCES"] == few["DETECTION_MAX_INSTANCES"] == 8
    assert "PRE_NMS_LIMIT" not in few
    sets[0].draw(3, *[(1, i, 0, i + 1, 10 + i) for i in range(118)])
    report = mrcnn.data.check(sets[0])
    assert report.suggestion["MAX_GT_INSTANCES"] == 120
    assert report.suggestion["POST_NMS_ROIS_INFERENCE"] == 240
    assert "PRE_NMS_LIMIT" not in report.suggestion
    sets[0].draw(3, *[(1, i, j, i + 1, j + 9) for i in range(118) for j in (0, 99)])
    assert mrcnn.data.check(sets[0]).suggestion["PRE_NMS_LIMIT"] == 960


def test_reports_are_the_same_every_time_and_change_nothing(sets, tmp_path):
    reports = [mrcnn.data.check(*sets[:1], validation=sets[1]) for _ in range(2)]
    assert str(reports[0]) == str(reports[1])
    reports[0].save(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == reports[1].to_dict()


def test_the_contact_sheet_shows_the_extremes(sets, tmp_path):
    sets[0].draw(3, (1, 0, 0, 4, 4))
    sets[0].draw(4, *grid_of(9))
    sets[0].far = {2: [0.0, 12.0]}
    figure = mrcnn.data.check(sets[0]).picture(tmp_path / "sheet.png")
    titles = [ax.get_title(loc) for ax in figure.axes for loc in ("left", "center")]
    text = " | ".join(titles)
    assert "smallest: 4 pixels\n3.png" in text
    assert "most objects: 9\n4.png" in text
    assert "outside by 12 pixels\n2.png" in text
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 300


def test_the_sheet_of_two_sets_names_them_and_shrinks_what_is_large(sets):
    large = np.random.default_rng(3).integers(0, 256, (300, 1500, 3))
    replace(sets[0], 3, large)
    sets[0].draw(3, (1, 50, 0, 250, 700), size=(300, 1500))
    figure = mrcnn.data.check(sets[0], validation=sets[1]).picture()
    text = " | ".join(ax.get_title("left") + ax.get_title() for ax in figure.axes)
    assert "training\nlargest: 374 pixels\n3.png" in text
    assert "validation\nsmallest: 30.5 pixels\n0.png" in text
    shown = [image.get_array().shape for a in figure.axes for image in a.images]
    assert max(map(max, shown)) == 500  # of 1500 every third


def test_images_of_five_bands(sets):
    bands = np.random.default_rng(7).integers(0, 256, (5, SIDE, SIDE, 5), np.uint8)
    sets[0].load_image = lambda i: bands[i]

    class Bands(SquaresConfig):
        IMAGE_CHANNEL_COUNT, MEAN_PIXEL = 5, (0.0,) * 5

    report = mrcnn.data.check(sets[0], Bands())
    assert not report.findings
    report.picture()


def test_crowds_alone_are_nothing_to_learn_from(sets):
    every(sets[0], (-1, 9, 9, 40, 40))
    report = mrcnn.data.check(sets[0], SquaresConfig())
    assert {finding.kind for finding in report.faults} == {"no object at all"}
    assert not report.suggestion


def test_a_crowd_takes_a_slot_of_training_and_none_of_detection(sets):
    sets[0].draw(3, *grid_of(8), (-1, 100, 9, 128, 99))
    (found,) = mrcnn.data.check(sets[0], SquaresConfig()).faults
    assert "MAX_GT_INSTANCES = 8, up to 9" in found.text


def test_a_set_without_anything_readable_still_gives_a_report(sets, tmp_path):
    for i in range(5):
        sets[0].path(i).unlink()
    report = mrcnn.data.check(sets[0], SquaresConfig())
    assert sum(f.kind == "missing picture" for f in report.faults) == 5
    assert not report.suggestion
    assert str(report)
    report.picture(tmp_path / "sheet.png")


def test_what_is_no_data_set_or_configuration_is_an_error(sets):
    with pytest.raises(TypeError, match="training set is a str"):
        mrcnn.data.check("folder")
    with pytest.raises(TypeError, match="config"):
        mrcnn.data.check(sets[0], sets[1])
