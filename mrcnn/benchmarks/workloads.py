"""The pieces of work whose speed the project watches, each a row of the table."""

from collections.abc import Callable
from functools import partial

import numpy as np

from mrcnn import build
from mrcnn.benchmarks.turns import Job
from mrcnn.config import Config
from mrcnn.cost import model_cost
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import ShapesConfig, ShapesResNet50Config


class ShapesResNet101Config(ShapesResNet50Config):
    """The same with the deeper backbone."""

    BACKBONE = "resnet101"


class LargeConfig(Config):
    """Matterport's defaults on COCO's classes, at 1024 pixels."""

    NAME = "large"
    BACKBONE = "resnet50"
    NUM_CLASSES = 1 + 80
    IMAGE_MIN_DIM = 1024
    IMAGE_MAX_DIM = 1024


class Large101Config(LargeConfig):
    """The same with the deeper backbone."""

    BACKBONE = "resnet101"


def training_step(config: Config, policy: str) -> Job:
    """One optimizer step on one batch of Shapes.

    A training step costs three forward passes: forward, and backward to inputs and to
    weights.
    """
    model = build.model(config, precision=policy)
    model.compile(optimizer=build.optimizer(config, 1e-4))
    (batch,) = build.batches(config, ShapesDataset(64, seed=1))[0]
    s = model.settings
    images, side = batch["images"].shape[:2]
    masks = s.mask_rois_per_image
    cost = model_cost(model, (side, side), rois=s.rois_per_image, masks=masks)
    flops = 3 * 2 * cost["total"].macs * images
    about = f"batch {images}, {s.rois_per_image} RoIs, {masks} masks"
    return Job(lambda: model.train_on_batch(batch), lambda: (flops, about))


def random_model(
    config: type[Config], policy: str, *, objects: int, width: float = 1.0
) -> MaskRCNN:
    """Return a model of random weights that takes any region for an object."""
    settings = {
        "DETECTION_MIN_CONFIDENCE": 0.0,
        "DETECTION_MAX_INSTANCES": objects,
        # Residual branches then start at zero. With random ones and statistics that
        # were never trained, features grow from block to block until boxes are no more.
        "TRAIN_BN": None,
    }
    narrowed = build.narrower(type("Any", (config,), settings)(), width)
    model = build.model(narrowed, precision=policy)
    _favour_objects(model)
    return model


def detection(
    config: type[Config], policy: str, *, objects: int, width: float = 1.0
) -> Job:
    """Pixels in, masks out, on one image with random weights.

    `width` scales the channels of every layer, as structured pruning would.

    Random weights are sure of nothing. Any confidence will do, then, and the row says
    how many of at most `objects` detections went through the mask head.
    """
    model = random_model(config, policy, objects=objects, width=width)
    side = model.preprocessing.max_dim
    image = noise(side)

    def work() -> tuple[float, str]:
        inputs, _ = prepare(model, [image])
        rois = int(np.sum(model.predict_on_batch(inputs).proposals.valid))
        found = len(detect(model, [image])[0]["scores"])
        cost = model_cost(model, (side, side), rois=rois, masks=found)
        return 2 * cost["total"].macs, f"{rois} proposals, {found} detections"

    return Job(lambda: detect(model, [image]), work)


def _favour_objects(model: MaskRCNN) -> None:
    """Bias the class logits against background, so that RoIs become detections."""
    layer = model.box_head.get_layer("mrcnn_class_logits")
    kernel, bias = layer.get_weights()
    bias[0] = -5.0
    layer.set_weights([kernel, bias])


def noise(side: int) -> np.ndarray:
    """Return a smooth random picture (side, side, 3) uint8."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (side // 32, side // 32, 3))
    return np.kron(coarse, np.ones((32, 32, 1))).astype(np.uint8)


WORKLOADS: dict[str, Callable[[str], Job]] = {
    "train R50 128": lambda p: training_step(ShapesResNet50Config(), p),
    "train R101 128": lambda p: training_step(ShapesResNet101Config(), p),
    "train compact 128": lambda p: training_step(ShapesConfig(), p),
    "detect R50 128": lambda p: detection(ShapesResNet50Config, p, objects=10),
    "detect R50 1024": lambda p: detection(LargeConfig, p, objects=10),
    "detect R50 1024, full": lambda p: detection(LargeConfig, p, objects=100),
    "detect R101 1024": lambda p: detection(Large101Config, p, objects=10),
    **{
        f"detect R50 1024, {width:.0%} wide": partial(
            detection, LargeConfig, objects=10, width=width
        )
        for width in (0.75, 0.5, 0.25)
    },
    "detect compact 128": lambda p: detection(ShapesConfig, p, objects=10),
}
"""By name: makes the job for a dtype policy."""

MATTERPORT_SECONDS = {
    "train R50 128": 6.0,
    "train R101 128": 5.9,
    "detect R50 128": 0.67,
    "detect R50 1024": 3.5,
    "detect R101 1024": 4.5,
}
"""Matterport's code on TensorFlow 2.14, on another machine of this kind: for scale."""
