"""What `load_mask` may return: right, or one error that names the image."""

import numpy as np
import pytest

from mrcnn.data.annotations import check_training_set
from mrcnn.data.dataset import Dataset, load_objects
from mrcnn.data.pipeline import Batches, load_annotated
from mrcnn.structures import Preprocessing

NAMES = ("cup", "pot", "jug")
TWO = np.zeros((8, 12, 2), bool)
TWO[1:4, 1:4, 0] = TWO[4:7, 5:11, 1] = True


class Answers(Dataset):
    """Images of 8 x 12 pixels; `answers[i]` is what load_mask says of image i."""

    def __init__(self, *answers, names=NAMES):
        super().__init__()
        self.answers = answers
        for i, name in enumerate(names, start=1):
            self.add_class("kitchen", i, name)
        for i in range(len(answers)):
            self.add_image("kitchen", i, f"photo{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.zeros((8, 12, 3), np.uint8)

    def load_mask(self, image_id):
        answer = self.answers[image_id]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("ids", [[7, 90], [4, 1], [0, 1], [1, -4], [-5, 2]])
def test_ids_that_are_no_class(ids):
    wrong = ", ".join(str(i) for i in sorted(ids) if not 1 <= abs(i) <= 3)
    with pytest.raises(
        ValueError,
        match=rf"photo0\.png returned class ids {wrong}: .* 1 to 3 .*3 jug",
    ):
        load_objects(Answers((TWO, np.array(ids))), 0)


@pytest.mark.parametrize(
    "ids",
    [
        [1, 3],
        (1, 3),
        np.array([1, 3], np.uint8),
        np.array([1.0, 3.0], np.float32),
        np.array([1, 3], np.int64),
    ],
)
def test_whole_numbers_of_any_type(ids):
    masks, found = load_objects(Answers((TWO, ids)), 0)
    assert (found.tolist(), found.dtype) == ([1, 3], np.int32)
    np.testing.assert_array_equal(masks, TWO)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "None: return masks"),
        (TWO, "a ndarray: return masks"),
        ((TWO, [1, 2], 3), "a tuple: return masks"),
        ((None, [1]), "None for masks"),
        ((TWO, None), "None for class ids"),
        (([TWO[..., 0], TWO[..., 1]], [1, 2]), r"a list for masks.*np\.stack"),
        (([], []), r"a list for masks.*np\.zeros"),
        ((TWO[..., 0], [1]), r"shape \(8, 12\) for 1 class ids.*mask\[\.\.\., None\]"),
        ((TWO, [1]), r"shape \(8, 12, 2\) for 1 class ids: expected \(h, w, 1\)"),
        ((np.moveaxis(TWO, -1, 0), [1, 2]), r"moveaxis\(masks, 0, -1\)"),
        ((TWO, [[1], [2]]), r"shape \(2, 1\) for class ids"),
        ((TWO, 1), r"shape \(\) for class ids"),
        ((np.array([1, 2]), TWO), r"shape \(8, 12, 2\) for class ids.*come first"),
        ((TWO, ["cup", "pot"]), r"\['cup', 'pot'\].*class_names\.index"),
        ((TWO, [1.5, 2]), r"\[1\.5, 2\.0\]"),
        ((TWO, [np.nan, 2]), "nan"),
        ((TWO, [True, True]), "of type bool"),
        ((TWO.astype(object), [1, 2]), "masks of type object"),
    ],
)
def test_answers_of_another_form(answer, fault):
    with pytest.raises(ValueError, match=rf"load_mask of photo0\.png ret.*{fault}"):
        load_objects(Answers(answer), 0)


@pytest.mark.parametrize("scale", [1, 255, 1.0, 0.5])
def test_two_values_are_a_mask(scale):
    numbered = TWO * np.array([1, 2])  # each has a value of its own
    for masks in (TWO * scale, numbered, numbered.astype(np.uint8)):
        found, _ = load_objects(Answers((masks, [1, 2])), 0)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, TWO)


@pytest.mark.parametrize("extra", [3, 254, -1, np.nan])
def test_more_values_are_none(extra):
    masks = TWO * 255.0
    masks[0, 0, 1] = extra
    with pytest.raises(ValueError, match=r"photo0\.png returned a mask 1 with 3 diff"):
        load_objects(Answers((masks, [1, 2])), 0)


def test_no_objects_of_any_shape():
    nothing = np.zeros((0, 0, 0)), np.zeros(0)  # as Matterport's own base class
    _, masks, ids = load_annotated(Answers(nothing), 0)
    assert (masks.shape, ids.shape, ids.dtype) == ((8, 12, 0), (0,), np.int32)


def test_turned_masks_are_told():
    turned = np.transpose(TWO, (1, 0, 2))
    with pytest.raises(ValueError, match=r"8 x 12 .* 12 x 8: .*height comes first"):
        load_annotated(Answers((turned, [1, 2])), 0)


