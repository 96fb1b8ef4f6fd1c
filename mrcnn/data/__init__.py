"""Images and their masks: datasets, annotation readers, augmentation and batches."""

from importlib import import_module
from typing import Any

LATER = {"open_dataset": "mrcnn.data.readers", "check": "mrcnn.dataset_check"}
"""What is looked for here and lies elsewhere; only who asks for it loads it."""


def __getattr__(name: str) -> Any:
    """Return a function of `LATER`."""
    if name in LATER:
        return getattr(import_module(LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
