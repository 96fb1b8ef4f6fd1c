"""Data sets whose methods users write: what they return is met, or refused by name."""

import numpy as np
import pytest
from PIL import Image

from mrcnn import notices
from mrcnn.config import Config
from mrcnn.data.annotations import check_dataset, check_training_set
from mrcnn.data.arrays import check_image
from mrcnn.data.dataset import Dataset, image_name, load_objects
from mrcnn.data.findings import FaultyImagesError
from mrcnn.data.orientation import turn
from mrcnn.data.pipeline import Batches, load_annotated
from mrcnn.data.preflight import check
from mrcnn.matterport.learning import learn
from mrcnn.structures import Preprocessing

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())


class Boats(Dataset):
    """Images of one square each; `image` and `answers` stand in for a user's code."""

    def __init__(self, count=4, image=None, answers=None, paths=None):
        super().__init__()
        self.image, self.answers = image, answers or {}
        self.add_class("boats", 1, "boat")
        for i in range(count):
            self.add_image("boats", i, paths[i] if paths else f"boat{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 64, 3), 90, np.uint8) if self.image is None else self.image

    def load_mask(self, image_id):
        if image_id in self.answers:
            return self.answers[image_id]
        mask = np.zeros((64, 64, 1), bool)
        mask[8:20, 8:20] = True
        return mask, np.ones(1, np.int32)


def batches(dataset, **options):
    defaults = {"batch_size": 1, "instances": 2, "mini_mask_shape": None}
    return Batches(dataset, SQUARE, **{**defaults, **options})


# --- Names of images


class Referred(Boats):
    def image_reference(self, image_id):
        return self.image_info[image_id]["shapes"]


class Forked(Boats):
    def image_reference(self, image_id):
        return super(self.__class__, self).image_reference(image_id)


class Further(Forked):
    """Two steps from `Dataset`: what its parent calls for ever is itself."""


@pytest.mark.parametrize("kind", [Referred, Further])
def test_an_image_reference_that_fails_is_done_without(kind):
    dataset = kind(answers={1: None})
    assert image_name(dataset, 2) == "boat2.png"
    assert batches(kind())[0]
    with pytest.raises(ValueError, match=r"load_mask of boat1\.png returned None"):
        load_objects(dataset, 1)


# --- Faults that turn up late


def test_an_answer_of_another_form_is_left_out_once_training_has_begun(caplog):
    pipeline = batches(Boats(40, answers={7: None}))
    found = [pipeline[i] for i in range(40)]
    assert len(found) == 40
    told = "load_mask of boat7.png returned None: return masks (h, w, n) and class"
    assert told in caplog.text and caplog.text.count("boat7.png") == 1
    assert "1 of 40 images raised errors" in pipeline.findings.summary()
    pipeline = batches(Boats(40, answers=dict.fromkeys(range(5))))
    with pytest.raises(FaultyImagesError, match="5 of 40 images raise errors"):
        for i in range(40):
            assert pipeline[i]


def test_our_own_errors_name_the_image_once_and_no_line_of_ours(caplog):
    masks = np.ones((64, 65, 1), bool)
    pipeline = batches(Boats(20, answers={0: (masks, [1])}))
    assert pipeline[0]
    (record,) = caplog.records
    assert record.message == (
        "Left out from now on: boat0.png has 64 x 64 pixels (height x width), its "
        "masks have 64 x 65: load_mask must match load_image."
    )


# --- Pictures that are none


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (None, "is None, which is what cv2.imread returns"),
        ("a.png", "is the path 'a.png' and no picture; read it"),
        ((np.zeros((4, 4, 3)), 1), r"is a tuple; give an array \(h, w, 3\)"),
        ({"image": 1}, r"is a dict; give an array"),
        (7, r"shape \(\) is not that of an image"),
    ],
)
def test_what_stands_in_the_place_of_a_picture(image, told):
    with pytest.raises(ValueError, match=rf"boat0\.png:? {told}"):
        check_image(image, "boat0.png")


def test_numbers_below_zero_and_of_other_bits_have_their_own_way_out():
    hounsfield = np.linspace(-1000, 1040, 16).astype(np.int16).reshape(4, 4)
    with pytest.raises(ValueError, match=r"from -1000 to 1040.* - low\) \*") as caught:
        check_image(hounsfield, "scan")
    assert "65535" not in str(caught.value)
    low, high = -1000, 1040  # the way out, as it is written
    scaled = np.clip((hounsfield.astype(float) - low) * (255 / (high - low)), 0, 255)
    assert check_image(scaled, "scan")[..., 0].ravel()[[0, -1]].tolist() == [0, 255]
    for bits in (10, 12, 16):
        deep = np.full((4, 4), 2**bits - 1, np.uint16)
        with pytest.raises(ValueError, match=rf"image \* \(255 / {2**bits - 1}\)"):
            check_image(deep, "scan")


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_images_of_zero_and_one_alone_are_black(kind):
    image = np.zeros((64, 64, 3), kind)
    image[:9] = 1
    with pytest.raises(ValueError, match=r"validation set: images hold levels 0 and 1"):
        check(batches(Boats()), batches(Boats(image=image)))
    check(batches(Boats(image=image * 0)), None)  # black images are black
    check(batches(Boats(image=image * 2)), None)


