"""A balloon script as Matterport's users write it: only names of the facades.

python balloon.py train --dataset=FOLDER --weights=FILE --logs=LOGS
python balloon.py splash --weights=last --image=FILE --logs=LOGS
"""

import argparse
import json
import os

import numpy as np
import skimage.color
import skimage.draw
import skimage.io

from mrcnn import model as modellib
from mrcnn import utils
from mrcnn.config import Config


class BalloonConfig(Config):
    """Small enough for a test."""

    NAME = "balloon"
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 1
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1
    DETECTION_MIN_CONFIDENCE = 0.0
    BACKBONE = "compact"
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    PRE_NMS_LIMIT = 64
    POST_NMS_ROIS_TRAINING = 32
    POST_NMS_ROIS_INFERENCE = 16
    TRAIN_ROIS_PER_IMAGE = 8


class BalloonDataset(utils.Dataset):
    """Photographs with polygons drawn in the VGG Image Annotator."""

    def load_balloon(self, dataset_dir, subset):
        """Add the images of a subset that have regions."""
        self.add_class("balloon", 1, "balloon")
        assert subset in ["train", "val"]
        dataset_dir = os.path.join(dataset_dir, subset)
        with open(os.path.join(dataset_dir, "via_region_data.json")) as file:
            annotations = list(json.load(file).values())
        for a in annotations:
            if not a["regions"]:
                continue
            if type(a["regions"]) is dict:
                polygons = [r["shape_attributes"] for r in a["regions"].values()]
            else:
                polygons = [r["shape_attributes"] for r in a["regions"]]
            image_path = os.path.join(dataset_dir, a["filename"])
            height, width = skimage.io.imread(image_path).shape[:2]
            self.add_image(
                "balloon",
                image_id=a["filename"],
                path=image_path,
                width=width,
                height=height,
                polygons=polygons,
            )

    def load_mask(self, image_id):
        """Fill the polygons."""
        image_info = self.image_info[image_id]
        if image_info["source"] != "balloon":
            return super().load_mask(image_id)
        info = self.image_info[image_id]
        mask = np.zeros(
            [info["height"], info["width"], len(info["polygons"])], dtype=np.uint8
        )
        for i, p in enumerate(info["polygons"]):
            # Without the image's shape: a corner on the far border is an IndexError.
            rr, cc = skimage.draw.polygon(p["all_points_y"], p["all_points_x"])
            mask[rr, cc, i] = 1
        return mask.astype(bool), np.ones([mask.shape[-1]], dtype=np.int32)

    def image_reference(self, image_id):
        """Return the path."""
        info = self.image_info[image_id]
        if info["source"] == "balloon":
            return info["path"]
        return super().image_reference(image_id)


def train(model, dataset, epochs):
    """Train the heads."""
    dataset_train, dataset_val = BalloonDataset(), BalloonDataset()
    dataset_train.load_balloon(dataset, "train")
    dataset_train.prepare()
    dataset_val.load_balloon(dataset, "val")
    dataset_val.prepare()
    print("Training network heads")
    model.train(
        dataset_train,
        dataset_val,
        learning_rate=model.config.LEARNING_RATE,
        epochs=epochs,
        layers="heads",
    )


def color_splash(image, mask):
    """Keep the colours of the objects, and make the rest grey."""
    gray = skimage.color.gray2rgb(skimage.color.rgb2gray(image)) * 255
    if mask.shape[-1] > 0:
        mask = np.sum(mask, -1, keepdims=True) >= 1
        return np.where(mask, image, gray).astype(np.uint8)
    return gray.astype(np.uint8)


def main(arguments=None):
    """Train, or make a splash."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--dataset")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--logs", required=True)
    parser.add_argument("--image")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2)
    args = parser.parse_args(arguments)
    if args.command == "train":
        config = BalloonConfig()
        config.STEPS_PER_EPOCH = args.steps
    else:

        class InferenceConfig(BalloonConfig):
            GPU_COUNT = 1
            IMAGES_PER_GPU = 1

        config = InferenceConfig()
    config.display()
    mode = "training" if args.command == "train" else "inference"
    model = modellib.MaskRCNN(mode=mode, config=config, model_dir=args.logs)
    weights_path = model.find_last() if args.weights == "last" else args.weights
    print("Loading weights", weights_path)
    if args.weights == "last":
        model.load_weights(weights_path, by_name=True)
    else:
        model.load_weights(
            weights_path,
            by_name=True,
            exclude=["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"],
        )
    if args.command == "train":
        train(model, args.dataset, args.epochs)
    elif args.command == "splash":
        image = skimage.io.imread(args.image)
        r = model.detect([image], verbose=1)[0]
        splash = color_splash(image, r["masks"])
        skimage.io.imsave(os.path.join(args.logs, "splash.png"), splash)


if __name__ == "__main__":
    main()
