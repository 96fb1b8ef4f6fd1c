"""Lets `import imgaug` work under NumPy 2, wherever it is written.

imgaug 0.4.0, the last release, reads names that NumPy 2 has removed, and fails while it
is imported (https://github.com/aleju/imgaug/issues/859). `import mrcnn` puts a finder
before Python's own that finds imgaug as they do, and has it loaded with those names at
hand. NumPy stays as it was, other imports are left alone, and nothing is loaded that
nobody imports. An `import imgaug` that comes before `import mrcnn` cannot be helped.
"""

import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType


class ImgaugFinder(importlib.abc.MetaPathFinder):
    """Finds imgaug where the other finders do, and mends it once it is loaded."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how imgaug is loaded; None for every other module."""
        if fullname != "imgaug":
            return None
        others = (f for f in sys.meta_path if not isinstance(f, ImgaugFinder))
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec), None)
        if spec and spec.loader:
            spec.loader.exec_module = _mending(spec.loader.exec_module)
        return spec


def _mending(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """Return what runs imgaug's code with the names that it needs."""

    def run(module: ModuleType) -> None:
        from mrcnn.data import imgaug_mends

        with imgaug_mends.names_of_numpy_1(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            execute(module)
            imgaug_mends.mend(module)

    return run


def install() -> None:
    """Put the finder before all others, once."""
    if not any(isinstance(finder, ImgaugFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, ImgaugFinder())
