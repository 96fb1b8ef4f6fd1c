"""Images and their masks: datasets, annotation readers, augmentation and batches."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return `open_dataset`; only who asks for it loads the readers."""
    if name == "open_dataset":
        from mrcnn.data.readers import open_dataset

        return open_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
