"""Weights that others trained: fetched once, checked, and kept.

The sums are those that independent projects published of the same files: SHA-256 of
the COCO weights in guildai/packages (MD5 in alibaba/ai-matrix), MD5 of the ImageNet
weights in Keras Applications.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from mrcnn.data.fetch import download


class Release(NamedTuple):
    """A published file."""

    url: str
    algorithm: str  # of `hashlib`
    digest: str


COCO_MODEL_URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.0/mask_rcnn_coco.h5"
)
COCO = Release(
    COCO_MODEL_URL,
    "sha256",
    "ab8f779d74d790abe4fcf3f60ab368129df5ee866262c439c6bae5af13afaf56",
)
"""ResNet-101, 81 classes, 257 MB."""

IMAGENET = Release(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "md5",
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
        found = hashlib.file_digest(file, release.algorithm).hexdigest()
    if found == release.digest:
        return path
    if not there:
        path.unlink()
    raise ValueError(
        f"{path} is not the file published at {release.url}: its {release.algorithm} "
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
