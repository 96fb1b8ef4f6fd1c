"""Draw the pictures of the gallery page: python book/gallery.py

One for each function that Matterport's `visualize` has, on Shapes and the trained model
that ships with the package, through Matterport's names only.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

import numpy as np

from mrcnn import model as modellib
from mrcnn import utils, visualize
from mrcnn.data.shapes import ShapesDataset
from mrcnn.presets import SHAPES_TEST_SEED, ShapesConfig
from mrcnn.pretrained import shipped

from pictures import BOOK, save

FOLDER = BOOK / "gallery"


class Scene:
    """An image, its truth, and what the model finds on the way to its detections."""

    def __init__(self) -> None:
        """Detect in an image of Shapes that shows much."""
        data, config = ShapesDataset(60, seed=SHAPES_TEST_SEED), ShapesConfig()
        shown = {i: data.load_mask(i)[1] for i in data.image_ids}
        image_id = max(shown, key=lambda i: (len(set(shown[i])), len(shown[i])))
        self.names = data.class_names
        with tempfile.TemporaryDirectory() as logs:
            self.model = modellib.MaskRCNN("inference", config, logs)
        self.model.load_weights(shipped("shapes"), by_name=True)
        self.image, _, self.class_ids, self.boxes, self.masks = modellib.load_image_gt(
            data, config, image_id
        )
        self.found = self.model.detect([self.image])[0]
        shape = self.image.shape[:2]
        get = self.model.keras_model.get_layer
        steps = self.model.run_graph(
            [self.image],
            [(n, get(n).output) for n in ("ROI", "mrcnn_class", "mrcnn_bbox")],
        )
        rois = utils.trim_zeros(steps["ROI"][0])
        self.probabilities = steps["mrcnn_class"][0][: len(rois)]
        self.roi_classes = self.probabilities.argmax(axis=1)
        deltas = steps["mrcnn_bbox"][0][np.arange(len(rois)), self.roi_classes]
        refined = utils.apply_box_deltas(rois, deltas * config.BBOX_STD_DEV)
        self.rois = utils.denorm_boxes(rois, shape)
        self.refined = utils.denorm_boxes(np.clip(refined, 0, 1), shape)
        self.config = config

    def sampled(self) -> tuple[np.ndarray, ...]:
        """Return a few training RoIs, their refinement, masks and classes."""
        np.random.seed(0)
        truth = self.class_ids, self.boxes, self.masks
        rois, class_ids, deltas, masks = modellib.build_detection_targets(
            self.rois, *truth, self.config
        )
        few = np.concatenate(
            [np.flatnonzero(class_ids == c)[:2] for c in range(len(self.names))]
        )
        rows = np.arange(len(rois)), class_ids
        moved = utils.apply_box_deltas(rois, deltas[rows] * self.config.BBOX_STD_DEV)
        masks = masks[rows[0], :, :, class_ids]
        return rois[few], np.rint(moved).astype(int)[few], masks[few], class_ids[few]

    @property
    def detections(self) -> tuple[np.ndarray, ...]:
        """Return boxes, classes, scores and masks."""
        r = self.found
        return r["rois"], r["class_ids"], r["scores"], r["masks"]

    @property
    def truth(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes, classes and masks."""
        return self.boxes, self.class_ids, self.masks


def pictures(scene: Scene) -> dict[str, Callable[[], Any]]:
    """Return what draws each picture, by the function's name."""
    boxes, class_ids, scores, masks = scene.detections
    image, names = scene.image, scene.names
    *_, overlaps = utils.compute_matches(*scene.truth, *scene.detections)
    ap, precisions, recalls, _ = utils.compute_ap(*scene.truth, *scene.detections)
    colours = visualize.random_colors(len(names))

    def masked() -> Any:
        painted = image.copy()
        for i, c in enumerate(class_ids):
            painted = visualize.apply_mask(painted, masks[..., i], colours[c])
        return visualize.display_images([image, painted], ["before", "after"], cols=2)

    def boxed() -> Any:
        drawn = image.copy()
        for box, c in zip(boxes, class_ids, strict=True):
            colour = (255 * np.array(colours[c])).astype(np.uint8)
            drawn = visualize.draw_box(drawn, box, colour)
        return visualize.display_images([image, drawn], ["before", "after"], cols=2)

    best = np.sort(np.argsort(-scene.probabilities[:, 1:].max(axis=1))[:8])
    rois, refined, roi_masks, roi_classes = scene.sampled()
    return {
        "display_images": lambda: visualize.display_images(
            [ShapesDataset(4, seed=SHAPES_TEST_SEED).load_image(i) for i in range(4)],
            [f"image {i}" for i in range(4)],
        ),
        "display_instances": lambda: visualize.display_instances(
            image, boxes, masks, class_ids, names, scores, figsize=(4.5, 4.5)
        ),
        "display_differences": lambda: visualize.display_differences(
            image, *scene.truth, boxes, class_ids, scores, masks, names
        ),
        "display_top_masks": lambda: visualize.display_top_masks(
            image, scene.masks, scene.class_ids, names
        ),
        "apply_mask": masked,
        "draw_box": boxed,
        "draw_boxes": lambda: visualize.draw_boxes(
            image, scene.rois[best], scene.refined[best], title="proposals, refined"
        ),
        "draw_rois": lambda: visualize.draw_rois(
            image,
            rois,
            refined,
            roi_masks,
            roi_classes,
            names,
        ),
        "plot_precision_recall": lambda: visualize.plot_precision_recall(
            ap, precisions, recalls
        ),
        "plot_overlaps": lambda: visualize.plot_overlaps(
            scene.class_ids, class_ids, scores, overlaps, names
        ),
    }


def main() -> None:
    """Draw all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in pictures(Scene()).items():
        save(draw(), FOLDER / f"{name}.png")
        print(name)


if __name__ == "__main__":
    main()
