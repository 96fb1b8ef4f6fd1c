"""The weights that Matterport trained on COCO: fetched once, and verified."""

from pathlib import Path

from mrcnn.data.fetch import download
from mrcnn.files import md5

COCO_MODEL_URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.0/mask_rcnn_coco.h5"
)
COCO_MODEL_BYTES = 257_557_808
COCO_MODEL_MD5 = "e98aaff6f99e307b5e2a8a3ff741a518"
"""As NVIDIA's TensorRT (sampleUffMaskRCNN/README.md) and Alibaba's ai-matrix
(macro_benchmark/Mask_RCNN/checksum.md5) name it; Matterport itself gives no sum."""


def download_trained_weights(coco_model_path: str | Path, verbose: int = 1) -> None:
    """Make `coco_model_path` hold the weights that Matterport trained on COCO.

    ResNet-101, 81 classes, 258 MB. An interrupted download continues when this is
    called again, and the file gets its name only when its size and MD5 are those that
    are published. A file that is there already is verified, and never overwritten.

    Args:
        coco_model_path: where the file goes, such as "mask_rcnn_coco.h5".
        verbose: 0 for silence.

    Raises:
        ConnectionError: if there is no connection or it breaks; names the address and
            where to put the file if it comes by other means.
        ValueError: if the file is not the published one.
    """
    path = Path(coco_model_path)
    if path.exists():
        _check(path)
        return
    if verbose:
        print(f"Downloading weights trained on COCO to {path}")
    download(
        COCO_MODEL_URL,
        path,
        check=_check,
        progress=None if verbose else lambda have, total: None,
    )


def _check(path: Path) -> None:
    """Raise ValueError if a file is not the published one."""
    size = path.stat().st_size
    if size != COCO_MODEL_BYTES:
        found = f"{size} bytes instead of {COCO_MODEL_BYTES}"
    elif (digest := md5(path)) != COCO_MODEL_MD5:
        found = f"MD5 {digest} instead of {COCO_MODEL_MD5}"
    else:
        return
    raise ValueError(
        f"{path} is not mask_rcnn_coco.h5 of Matterport's release 2.0: {found}. Move "
        f"it away if it is still there, and fetch {COCO_MODEL_URL} again."
    )
