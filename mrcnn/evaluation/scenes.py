"""What an image shows and what the model found in it, small enough to keep for a set.

Masks are run-length encoded as they come, so that a set of large photographs fits in
memory, and so that pictures of failures need no second detection.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mrcnn.checks.kinds import is_count
from mrcnn.data.annotations import check_dataset, check_model_classes
from mrcnn.data.dataset import Dataset, image_name, load_objects, load_pixels
from mrcnn.data.given import check_batch_size
from mrcnn.data.transforms import check_image
from mrcnn.detection import run, run_tiled, unmold, unmold_proposals
from mrcnn.nn.native import native
from mrcnn.notices import quoted
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.rle import decode, encode
from mrcnn.structures import Detection
from mrcnn.tiling import Tiling, asked
from mrcnn.views import Views, check_views


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects of one image, annotated or detected. Boxes are pixels of that image.

    `class_ids` are positive; `crowd` marks a region of many objects (COCO), which is
    neither to be found nor a mistake to find.
    """

    boxes: np.ndarray  # (n, 4)
    class_ids: np.ndarray  # (n,) int32
    scores: np.ndarray  # (n,) float32, 1 for annotations
    crowd: np.ndarray  # (n,) bool
    encoded: tuple[dict[str, Any], ...]  # n masks, pycocotools run-length codes
    image_shape: tuple[int, int]  # (h, w)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.class_ids)

    def masks(self) -> np.ndarray:
        """Decode the masks, bool (h, w, n)."""
        return decode(self.encoded, self.image_shape)

    def select(self, keep: np.ndarray) -> "Objects":
        """Return the objects at the indices, or where the mask, `keep`."""
        indices = np.arange(len(self))[keep]
        return Objects(
            self.boxes[indices],
            self.class_ids[indices],
            self.scores[indices],
            self.crowd[indices],
            tuple(self.encoded[i] for i in indices),
            self.image_shape,
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """One image of a dataset: the truth, the detections, and the proposals before."""

    image_id: int
    truth: Objects
    found: Objects
    proposals: np.ndarray  # (p, 4) float32, pixels of the original image, best first


def annotated(class_ids: np.ndarray, masks: np.ndarray) -> Objects:
    """Return ground truth as `Dataset.load_mask` gives it; negative classes are crowds.

    Boxes are those of the masks; objects without pixels are left out.
    """
    seen = masks.any(axis=(0, 1))
    masks, class_ids = masks[..., seen], np.asarray(class_ids, np.int32)[seen]
    return Objects(
        boxes_of_masks(masks),
        abs(class_ids),
        np.ones(len(class_ids), np.float32),
        class_ids < 0,
        tuple(encode(masks)),
        masks.shape[:2],
    )


def detected(
    detection: Detection, image_shape: tuple[int, int] | None = None
) -> Objects:
    """Return what `mrcnn.detection.detect` found in an image, as `Objects`.

    Where its masks are run-length codes, `image_shape` (h, w) is needed.
    """
    masks = detection["masks"]
    arrays = isinstance(masks, np.ndarray)
    return Objects(
        np.asarray(detection["rois"]).reshape(-1, 4),
        np.asarray(detection["class_ids"], np.int32),
        np.asarray(detection["scores"], np.float32),
        np.zeros(len(detection["scores"]), bool),
        tuple(encode(masks)) if arrays else tuple(masks),
        masks.shape[:2] if arrays else image_shape,
    )


def to_detection(objects: Objects) -> Detection:
    """Return what was found as `detect` does, with masks as run-length codes."""
    return Detection(
        rois=objects.boxes,
        class_ids=objects.class_ids,
        scores=objects.scores,
        masks=list(objects.encoded),
    )


def check_names(scenes: Sequence[Scene], count: int) -> None:
    """Raise ValueError if an object is of a class beyond `count`, background included.

    It would be left out of every number without a word.
    """
    most = max(
        (int(o.class_ids.max(initial=0)) for s in scenes for o in (s.truth, s.found)),
        default=0,
    )
    if most >= count:
        raise ValueError(
            f"there are objects of class {most}, but {count} class names: give one a "
            "class, background first."
        )


def load_truth(
    dataset: Dataset, image_id: int, size: tuple[int, int] | None = None
) -> Objects:
    """Return the annotated objects of an image; ValueError if they contradict it.

    `size` (h, w) is that of the image; without it that of the masks is believed.
    """
    masks, class_ids = load_objects(dataset, image_id, size)
    return annotated(class_ids, masks)


def collect(
    model: Any,
    dataset: Dataset,
    *,
    image_ids: Iterable[int] | None = None,
    batch_size: int = 1,
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    views: Views | None = None,
) -> list[Scene]:
    """Detect objects in images of a dataset, and keep them beside the ground truth.

    Pass the result to `evaluate`, to `matching.failures` and to pictures.

    Args:
        model: that of `mrcnn.build.model`, or Matterport's object around it.
        dataset: a prepared dataset with annotations.
        image_ids: which of its images; all by default.
        batch_size: images that go through the model at once.
        tile: for large images, see `mrcnn.detection.detect`; proposals stay those of
            the whole image.
        overlap: of tiles.
        views: test-time augmentation, see `mrcnn.views`; proposals are those of the
            largest view.

    Raises:
        ValueError: annotations and image contradict each other, the data set is not
            prepared, model and data set have other classes, or names an argument.
        TypeError: if model or data set is none.
    """
    model = native(model)
    check_batch_size(batch_size)
    tiles = asked(tile, overlap)
    check_views(views, tile)
    check_dataset(dataset)
    check_model_classes(model, dataset)
    if is_count(image_ids, 0):
        raise TypeError(f"image_ids is {image_ids}: put it in a list.")
    chosen = dataset.image_ids if image_ids is None else image_ids
    chosen = _listed(chosen, "image_ids", "internal ids of images")
    if unknown := _unknown(chosen, dataset):
        raise ValueError(f"image_ids has {unknown}.")
    found = partial(_found, model, batch_size=batch_size, tiles=tiles, views=views)
    return list(_scenes(model, dataset, list(map(int, chosen)), batch_size, found))


def of_dataset(scenes: Iterable[Scene], dataset: Dataset) -> list[Scene]:
    """Return scenes in a list.

    Raises:
        ValueError: if they are not of this data set, as far as ids and classes tell.
        TypeError: if they are no scenes.
    """
    wanted = "what `collect` returned"
    scenes = _listed(scenes, "scenes", wanted)
    if others := [scene for scene in scenes if not isinstance(scene, Scene)]:
        raise TypeError(f"scenes has {quoted(others[0])}: give {wanted}.")
    if unknown := _unknown([scene.image_id for scene in scenes], dataset):
        raise ValueError(f"scenes has images {unknown}: collect them from it.")
    check_names(scenes, len(dataset.class_names))
    return scenes


def _listed(items: Any, name: str, wanted: str) -> list[Any]:
    try:
        return list(items)
    except TypeError as error:
        raise TypeError(f"{name} is {quoted(items)}: give a list, {wanted}.") from error


def _unknown(image_ids: Sequence[Any], dataset: Dataset) -> str:
    """Return which ids are none of the data set, and those that are; "" if all are."""
    known = set(map(int, dataset.image_ids))
    unknown = [i for i in image_ids if not is_count(i, 0) or int(i) not in known]
    if not unknown:
        return ""
    return (
        f"{', '.join(map(quoted, unknown[:20]))}, but the data set has the images 0 to "
        f"{len(known) - 1}"
    )


def _scenes(
    model: Any,
    dataset: Dataset,
    image_ids: Sequence[int],
    batch_size: int,
    find: Callable[[Sequence[np.ndarray]], Iterable[tuple[Objects, np.ndarray]]],
) -> Iterator[Scene]:
    channels = len(model.preprocessing.mean_pixel)
    for start in range(0, len(image_ids), batch_size):
        batch = image_ids[start : start + batch_size]
        images = [
            check_image(
                load_pixels(dataset, i, channels), image_name(dataset, i), channels
            )
            for i in batch
        ]
        truths = [
            load_truth(dataset, i, image.shape[:2])
            for i, image in zip(batch, images, strict=True)
        ]
        found = zip(batch, truths, find(images), strict=True)
        for i, truth, (objects, proposals) in found:
            yield Scene(i, truth, objects, proposals)


def _found(
    model: Any,
    images: Sequence[np.ndarray],
    *,
    batch_size: int,
    tiles: Tiling | None,
    views: Views | None,
) -> Iterator[tuple[Objects, np.ndarray]]:
    """Yield what is detected in each image, and the proposals (p, 4) for it."""
    if tiles is None:
        for stages in run(model, images, batch_size=batch_size, views=views):
            yield detected(unmold(*stages)), unmold_proposals(*stages)
        return
    found = run_tiled(model, images, tiles, batch_size=batch_size)
    for image, (detection, proposals) in zip(images, found, strict=True):
        yield detected(detection, image.shape[:2]), proposals
