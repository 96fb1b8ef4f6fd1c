"""Images with their objects, one by one and in batches."""

import logging

import numpy as np
import pytest

from mrcnn import model as modellib
from mrcnn.matterport.inputs import MOST_ERRORS
from mrcnn.utils import Dataset


class Drawn(Dataset):
    """Images of 30 x 60 pixels, each a list of (class, y1, x1, y2, x2)."""

    def __init__(self, *images, failing=()):
        super().__init__()
        self.failing = failing
        self.add_class("drawn", 1, "one")
        self.add_class("other", 7, "seven")
        for i, objects in enumerate(images):
            self.add_image("drawn", i, None, objects=objects)
        self.prepare()

    def load_image(self, image_id):
        if image_id in self.failing:
            raise OSError(f"image {image_id} is broken")
        masks, _ = self.load_mask(image_id)
        image = np.full((30, 60, 3), 50 + image_id, np.uint8)
        image[masks.any(axis=-1)] = 200
        return image

    def load_mask(self, image_id):
        objects = self.image_info[image_id]["objects"]
        masks = np.zeros((30, 60, len(objects)), bool)
        for i, (_, y1, x1, y2, x2) in enumerate(objects):
            masks[y1:y2, x1:x2, i] = True
        return masks, np.array([entry[0] for entry in objects], np.int32)


ONE = [(1, 10, 20, 20, 40)]
TWO = [(1, 0, 0, 8, 8), (2, 20, 30, 30, 60)]


@pytest.fixture
def config(tiny_config):
    """Images of 64 pixels, three classes with the background, mini masks."""
    settings = {"NUM_CLASSES": 3, "USE_MINI_MASK": True, "MINI_MASK_SHAPE": (14, 14)}
    settings |= {"MAX_GT_INSTANCES": 4, "IMAGE_MIN_DIM": 0}
    return type("Any", (type(tiny_config),), settings)()


def test_an_image_by_hand(config):
    image, meta, class_ids, boxes, masks = modellib.load_image_gt(Drawn(ONE), config, 0)
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8
    # 30 x 60 pixels lie in the middle of 64 x 64.
    assert boxes.tolist() == [[27, 22, 37, 42]]
    assert (boxes.dtype, class_ids.dtype) == (np.int32, np.int32)
    assert class_ids.tolist() == [1]
    np.testing.assert_array_equal(masks[..., 0], image[..., 0] == 200)
    parsed = {k: v[0] for k, v in modellib.parse_image_meta(meta[None]).items()}
    assert parsed["original_image_shape"].tolist() == [30, 60, 3]
    assert parsed["image_shape"].tolist() == [64, 64, 3]
    assert parsed["window"].tolist() == [17, 2, 47, 62]
    assert parsed["scale"] == 1
    assert parsed["active_class_ids"].tolist() == [1, 1, 0]  # "seven" is not annotated


def test_mini_masks(config):
    *_, boxes, masks = modellib.load_image_gt(Drawn(TWO), config, 0, use_mini_mask=True)
    assert masks.shape == (14, 14, 2)
    assert masks.all()
    assert boxes.tolist() == [[17, 2, 25, 10], [37, 32, 47, 62]]


def test_nothing_on_an_image(config):
    for mini in (False, True):
        image, _, class_ids, boxes, masks = modellib.load_image_gt(
            Drawn([]), config, 0, use_mini_mask=mini
        )
        assert image.shape == (64, 64, 3)
        assert class_ids.shape == (0,)
        assert boxes.shape == (0, 4)
        assert masks.shape == (*((14, 14) if mini else (64, 64)), 0)


def test_mirrored_in_half_of_the_cases(config):
    np.random.seed(0)
    left = [
        modellib.load_image_gt(Drawn(TWO[:1]), config, 0, augment=True)[3][0, 1]
        for _ in range(40)
    ]
    assert set(left) == {2, 54}
    np.random.seed(0)
    again = modellib.load_image_gt(Drawn(TWO[:1]), config, 0, augment=True)
    assert again[3][0, 1] == left[0]


class Upward:
    """Behaves as an imgaug augmenter: moves everything up by 30 pixels."""

    def to_deterministic(self):
        """Return itself: there is nothing random."""
        return self

    def augment_image(self, image, hooks=None):
        """Move."""
        return np.concatenate([image[30:], np.zeros_like(image[:30])])


@pytest.mark.parametrize("style", ["Matterport's", "forks'", "forks', by place"])
def test_what_an_augmentation_moves_out_is_dropped(config, style):
    data = Drawn(TWO)
    if style == "Matterport's":
        found = modellib.load_image_gt(data, config, 0, False, Upward())
    elif style == "forks'":
        found = modellib.load_image_gt(data, config, 0, augmentation=Upward())
    else:
        found = modellib.load_image_gt(data, config, 0, Upward())
    _, _, class_ids, boxes, _ = found
    assert class_ids.tolist() == [2]
    assert boxes.tolist() == [[7, 32, 17, 62]]


