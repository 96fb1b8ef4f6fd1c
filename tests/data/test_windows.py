"""Windows show what the pictures show, all of it, and say what they cut."""

import keras
import numpy as np
import pytest
from PIL import Image

from mrcnn import build, training
from mrcnn.data import check
from mrcnn.data.augment import CopyPaste
from mrcnn.data.dataset import Dataset, load_pixels
from mrcnn.data.windows import Windows
from mrcnn.evaluation import collect, evaluate
from mrcnn.training_origin import fingerprint
from tests.tiny import TinyConfig


class Drawn(Dataset):
    """Pictures that are given, with their masks and classes."""

    def __init__(self, pictures):
        super().__init__()
        self.pictures = pictures
        self.add_class("own", 7, "cell, round")
        self.add_class("own", 9, "thread")
        for i in range(len(pictures)):
            self.add_image("own", i, None)
        self.prepare()

    def load_image(self, image_id):
        return self.pictures[image_id][0]

    def load_mask(self, image_id):
        return self.pictures[image_id][1:]


def picture(shape, *boxes, classes=None):
    """Return random pixels and filled boxes as masks."""
    pixels = np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), np.uint8)
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    ids = [1] * len(boxes) if classes is None else classes
    return pixels, masks, np.array(ids, np.int32)


def test_windows_put_together_are_the_picture():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 60, (12, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 40, (12, 2))], axis=1)
    pixels, masks, ids = picture((77, 93), *boxes, classes=[1, 2] * 6)
    windows = Windows(Drawn([(pixels, masks, ids)]), (32, 40), 8)
    seen, drawn = np.zeros((77, 93), int), np.zeros_like(masks)
    for i in windows.image_ids:
        y1, x1, y2, x2 = windows.image_info[i]["window"]
        np.testing.assert_array_equal(windows.load_image(i), pixels[y1:y2, x1:x2])
        parts, class_ids = windows.load_mask(i)
        assert parts.shape[:2] == (y2 - y1, x2 - x1) == (32, 40)
        here = np.flatnonzero(masks[y1:y2, x1:x2].any(axis=(0, 1)))
        np.testing.assert_array_equal(parts, masks[y1:y2, x1:x2, here])
        np.testing.assert_array_equal(abs(class_ids), ids[here])
        seen[y1:y2, x1:x2] += 1
        drawn[y1:y2, x1:x2, here] |= parts
    assert seen.min() == 1
    np.testing.assert_array_equal(drawn, masks)


@pytest.mark.parametrize(
    ("columns", "learnt"),  # of an object from column 10 - its part left of the edge
    [(10, [True, False]), (9, [True, False]), (5, [True, True]), (1, [False, True])],
)
def test_what_is_cut_off_is_a_crowd(columns, learnt):
    left = 20 - columns
    dataset = Drawn([picture((20, 40), (5, left, 9, left + 10))])
    windows = Windows(dataset, 20, 0)
    found = [windows.load_mask(i)[1].tolist() for i in windows.image_ids]
    shown = [columns > 0, columns < 10]
    expected = [
        [1 if is_learnt else -1] if is_shown else []
        for is_shown, is_learnt in zip(shown, learnt, strict=True)
    ]
    assert found == expected


def test_the_share_is_asked_for():
    dataset = Drawn([picture((20, 40), (5, 13, 9, 23))])  # 7 of 10 columns on the left
    found = [Windows(dataset, 20, 0, whole=w).load_mask(0)[1] for w in (0.7, 0.71)]
    assert [ids.tolist() for ids in found] == [[1], [-1]]


def test_of_one_at_a_corner_all_windows_show_too_little(capsys):
    """A quarter each: it is learnt nowhere, which is said; an overlap is the way."""
    dataset = Drawn([picture((36, 36), (15, 15, 21, 21), (0, 0, 4, 4))])
    found = [ids.tolist() for ids in map(load_ids(Windows(dataset, 18, 0)), range(4))]
    assert found == [[-1, 1], [-1], [-1], [-1]]
    said = capsys.readouterr().out
    assert said.startswith("1 objects are learnt in no window of 18 x 18 pixels: none")
    assert len(said.splitlines()) == 1
    windows = Windows(dataset, 18, 9)
    found = [load_ids(windows)(i).tolist() for i in windows.image_ids]
    assert found[4] == [1]  # in the middle it is whole
    Windows(Drawn([picture((36, 36), (15, 15, 21, 21), classes=[-1])]), 18, 0)
    assert not capsys.readouterr().out


def load_ids(windows):
    return lambda image_id: windows.load_mask(image_id)[1]


def test_a_picture_that_is_smaller_in_one_direction():
    pixels, masks, ids = picture((10, 50), (2, 3, 8, 9), (1, 30, 9, 45))
    windows = Windows(Drawn([(pixels, masks, ids)]), 20, 5)
    assert [info["window"] for info in windows.image_info] == [
        [0, 0, 10, 20],
        [0, 15, 10, 35],
        [0, 30, 10, 50],
    ]
    assert [load_ids(windows)(i).tolist() for i in range(3)] == [[1], [-1], [1]]
    np.testing.assert_array_equal(windows.load_image(1), pixels[:, 15:35])


