"""One look at every image of a data set: what is wrong, and how large objects are.

Images are read one at a time. What stays is a digest of the pixels of each and a few
numbers an object, so memory does not grow with the size of the pictures.
"""

import hashlib
from collections import Counter
from typing import NamedTuple

import numpy as np

from mrcnn.data.arrays import check_image
from mrcnn.data.dataset import Dataset, image_name, load_objects, load_pixels
from mrcnn.data.findings import told
from mrcnn.notices import listed
from mrcnn.ops.masks import boxes_of_masks

WHOLE = 0.98
"""Share of an image from which on an object is taken for its ground."""
BEYOND = 0.05
"""Share of its own size that an object may be drawn beyond its image in silence."""


class Finding(NamedTuple):
    """One thing that is wrong, or that is rarely meant.

    Attributes:
        kind: such as "missing picture"; findings of a kind are listed together.
        grave: whether training loses by it; the others are to be looked at.
        where: name of the image, data set or setting.
        text: what is wrong, and the way out.
    """

    kind: str
    grave: bool
    where: str
    text: str


class Objects(NamedTuple):
    """What is kept of the objects of a data set that have a pixel; crowds too."""

    image: np.ndarray  # (n,) int, internal id
    number: np.ndarray  # (n,) int, place among the masks of its image
    box: np.ndarray  # (n, 4) int, pixels of the original image
    area: np.ndarray  # (n,) int, pixels of its mask
    class_id: np.ndarray  # (n,) int, negative for crowds
    outside: np.ndarray  # (n,) float, pixels that it was drawn beyond the image


