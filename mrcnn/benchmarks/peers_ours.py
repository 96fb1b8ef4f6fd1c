"""Our networks at the work of `peers`, in Keras and as an ONNX file."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mrcnn import build
from mrcnn import export as exports
from mrcnn.benchmarks.peers_work import (
    BATCH,
    BOX_IOU,
    PROPOSAL_IOU,
    PROPOSALS,
    Work,
)
from mrcnn.benchmarks.turns import Job
from mrcnn.benchmarks.workloads import LargeConfig, noise, random_model, training_step
from mrcnn.config import Config
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect, prepare
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.presets import ShapesResNet50Config
from mrcnn.processes import cores


def inputs(work: Work) -> dict[str, np.ndarray]:
    """Return what all programs are given; see `peers_work.INPUTS`.

    A training step is that of `make bench`, on the first pictures of the same Shapes.
    """
    if not work.training:
        return {"image": noise(work.side)}
    dataset = ShapesDataset(BATCH, height=work.side, width=work.side, seed=1)
    found = {}
    for i in dataset.image_ids:
        masks, class_ids = dataset.load_mask(i)
        found |= {
            f"image_{i}": dataset.load_image(i),
            f"boxes_{i}": boxes_of_masks(masks),
            f"class_ids_{i}": class_ids,
            f"masks_{i}": masks,
        }
    return found


def _config(work: Work) -> type[Config]:
    settings = {
        "IMAGE_MIN_DIM": work.side,
        "IMAGE_MAX_DIM": work.side,
        "NUM_CLASSES": work.classes,
        "POST_NMS_ROIS_INFERENCE": PROPOSALS,
        "RPN_NMS_THRESHOLD": PROPOSAL_IOU,
        "DETECTION_NMS_THRESHOLD": BOX_IOU,
    }
    return type("Peer", (LargeConfig,), settings)


def _model(work: Work, policy: str = "float32") -> MaskRCNN:
    return random_model(_config(work), policy, objects=work.detections)


def job(work: Work, numbers: str, given: Mapping[str, np.ndarray]) -> Job:
    """Return a training step or a detection in Keras on TensorFlow.

    Args:
        work: what is to be done.
        numbers: "float32" or "bfloat16".
        given: as `inputs` returns it.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cores())
    policy = "mixed_bfloat16" if numbers == "bfloat16" else numbers
    if work.training:
        return training_step(ShapesResNet50Config(), policy)
    model, image = _model(work, policy), given["image"]

    def about() -> tuple[float, str]:
        inputs, _ = prepare(model, [image])
        proposals = int(np.sum(model.predict_on_batch(inputs).proposals.valid))
        found = len(detect(model, [image])[0]["scores"])
        return 0.0, f"{proposals} proposals, {found} found"

    return Job(lambda: detect(model, [image]), about)


def export(work: Work, path: Path) -> None:
    """Write the network as an ONNX file."""
    exports.to_onnx(_model(work), path, (work.side, work.side))


def exported(work: Work, run: Any, given: Mapping[str, np.ndarray]) -> Job:
    """Return a detection with the exported network; `run` is of `mrcnn.runtimes`."""
    image = given["image"]
    prepares = SimpleNamespace(
        preprocessing=build.preprocessing(_config(work)()).for_inference(),
        backbone=SimpleNamespace(input_shape=(None, None, None, image.shape[-1])),
    )
    found: dict[str, np.ndarray] = {}

    def detect_one() -> None:
        inputs, (geometry,) = prepare(prepares, [image])
        found.update(exports.detections(run(inputs), geometry))

    return Job(
        detect_one,
        lambda: (0.0, f"{PROPOSALS} proposals, {len(found['scores'])} found"),
    )
