"""Weights that others trained: fetched once, and verified."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mrcnn.data.download import download
from mrcnn.files import md5


class Release(NamedTuple):
    """A published file."""

    url: str
    md5: str


COCO_MODEL_URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.0/mask_rcnn_coco.h5"
)
COCO = Release(COCO_MODEL_URL, "e98aaff6f99e307b5e2a8a3ff741a518")
"""ResNet-101, 81 classes, 258 MB. The sum is the one that NVIDIA's TensorRT
(sampleUffMaskRCNN/README.md) and Alibaba's ai-matrix
(macro_benchmark/Mask_RCNN/checksum.md5) name; Matterport itself gives none."""

IMAGENET = Release(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "a268eb855778b3df3c7506639542a6af",
)
"""ResNet-50 without its last layer, 95 MB. The sum is that of Keras Applications."""


def fetch(
    release: Release,
    path: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Return `path`, which holds the published file: downloaded if it is not there.

    An interrupted download continues when this is called again, and the file gets its
    name only when its sum is the published one. A file that is there already is
    verified, and never overwritten.

    Args:
        release: the published file.
        path: where it goes.
        progress: is told the bytes at hand and in all; by default it prints them.

    Raises:
        ConnectionError: if there is no connection or it breaks; names the address and
            where to put the file if it comes by other means.
        ValueError: if the file is not the published one.
    """
    path = Path(path)

    def check(found: Path) -> None:
        digest = md5(found)
        if digest != release.md5:
            raise ValueError(
                f"{path} is not the published file: its MD5 is {digest} instead of "
                f"{release.md5}. Move it away if it is there, and fetch {release.url} "
                "again."
            )

    if path.exists():
        check(path)
        return path
    return download(release.url, path, check=check, progress=progress)


def imagenet_path() -> Path:
    """Return where Keras keeps such files."""
    return Path.home() / ".keras" / "models" / IMAGENET.url.rsplit("/", 1)[1]


def download_trained_weights(coco_model_path: str | Path, verbose: int = 1) -> None:
    """Make `coco_model_path` hold the weights that Matterport trained on COCO.

    Args:
        coco_model_path: where the file goes, such as "mask_rcnn_coco.h5"; see `fetch`.
        verbose: 0 for silence.
    """
    if verbose:
        print(f"Weights trained on COCO: {coco_model_path}")
    fetch(COCO, coco_model_path, None if verbose else lambda have, total: None)
