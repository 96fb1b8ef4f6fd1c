"""A Shapes script as Matterport's users write it: only names of the facades.

    python shapes.py LOGS

Trains heads, then all layers, finds the last weights and measures the model.
"""

import os
import random
import sys

import numpy as np

import mrcnn.model as modellib
from mrcnn import utils, visualize
from mrcnn.config import Config
from mrcnn.model import log

SIDE = 64


class ShapesConfig(Config):
    """Small enough for a test."""

    NAME = "shapes"
    GPU_COUNT = 1
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 2
    IMAGE_MIN_DIM = SIDE
    IMAGE_MAX_DIM = SIDE
    BACKBONE = "compact"
    RPN_ANCHOR_SCALES = (8, 16, 32, 64, 128)
    TRAIN_ROIS_PER_IMAGE = 8
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    POST_NMS_ROIS_TRAINING = 32
    POST_NMS_ROIS_INFERENCE = 16
    PRE_NMS_LIMIT = 64


class InferenceConfig(ShapesConfig):
    """One image at a time."""

    GPU_COUNT = 1
    IMAGES_PER_GPU = 1
    DETECTION_MIN_CONFIDENCE = 0.0


class ShapesDataset(utils.Dataset):
    """Bright squares and discs on a dark ground."""

    def load_shapes(self, count, height, width):
        """Add `count` images of a shape each."""
        self.add_class("shapes", 1, "square")
        self.add_class("shapes", 2, "circle")
        for i in range(count):
            shape = random.choice(["square", "circle"])
            y, x = (random.randint(20, side - 20) for side in (height, width))
            self.add_image(
                "shapes",
                image_id=i,
                path=None,
                width=width,
                height=height,
                shapes=[(shape, (y, x), random.randint(8, 14))],
            )

    def image_reference(self, image_id):
        """Return the shapes."""
        info = self.image_info[image_id]
        if info["source"] == "shapes":
            return info["shapes"]
        return super().image_reference(image_id)

    def load_image(self, image_id):
        """Draw the image."""
        mask, _ = self.load_mask(image_id)
        image = np.full((*mask.shape[:2], 3), 40, np.uint8)
        image[mask.any(axis=-1)] = 220
        return image

    def load_mask(self, image_id):
        """Draw the masks."""
        info = self.image_info[image_id]
        rows, columns = np.mgrid[: info["height"], : info["width"]]
        masks = []
        for shape, (y, x), size in info["shapes"]:
            if shape == "square":
                masks.append(np.maximum(abs(rows - y), abs(columns - x)) <= size)
            else:
                masks.append((rows - y) ** 2 + (columns - x) ** 2 <= size**2)
        class_ids = [self.class_names.index(s[0]) for s in info["shapes"]]
        return np.stack(masks, axis=-1), np.array(class_ids, dtype=np.int32)


def train(model_dir):
    """Train heads, then all layers; return images to measure on."""
    config = ShapesConfig()
    config.display()
    dataset_train, dataset_val = ShapesDataset(), ShapesDataset()
    for dataset, count in ((dataset_train, 4), (dataset_val, 2)):
        dataset.load_shapes(count, SIDE, SIDE)
        dataset.prepare()

    model = modellib.MaskRCNN(mode="training", config=config, model_dir=model_dir)
    model.train(
        dataset_train,
        dataset_val,
        learning_rate=config.LEARNING_RATE,
        epochs=1,
        layers="heads",
    )
    model.train(
        dataset_train,
        dataset_val,
        learning_rate=config.LEARNING_RATE / 10,
        epochs=2,
        layers="all",
    )
    history = model.keras_model.history.history
    assert "val_mrcnn_mask_loss" in history, history
    model.keras_model.save_weights(os.path.join(model_dir, "mask_rcnn_shapes.h5"))
    return dataset_val


def measure(model_dir, dataset_val):
    """Find the last weights, detect, and print the mean of the images' AP."""
    inference_config = InferenceConfig()
    model = modellib.MaskRCNN(
        mode="inference", config=inference_config, model_dir=model_dir
    )
    model_path = model.find_last()
    print("Loading weights from", model_path)
    model.load_weights(model_path, by_name=True)
    assert model.epoch == 2

    image_id = random.choice(list(dataset_val.image_ids))
    original_image, image_meta, gt_class_id, gt_bbox, gt_mask = modellib.load_image_gt(
        dataset_val, inference_config, image_id, use_mini_mask=False
    )
    log("original_image", original_image)
    log("image_meta", image_meta)
    log("gt_class_id", gt_class_id)
    results = model.detect([original_image], verbose=1)
    r = results[0]
    visualize.display_instances(
        original_image,
        r["rois"],
        r["masks"],
        r["class_ids"],
        dataset_val.class_names,
        r["scores"],
    )

    aps = []
    for image_id in dataset_val.image_ids:
        image, image_meta, gt_class_id, gt_bbox, gt_mask = modellib.load_image_gt(
            dataset_val, inference_config, image_id, use_mini_mask=False
        )
        molded_images = np.expand_dims(modellib.mold_image(image, inference_config), 0)
        assert molded_images.shape == (1, SIDE, SIDE, 3)
        r = model.detect([image], verbose=0)[0]
        ap, *_ = utils.compute_ap(
            gt_bbox,
            gt_class_id,
            gt_mask,
            r["rois"],
            r["class_ids"],
            r["scores"],
            r["masks"],
        )
        aps.append(ap)
    print("mAP:", np.mean(aps))


if __name__ == "__main__":
    measure(sys.argv[1], train(sys.argv[1]))
