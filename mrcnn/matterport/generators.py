"""Endless batches, and numbered ones, as users of Matterport and its forks read them.

Chance (order, crops, augmentation, samples) comes from NumPy's global state, so that
`numpy.random.seed` repeats everything. Our own training reads `mrcnn.data.pipeline`,
whose batches can be resumed.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import keras
import numpy as np

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.matterport.examples import Batch, Examples


def data_generator(
    dataset: Dataset,
    config: Config,
    shuffle: bool = True,
    augment: Any = False,
    augmentation: Any = None,
    random_rois: int = 0,
    batch_size: int = 1,
    detection_targets: bool = False,
    no_augmentation_sources: Sequence[str] | None = None,
) -> Iterator[Batch]:
    """Return an endless generator of batches of training data.

    Images without objects are skipped. An image whose loading raises an error is named
    and left out, as in `MaskRCNN.train`; more than MAX_FAULTY_IMAGES of them are an
    error. Differences from Matterport: where no image shows an object, that is an
    error, not an endless search; see also `load_image_gt` and the functions of
    `mrcnn.matterport.targets`. There are no threads.

    Args:
        dataset: prepared.
        config: the configuration.
        shuffle: in a new random order every time around.
        augment: deprecated, see `load_image_gt`.
        augmentation: see `load_image_gt`.
        random_rois: P, how many random proposals to make for each image; 0 for none.
        batch_size: B.
        detection_targets: sample proposals (R = TRAIN_ROIS_PER_IMAGE) and give what the
            heads should answer; only with `random_rois`.
        no_augmentation_sources: sources whose images are not to be augmented.

    Returns:
        A generator of inputs and outputs. Inputs are seven, eight or nine arrays:
        images (B, H, W, C) float32 without their mean; image_meta (B, 12 + K) float64;
        rpn_match (B, A, 1) int32 and rpn_bbox (B, RPN_TRAIN_ANCHORS_PER_IMAGE, 4)
        float64, see `build_rpn_targets`; with G = MAX_GT_INSTANCES, of which a random
        choice is kept if there are more, gt_class_ids (B, G) int32, gt_boxes (B, G, 4)
        int32 pixels, and gt_masks (B, ., ., G) bool, mini masks if USE_MINI_MASK; with
        `random_rois`, rpn_rois (B, P, 4) int32 pixels; with `detection_targets`, rois
        (B, R, 4) int32 pixels.
        Outputs are none, or with `detection_targets` mrcnn_class_ids (B, R, 1) int32,
        mrcnn_bbox (B, R, NUM_CLASSES, 4) float32 and mrcnn_mask
        (B, R, *MASK_SHAPE, NUM_CLASSES) float32, see `build_detection_targets`.

    Raises:
        ValueError: if the data set is empty; from the generator, if no object turns up
            or images of several sizes meet in one batch.
        FaultyImagesError: from the generator, if too many images raise errors.
    """
    examples = Examples(
        dataset,
        config,
        augment=augment,
        augmentation=augmentation,
        random_rois=random_rois,
        detection_targets=detection_targets,
        plain_sources=no_augmentation_sources or (),
    )
    return _batches(examples, _rounds(dataset.image_ids, shuffle), batch_size)


def _rounds(image_ids: np.ndarray, shuffle: bool) -> Iterator[int]:
    """Yield all images again and again, shuffled anew every time around."""
    image_ids = np.copy(image_ids)
    while True:
        if shuffle:
            np.random.shuffle(image_ids)
        yield from image_ids


def _batches(
    examples: Examples, image_ids: Iterator[int], size: int
) -> Iterator[Batch]:
    while True:
        yield examples.batch(image_ids, size)


class DataGenerator(keras.utils.PyDataset):
    """The batches of `data_generator` by number, as the forks for TensorFlow 2 have it.

    Item i holds the BATCH_SIZE images from number i * BATCH_SIZE on, in an order that
    is shuffled at the start and after every epoch; the last is filled up from the front
    and an image without objects gives its place to the next that has some. Images are
    loaded when asked for, without threads, unless `workers` is set. Inputs and outputs
    are tuples, because `keras.Model.fit` takes a list for one array.

    Attributes:
        image_ids: in the present order.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: Config,
        shuffle: bool = True,
        augmentation: Any = None,
        random_rois: int = 0,
        detection_targets: bool = False,
    ) -> None:
        """Describe the batches; see `data_generator` for all arguments and errors."""
        super().__init__()
        self._examples = Examples(
            dataset,
            config,
            augmentation=augmentation,
            random_rois=random_rois,
            detection_targets=detection_targets,
        )
        self.image_ids = np.copy(dataset.image_ids)
        self.batch_size = config.BATCH_SIZE
        self.shuffle = shuffle
        self.on_epoch_end()

    def __len__(self) -> int:
        """Return the number of batches an epoch, the last one included."""
        return -(-len(self.image_ids) // self.batch_size)

    def __getitem__(
        self, index: int
    ) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Return batch `index`; IndexError from the last one on."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        images = len(self.image_ids)
        start = int(index) * self.batch_size
        following = (self.image_ids[i % images] for i in count(start))
        inputs, outputs = self._examples.batch(following, self.batch_size)
        return tuple(inputs), tuple(outputs)

    def on_epoch_end(self) -> None:
        """Shuffle, if asked for."""
        if self.shuffle:
            np.random.shuffle(self.image_ids)