def test_batches_in_order(config):
    data = Drawn(ONE, [], TWO)
    batches = modellib.data_generator(data, config, shuffle=False, batch_size=3)
    inputs, outputs = next(batches)
    assert outputs == []
    images, metas, match, deltas, class_ids, boxes, masks = inputs
    assert metas[:, 0].tolist() == [0, 2, 0]  # the second shows nothing
    assert images.shape == (3, 64, 64, 3)
    assert images.dtype == np.float32
    ground = images[0, 20, 10] + np.asarray(config.MEAN_PIXEL)
    np.testing.assert_allclose(ground, 50, atol=1e-4)
    assert class_ids.tolist() == [[1, 0, 0, 0], [1, 2, 0, 0], [1, 0, 0, 0]]
    assert boxes[1].tolist() == [[17, 2, 25, 10], [37, 32, 47, 62], *[[0] * 4] * 2]
    assert masks.shape == (3, 14, 14, 4)
    assert match.shape[2] == 1
    assert deltas.shape == (3, config.RPN_TRAIN_ANCHORS_PER_IMAGE, 4)
    assert next(batches)[0][1][:, 0].tolist() == [2, 0, 2]


def test_more_objects_than_slots(config):
    crowded = [(1, y, 5 * y, y + 4, 5 * y + 4) for y in range(0, 12, 2)]
    inputs, _ = next(modellib.data_generator(Drawn(crowded), config))
    assert (inputs[4] == 1).all()
    assert len(np.unique(inputs[5][0], axis=0)) == 4


def test_nine_inputs_and_three_outputs(config):
    np.random.seed(3)
    batches = modellib.data_generator(
        Drawn(TWO), config, random_rois=40, batch_size=2, detection_targets=True
    )
    inputs, outputs = next(batches)
    assert len(next(modellib.data_generator(Drawn(ONE), config, random_rois=8))[0]) == 8
    *_, rpn_rois, rois = inputs
    assert len(inputs) == 9
    assert rpn_rois.shape == (2, 40, 4)
    count = config.TRAIN_ROIS_PER_IMAGE
    assert rois.shape == (2, count, 4)
    class_ids, deltas, masks = outputs
    assert class_ids.shape == (2, count, 1)
    assert deltas.shape == (2, count, 3, 4)
    assert masks.shape == (2, count, 28, 28, 3)


def test_sources_that_stay_as_they_are(config):
    options = {"shuffle": False, "augmentation": Upward(), "batch_size": 1}
    moved, _ = next(modellib.data_generator(Drawn(TWO), config, **options))
    assert moved[4].tolist() == [[2, 0, 0, 0]]
    kept, _ = next(
        modellib.data_generator(
            Drawn(TWO), config, no_augmentation_sources=["drawn"], **options
        )
    )
    assert kept[4].tolist() == [[1, 2, 0, 0]]


def test_broken_images_are_passed_over_but_not_for_ever(config, caplog):
    batches = modellib.data_generator(Drawn(ONE, ONE, failing={0}), config, False)
    with caplog.at_level(logging.ERROR):
        seen = [next(batches)[0][1][0, 0] for _ in range(MOST_ERRORS)]
        assert seen == [1] * MOST_ERRORS
        with pytest.raises(OSError, match="image 0 is broken"):
            next(batches)
    assert len(caplog.records) == MOST_ERRORS + 1


def test_nothing_to_learn_from_is_no_endless_loop(config):
    with pytest.raises(ValueError, match="No image of the data set has an object"):
        next(modellib.data_generator(Drawn([], []), config))


def test_the_forks_generator(config):
    batches = modellib.DataGenerator(Drawn(ONE, TWO, ONE), config, shuffle=False)
    assert len(batches) == 2  # of two images
    inputs, outputs = batches[0]
    assert inputs[1][:, 0].tolist() == [0, 1]
    assert outputs == []
    assert batches[0][0][1][:, 0].tolist() == [2, 0]


def test_metas_there_and_back():
    row = modellib.compose_image_meta(
        5, (30, 60), (64, 64, 3), (17, 2, 47, 62), 1.5, [1, 0, 1]
    )
    assert row.tolist() == [5, 30, 60, 1, 64, 64, 3, 17, 2, 47, 62, 1.5, 1, 0, 1]
    parsed = modellib.parse_image_meta(row[None])
    assert parsed["image_id"].tolist() == [5]
    assert parsed["scale"].dtype == np.float32
    assert parsed["active_class_ids"].tolist() == [[1, 0, 1]]
    graph = modellib.parse_image_meta_graph(row[None])
    assert set(graph) == set(parsed)
    for name, value in parsed.items():
        np.testing.assert_array_equal(graph[name], value)


def test_molded_images_come_back(config, rng):
    image = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    molded = modellib.mold_image(image, config)
    np.testing.assert_allclose(
        molded, image - np.array([123.7, 116.8, 103.9]), atol=1e-5
    )
    np.testing.assert_array_equal(modellib.unmold_image(molded, config), image)


def test_log(capsys):
    modellib.log("image", np.arange(6, dtype=np.uint8).reshape(2, 3))
    modellib.log("masks", np.zeros((4, 0)))
    modellib.log("only text")
    first, second, third = capsys.readouterr().out.splitlines()
    words = "image shape: (2, 3) min: 0.00000 max: 5.00000 uint8"
    assert " ".join(first.split()) == words
    assert "(4, 0)" in second
    assert third == "only text"
