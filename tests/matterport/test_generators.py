"""Batches as Matterport's users unpack them: order, skipping, errors, shapes."""

from itertools import islice

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.data.findings import FaultyImagesError
from mrcnn.matterport import examples
from mrcnn.matterport.generators import DataGenerator, data_generator


class Small(Config):
    """Images of 64 pixels."""

    IMAGES_PER_GPU = 2
    NUM_CLASSES = 3
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    RPN_ANCHOR_SCALES = (4, 8, 16, 32, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 16
    TRAIN_ROIS_PER_IMAGE = 12
    MINI_MASK_SHAPE = (14, 14)
    MASK_SHAPE = (28, 28)
    MAX_GT_INSTANCES = 3


CONFIG = Small()
FULL = type("Full", (Small,), {"USE_MINI_MASK": False})()
ANCHORS = 3 * (16**2 + 8**2 + 4**2 + 2**2 + 1)


class Rows(Dataset):
    """Images with squares in a row; `ids[i]` are the classes of image i.

    A pixel of image i has level i. An image with None raises an error.
    """

    def __init__(self, ids, shapes=None, sources=None):
        super().__init__()
        self.ids, self.shapes = ids, shapes or [(64, 64)] * len(ids)
        for number, source in enumerate(("a", "b")):
            self.add_class(source, 1, f"class {number}")
        for i, source in enumerate(sources or "a" * len(ids)):
            self.add_image(source, f"id{i}", None)
        self.prepare()

    def load_image(self, image_id):
        if self.ids[image_id] is None:
            raise OSError(f"disk {image_id}")
        return np.full((*self.shapes[image_id], 3), image_id, np.uint8)

    def load_mask(self, image_id):
        ids = self.ids[image_id]
        masks = np.zeros((*self.shapes[image_id], len(ids)), bool)
        for i in range(len(ids)):
            masks[8:18, 12 * i : 12 * i + 10, i] = True
        return masks, np.array(ids, np.int32)


def seen(batches):
    """Return the ids of the images in batches, by their metas."""
    return [int(i) for inputs, _ in batches for i in inputs[1][:, 0]]


def first(dataset, count, **options):
    """Return the first batches of the generator, without shuffling."""
    options = {"shuffle": False, **options}
    return list(islice(data_generator(dataset, CONFIG, **options), count))


SEVEN = {
    "images": ((2, 64, 64, 3), np.float32),
    "image_meta": ((2, 15), np.float64),
    "rpn_match": ((2, ANCHORS, 1), np.int32),
    "rpn_bbox": ((2, 16, 4), np.float64),
    "gt_class_ids": ((2, 3), np.int32),
    "gt_boxes": ((2, 3, 4), np.int32),
    "gt_masks": ((2, 14, 14, 3), bool),
}
EIGHT = SEVEN | {"rpn_rois": ((2, 50, 4), np.int32)}
NINE = EIGHT | {"rois": ((2, 12, 4), np.int32)}
TARGETS = {
    "mrcnn_class_ids": ((2, 12, 1), np.int32),
    "mrcnn_bbox": ((2, 12, 3, 4), np.float32),
    "mrcnn_mask": ((2, 12, 28, 28, 3), np.float32),
}


@pytest.mark.parametrize(
    ("options", "inputs", "outputs"),
    [
        ({}, SEVEN, {}),
        ({"detection_targets": True}, SEVEN, {}),
        ({"random_rois": 50}, EIGHT, {}),
        ({"random_rois": 50, "detection_targets": True}, NINE, TARGETS),
    ],
)
def test_what_is_unpacked(options, inputs, outputs):
    dataset = Rows([[1], [1, 2], [2, -1]])
    generator = data_generator(dataset, CONFIG, batch_size=2, **options)
    numbered = DataGenerator(dataset, CONFIG, **options)
    for batch in (next(generator), next(generator), numbered[0], numbered[1]):
        assert [len(part) for part in batch] == [len(inputs), len(outputs)]
        for found, expected in zip(batch, (inputs, outputs), strict=True):
            for array, (shape, dtype) in zip(found, expected.values(), strict=True):
                assert (array.shape, array.dtype) == (shape, dtype)


def test_a_batch_by_hand():
    ((inputs, outputs),) = first(Rows([[1], [1, -2]]), 1, batch_size=2)
    assert outputs == []
    images, _, match, deltas, class_ids, boxes, masks = inputs
    for i in range(2):
        np.testing.assert_allclose(images[i, 0, 0], i - CONFIG.MEAN_PIXEL, rtol=1e-6)
    assert class_ids.tolist() == [[1, 0, 0], [1, -2, 0]]
    assert boxes[0].tolist() == [[8, 0, 18, 10], [0] * 4, [0] * 4]
    assert boxes[1].tolist() == [[8, 0, 18, 10], [8, 12, 18, 22], [0] * 4]
    assert masks.any(axis=(1, 2)).tolist() == [
        [True, False, False],
        [True, True, False],
    ]
    for i in range(2):
        positives = (match[i] == 1).sum()
        assert 1 <= positives <= 8
        assert (match[i] == -1).sum() == 16 - positives
        assert not deltas[i, positives:].any()


def test_full_masks():
    dataset = Rows([[1, 2]])
    inputs, _ = next(data_generator(dataset, FULL))
    assert inputs[6].shape == (1, 64, 64, 3)
    np.testing.assert_array_equal(inputs[6][0, ..., :2], dataset.load_mask(0)[0])


def test_images_come_in_order_and_those_without_objects_are_skipped():
    dataset = Rows([[1], [], [2], [-1], [1]])
    assert seen(first(dataset, 4, batch_size=2)) == [0, 2, 4, 0, 2, 4, 0, 2]


def test_shuffled_each_image_comes_once_a_round():
    dataset = Rows([[1]] * 6)
    np.random.seed(8)
    order = seen(first(dataset, 12, shuffle=True))
    assert sorted(order[:6]) == sorted(order[6:]) == list(range(6))
    assert order[:6] != order[6:]
    np.random.seed(8)
    assert seen(first(dataset, 12, shuffle=True)) == order
    np.testing.assert_array_equal(dataset.image_ids, range(6))


def test_a_seed_repeats_whole_batches():
    options = {"random_rois": 20, "detection_targets": True, "augment": True}
    draws = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        (batch,) = first(Rows([[1, 2]]), 1, batch_size=4, **options)
        draws.append([*batch[0], *batch[1]])
    for one, again in zip(*draws[:2], strict=True):
        np.testing.assert_array_equal(one, again)
    assert (draws[0][7] != draws[2][7]).any()


def test_of_too_many_objects_a_random_choice_stays():
    np.random.seed(0)
    chosen = set()
    for inputs, _ in first(Rows([[1, 1, 1, 1, 1]]), 40):
        *_, class_ids, boxes, masks = inputs
        assert class_ids.tolist() == [[1, 1, 1]]
        assert masks.any(axis=(1, 2)).all()
        lefts = tuple(sorted(boxes[0, :, 1]))
        assert len(set(lefts)) == 3
        chosen.update(lefts)
    assert chosen == {0, 12, 24, 36, 48}


def test_an_image_that_raises_is_named_and_left_out(caplog):
    dataset = Rows([[1], None, [2], [1], [1]])
    assert seen(first(dataset, 9)) == [0, 2, 3, 4, 0, 2, 3, 4, 0]
    (record,) = caplog.records
    assert "id1 of a" in record.message and "OSError: disk 1" in record.message


def test_images_that_raise_are_refused_above_the_setting(caplog):
    for make in (data_generator, DataGenerator):
        with pytest.raises(FaultyImagesError, match="2 of 5 images") as caught:
            for batch in make(Rows([[1], None, [2], None, [1]]), CONFIG):
                assert seen([batch])
        assert isinstance(caught.value.__cause__, OSError)
        for name in ("id1 of a: OSError: disk 1", "id3 of a: OSError: disk 3"):
            assert name in str(caught.value)


def test_an_error_of_the_reader_is_not_counted(caplog):
    generator = data_generator(Rows([[1]]), CONFIG)
    next(generator)
    with pytest.raises(KeyError):
        generator.throw(KeyError("the reader's"))
    assert not caplog.records


@pytest.mark.parametrize("ids", [[[]], [[-1], []]])
def test_where_nothing_shows_objects_the_search_ends(ids, monkeypatch):
    monkeypatch.setattr(examples, "PATIENCE", 7)
    with pytest.raises(ValueError, match="7 images in a row gave no object"):
        next(data_generator(Rows(ids), CONFIG))
    with pytest.raises(ValueError, match="7 images in a row gave no object"):
        DataGenerator(Rows(ids), CONFIG)[0]


def test_one_image_in_many_is_found(monkeypatch):
    monkeypatch.setattr(examples, "PATIENCE", 1)
    dataset = Rows([[]] * 30 + [[1]])
    np.random.seed(0)
    assert seen(first(dataset, 5, shuffle=True, batch_size=4)) == [30] * 20


def test_an_empty_data_set_is_refused_at_once():
    for make in (data_generator, DataGenerator):
        with pytest.raises(ValueError, match="holds no images"):
            make(Rows([]), CONFIG)


def test_images_of_several_sizes_cannot_share_a_batch():
    config = type("Pad", (Small,), {"IMAGE_RESIZE_MODE": "pad64"})()
    dataset = Rows([[1], [1]], shapes=[(64, 64), (64, 100)])
    with pytest.raises(ValueError, match="different padded sizes"):
        next(data_generator(dataset, config, batch_size=2))
    one, two = islice(data_generator(dataset, config, shuffle=False), 2)
    assert one[0][0].shape == (1, 64, 64, 3)
    assert two[0][0].shape == (1, 64, 128, 3)
    assert two[0][2].shape == (1, 2 * ANCHORS, 1)


def test_sources_can_be_left_out_of_augmentation():
    def white(image, masks, rng):
        return np.full_like(image, 255), masks

    dataset = Rows([[1], [1]], sources="ab")
    options = {"augmentation": white, "no_augmentation_sources": ["a"]}
    levels = [
        inputs[0][0, 0, 0, 0] + CONFIG.MEAN_PIXEL[0]
        for inputs, _ in first(dataset, 2, **options)
    ]
    np.testing.assert_allclose(levels, [0, 255], atol=1e-4)


def test_numbered_batches_cover_the_images_and_end():
    dataset = Rows([[1], [1], [], [1], [1]])
    numbered = DataGenerator(dataset, CONFIG, shuffle=False)
    assert len(numbered) == 3
    assert [seen([batch]) for batch in numbered] == [[0, 1], [3, 4], [4, 0]]
    for index in (3, -1):
        with pytest.raises(IndexError, match=f"batch {index} of 3"):
            numbered[index]


def test_numbered_batches_are_those_of_the_generator():
    dataset = Rows([[1], [1, 2]])
    options = {"random_rois": 9, "detection_targets": True}
    batches = []
    for make in (
        lambda: first(dataset, 1, batch_size=2, **options)[0],
        lambda: DataGenerator(dataset, CONFIG, shuffle=False, **options)[0],
    ):
        np.random.seed(6)
        inputs, outputs = make()
        batches.append([*inputs, *outputs])
    for one, other in zip(*batches, strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbered_batches_are_shuffled_every_epoch():
    np.random.seed(1)
    numbered = DataGenerator(Rows([[1]] * 8), CONFIG)
    orders = []
    for _ in range(2):
        orders.append(seen(numbered[i] for i in range(len(numbered))))
        numbered.on_epoch_end()
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(8))
    assert list(range(8)) != orders[0] != orders[1]


def test_keras_fits_numbered_batches():
    class Bias(keras.Model):
        def __init__(self):
            super().__init__()
            self.bias = self.add_weight(shape=(), initializer="ones")

        def call(self, x):
            return self.bias * ops.ones_like(x[1][:, 0])

        def compute_loss(self, x, y, y_pred, sample_weight, training=True):
            return ops.mean(y_pred)

    model = Bias()
    model.compile(keras.optimizers.SGD(0.25))
    model.fit(DataGenerator(Rows([[1]] * 5), CONFIG), epochs=2, verbose=0)
    assert float(model.bias) == 1 - 2 * 3 * 0.25
