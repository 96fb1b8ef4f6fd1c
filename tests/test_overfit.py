"""The whole engine learns: four images by heart, boxes and masks."""

import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect
from mrcnn.nn.resnet import default_widths
from mrcnn.presets import ShapesConfig


class OverfitConfig(ShapesConfig):
    IMAGES_PER_GPU = 4
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    RPN_ANCHOR_SCALES = (8, 16, 24, 32, 64)
    LAYER_WIDTHS = {  # noqa: RUF012
        name: width // 2 for name, width in default_widths("compact").items()
    }
    TOP_DOWN_PYRAMID_SIZE = RPN_CHANNELS = MASK_HEAD_CHANNELS = 32
    FPN_CLASSIF_FC_LAYERS_SIZE = 64
    BN_MOMENTUM = 0.9
    TRAIN_ROIS_PER_IMAGE = 16
    PRE_NMS_LIMIT, POST_NMS_ROIS_TRAINING, POST_NMS_ROIS_INFERENCE = 128, 32, 32
    DETECTION_MIN_CONFIDENCE = 0.5
    WARMUP_STEPS = 10
    LEARNING_RATE = 0.004


def iou(mask: np.ndarray, other: np.ndarray) -> float:
    return (mask & other).sum() / (mask | other).sum()


def filled(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a box as a mask, so that one IoU serves both."""
    mask = np.zeros(shape, bool)
    mask[box[0] : box[2], box[1] : box[3]] = True
    return mask


def extent(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])


@pytest.mark.slow
@pytest.mark.usefixtures("rewritten")  # 200 steps
def test_four_images_are_learnt_by_heart():
    config = OverfitConfig()
    dataset = ShapesDataset(4, height=64, width=64, seed=11)
    model = build.model(config, seed=1, precision="float32")
    history = training.fit(
        model,
        build.batches(config, dataset, steps=200, shuffle=True),
        stages=[build.stage(config, epochs=1)],
        optimizer=lambda rate: build.optimizer(config, rate),
        verbose=0,
    )
    assert np.isfinite(history["loss"]).all()
    boxes, masks = [], []
    images = [dataset.load_image(i) for i in dataset.image_ids]
    for i, found in enumerate(detect(model, images)):
        true_masks, class_ids = dataset.load_mask(i)
        for k, class_id in enumerate(class_ids):
            true, shape = true_masks[..., k], true_masks.shape[:2]
            same = np.flatnonzero(found["class_ids"] == class_id)
            boxes.append(
                max(
                    (
                        iou(
                            filled(found["rois"][j], shape), filled(extent(true), shape)
                        )
                        for j in same
                    ),
                    default=0.0,
                )
            )
            masks.append(
                max((iou(found["masks"][..., j], true) for j in same), default=0.0)
            )
    print(f"IoU of boxes {np.mean(boxes):.3f}, of masks {np.mean(masks):.3f}")
    assert np.mean(boxes) > 0.9
    assert np.mean(masks) > 0.85
