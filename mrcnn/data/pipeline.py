"""From a data set to batches of static shape, in an order that can be resumed."""

from collections.abc import Collection
from functools import partial
from itertools import count
from typing import Any

import keras
import numpy as np

from mrcnn.checks.kinds import COUNT, optional
from mrcnn.data.annotations import check_dataset
from mrcnn.data.augment import as_augmentation, augmented
from mrcnn.data.cache import ImageCache
from mrcnn.data.copy_paste import CopyPaste, Loaded, checked, partner, pasted
from mrcnn.data.dataset import Dataset, image_name, load_objects, load_pixels
from mrcnn.data.findings import Findings
from mrcnn.data.transforms import (
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
    name = image_name(dataset, image_id)
    image = check_image(load_pixels(dataset, image_id, channels), name, channels)
    return image, *load_objects(dataset, image_id, image.shape[:2])


def active_class_ids(dataset: Dataset, image_id: int) -> np.ndarray:
    """Return (K,) int32: 1 for the classes that the image's source annotates."""
    active = np.zeros(dataset.num_classes, np.int32)
    active[dataset.source_class_ids[dataset.image_info[image_id]["source"]]] = 1
    return active


class Batches(keras.utils.PyDataset):
    """The batches of a data set, each a dictionary as `nn.mask_rcnn.MaskRCNN` takes it.

    Item i of epoch e is a pure function of (seed, e, i): the order of an interrupted
    training is taken up by setting `epoch`. Shuffled, every image is seen once before
    any is seen again, whatever the length of an epoch. An image that raises an error
    (see `data.findings`) is left out: the next one in the order takes its place beside
    its own, and all others stay where they are.

    Attributes:
        epoch: which epoch's batches are given; `training.fit` sets it.
        findings: what is to be told about the images.
        failures: what ended the preparation of batches, by their index, where a thread
            of the backend asked for them; see `data.feed`.
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
        augmentation: Any = None,
        not_augmented: Collection[str] = (),
        paste: CopyPaste | None = None,
        seed: int = 0,
        cache_bytes: int = 2_000_000_000,
        faulty: float = 0.1,
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
            augmentation: applied to the padded image and its masks; whatever
                `augment.as_augmentation` takes.
            not_augmented: sources of the data set whose images stay as they are.
            paste: objects of other images into these, once both are augmented.
            seed: of order, augmentation and random crops.
            cache_bytes: resized images are kept in memory up to this much in all, if
                loading them repeats (see `data.cache`); mode "crop" keeps none.
            faulty: share of the images that may raise errors and be left out.
            workers: threads that prepare batches side by side, and so call the data
                set's methods and the augmentation; the batches are the same for any
                number of them.

        Raises:
            ValueError: see `annotations.check_dataset`; or masks would not follow the
                augmentation, `faulty` or one of `paste` is no share, or `steps` or
                `workers` no number of them.
            TypeError: if the data set, the augmentation or `paste` is none.
        """
        super().__init__(workers=workers)
        if fault := COUNT.fault("workers", workers):
            raise ValueError(fault)
        check_dataset(dataset)
        self.dataset = dataset
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.instances = instances
        self.mini_mask_shape = mini_mask_shape
        self.channels = channels
        if fault := optional(COUNT).fault("steps", steps):
            raise ValueError(fault)
        self.steps = steps or -(-dataset.num_images // batch_size)
        self.shuffle = shuffle
        given = augmentation is not None
        self.augmentation = as_augmentation(augmentation) if given else None
        self.not_augmented = frozenset(not_augmented)
        self.paste = checked(paste)
        self.seed = seed
        self.epoch = 0
        self.failures: dict[int, Exception] = {}
        name = partial(image_name, dataset)
        self.findings = Findings(
            dataset.image_ids, name, faulty=faulty, slots=instances
        )
        self._told_thin = False
        kept = 0 if preprocessing.mode == "crop" else cache_bytes
        self._cache = ImageCache(kept, name)

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        return self.steps

    def image_ids(self, epoch: int, index: int) -> list[int]:
        """Return which images make up a batch of an epoch, as far as is known."""
        start = (epoch * self.steps + index) * self.batch_size
        return [self._good_image_at(start + i) for i in range(self.batch_size)]

    def _good_image_at(self, position: int) -> int:
        """Return the first image from a position on that is not left out."""
        turns = range(position, position + 2 * len(self.dataset.image_ids))
        good = (i for i in map(self._image_at, turns) if i not in self.findings)
        return next(good, self._image_at(position))

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
        """Return batch `index` of the present epoch.

        Raises:
            FaultyImagesError: if more images raise errors than may be left out.
        """
        start = (self.epoch * self.steps + index) * self.batch_size
        samples = [
            self._sample(*self.loaded_at(start + i)) for i in range(self.batch_size)
        ]
        return ({key: np.stack([s[key] for s in samples]) for key in samples[0]},)

    def loaded_at(self, position: int) -> tuple[int, Loaded, np.random.Generator]:
        """Load the image at a position of the endless sequence, or the next good one.

        Args:
            position: counted from the first image of the first epoch.

        Returns:
            Its id; image (H, W, C) uint8, masks (H, W, n) bool and class ids (n,), not
            to be written to; and where the sample's further chance comes from.

        Raises:
            FaultyImagesError: if more images raise errors than may be left out.
        """
        for image_id in map(self._image_at, count(position)):
            rng = np.random.default_rng([self.seed, 1, position])
            loaded = self.findings.read(image_id, partial(self._load, rng=rng))
            if loaded is not None:
                break
        return image_id, loaded, rng

    def _load(self, image_id: int, rng: np.random.Generator) -> Loaded:
        return self._cache.get(image_id, partial(self._placed, image_id, rng))

    def _placed(self, image_id: int, rng: np.random.Generator) -> Loaded:
        image, masks, class_ids = load_annotated(self.dataset, image_id, self.channels)
        geometry = plan_geometry(image.shape[:2], self.preprocessing, rng)
        return place_image(image, geometry), place_masks(masks, geometry), class_ids

    def _sample(
        self, image_id: int, loaded: Loaded, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return one image with its objects in static slots."""
        if self.dataset.image_info[image_id]["source"] not in self.not_augmented:
            loaded = self._pasted(image_id, self._augmented(image_id, loaded, rng), rng)
        image, masks, class_ids = loaded
        name = image_name(self.dataset, image_id)
        boxes = boxes_of_masks(masks)
        kept = np.flatnonzero(boxes[:, 2] > boxes[:, 0])  # masks left with no pixel go
        if len(kept) > self.instances:
            self.findings.count_objects(image_id, len(kept))
            kept = np.sort(rng.choice(kept, self.instances, replace=False))
        return {
            "images": subtract_mean(image, self.preprocessing),
            **self._objects(masks[..., kept], boxes[kept], class_ids[kept], name),
            "active_class_ids": active_class_ids(self.dataset, image_id),
        }

    def _augmented(
        self, image_id: int, loaded: Loaded, rng: np.random.Generator
    ) -> Loaded:
        if self.augmentation is None:
            return loaded
        image, masks, class_ids = loaded
        # Copies: it may write in place, and these may belong to cache or data set.
        copies = image.copy("K"), masks.copy("K")
        name = image_name(self.dataset, image_id)
        return *augmented(self.augmentation, *copies, rng, name), class_ids

    def _pasted(
        self, image_id: int, loaded: Loaded, rng: np.random.Generator
    ) -> Loaded:
        """Paste objects of another image, unless that is one which is left out."""
        if self.paste is None or rng.random() >= self.paste.share:
            return loaded
        image_id = partner(self.dataset, image_id, rng)
        other = self.findings.read(image_id, partial(self._load, rng=rng))
        if other is None:
            return loaded
        return pasted(loaded, self._augmented(image_id, other, rng), rng, self.paste)

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
        normalised = box_ops.normalise(boxes, shape, xp=np)
        slots["gt_boxes"][:count] = box_ops.with_area(normalised, shape)
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
