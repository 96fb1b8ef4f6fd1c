"""The same work done by torchvision, on the same machine in the same run.

Its network differs in details, such as where a stage's stride sits; image sizes,
batches and RoIs are those of our rows. Its arithmetic is not counted, so no limit is
given.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from mrcnn.benchmarks.workloads import Job


def available() -> bool:
    """Return whether torchvision is installed."""
    return importlib.util.find_spec("torchvision") is not None


def _model(classes: int, side: int, **options: Any) -> Any:
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    return maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=classes,
        trainable_backbone_layers=5,
        min_size=side,
        max_size=side,
        **options,
    )


def training_step(*, batch: int = 8, side: int = 128, rois: int = 32) -> Job:
    """One optimizer step of SGD on one batch of Shapes, float32."""
    import torch

    from mrcnn.data.shapes import ShapesDataset
    from mrcnn.ops.masks import boxes_of_masks

    dataset = ShapesDataset(batch, height=side, width=side, seed=1)
    images, targets = [], []
    for i in dataset.image_ids:
        masks, class_ids = dataset.load_mask(i)
        y1, x1, y2, x2 = boxes_of_masks(masks).T
        image = dataset.load_image(i).transpose(2, 0, 1) / 255
        images.append(torch.tensor(image, dtype=torch.float32))
        targets.append(
            {
                "boxes": torch.tensor(np.stack([x1, y1, x2, y2], 1).astype(np.float32)),
                "labels": torch.tensor(np.asarray(class_ids, np.int64)),
                "masks": torch.tensor(masks.transpose(2, 0, 1).astype(np.uint8)),
            }
        )
    model = _model(4, side, box_batch_size_per_image=rois).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        sum(model(images, targets).values()).backward()
        optimizer.step()

    return Job(step, lambda: (0.0, f"batch {batch}, {rois} RoIs"))


def detection(*, side: int, classes: int) -> Job:
    """Pixels in, masks out, on one image with random weights, float32."""
    import torch

    model = _model(classes, side, box_score_thresh=0.0).eval()
    image = torch.rand(3, side, side)
    found = {}

    def detect() -> None:
        with torch.inference_mode():
            found.update(model([image])[0])

    return Job(detect, lambda: (0.0, f"{len(found['scores'])} detections"))


WORKLOADS: dict[str, Callable[[], Job]] = {
    "torchvision: train R50 128": training_step,
    "torchvision: detect R50 128": lambda: detection(side=128, classes=4),
    "torchvision: detect R50 1024": lambda: detection(side=1024, classes=81),
}
"""By name: makes the job."""
