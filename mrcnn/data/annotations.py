"""What training asks of a data set before its first step.

`load_objects` checks every image when it is loaded. Here the whole set is looked at as
early as it can be, so that a training does not end in its third hour.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from mrcnn.data.dataset import Dataset, image_name, load_objects
from mrcnn.data.faults import Faults
from mrcnn.data.objects import AnnotationError

SECONDS = 2.0
"""Time that looking at the annotations of a set may take, see `check_training_set`."""


def check_dataset(dataset: Any, name: str = "The data set") -> None:
    """Refuse what is no data set, is not prepared, is empty, or lacks classes.

    Costs nothing: no image is read.

    Args:
        dataset: whatever was given for one.
        name: of the set or argument, for messages.

    Raises:
        TypeError: names what was given.
        ValueError: names what is missing.
    """
    if isinstance(dataset, type) or not hasattr(dataset, "load_mask"):
        kind = dataset if isinstance(dataset, type) else type(dataset)
        raise TypeError(
            f"{name} is {'the class' if kind is dataset else 'a'} {kind.__name__}: "
            "give an instance of mrcnn.utils.Dataset, with its images added and "
            "prepare() called."
        )
    added = len(dataset.image_info), len(dataset.class_info)
    if not len(dataset.image_ids):
        raise ValueError(
            f"{name} has {added[0]} images, but is not prepared: call prepare() "
            "after the last add_class and add_image."
            if added[0]
            else f"{name} holds no images: load some, and call prepare()."
        )
    if added != (dataset.num_images, dataset.num_classes):
        raise ValueError(
            f"{name} has {added[0]} images and {added[1]} classes, but prepare() "
            f"saw {dataset.num_images} and {dataset.num_classes}: call it again after "
            "the last add_class and add_image."
        )
    counts = Counter(str(info["source"]) for info in dataset.image_info)
    faults = Faults(name)
    for source, count in counts.items():
        classes = dataset.source_class_ids.get(source, [0])
        if classes == [0]:
            others = ", ".join(map(repr, filter(None, dataset.sources))) or "no source"
            faults.add(
                f"{name}: {count} images are of source {source!r}, which has no "
                f"classes; {others} has. Give add_class and add_image the same source.",
                grave=True,
            )
    faults.settle()


def check_training_set(
    dataset: Dataset, name: str = "The data set", seconds: float = SECONDS
) -> None:
    """Raise if a data set cannot be learned from, as far as can be told beforehand.

    The rule: annotations are looked at for so many seconds, in an order that is spread
    over the set, and on until one shows an object. So small sets are looked at whole,
    large ones in part, and that is printed. What was looked at is not looked at again
    until the next `prepare`. Other errors of `load_mask` than those of `load_objects`,
    and images beyond, are left to whoever loads the image: training names what raises
    an error and leaves it out, up to a share (see `findings`).

    Args:
        dataset: prepared.
        name: of the set, for messages.
        seconds: time to spend.

    Raises:
        ValueError: lists the images whose annotations cannot be right; or none shows
            an object.
    """
    check_dataset(dataset, name)
    seen: dict[int, int] = vars(dataset).setdefault("_objects_seen", {})
    left = [i for i in map(int, dataset.image_ids) if i not in seen]
    order = np.random.default_rng(0).permutation(len(left))
    found = _Look(dataset, name)
    end = time.monotonic() + seconds
    for done, place in enumerate(order):
        if time.monotonic() > end and (any(seen.values()) or found.faults.found):
            print(
                f"{name}: annotations of {done} of {len(left)} images were looked at "
                f"beforehand, which may take {seconds:g} s; the others are checked as "
                "they are loaded."
            )
            break
        found.at(left[place], seen)
    found.tell()
    if not any(seen.values()) and not found.unread:
        raise ValueError(_nothing(dataset, name))


class _Look:
    """What turns up while the annotations of a data set are looked at."""

    def __init__(self, dataset: Dataset, name: str) -> None:
        self.dataset, self.name = dataset, name
        self.faults = Faults(name)
        self.looked = self.unread = 0
        self.strange: dict[tuple[str, int], int] = {}
        self.empty: dict[int, bool] = {}  # image -> whether no mask of it has a pixel

    def at(self, image_id: int, seen: dict[int, int]) -> None:
        """Look at an image, and note its objects in `seen`."""
        dataset = self.dataset
        try:
            masks, class_ids = load_objects(dataset, image_id)
        except AnnotationError as error:
            self.faults.add(error, grave=True)
            return
        except Exception:  # A user's load_mask raises errors of any kind.
            self.unread += 1
            return
        self.looked += 1
        shown = masks.any(axis=(0, 1))
        if not shown.all():
            self.empty[image_id] = not shown.any()
        seen[image_id] = int((shown & (class_ids > 0)).sum())
        source = dataset.image_info[image_id]["source"]
        for class_id in np.setdiff1d(abs(class_ids), dataset.source_class_ids[source]):
            self.strange.setdefault((source, int(class_id)), image_id)

    def tell(self) -> None:
        """Raise one error for all faults; print the rest."""
        self.faults.settle()
        _tell_strange(self.dataset, self.strange)
        if self.empty:
            print(
                f"{self.name}: {len(self.empty)} of {self.looked} images looked at "
                "have masks without a pixel, such as "
                f"{image_name(self.dataset, next(iter(self.empty)))}; "
                f"{sum(self.empty.values())} have no other masks. They teach nothing: "
                "see whether load_mask reads all values of its files (cv2.imread makes "
                "8 bits of 16) and draws inside the image."
            )


def _tell_strange(dataset: Dataset, strange: dict[tuple[str, int], int]) -> None:
    """Print which classes occur in images of a source that does not list them."""
    for (source, class_id), image_id in strange.items():
        info = dataset.class_info[class_id]
        print(
            f"{image_name(dataset, image_id)} is of source {source!r} and shows a "
            f"{info['name']!r}, a class of source {info['source']!r} alone: what looks "
            "like one does not count in the class loss there. add_class for both."
        )


def _nothing(dataset: Dataset, whose: str) -> str:
    """Say that no image shows an object, and why if that can be told."""
    count = len(dataset.image_ids)
    text = f"{whose}: none of {count} images shows an object to learn from: "
    passed = sorted(map(repr, dataset._passed_on))
    name = type(dataset).__name__
    if not passed:
        sources = dict.fromkeys(repr(info["source"]) for info in dataset.image_info)
        return text + (
            f"load_mask of {name} returned no mask with a pixel but for crowds. "
            "Compare the source that it asks for with that of add_image "
            f"({', '.join(sources)}), and look at the annotations."
        )
    if type(dataset).load_mask is Dataset.load_mask:
        return text + f"{name} has no load_mask. Write one."
    return text + (
        f"load_mask of {name} passed the images of source {', '.join(passed)} on to "
        "Dataset.load_mask, which knows no objects. It compares their source with "
        "another name: add_image and load_mask must agree."
    )


def check_same_classes(train: Dataset, validation: Dataset) -> None:
    """Raise ValueError unless two data sets have the same classes in one order."""
    _compare(train.class_names, "training", validation.class_names, "validation")


def learn_classes(model: Any, dataset: Dataset) -> None:
    """Set `model.class_names` to those of its training; print if it knew others."""
    known, names = model.class_names, tuple(dataset.class_names)
    if known and known != names:
        print(f"Classes were {', '.join(known)}; from now on {', '.join(names)}.")
    model.class_names = names


def check_model_classes(model: Any, dataset: Dataset) -> None:
    """Raise ValueError if a model has other classes than a data set, or in other order.

    A model knows their names if it was trained here, or its weight file says them; else
    only their number is compared.
    """
    if known := model.class_names:
        way = " If they only have other names, set model.class_names = ()."
        _compare(known, "the model", dataset.class_names, "the data set", way)
    check_class_count(model, dataset)


def check_class_count(model: Any, dataset: Dataset) -> None:
    """Raise ValueError if a model has another number of classes than a data set."""
    head = getattr(model, "mask_head", None)
    count = len(dataset.class_names)
    if head is not None and head.output_shape[-1] != count:
        raise ValueError(
            f"The model has {head.output_shape[-1]} classes, background included, the "
            f"data set {count}: {', '.join(dataset.class_names)}."
        )


def _compare(
    one: Sequence[str], whose: str, other: Sequence[str], others: str, way: str = ""
) -> None:
    if list(one) != list(other):
        raise ValueError(
            f"The classes of {whose} are {', '.join(one)}, those of {others} "
            f"{', '.join(other)}: ids would mean different things. Call add_class for "
            f"the same classes in the same order.{way}"
        )
