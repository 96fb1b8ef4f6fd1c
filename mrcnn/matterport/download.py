"""Weights that others trained: fetched once, checked, and kept.

The sums are those that independent projects publish of the same files: MD5 of the COCO
weights in TensorRT's Mask R-CNN sample and in alibaba/ai-matrix, MD5 of the ImageNet
weights in Keras Applications.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from mrcnn.data.fetch import download


class Release(NamedTuple):
    """A published file."""

    url: str
    md5: str


COCO_MODEL_URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.0/mask_rcnn_coco.h5"
)
COCO = Release(
    COCO_MODEL_URL,
    "e98aaff6f99e307b5e2a8a3ff741a518",
)
"""ResNet-101, 81 classes, 257 MB."""

IMAGENET = Release(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "a268eb855778b3df3c7506639542a6af",
)
"""ResNet-50 without its last layer, 95 MB."""


def fetch(release: Release, path: str | Path) -> Path:
    """Return the file at `path`, downloaded if it is not there; always checked.

    An interrupted download continues.

    Raises:
        ConnectionError: says what to do without a network.
        ValueError: if the file is not the published one; a downloaded one is removed.
    """
    path = Path(path)
    there = path.is_file()
    if not there:
        download(release.url, path)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found == release.md5:
        return path
    if not there:
        path.unlink()
    raise ValueError(
        f"{path} is not the file published at {release.url}: its MD5 "
        f"is {found}. Move it away and fetch it again."
    )


def imagenet_path() -> Path:
    """Return where Keras keeps such files."""
    return Path.home() / ".keras" / "models" / IMAGENET.url.rsplit("/", 1)[1]


def download_trained_weights(coco_model_path: str | Path, verbose: int = 1) -> None:
    """Fetch Matterport's COCO weights to a path, see `fetch`."""
    if verbose:
        print(f"COCO weights: {coco_model_path}")
    fetch(COCO, coco_model_path)
