"""One bad image of many is named and left out; too many are one error."""

import re
import threading
from itertools import islice

import keras
import numpy as np
import pytest
from PIL import Image

from mrcnn import build, training
from mrcnn.config import Config
from mrcnn.data import findings
from mrcnn.data.dataset import Dataset
from mrcnn.data.findings import FaultyImagesError, Findings
from mrcnn.data.pipeline import Batches
from mrcnn.data.shapes import ShapesDataset
from mrcnn.matterport.generators import data_generator
from mrcnn.presets import CompactConfig
from mrcnn.structures import Preprocessing, Stage

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


class Ponds(Dataset):
    """Image i has level i and one square; those in `bad` draw over the border."""

    def __init__(self, count, bad=()):
        super().__init__()
        self.bad, self.loaded = set(bad), []
        self.add_class("ponds", 1, "pond")
        for i in range(count):
            self.add_image("ponds", i, f"pond{i}.png")
        self.prepare()

    def load_image(self, image_id):
        self.loaded.append(image_id)
        return np.full((64, 64, 3), image_id % 256, np.uint8)

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        last = 65 if image_id in self.bad else 12
        mask[[[8], [9]], np.arange(8, last), 0] = True
        return mask, np.ones(1, np.int32)


class ShapesWithFaults(ShapesDataset):
    """Shapes of which some raise an error."""

    def __init__(self, count, bad=(), error=None):
        super().__init__(count, height=64, width=64, seed=7)
        self.bad, self.error = bad, error or IndexError("index 64 is out of bounds")

    def load_mask(self, image_id):
        if image_id in self.bad:
            raise self.error
        return super().load_mask(image_id)


def batches(dataset, **options):
    defaults = {"batch_size": 2, "instances": 3, "mini_mask_shape": None}
    return Batches(dataset, SQUARE, **{**defaults, **options})


def levels(batch):
    return batch[0]["images"][:, 0, 0, 0].astype(int).tolist()


def noise(image, masks, rng):
    """Show by every pixel which random numbers a sample was given."""
    return rng.integers(0, 256, image.shape, dtype=np.uint8), masks


def test_the_next_good_image_takes_the_place():
    pipeline = batches(Ponds(10, bad=(3, 4, 9)), faulty=0.3)
    found = [levels(pipeline[i]) for i in range(5)]
    assert found == [[0, 1], [2, 5], [5, 5], [6, 7], [8, 0]]
    assert [pipeline.image_ids(0, i) for i in range(5)] == found


@pytest.mark.parametrize("shuffle", [False, True])
def test_all_other_samples_stay_as_they_are(shuffle):
    options = {"shuffle": shuffle, "augmentation": noise, "faulty": 0.2, "steps": 4}
    healthy, faulty = (batches(Ponds(10, bad), **options) for bad in ((), (2, 6)))
    equal = 0
    for epoch in range(3):
        healthy.epoch = faulty.epoch = epoch
        for index in range(4):
            (whole,), (other,) = healthy[index], faulty[index]
            for row, image_id in enumerate(healthy.image_ids(epoch, index)):
                if image_id not in (2, 6):
                    equal += 1
                    for key, value in whole.items():
                        np.testing.assert_array_equal(value[row], other[key][row])
    assert equal >= 24 - 2 * 3


def test_what_is_left_out_does_not_depend_on_when_it_was_found():
    options = {"shuffle": True, "augmentation": noise, "faulty": 0.3, "steps": 7}
    first, second = (batches(Ponds(10, (0, 4, 5)), **options) for _ in range(2))
    for first.epoch in range(3):
        whole = [first[i][0] for i in range(7)]
    second.epoch = 2  # at once, and in another order
    for index in (6, 2, 0, 5, 1, 3, 4):
        for key, value in second[index][0].items():
            np.testing.assert_array_equal(value, whole[index][key], err_msg=key)


