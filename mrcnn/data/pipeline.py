"""From a data set to batches of static shape, in an order that can be resumed."""

from collections.abc import Callable, Collection

import keras
import numpy as np

from mrcnn.data.annotations import check_dataset
from mrcnn.data.dataset import Dataset, load_objects, load_pixels
from mrcnn.data.objects import check_fit
from mrcnn.data.transforms import (
    Geometry,
    check_image,
    place_image,
    place_masks,
    plan_geometry,
    subtract_mean,
)
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import boxes_of_masks, mini_mask
from mrcnn.ops.thin import blurred, keep_thin
from mrcnn.structures import Preprocessing

Augmentation = Callable[
    [np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]
]
"""Takes and returns an image (H, W, C) uint8 and masks (H, W, n) bool."""


def load_annotated(
    dataset: Dataset, image_id: int, channels: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load an image and its objects, in original pixels, and check that they agree.

    Args:
        dataset: prepared.
        image_id: internal.
        channels: of the model.

    Returns:
        Image (h, w, channels) uint8, masks (h, w, n) bool and class ids (n,) int32,
        negative for crowds.

    Raises:
        ValueError: names the image if it is none (see `transforms.check_image`), or if
            its masks do not fit it (see also `dataset.load_objects`).
    """
    name = dataset.image_reference(image_id)
    image = check_image(load_pixels(dataset, image_id, channels), name, channels)
    masks, class_ids = load_objects(dataset, image_id)
    if not masks.shape[-1]:
        masks = np.zeros((*image.shape[:2], 0), bool)
    check_fit(masks.shape[:2], image.shape[:2], name)
    return image, masks, class_ids


def active_class_ids(dataset: Dataset, image_id: int) -> np.ndarray:
    """Return (K,) int32: 1 for the classes that the image's source annotates."""
    active = np.zeros(dataset.num_classes, np.int32)
    active[dataset.source_class_ids[dataset.image_info[image_id]["source"]]] = 1
    return active


class Batches(keras.utils.PyDataset):
    """The batches of a data set, each a dictionary as `nn.mask_rcnn.MaskRCNN` takes it.

    Item i of epoch e is a pure function of (seed, e, i): the order of an interrupted
    training is taken up by setting `epoch`. Shuffled, every image is seen once before
    any is seen again, whatever the length of an epoch.

    Attributes:
        epoch: which epoch's batches are given; `training.fit` sets it.
    """

    def __init__(
        self,
        dataset: Dataset,
        preprocessing: Preprocessing,
        *,
        batch_size: int,
        instances: int,
        mini_mask_shape: tuple[int, int] | None,
        channels: int = 3,
        steps: int | None = None,
        shuffle: bool = False,
        augmentation: Augmentation | None = None,
        not_augmented: Collection[str] = (),
        seed: int = 0,
        cache_bytes: int = 2_000_000_000,
        workers: int = 1,
    ) -> None:
        """Describe the batches; nothing is loaded yet.

        Args:
            dataset: prepared.
            preprocessing: how images become padded inputs.
            batch_size: B.
            instances: G; of an image with more, a random G are kept.
            mini_mask_shape: masks are cut to their boxes and resized to this; None
                keeps them at (H, W).
            channels: of the images.
            steps: batches an epoch; by default each image once.
            shuffle: in a new random order every time around.
            augmentation: applied to the padded image and its masks.
            not_augmented: sources of the data set whose images stay as they are.
            seed: of order, augmentation and random crops.
            cache_bytes: resized images are kept in memory up to this much in all.
            workers: threads that prepare batches.

        Raises:
            ValueError: if the data set is empty, or see `annotations.check_dataset`.
        """
        super().__init__(workers=workers)
        check_dataset(dataset)
        self.dataset = dataset
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.instances = instances
        self.mini_mask_shape = mini_mask_shape
        self.channels = channels
        self.steps = steps or -(-dataset.num_images // batch_size)
        self.shuffle = shuffle
        self.augmentation = augmentation
        self.not_augmented = frozenset(not_augmented)
        self.seed = seed
        self.epoch = 0
        self._told_thin = False
        self._cache: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._cache_left = cache_bytes

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        return self.steps

    def image_ids(self, epoch: int, index: int) -> list[int]:
        """Return which images make up a batch of an epoch."""
        start = (epoch * self.steps + index) * self.batch_size
        return [self._image_at(start + i) for i in range(self.batch_size)]

    def _image_at(self, position: int) -> int:
        """Return the image at a position of the endless sequence of images."""
        ids = self.dataset.image_ids
        turn, place = divmod(position, len(ids))
        if self.shuffle:
            place = np.random.default_rng([self.seed, turn]).permutation(len(ids))[
                place
            ]
        return int(ids[place])

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        """Return batch `index` of the present epoch."""
        position = (self.epoch * self.steps + index) * self.batch_size
        samples = [
            self._sample(image_id, np.random.default_rng([self.seed, 1, position + i]))
            for i, image_id in enumerate(self.image_ids(self.epoch, index))
        ]
        return ({key: np.stack([s[key] for s in samples]) for key in samples[0]},)

    def check_sizes(self) -> None:
        """Refuse images that do not all become one size: training compiles for one.

        Modes "square" and "crop" make them so. For the others every image is read once.

        Raises:
            ValueError: names the first image that differs, and the way out.
        """
        if self.preprocessing.mode in ("square", "crop"):
            return
        first: tuple[str, tuple[int, int]] | None = None
        for image_id in self.dataset.image_ids:
            name = self.dataset.image_reference(image_id)
            image = self.dataset.load_image(image_id)
            shape = self._geometry(image, name, None).padded_shape
            first = first or (name, shape)
            if shape != first[1]:
                raise ValueError(
                    f"{name} becomes {shape[0]} x {shape[1]} pixels, but {first[0]} "
                    f"{first[1][0]} x {first[1][1]}: training takes images of one "
                    f"size, and IMAGE_RESIZE_MODE is {self.preprocessing.mode!r}. Take "
                    '"square" or "crop".'
                )

    def _geometry(
        self, image: np.ndarray, name: str, rng: np.random.Generator | None
    ) -> Geometry:
        try:
            return plan_geometry(image.shape[:2], self.preprocessing, rng)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    def _load(
        self, image_id: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return image (H, W, C) uint8, masks (H, W, n) bool and class ids (n,)."""
        if image_id in self._cache:
            return self._cache[image_id]
        image, masks, class_ids = load_annotated(self.dataset, image_id, self.channels)
        geometry = self._geometry(image, self.dataset.image_reference(image_id), rng)
        loaded = place_image(image, geometry), place_masks(masks, geometry), class_ids
        size = sum(array.nbytes for array in loaded)
        if size <= self._cache_left and self.preprocessing.mode != "crop":
            self._cache_left -= size
            self._cache[image_id] = loaded
        return loaded

    def _sample(self, image_id: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return one image with its objects in static slots."""
        image, masks, class_ids = self._load(image_id, rng)
        source = self.dataset.image_info[image_id]["source"]
        if self.augmentation is not None and source not in self.not_augmented:
            image, masks = self.augmentation(image, masks, rng)
        boxes, name = boxes_of_masks(masks), self.dataset.image_reference(image_id)
        kept = np.flatnonzero(boxes[:, 2] > boxes[:, 0])  # masks left with no pixel go
        if len(kept) > self.instances:
            kept = np.sort(rng.choice(kept, self.instances, replace=False))
        return {
            "images": subtract_mean(image, self.preprocessing),
            **self._objects(masks[..., kept], boxes[kept], class_ids[kept], name),
            "active_class_ids": active_class_ids(self.dataset, image_id),
        }

    def _objects(
        self, masks: np.ndarray, boxes: np.ndarray, class_ids: np.ndarray, name: str
    ) -> dict[str, np.ndarray]:
        """Return objects of the image `name` in G slots, boxes normalised."""
        count, shape = len(boxes), masks.shape[:2]
        slots = {
            "gt_boxes": np.zeros((self.instances, 4), np.float32),
            "gt_class_ids": np.zeros(self.instances, np.int32),
            "gt_masks": np.zeros(
                (self.instances, *(self.mini_mask_shape or shape)), np.uint8
            ),
            "gt_valid": np.arange(self.instances) < count,
        }
        slots["gt_boxes"][:count] = box_ops.normalise(boxes, shape, xp=np)
        slots["gt_class_ids"][:count] = class_ids
        for i in range(count):
            mask = masks[..., i]
            if self.mini_mask_shape:
                mask = self._mini(mask, boxes[i], name)
            slots["gt_masks"][i] = mask
        return slots

    def _mini(self, mask: np.ndarray, box: np.ndarray, name: str) -> np.ndarray:
        """Return a mini mask that has not lost its object; say once what is thin."""
        mini = mini_mask(mask, box, self.mini_mask_shape)
        part = mask[box[0] : box[2], box[1] : box[3]]
        mini = keep_thin(part, mini)
        if not self._told_thin and blurred(part, mini):
            self._told_thin = True
            rows, columns = self.mini_mask_shape
            print(
                f"{name}: an object of {np.count_nonzero(part)} pixels in a box of "
                f"{part.shape[0]} x {part.shape[1]} is thinner than the cells of its "
                f"mini mask of {rows} x {columns}: it and others like it are taught as "
                "wide as these. A larger MINI_MASK_SHAPE, or USE_MINI_MASK = False, is "
                "finer."
            )
        return mini
