"""How far the network's numbers are from an independent float64 computation:

    python -m mrcnn.benchmarks.parity [--seed N]

prints the largest absolute difference at every stage of a small network with random
weights, on an image of noise, under Matterport's conventions.
"""

import argparse

import numpy as np

from mrcnn import build
from mrcnn.benchmarks import reference
from mrcnn.config import Config
from mrcnn.matterport import graph
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.resnet import default_widths
from mrcnn.weights import weighted_layers

SIDE = 64
WINDOW = np.array([4, 0, 60, 63], np.float32)  # pixels, of an image with padding


class SmallConfig(Config):
    """Matterport's conventions throughout, and few channels."""

    NAME = "small"
    BACKBONE = "compact"
    LAYER_WIDTHS = dict.fromkeys(default_widths("compact"), 12)
    TOP_DOWN_PYRAMID_SIZE = RPN_CHANNELS = MASK_HEAD_CHANNELS = 12
    FPN_CLASSIF_FC_LAYERS_SIZE = 24
    NUM_CLASSES = 4
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = SIDE
    RPN_ANCHOR_SCALES = (8, 12, 20, 32, 48)
    PRE_NMS_LIMIT = 200
    POST_NMS_ROIS_INFERENCE = 40
    DETECTION_MAX_INSTANCES = 12
    DETECTION_MIN_CONFIDENCE = 0.3


def small_model(seed: int) -> MaskRCNN:
    """Return a float32 network, all of whose weights are random and matter."""
    model = build.model(SmallConfig(), seed=seed, precision="float32")
    rng = np.random.default_rng(seed)
    for layer in weighted_layers(model):
        for weight in layer.weights:
            noise = rng.normal(size=weight.shape)
            spread = 0.3 if weight.name in ("gamma", "moving_variance") else 0.1
            if weight.name != "kernel":
                weight.assign(np.asarray(weight) + spread * np.tanh(noise))
    for part, name in (
        (model.rpn, "rpn_class_raw"),
        (model.rpn, "rpn_bbox_pred"),
        (model.box_head, "mrcnn_class_logits"),
        (model.box_head, "mrcnn_bbox_fc"),
        (model.mask_head, "mrcnn_mask"),
    ):
        kernel = part.get_layer(name).kernel
        # These begin near zero. If they were much larger, probabilities would round to
        # the same number in float32, and their order would be chance.
        kernel.assign(3 * np.asarray(kernel))
    return model


def compare(seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each stage's values, the network's and the independent ones, by name."""
    model, s = small_model(seed), build.settings(SmallConfig())
    rng = np.random.default_rng([seed, 1])
    image = rng.uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
    window = (WINDOW - [0, 0, 1, 1]) / (SIDE - 1)
    expected = reference.detect(
        image.astype(np.float64),
        window,
        {
            layer.name: [np.asarray(w, np.float64) for w in layer.weights]
            for layer in weighted_layers(model)
        },
        reference.Numbers(
            scales=s.anchor_scales,
            ratios=s.anchor_ratios,
            strides=s.strides,
            rpn_std_dev=s.rpn_std_dev,
            box_std_dev=s.box_std_dev,
            pre_nms=s.pre_nms,
            proposals=s.proposals_inference,
            proposal_iou=s.proposal_iou,
            detections=s.detections,
            min_confidence=s.min_confidence,
            detection_iou=s.detection_iou,
            pool=s.pool_size,
            mask_pool=s.mask_pool_size,
        ),
    )
    names = {f"C{i}": f"res{i}b_out" for i in range(2, 6)}
    names |= {name: name for name in expected if name not in names}
    inputs = {"images": image[None], "windows": window[None].astype(np.float32)}
    found = graph.evaluate(model, inputs, names.values())
    return {stage: (found[n][0], expected[stage]) for stage, n in names.items()}


def main() -> None:
    """Print the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    for stage, (ours, theirs) in compare(parser.parse_args().seed).items():
        print(f"{stage:16} {np.abs(ours - theirs).max():.1e}")


if __name__ == "__main__":
    main()
