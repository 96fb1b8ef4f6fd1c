"""torchvision's Mask R-CNN at the work of `peers`, in PyTorch and as an ONNX file.

Statistics of its batch normalisation are frozen, as they are for whoever begins with
its weights. Weights are random; the heads are biased so that each region is of one
class, as ours are, and a branch of a residual block adds little, so that features stay
of one size. TensorFlow must not be loaded beside it: PyTorch's exporter then crashes.
"""

import contextlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.benchmarks.peers_work import (
    BATCH,
    BOX_IOU,
    POSITIVE,
    PROPOSAL_IOU,
    PROPOSALS,
    ROIS,
    Work,
)
from mrcnn.benchmarks.turns import Job
from mrcnn.ops.resize import resize_bilinear
from mrcnn.processes import cores


def model(work: Work) -> Any:
    """Return the network, in the mode in which it is built."""
    import torch
    from torchvision.models import resnet
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
    from torchvision.ops.misc import FrozenBatchNorm2d

    torch.set_num_threads(cores())
    torch.manual_seed(0)
    body = resnet.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    for block in body.modules():
        if isinstance(block, resnet.Bottleneck):
            block.bn3.weight.fill_(0.2)
    sizes = {"min_size": work.side, "max_size": work.side}
    training = {"box_batch_size_per_image": ROIS, "box_positive_fraction": POSITIVE}
    network = MaskRCNN(
        _resnet_fpn_extractor(body, 5),
        work.classes,
        rpn_post_nms_top_n_test=PROPOSALS,
        box_nms_thresh=BOX_IOU,
        box_detections_per_img=work.detections,
        **sizes,
        **training,
        **({} if work.training else {"rpn_nms_thresh": PROPOSAL_IOU}),
    )
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.bias[1] += 5
    return network


def _numbers(name: str) -> Any:
    """Return a context in which PyTorch computes in a type."""
    import torch

    if name == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)


def job(
    work: Work,
    numbers: str,
    given: Mapping[str, np.ndarray],
    *,
    compiled: bool = False,
) -> Job:
    """Return a training step or a detection in PyTorch.

    Args:
        work: what is to be done.
        numbers: "float32", or "bfloat16" for autocast with channels last.
        given: see `peers_work.INPUTS`.
        compiled: whether its networks are compiled. Compiled as a whole, with all that
            lies between them, it needs minutes for its first image and is no faster.
    """
    import torch

    network = model(work).train(work.training)
    if numbers != "float32":
        network = network.to(memory_format=torch.channels_last)
    if compiled:
        heads = network.roi_heads
        for part in (
            *(network.backbone, network.rpn.head),
            *(heads.box_head, heads.mask_head, heads.mask_predictor),
        ):
            part.compile()
    made = _training_step if work.training else _detection
    return made(network, numbers, given)


def _detection(network: Any, numbers: str, given: Mapping[str, np.ndarray]) -> Job:
    import torch

    image = given["image"]
    found: dict[str, Any] = {}
    proposals: list[int] = []
    network.rpn.register_forward_hook(
        lambda _, __, out: proposals.append(len(out[0][0]))
    )

    def detect() -> None:
        with torch.inference_mode(), _numbers(numbers):
            scaled = torch.from_numpy(image).permute(2, 0, 1).float() / 255
            found.update(network([scaled])[0])
            found["masks"] = (found["masks"][:, 0] >= 0.5).numpy()

    return Job(
        detect,
        lambda: (0.0, f"{proposals[-1]} proposals, {len(found['scores'])} found"),
    )


def _training_step(network: Any, numbers: str, given: Mapping[str, np.ndarray]) -> Job:
    import torch

    images, targets = [], []
    for i in range(BATCH):
        image, boxes, class_ids, masks = (
            given[f"{name}_{i}"] for name in ("image", "boxes", "class_ids", "masks")
        )
        images.append(torch.tensor(image.transpose(2, 0, 1), dtype=torch.float32) / 255)
        y1, x1, y2, x2 = boxes.T.astype(np.float32)
        targets.append(
            {
                "boxes": torch.tensor(np.stack([x1, y1, x2, y2], 1)),
                "labels": torch.tensor(class_ids.astype(np.int64)),
                "masks": torch.tensor(masks.transpose(2, 0, 1).astype(np.uint8)),
            }
        )
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        with _numbers(numbers):
            loss = sum(network(images, targets).values())
        loss.backward()
        optimizer.step()

    return Job(step, lambda: (0.0, f"batch {len(images)}, {ROIS} RoIs"))


def export(work: Work, path: Path) -> None:
    """Write the network as an ONNX file; the image comes scaled to 0..1.

    PyTorch's newer exporter fails, because the network's flow follows its data. Masks
    stay in their boxes, as in our exported networks: OpenVINO cannot read the loop that
    would paste them into the image.
    """
    import torch

    network = model(work).eval()
    network.transform.postprocess = lambda found, *_: found  # images keep their size
    image = torch.rand(3, work.side, work.side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a hundred, of tracing what is constant here
        torch.onnx.export(
            network,
            ([image],),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["boxes", "labels", "scores", "masks"],
        )


def exported(work: Work, run: Any, given: Mapping[str, np.ndarray]) -> Job:
    """Return a detection with the exported network; `run` takes inputs by name."""
    image = given["image"]
    found: dict[str, np.ndarray] = {}

    def detect() -> None:
        scaled = image.transpose(2, 0, 1).astype(np.float32) / 255
        found.update(run({"image": scaled}))
        found["masks"] = paste(found["masks"][:, 0], found["boxes"], work.side)

    return Job(
        detect, lambda: (0.0, f"{PROPOSALS} proposals, {len(found['scores'])} found")
    )


def paste(masks: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Return masks (n, M, M) of boxes (n, 4) x1, y1, x2, y2 as (n, side, side) bool."""
    image = np.zeros((len(masks), side, side), bool)
    edges = np.rint(boxes).astype(int).clip(0, side)
    for pasted, mask, (x1, y1, x2, y2) in zip(image, masks, edges, strict=True):
        if x2 > x1 and y2 > y1:
            whole = resize_bilinear(mask, (y2 - y1, x2 - x1))
            pasted[y1:y2, x1:x2] = whole >= 0.5
    return image