def test_a_file_that_is_cut_off_is_named_once(tmp_path, rng, caplog):
    dataset = Ponds(0)
    for i in range(10):
        path = tmp_path / f"heron{i}.png"
        picture = Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8))
        picture.save(path)
        if i == 3:
            path.write_bytes(path.read_bytes()[:4000])
        dataset.add_image("ponds", i, path)
    dataset.prepare()
    dataset.load_image = lambda i: Dataset.load_image(dataset, i)
    pipeline = batches(dataset)
    for pipeline.epoch in range(3):
        for index in range(len(pipeline)):
            assert np.isfinite(pipeline[index][0]["images"]).all()
    (record,) = caplog.records
    assert "heron3.png cannot be read" in record.message
    assert "1 of 10 images raised errors and were left out" in (
        pipeline.findings.summary()
    )


def test_a_bad_image_is_not_loaded_again():
    dataset = Ponds(10, bad=(3,))
    pipeline = batches(dataset, cache_bytes=0)
    for pipeline.epoch in range(4):
        for index in range(5):
            assert pipeline[index]
    assert dataset.loaded.count(3) == 1


def test_an_error_says_where_in_whose_code_it_was_raised(caplog):
    assert levels(batches(Ponds(10, bad=(0,)))[0]) == [1, 1]
    line = Ponds.load_mask.__code__.co_firstlineno + 3
    assert caplog.records[0].message == (
        "Left out from now on: pond0.png: IndexError: index 64 is out of bounds for "
        f"axis 1 with size 64 (test_bad_images.py, line {line})"
    )


@pytest.mark.parametrize(
    ("count", "share", "allowed"),
    [(1, 0.1, 0), (9, 0.1, 0), (10, 0.1, 1), (70, 0.1, 7), (61, 0.2, 12), (3, 1, 2)],
)
def test_so_many_may_be_left_out(count, share, allowed):
    fine = batches(Ponds(count, bad=range(allowed)), faulty=share)
    assert levels(fine[0])[0] == allowed
    with pytest.raises(FaultyImagesError, match=f"{allowed + 1} of {count} images"):
        batches(Ponds(count, bad=range(allowed + 1)), faulty=share)[0]


def test_the_refusal_lists_all_and_goes_on():
    pipeline = batches(Ponds(100, bad=range(0, 100, 3)))
    with pytest.raises(FaultyImagesError) as caught:
        for index in range(50):
            assert pipeline[index]
    text = str(caught.value)
    assert text.startswith("34 of 100 images raise errors, and 10 may be left out:\n")
    named = [int(i) for i in re.findall(r"pond(\d+)\.png: IndexError", text)]
    assert named == list(range(0, 60, 3))
    assert "\n- and 14 more.\n" in text
    assert text.endswith("or raise MAX_FAULTY_IMAGES.")
    assert isinstance(caught.value.__cause__, IndexError)
    with pytest.raises(FaultyImagesError, match="34 of 100"):
        pipeline[0]


def test_an_error_in_every_image_ends_it_soon(monkeypatch):
    everywhere = Ponds(2000, bad=range(2000))
    with pytest.raises(FaultyImagesError, match="2000 of 2000 images"):
        batches(everywhere, faulty=0.5)[0]
    assert len(everywhere.loaded) == 2000
    monkeypatch.setattr(findings, "SECONDS", 0)
    everywhere = Ponds(2000, bad=range(2000))
    with pytest.raises(
        FaultyImagesError, match=r"20 of 20 images .*the other 1980 were not read"
    ):
        batches(everywhere, faulty=0.5)[0]
    assert len(everywhere.loaded) == 20


def test_bad_images_at_the_front_are_not_taken_for_all():
    pipeline = batches(Ponds(300, bad=range(25)), faulty=0.1)
    assert levels(pipeline[0]) == [25, 25]
    assert "25 of 300" in pipeline.findings.summary()


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_an_image_is_raised_at_once(error):
    dataset = Ponds(100)

    def fail(image_id):
        raise error("as it is")

    dataset.load_mask = fail
    with pytest.raises(error, match="as it is"):
        batches(dataset)[0]


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_lies_between_0_and_1(share):
    with pytest.raises(ValueError, match=r"MAX_FAULTY_IMAGES is .* from 0 to 1"):
        batches(Ponds(3), faulty=share)