def test_one_image_of_other_levels_is_enough():
    dataset = Boats(9)
    dataset.load_image = lambda i: np.full((64, 64, 3), 1 + (i == 5), np.uint8)
    check(batches(dataset), None)


# --- Paths


@pytest.mark.parametrize(
    ("path", "told"),
    [("", "no file"), (None, "no file"), (5, "5 in place of a file")],
)
def test_what_is_no_path(path, told):
    dataset = Dataset()
    dataset.add_image("own", 3, path)
    with pytest.raises(ValueError, match=f"has {told}: give add_image the path"):
        dataset.load_image(0)


# --- Annotations


def test_masks_without_a_pixel_are_counted(capsys):
    nothing = np.zeros((64, 64, 2), bool)
    half = nothing.copy()
    half[3, 3, 1] = True
    answers = {0: (nothing, [1, 1]), 2: (nothing, [1, 1]), 3: (half, [1, 1])}
    check_training_set(Boats(8, answers=answers), "The training set")
    said = capsys.readouterr().out
    assert (
        "The training set: 3 of 8 images looked at have masks without a pixel" in said
    )
    assert "; 2 have no other masks" in said
    check_training_set(Boats(8))
    none = {0: (np.zeros((64, 64, 0), bool), [])}
    check_training_set(Boats(8, answers=none))
    assert not capsys.readouterr().out


def test_what_is_looked_at_has_a_time(monkeypatch, capsys):
    clock = iter(np.arange(1000) * 0.5)
    monkeypatch.setattr("mrcnn.data.annotations.time.monotonic", lambda: next(clock))
    check_training_set(Boats(100), "The training set")
    assert capsys.readouterr().out == (
        "The training set: annotations of 4 of 100 images were looked at beforehand, "
        "which may take 2 s; the others are checked as they are loaded.\n"
    )


def test_messages_name_the_set():
    with pytest.raises(ValueError, match="val_dataset holds no images"):
        check_dataset(Boats(0), "val_dataset")
    empty = dict.fromkeys(range(4), (np.zeros((64, 64, 0), bool), []))
    with pytest.raises(ValueError, match="The validation set: none of 4 images"):
        check(batches(Boats()), batches(Boats(answers=empty)))
    wrong = {1: (np.ones((64, 64, 1), bool), [7])}
    with pytest.raises(ValueError, match=r"boat1\.png returned class ids 7"):
        check(batches(Boats()), batches(Boats(answers=wrong)))


def test_a_validation_set_that_lacks_a_class_is_named():
    train = Boats()
    train.add_class("boats", 2, "buoy")
    train.prepare()
    options = dict.fromkeys(
        ("augmentation", "custom_callbacks", "no_augmentation_sources", "done")
    )
    with pytest.raises(
        ValueError, match=r"training are BG, boat, buoy, those of valid"
    ):
        learn(
            None,
            Config(),
            train,
            Boats(),
            learning_rate=0.1,
            epochs=1,
            layers="heads",
            seed=0,
            first_epoch=0,
            checkpoint_path="",
            **options,
        )


def test_two_ids_of_one_name_are_two_classes_and_said(caplog):
    dataset = Dataset()
    dataset.add_class("own", 1, "pine")
    dataset.add_class("own", 2, "pine")
    dataset.prepare()
    assert dataset.class_names == ["BG", "pine", "pine"]
    assert dataset.map_source_class_id("own.2") == 2
    assert caplog.text.count("Several classes are called 'pine'") == 1
    caplog.clear()
    dataset = Dataset()
    dataset.add_class("own", 1, "pine")
    dataset.add_class("other", 1, "fir")
    dataset.prepare()
    assert "Several" not in caplog.text


