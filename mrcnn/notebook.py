"""What every notebook does besides its story: set up, show figures, record results.

A notebook calls `setup` once, `show` for each figure, `record` for each number that the
book or a test reads, and `finish` in its last cell. Nothing here needs more than what
Colab has installed.
"""

import io
import json
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from IPython.display import Image, display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from mrcnn.files import atomic_path

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-image", "matplotlib", "pycocotools")
JPEG_QUALITY = (
    85  # no artefacts to be seen at a figure's size, a fifth of the bytes of PNG
)
DOTS_PER_INCH = 110

Value = float | int | str
_metrics: dict[str, Value | None] = {}
_facts: dict[str, str] = {}


def verbosity() -> int:
    """Return Keras' `verbose`: 1, a progress bar, unless NB_VERBOSE says otherwise.

    A run that nobody watches sets 2, one line an epoch.
    """
    return int(os.environ.get("NB_VERBOSE", "1"))


def setup(seed: int, *, profile: str = "") -> None:
    """Seed everything, forget earlier results, and print what the notebook runs on.

    Args:
        seed: for Python, NumPy and the Keras backend; see `seed_everything`.
        profile: named in the printed facts when given. Under "smoke" every network
            takes a few steps only, which repay no rewriting of graphs.
    """
    # Before TensorFlow loads: its start-up notes are of no use to a reader.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A study or a second notebook may want a part of the same GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import keras

    from mrcnn.hardware import device_name, rewrite_graphs, seed_everything

    seed_everything(seed)
    if profile == "smoke":
        rewrite_graphs(False)
    _metrics.clear()
    _facts.clear()
    _facts.update(
        device=device_name(),
        backend=keras.backend.backend(),
        python=platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    )
    if profile:
        print(f"profile: {profile}, seed {seed}")
    print(f"device: {_facts['device']}, backend {_facts['backend']}")
    _print_versions()


def record(name: str, value: Any) -> Value:
    """Keep a result for `finish`, and offer it to the book's text under its name.

    The display is what MyST-NB's `glue` makes, which so need not be installed here:
    the text quotes it with {glue:text}`name:.3f`.

    Args:
        name: unique in the whole book.
        value: a number, a string, or a NumPy or tensor scalar. NaN, as of a change
            from a network that found nothing, becomes null in `metrics.json`.

    Returns:
        The value as a plain `float`, `int` or `str`.

    Raises:
        TypeError: if the value is none of these.
        ValueError: if it is infinite, which JSON cannot say.
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        raise TypeError(
            f"record({name!r}, ...) takes one number or a string, "
            f"not {type(value).__name__}."
        )
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"record({name!r}, {value}): a result must be finite or NaN.")
    _metrics[name] = None if isinstance(value, float) and math.isnan(value) else value
    mime = "application/papermill.record/"
    display(
        {f"{mime}text/plain": repr(value)},
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": mime}},
    )
    return value


def show(figure: Figure, *, photo: bool = False) -> None:
    """Display a figure on white and close it. Call it once in a cell.

    Args:
        figure: any Matplotlib figure.
        photo: True for photographs, which become JPEG; plots become PNG.
    """
    kind, options = ("jpeg", {"quality": JPEG_QUALITY}) if photo else ("png", {})
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=kind,
        dpi=DOTS_PER_INCH,
        facecolor="white",
        bbox_inches="tight",
        pil_kwargs={"optimize": True, **options},
    )
    plt.close(figure)  # else the inline backend shows it a second time
    display(Image(data=buffer.getvalue(), format=kind))


def finish(folder: str | Path) -> None:
    """Write the results to `folder` and print the versions that gave them.

    `metrics.json` holds what was recorded, `environment.json` what `setup` found.
    """
    for name, content in (("environment", _facts), ("metrics", _metrics)):
        with atomic_path(Path(folder) / f"{name}.json") as path:
            path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    print(f"{len(_metrics)} results in {Path(folder) / 'metrics.json'}")
    _print_versions()


def _print_versions() -> None:
    named = ("python", *PACKAGES)
    print("versions:", ", ".join(f"{name} {_facts.get(name, '?')}" for name in named))


def _version(package: str) -> str:
    """Return an installed version; Colab's TensorFlow may bear another name."""
    for name in (package, f"{package}-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "absent"
