"""The pieces of work of `growth`: from pixels to masks, and a training step."""

import math

import numpy as np

from mrcnn import build
from mrcnn.benchmarks.growth import Point
from mrcnn.benchmarks.workloads import Job, random_model
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.detection import detect
from mrcnn.presets import ShapesConfig, ShapesResNet50Config

PROPOSALS = 600
"""Of an image, whatever its size: enough for as many detections as are asked for."""

NETWORKS: dict[str, type[Config]] = {
    "compact": ShapesConfig,
    "R50": ShapesResNet50Config,
}


class Squares(Dataset):
    """Pictures full of squares that do not touch, as many as are asked for."""

    def __init__(self, count: int, side: int, objects: int) -> None:
        """Prepare `count` pictures of `side` pixels, each of `objects` squares."""
        super().__init__()
        self.side, self.objects = side, objects
        for class_id, name in enumerate(("square", "circle", "triangle"), start=1):
            self.add_class("squares", class_id, name)  # as Shapes has them
        for i in range(count):
            self.add_image("squares", i, None)
        self.prepare()

    def _edges(self) -> list[tuple[int, int, int]]:
        """Return the upper left corner of each square, and its side, in pixels."""
        a_row = math.ceil(math.sqrt(self.objects))
        pitch = self.side // a_row
        width = max(pitch * 3 // 4, 1)
        places = [divmod(i, a_row) for i in range(self.objects)]
        return [(pitch * y, pitch * x, width) for y, x in places]

    def load_image(self, image_id: int) -> np.ndarray:
        """Draw the picture, uint8 (side, side, 3)."""
        rng = np.random.default_rng(int(image_id))
        image = np.full((self.side, self.side, 3), 128, np.uint8)
        for y, x, width in self._edges():
            image[y : y + width, x : x + width] = rng.integers(0, 256, 3)
        return image

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return masks (side, side, n) bool, and classes (n,) int32, all squares."""
        masks = np.zeros((self.objects, self.side, self.side), bool)
        for mask, (y, x, width) in zip(masks, self._edges(), strict=True):
            mask[y : y + width, x : x + width] = True
        return np.moveaxis(masks, 0, -1), np.ones(self.objects, np.int32)


def _config(point: Point) -> type[Config]:
    network = NETWORKS[point.work.split()[1]]
    settings = {
        "IMAGE_MIN_DIM": point.side,
        "IMAGE_MAX_DIM": point.side,
        "IMAGES_PER_GPU": point.batch,
        "MAX_GT_INSTANCES": point.objects,
        "PRE_NMS_LIMIT": 4 * PROPOSALS,
        "POST_NMS_ROIS_INFERENCE": PROPOSALS,
        "DETECTION_NMS_THRESHOLD": 0.95,  # random boxes overlap as objects would not
    }
    return type("Growth", (network,), settings)


def job(point: Point) -> Job:
    """Return what does the work of a point, in float32."""
    kind, config = point.work.split()[0], _config(point)
    return (_detection if kind == "detect" else _training_step)(config, point)


def _training_step(config: type[Config], point: Point) -> Job:
    model = build.model(config(), precision="float32")
    model.compile(optimizer=build.optimizer(config(), 1e-4))
    data = Squares(point.batch, point.side, point.objects)
    (batch,) = build.batches(config(), data)[0]
    about = f"batch {point.batch}, {point.objects} objects"
    return Job(lambda: model.train_on_batch(batch), lambda: (0.0, about))


def _detection(config: type[Config], point: Point) -> Job:
    model = random_model(config, "float32", objects=point.objects)
    data = Squares(point.batch, point.side, point.objects)
    images = [data.load_image(i) for i in data.image_ids]
    found: list[int] = []

    def call() -> None:
        detections = detect(model, images, batch_size=point.batch)
        found[:] = [len(one["scores"]) for one in detections]

    return Job(call, lambda: (0.0, f"batch {point.batch}, {found[0]} detections"))