def test_every_image_is_in_one_error_before_training():
    good, bad = (TWO, [1, 2]), (TWO, [1, 9])
    dataset = Answers(*[good, bad] * 23, OSError("disk"))
    with pytest.raises(ValueError, match="has 23 faults") as raised:
        check_training_set(dataset)
    assert str(raised.value).count("photo") == 20
    assert "and 3 more" in str(raised.value)
    assert "skip_faulty" not in str(raised.value)


def test_looking_ends_in_time_but_not_before_an_object(capsys):
    nothing = (np.zeros((8, 12, 0), bool), [])
    check_training_set(Answers(*[nothing] * 50, (TWO, [1, 2])), seconds=0)
    found = Answers(*[(TWO, [1, 2])] * 50)
    check_training_set(found, seconds=0)
    assert "annotations of 1 of 50 images" in capsys.readouterr().out


def test_what_was_looked_at_is_not_looked_at_again():
    dataset = Answers((TWO, [1, 2]))
    check_training_set(dataset)
    dataset.answers = (None,)
    check_training_set(dataset)
    dataset.prepare()
    with pytest.raises(ValueError, match="returned None"):
        check_training_set(dataset)


def batches(dataset):
    how = Preprocessing("square", 64, 64, 0, (0, 0, 0))
    return Batches(dataset, how, batch_size=1, instances=4, mini_mask_shape=None)


def test_a_source_without_classes_is_named():
    dataset = Answers((TWO, [1, 2]))
    dataset.add_image("basket", 7, "photo7.png")
    dataset.add_image("basket", 8, "photo8.png")
    dataset.prepare()
    with pytest.raises(ValueError, match=r"2 images are of source 'basket'.*'kitchen'"):
        batches(dataset)


def test_a_class_of_another_source_is_told(capsys):
    dataset = Answers((TWO, [1, 4]))
    dataset.add_class("garden", 1, "rake")
    dataset.prepare()
    check_training_set(dataset)
    said = capsys.readouterr().out
    assert "photo0.png is of source 'kitchen' and shows a 'rake'" in said


def test_prepare_that_was_forgotten():
    dataset = Dataset()
    dataset.add_class("kitchen", 1, "cup")
    dataset.add_image("kitchen", 0, "photo0.png")
    with pytest.raises(AttributeError, match=r"'num_images': call prepare\(\)"):
        _ = dataset.num_images
    with pytest.raises(ValueError, match=r"1 images, but is not prepared"):
        batches(dataset)
    dataset.prepare()
    dataset.add_image("kitchen", 1, "photo1.png")
    with pytest.raises(ValueError, match=r"2 images and 2 classes, but prepare\(\)"):
        batches(dataset)


def test_an_init_that_does_not_call_ours():
    class Bare(Dataset):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match=r"super\(\)\.__init__\(\) first"):
        Bare().add_class("kitchen", 1, "cup")
    assert not hasattr(Dataset(), "anything")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("kitchen", "1", "bowl"), "class 1 of source 'kitchen' is already 'cup'"),
        (("kitchen", 0, "BG"), "'BG' is the background, which is class 0"),
        (("kitchen", 9, " Background"), "is the background"),
        (("kitchen", 1.0, "bowl"), "1.0: give a whole number"),
        (("kitchen", None, "bowl"), "None: give a whole number"),
        (("kitchen", True, "bowl"), "True: give a whole number"),
        (("kitchen", 4, 4), "name 4 must be a text"),
        (("kitchen", 4, ""), "name '' must be a text"),
        (("", 4, "bowl"), "source '' must be a text"),
    ],
)
def test_classes_that_cannot_be_meant(arguments, fault):
    dataset = Answers()
    with pytest.raises(ValueError, match=f"add_class: .*{fault}"):
        dataset.add_class(*arguments)
    dataset.add_class("kitchen", 1, "cup")  # again: nothing happens
    dataset.add_class("garden", 1, "cup")  # another source has its own
    assert len(dataset.class_info) == 5


@pytest.mark.parametrize(
    ("ids", "doubtful"),
    [
        ((1, 2, 3), False),
        ((0, 1, 2), True),
        ((2, 1, 3), True),
        ((7, 90, 100), False),  # COCO: they cannot be taken for internal ids
        (("a", "b", "c"), False),
    ],
)
def test_numbers_that_look_like_internal_ids(ids, doubtful, caplog):
    dataset = Dataset()
    for class_id, name in zip(ids, NAMES, strict=True):
        dataset.add_class("kitchen", class_id, name)
    dataset.prepare()
    assert ("load_mask must return 1 for 'cup'" in caplog.text) == doubtful
    assert dataset.map_source_class_id(f"kitchen.{ids[0]}") == 1


def test_image_ids_given_twice_are_told(caplog):
    dataset = Answers((TWO, [1, 2]))
    dataset.add_image("kitchen", 0, "elsewhere/photo0.png")
    dataset.prepare()
    assert "1 ids are given to several images, such as kitchen.0" in caplog.text


def test_a_folder_is_no_picture(tmp_path):
    dataset = Dataset()
    dataset.add_image("kitchen", 0, tmp_path)
    with pytest.raises(ValueError, match="has a folder in place of a file"):
        dataset.load_image(0)