def test_crowds_stay_crowds():
    dataset = Drawn([picture((20, 40), (0, 0, 4, 4), (0, 8, 4, 12), classes=[-2, 2])])
    masks, ids = Windows(dataset, 20).load_mask(0)
    assert ids.tolist() == [-2, 2]
    assert masks.sum(axis=(0, 1)).tolist() == [16, 16]


def test_small_pictures_and_those_without_objects_are_windows_too():
    small, empty = picture((9, 11), (1, 2, 3, 4)), picture((20, 20))
    windows = Windows(Drawn([small, empty]), 16, 4)
    assert windows.load_image(0).shape == (9, 11, 3)
    assert windows.num_images == 1 + 4
    masks, ids = windows.load_mask(3)
    assert (masks.shape, ids.shape) == ((16, 16, 0), (0,))


def test_masks_of_no_object_may_have_any_size():
    pixels, _, none = picture((20, 30))
    dataset = Drawn([(pixels, np.zeros((0, 0, 0), bool), none)])
    windows = Windows(dataset, 20, 0)
    assert [windows.load_image(i).shape for i in range(2)] == [(20, 20, 3)] * 2
    assert windows.load_mask(1)[0].shape == (20, 20, 0)


@pytest.mark.parametrize("shape", [(30, 40), (50, 40), (40, 30)])
def test_masks_of_another_size_than_the_picture_are_refused(shape):
    """Also of a smaller one, where every window would be filled."""
    _, masks, ids = picture(shape, (1, 2, 9, 9))
    windows = Windows(Drawn([(picture((40, 40))[0], masks, ids)]), 20)
    with pytest.raises(ValueError, match=r"image 0 of own has 40 x 40 .*its masks"):
        windows.load_image(0)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_files_are_read_with_the_channels_of_the_model(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 40, 4), np.uint8)
    pixels[..., 1:3] = pixels[..., :1]  # grey, and what is taken for alpha
    Image.fromarray(pixels).save(tmp_path / "a.png")

    class Files(Dataset):
        def load_mask(self, image_id):
            return picture((20, 40), (1, 2, 9, 9))[1:]

    files = Files()
    files.add_class("own", 1, "cell")
    files.add_image("own", 0, tmp_path / "a.png")
    files.prepare()
    whole = load_pixels(files, 0, channels)
    part = load_pixels(Windows(files, 20, 0), 1, channels)
    np.testing.assert_array_equal(part, whole[:, 20:])
    assert part.shape[2:] == whole.shape[2:]


def test_classes_and_names_are_the_data_sets():
    dataset = Drawn([picture((40, 40), (1, 2, 3, 4))])
    windows = Windows(dataset, 20, 0)
    assert windows.class_names == dataset.class_names == ["BG", "cell", "thread"]
    assert windows.class_info == dataset.class_info
    called = windows.image_reference(2)
    assert called == "image 0 of own, rows 20 to 40, columns 0 to 20"
    assert fingerprint(windows) != fingerprint(Windows(dataset, 20, 4))
    assert fingerprint(windows) == fingerprint(Windows(dataset, 20, 0))


class Two(TinyConfig):
    NUM_CLASSES = 3


@pytest.fixture
def windows():
    boxes = (5, 5, 30, 30), (50, 20, 80, 60)
    dataset = Drawn([picture((90, 70), *boxes), picture((80, 64), *boxes)])
    return Windows(dataset, 64)


def test_a_check_counts_what_windows_show(windows):
    report = check(windows, Two())
    assert not report.faults
    assert report.to_dict()["sets"]["training"]["images"] == windows.num_images == 4 + 2


@pytest.mark.usefixtures("deterministic")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_a_training_on_windows_is_resumed_and_measured(windows, tmp_path):
    """With objects pasted from window to window, and several workers."""

    def trained(*callbacks, workers=1, **options):
        model = build.model(Two(), seed=0, precision="float32")
        batches = build.batches(
            Two(), windows, steps=1, shuffle=True, paste=CopyPaste(1.0)
        )
        batches.workers = workers
        history = training.fit(
            model,
            batches,
            stages=[build.stage(Two(), 2)],
            optimizer=lambda rate: build.optimizer(Two(), rate),
            callbacks=callbacks,
            verbose=0,
            **options,
        )
        return model, history["loss"]

    def interrupt(epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    whole, losses = trained()
    with pytest.raises(KeyboardInterrupt):
        trained(stop, folder=tmp_path)
    again, resumed = trained(folder=tmp_path, workers=3)
    assert losses == resumed and np.isfinite(losses).all()
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    scenes = collect(whole, windows, batch_size=2)
    report = evaluate(whole, windows, scenes=scenes)
    assert report.to_dict()["images"] == windows.num_images


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((None,), {}, "tile is None"),
        ((0,), {}, "tile"),
        ((16, 16), {}, "overlap is 16"),
        ((16,), {"whole": 1.5}, "whole"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, options, named):
    with pytest.raises(ValueError, match=named):
        Windows(Drawn([picture((20, 20))]), *arguments, **options)


def test_faulty_annotations_are_named():
    pixels, masks, _ = picture((20, 20), (1, 2, 3, 4))
    dataset = Drawn([(pixels, masks, np.array([5]))])
    with pytest.raises(ValueError, match="image 0 of own"):
        Windows(dataset, 16)
    with pytest.raises(TypeError, match="give an instance"):
        Windows(Drawn, 16)
