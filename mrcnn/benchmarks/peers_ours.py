"""Our networks at the work of `peers`, in Keras and as an ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np

from mrcnn import export as exports
from mrcnn.benchmarks.peers_work import BOX_IOU, PROPOSAL_IOU, PROPOSALS, Work, picture
from mrcnn.benchmarks.workloads import (
    Job,
    LargeConfig,
    random_model,
    training_step,
)
from mrcnn.config import Config
from mrcnn.detection import detect, prepare
from mrcnn.hardware import cores
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import ShapesResNet50Config


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


def job(work: Work, numbers: str) -> Job:
    """Return a training step or a detection in Keras on TensorFlow.

    Args:
        work: what is to be done.
        numbers: "float32" or "bfloat16".
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cores())
    policy = "mixed_bfloat16" if numbers == "bfloat16" else numbers
    if work.training:
        return training_step(ShapesResNet50Config(), policy)
    model, image = _model(work, policy), picture(work.side)

    def about() -> tuple[float, str]:
        inputs, _ = prepare(model, [image])
        proposals = int(np.sum(model.predict_on_batch(inputs).proposals.valid))
        found = len(detect(model, [image])[0]["scores"])
        return 0.0, f"{proposals} proposals, {found} found"

    return Job(lambda: detect(model, [image]), about)


def export(work: Work, path: Path) -> None:
    """Write the network as an ONNX file."""
    exports.to_onnx(_model(work), path, (work.side, work.side))


def exported(work: Work, run: Any) -> Job:
    """Return a detection with the exported network; `run` is of `mrcnn.runtimes`."""
    model, image = _model(work), picture(work.side)  # which prepares the image
    found: dict[str, np.ndarray] = {}

    def detect_one() -> None:
        inputs, (geometry,) = prepare(model, [image])
        found.update(exports.detections(run(inputs), geometry))

    return Job(
        detect_one,
        lambda: (0.0, f"{PROPOSALS} proposals, {len(found['scores'])} found"),
    )
