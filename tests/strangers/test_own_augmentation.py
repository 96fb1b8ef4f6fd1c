"""Augmentations that users write: tried beforehand, and named where they fail."""

import keras
import numpy as np
import pytest
from PIL import Image

from mrcnn.config import Config
from mrcnn.data.augment import as_augmentation, augmented, rehearse
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.data.preflight import check
from mrcnn.matterport.inputs import load_image_gt
from mrcnn.structures import Preprocessing

SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


class Ferns(Dataset):
    """Images of level 40 * (i + 1) with `counts[i]` squares."""

    def __init__(self, *counts):
        super().__init__()
        self.counts = counts
        self.add_class("ferns", 1, "fern")
        for i in range(len(counts)):
            self.add_image("ferns", i, f"fern{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 64, 3), 40 * (image_id + 1), np.uint8)

    def load_mask(self, image_id):
        masks = np.zeros((64, 64, self.counts[image_id]), bool)
        masks[8:20, 8:20] = True
        return masks, np.ones(self.counts[image_id], np.int32)


def batches(dataset, augmentation):
    return Batches(
        dataset,
        SQUARE,
        batch_size=1,
        instances=4,
        mini_mask_shape=None,
        augmentation=augmentation,
    )


def stacks(image, masks, rng):
    """Flip every mask, which np.stack cannot do to none."""
    layers = [masks[::-1, :, i] for i in range(masks.shape[-1])]
    return image, np.stack(layers, axis=-1)


def squeezes(image, masks, rng):
    """Lose the axis of a single mask."""
    return image, np.squeeze(masks)


def swaps_two(image, masks, rng):
    """Fail from three masks on."""
    return (image, masks) if masks.shape[-1] < 3 else (image, masks["third"])


@pytest.mark.parametrize(
    ("augmentation", "told"),
    [
        (stacks, r"stacks fails on .*with 0 objects: ValueError: need at least one"),
        (squeezes, r"with 1 objects: augmentation squeezes turned an image"),
        (swaps_two, r"swaps_two fails on .*with 3 objects: IndexError"),
        (keras.Sequential([keras.layers.Rescaling(1.0)]), "augmentation Sequential "),
    ],
)
def test_none_one_and_three_objects_are_tried_before_training(augmentation, told):
    with pytest.raises(ValueError, match=told):
        check(batches(Ferns(2, 2), augmentation), None)


def some(image, masks, rng):
    """Fail on bright pictures only, which the made-up one is not."""
    level = int(image[32, 32, 0])
    if level == image.mean() == 80:
        raise KeyError("level 80")
    return image, masks


def test_an_image_on_which_it_fails_is_named():
    pipeline = batches(Ferns(1, 1), some)
    check(pipeline, None)
    assert pipeline[0]
    told = r"augmentation some fails on fern1\.png: KeyError: 'level 80' \(test_own_a"
    with pytest.raises(ValueError, match=told) as caught:
        pipeline[1]
    assert isinstance(caught.value.__cause__, KeyError)


def test_load_image_gt_names_them_too():
    class Small(Config):
        NUM_CLASSES, IMAGE_MIN_DIM, IMAGE_MAX_DIM = 2, 64, 64

    with pytest.raises(ValueError, match=r"some fails on fern1\.png: KeyError"):
        load_image_gt(Ferns(1, 1), Small(), 1, augmentation=some)
    for wrong in (2, -1, 99, 0.5, None):
        with pytest.raises(ValueError, match=r"image_id is .*2 images from 0 to 1"):
            load_image_gt(Ferns(1, 1), Small(), wrong)
    assert load_image_gt(Ferns(1, 1), Small(), np.int64(1))[0].shape == (64, 64, 3)


def test_memory_that_runs_out_is_no_fault_of_an_augmentation():
    def greedy(image, masks, rng):
        raise MemoryError

    image, masks = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 1), bool)
    with pytest.raises(MemoryError):
        augmented(greedy, image, masks, np.random.default_rng(), "x")


@pytest.mark.parametrize(
    "kind", [keras.ops.convert_to_tensor, Image.fromarray], ids=["tensor", "Pillow"]
)
def test_what_can_be_an_array_becomes_one(kind):
    def brighter(image, masks, rng):
        return kind(image + 20), masks

    rehearse(as_augmentation(brighter), (64, 64, 3))
    (batch,) = batches(Ferns(1), brighter)[0]
    assert type(batch["images"]) is np.ndarray and (batch["images"] == 60).all()
    assert batch["gt_masks"].sum() == 12 * 12


def test_lists_of_numbers_are_no_uint8():
    with pytest.raises(ValueError, match=r"<lambda> turned .* \(64, 64, 3\) int64"):
        rehearse(as_augmentation(lambda i, m, r: (i.tolist(), m)), (64, 64, 3))