def test_threads_tell_of_an_image_once(caplog):
    found = Findings(range(40), lambda i: f"pond{i}.png", faulty=0.5, slots=1)
    start = threading.Barrier(4)

    def load(image_id):
        if image_id % 4 == 0:
            raise OSError(f"disk {image_id}")
        return image_id

    def read():
        start.wait()
        assert [found.read(i, load) for i in range(40)] == [
            None if i % 4 == 0 else i for i in range(40)
        ]

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caplog.records) == len({r.message for r in caplog.records}) == 10


def test_the_presets_allow_a_tenth_and_the_facade_more():
    assert CompactConfig.MAX_FAULTY_IMAGES == 0.1
    assert Config.MAX_FAULTY_IMAGES >= 7 / 61


class Small(Config):
    """One image of 64 pixels at a time."""

    NUM_CLASSES, IMAGE_MIN_DIM, IMAGE_MAX_DIM, IMAGES_PER_GPU = 2, 64, 64, 1
    RPN_ANCHOR_SCALES, USE_MINI_MASK = (4, 8, 16, 32, 64), False


def test_generator_and_batches_leave_out_the_same(caplog):
    config, told = Small(), []
    generator = data_generator(Ponds(10, bad=(2, 7)), config, shuffle=False)
    ours = build.batches(config, Ponds(10, bad=(2, 7)))
    for read in (lambda: list(islice(generator, 8)), lambda: list(ours)):
        caplog.clear()
        assert read()
        told.append([record.message for record in caplog.records])
    assert told[0] == told[1] and len(told[0]) == 2


def test_generator_and_batches_refuse_alike():
    config, told = Small(), []
    for read in (
        lambda dataset: islice(data_generator(dataset, config, shuffle=False), 10),
        lambda dataset: build.batches(config, dataset),
    ):
        with pytest.raises(FaultyImagesError, match="3 of 10 images") as caught:
            list(read(Ponds(10, bad=range(3))))
        told.append(str(caught.value))
    assert told[0] == told[1]


def fit(config, train, **options):
    model = build.model(config, seed=3, precision="float32")
    return training.fit(
        model,
        build.batches(config, train, shuffle=True, seed=1),
        stages=[Stage("heads", 2, 0.001)],
        optimizer=lambda rate: build.optimizer(config, rate),
        verbose=0,
        **options,
    )


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
@pytest.mark.usefixtures("eager")
def test_training_goes_on_and_tells_at_the_end(tiny_config, capsys):
    history = fit(tiny_config, ShapesWithFaults(10, bad=(4,)))
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    said = capsys.readouterr().out
    assert said.count("1 of 10 images raised errors and were left out:\n") == 1
    assert "shapes image 4 (seed 7): IndexError: index 64 is out of bounds" in said


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("where", ["train", "validation"])
def test_training_raises_our_error_and_not_the_backends(tiny_config, where):
    fine, faulty = ShapesWithFaults(10), ShapesWithFaults(10, bad=(7, 8))
    validation = build.batches(tiny_config, faulty if where == "validation" else fine)
    with pytest.raises(FaultyImagesError, match="2 of 10 images") as caught:
        fit(tiny_config, faulty if where == "train" else fine, validation=validation)
    assert isinstance(caught.value.__cause__, IndexError)
    assert caught.value.__suppress_context__


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
@pytest.mark.usefixtures("eager")
def test_an_augmentation_that_fails_is_named_with_its_image(tiny_config, tiny_shapes):
    calls = []

    def fail(image, masks, rng):
        calls.append(1)
        if len(calls) > 5:
            raise ZeroDivisionError("of the user's")
        return image, masks

    model = build.model(tiny_config, seed=3, precision="float32")
    train = build.batches(tiny_config, tiny_shapes, augmentation=fail)
    with pytest.raises(
        ValueError,
        match=r"augmentation fail fails on shapes image \d+ .*: ZeroDivisionError: of "
        r"the user's \(test_bad_images\.py, line \d+\)",
    ) as caught:
        training.fit(
            model,
            train,
            stages=[Stage("heads", 1, 0.001)],
            optimizer=lambda rate: keras.optimizers.SGD(rate),
            verbose=0,
        )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