class Survey:
    """What one look at all images has shown.

    Attributes:
        dataset: that was looked at.
        findings: what was found in single images and their objects.
        shapes: height and width of every image that could be read, by id.
        digests: ids of the images that have the same pixels, by a digest of these.
        objects: see `Objects`.
    """

    def __init__(self, dataset: Dataset, channels: int = 3) -> None:
        """Look at every image of a prepared data set, as a model of `channels` does."""
        self.dataset = dataset
        self.findings: list[Finding] = []
        self.shapes: dict[int, tuple[int, int]] = {}
        self.digests: dict[bytes, list[int]] = {}
        self._strange: set[tuple[str, int]] = set()
        rows: list[np.ndarray] = [np.zeros((0, 9))]
        for image_id in map(int, dataset.image_ids):
            image = self._image(image_id, channels)
            if image is not None:
                rows.append(self._objects(image_id, image.shape[:2]))
        table = np.concatenate(rows)
        whole = table[:, :8].astype(np.int64)
        self.objects = Objects(
            whole[:, 0], whole[:, 1], whole[:, 2:6], *whole[:, 6:].T, table[:, 8]
        )

    def counts(self) -> dict[str, int]:
        """Return how many objects each class has, crowds left out."""
        found = Counter(self.objects.class_id.tolist())
        return {n: found[i] for i, n in enumerate(self.dataset.class_names) if i}

    def crowding(self, *, crowds: bool = True) -> np.ndarray:
        """Return how many objects each image shows, (images,) int by id.

        Crowds, which take a slot in training, count as one each if `crowds`.
        """
        shown = self.objects.image[crowds | (self.objects.class_id > 0)]
        return np.bincount(shown, minlength=len(self.dataset.image_ids))

    def object_shapes(self) -> np.ndarray:
        """Return height and width (n, 2) of the image of each object."""
        shapes = [self.shapes[i] for i in self.objects.image.tolist()]
        return np.array(shapes, np.int64).reshape(-1, 2)

    def empty(self) -> list[int]:
        """Return the images that could be read and show nothing."""
        crowding = self.crowding()
        return [i for i in self.shapes if not crowding[i]]

    def add(self, kind: str, image_id: int, text: str, *, grave: bool = True) -> None:
        """Note what is wrong with an image."""
        name = image_name(self.dataset, image_id)
        self.findings.append(Finding(kind, grave, name, text))

    def _image(self, image_id: int, channels: int) -> np.ndarray | None:
        """Return an image as a model would get it; None, and a note, if it cannot."""
        name = image_name(self.dataset, image_id)
        try:
            pixels = load_pixels(self.dataset, image_id, channels)
            image = check_image(pixels, name, channels)
        except MemoryError:
            raise
        except FileNotFoundError as error:
            self.add("missing picture", image_id, told(error))
            return None
        except Exception as error:  # Decoders and users raise errors of any kind.
            self.add("unreadable picture", image_id, told(error))
            return None
        least, most = int(image.min()), int(image.max())
        if most == 1:
            text = "levels are 0 and 1 alone, black among 0 to 255: multiply by 255."
            self.add("black picture", image_id, text)
        elif least == most:
            text = f"every pixel is {most}: look at the picture."
            self.add("blank picture", image_id, text, grave=False)
        data = np.ascontiguousarray(image)
        digest = hashlib.blake2b(data, digest_size=16, salt=_size(image)).digest()
        self.digests.setdefault(digest, []).append(image_id)
        return image

    def _objects(self, image_id: int, shape: tuple[int, int]) -> np.ndarray:
        """Return a row (n, 9) for each object, as in `Objects`; note what is wrong."""
        none = np.zeros((0, 9))
        try:
            masks, class_ids = load_objects(self.dataset, image_id, shape)
        except MemoryError:
            raise
        except Exception as error:  # A user's load_mask raises errors of any kind.
            self.add("faulty annotation", image_id, told(error))
            return none
        self.shapes[image_id] = shape
        boxes = boxes_of_masks(masks)
        areas = [
            np.count_nonzero(masks[y1:y2, x1:x2, i])
            for i, (y1, x1, y2, x2) in enumerate(boxes)
        ]
        areas = np.array(areas, np.int64)
        self._look_at(image_id, masks, boxes, areas, class_ids)
        far = getattr(self.dataset, "drawn_outside", None)
        outside = far(image_id) if far else [0.0] * len(areas)
        self._note_outside(image_id, boxes, outside)
        where = [[image_id, i] for i in range(len(areas))]
        table = np.column_stack(
            [np.reshape(where, (-1, 2)), boxes, areas, class_ids, outside]
        )
        return table[areas > 0]

    def _look_at(
        self,
        image_id: int,
        masks: np.ndarray,
        boxes: np.ndarray,
        areas: np.ndarray,
        class_ids: np.ndarray,
    ) -> None:
        """Note objects that are nothing, everything, twice there, or out of place."""
        first: dict[tuple[int, ...], int] = {}
        for i, area in enumerate(areas.tolist()):
            if not area:
                text = (
                    f"mask {i} has no pixel: see whether all values of its file are "
                    "read, and whether it lies in the image."
                )
                self.add("object without pixels", image_id, text)
                continue
            if area >= WHOLE * masks.shape[0] * masks.shape[1] and class_ids[i] > 0:
                text = f"object {i} fills the image: is its mask inverted?"
                self.add("object that fills its image", image_id, text, grave=False)
            j = first.setdefault((*boxes[i].tolist(), area), i)
            if j != i and (masks[..., i] == masks[..., j]).all():
                text = f"objects {j} and {i} have the same pixels: remove one."
                self.add("object that is there twice", image_id, text)
        source = self.dataset.image_info[image_id]["source"]
        own = self.dataset.source_class_ids[source]
        for class_id in np.setdiff1d(abs(class_ids), own).tolist():
            if (source, class_id) not in self._strange:
                self._strange.add((source, class_id))
                text = (
                    f"it is of source {source!r} and shows a "
                    f"{self.dataset.class_names[class_id]!r}, a class of another "
                    "source: call add_class for both."
                )
                self.add("class of another source", image_id, text, grave=False)

    def _note_outside(
        self, image_id: int, boxes: np.ndarray, outside: list[float]
    ) -> None:
        """Note objects that were drawn far beyond their image."""
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=-1, initial=1).tolist()
        for i, (far, side) in enumerate(zip(outside, sides, strict=True)):
            if far > max(1.0, BEYOND * side):
                text = (
                    f"object {i} is drawn up to {far:.4g} pixels beyond the image and "
                    "cut there: is it of a picture of another size?"
                )
                self.add("object outside", image_id, text, grave=False)


def _size(image: np.ndarray) -> bytes:
    """Return height and width as bytes: equal pixels in other rows are no copy."""
    return np.array(image.shape[:2], np.int64).tobytes()


def duplicates(
    surveys: dict[str, Survey],
) -> list[Finding]:
    """Return which images of one or several data sets have the same pixels.

    Args:
        surveys: by what messages call the data sets.
    """
    found = []
    for digest in dict.fromkeys(d for s in surveys.values() for d in s.digests):
        sets = {n: s.digests[digest] for n, s in surveys.items() if digest in s.digests}
        names = [
            f"{image_name(surveys[name].dataset, i)} ({name})"
            for name, ids in sets.items()
            for i in ids
        ]
        if len(names) < 2:
            continue
        if len(sets) > 1:
            kind, way = (
                "picture in both sets",
                "what is learnt by heart is measured as if it were known: remove one.",
            )
        else:
            kind, way = "picture that is there twice", "remove one."
        text = f"it has the same pixels as {', '.join(names[1:6])}: {way}"
        found.append(Finding(kind, True, names[0], text))
    return found


def grouped(findings: list[Finding]) -> str:
    """Return findings as lines, those of a kind together; the first of many in full."""
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        known = finding.where in finding.text
        line = finding.text if known else f"{finding.where}: {finding.text}"
        kinds.setdefault(finding.kind, []).append(line)
    return "\n".join(
        f"{kind} ({len(lines)})\n{listed(lines)}" for kind, lines in kinds.items()
    )