@pytest.mark.parametrize("scale", [1, 255, 7.5, -3, np.nan])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_one_value_in_all_masks(kind, order, scale):
    if kind is not np.float32 and not (np.isfinite(scale) and scale == int(scale) > 0):
        pytest.skip("not a number of this type")
    shown = np.zeros((64, 64, 2), bool)
    shown[:32, :, 0] = shown[:, 40:, 1] = True  # as many with as without
    masks = np.where(shown, scale, 0).astype(kind, order=order)
    dataset = Boats(answers={0: (masks, [1, 1])})
    if scale > 0:
        np.testing.assert_array_equal(load_objects(dataset, 0)[0], shown)
        masks[40, 0, 0] = 1 if scale != 1 else 2
        with pytest.raises(ValueError, match="a mask 0 with 3 different values"):
            load_objects(dataset, 0)
    else:
        with pytest.raises(ValueError, match="a mask 0 with 2 different values"):
            load_objects(dataset, 0)


# --- Orientation tags


def photo(path, tag):
    pixels = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(pixels).save(path, exif=exif)
    return pixels


class Reads(Boats):
    """Reads its files itself, as `read` says."""

    read = staticmethod(np.asarray)

    def load_image(self, image_id):
        with Image.open(self.image_info[image_id]["path"]) as picture:
            return type(self).read(np.asarray(picture))


@pytest.mark.parametrize(
    ("tag", "turned", "told"),
    [
        (6, False, "it leaves them as stored"),
        (6, True, "it turns them, as viewers do"),
        (3, False, "cannot be told from their shapes"),
        (1, False, None),
    ],
)
def test_tags_that_nobody_follows_are_told(tmp_path, capsys, tag, turned, told):
    path = tmp_path / "a.png"
    photo(path, tag)
    dataset = Reads(1, paths=[path])
    dataset.orientation = "turned"
    Reads.read = (lambda a: turn(a, tag)) if turned else np.asarray
    shape = dataset.load_image(0).shape[:2]
    dataset.answers = {0: (np.ones((*shape, 1), bool), [1])}
    for _ in range(2):
        check(batches(dataset), None)
    said = capsys.readouterr().out
    assert said.count("has no effect") == (told is not None)
    assert "load_image of Reads reads them itself" in said or told is None
    assert (told or "") in said


class Passes(Boats):
    def load_image(self, image_id):
        return Dataset.load_image(self, image_id)


def test_where_the_attribute_acts_it_is_not_called_idle(tmp_path, capsys):
    photo(tmp_path / "a.png", 6)
    dataset = Passes(1, paths=[tmp_path / "a.png"])
    dataset.orientation = "turned"
    dataset.answers = {0: (np.ones((12, 8, 1), bool), [1])}
    check(batches(dataset), None)
    assert "orientation" not in capsys.readouterr().out
    dataset.orientation = "stored"
    with pytest.raises(ValueError, match="`orientation` of the data set"):
        load_annotated(dataset, 0)


def test_the_way_out_names_the_attribute_only_where_it_acts(tmp_path):
    photo(tmp_path / "a.png", 6)
    dataset = Reads(1, paths=[tmp_path / "a.png"])
    Reads.read = staticmethod(np.asarray)
    dataset.answers = {0: (np.ones((12, 8, 1), bool), [1])}
    with pytest.raises(ValueError, match=r"12 x 8.*cv2\.imread") as caught:
        load_annotated(dataset, 0)
    assert "`orientation`" not in str(caught.value)


@pytest.mark.parametrize("own", [6, "portrait", "turned"])
def test_a_keyword_of_the_users_own_turns_nothing(tmp_path, own):
    pixels = photo(tmp_path / "a.png", 6)
    dataset = Dataset(orientation="stored")
    dataset.add_image("own", 0, tmp_path / "a.png", orientation=own)
    dataset.prepare()
    np.testing.assert_array_equal(dataset.load_image(0), pixels)
    assert dataset.image_info[0]["orientation"] == own


class ShapedByImage(Passes):
    """Draws on the picture that load_image returns."""

    def load_mask(self, image_id):
        shape = self.load_image(image_id).shape[:2]
        return np.ones((*shape, 1), bool), np.ones(1, np.int32)


def test_a_shape_that_follows_load_image_is_no_evidence(tmp_path, caplog):
    for i in range(3):
        photo(tmp_path / f"{i}.png", 6)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    assert ShapedByImage(3, paths=paths).load_image(0).shape == (8, 12, 3)
    (record,) = caplog.records
    assert "0 have the shape of the stored image alone and 0" in record.message
    assert "3 were made in the shape of load_image, and say nothing" in record.message

    class Mixed(ShapedByImage):
        def load_mask(self, image_id):
            if image_id < 2:
                return super().load_mask(image_id)
            return np.ones((12, 8, 1), bool), np.ones(1, np.int32)

    assert Mixed(3, paths=paths).load_image(0).shape == (12, 8, 3)
