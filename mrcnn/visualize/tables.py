"""Tables: an HTML table in a notebook, aligned text anywhere else."""

import html
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from mrcnn.visualize.style import BAD, ipython

LARGEST = 1000
"""A weight beyond it, in either direction, has most likely exploded."""
STATISTICS = {"bias", "gamma", "beta", "moving_mean", "moving_variance"}
"""Weights that start as constants, and may well stay so."""


class TrainableModel(Protocol):
    """What `display_weight_stats` reads; a model of `mrcnn.model` has it."""

    def get_trainable_layers(self) -> Sequence[Any]:
        """Return the Keras layers that have weights."""


def display_table(
    table: Iterable[Iterable[Any]], *, marked: Collection[int] = ()
) -> None:
    """Show rows of cells: as an HTML table in IPython, else printed in columns.

    Args:
        table: any values; `str` of each is shown, as it is, markup included.
        marked: indices of rows that stand out in HTML.
    """
    rows = [[str(cell) for cell in row] for row in table]
    if ipython() is None:
        print(_text(rows))
        return
    from IPython.display import display  # no requirement outside of notebooks

    formats = {"text/plain": _text(rows), "text/html": _html(rows, marked)}
    display(formats, raw=True)


def _text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, which may differ in length, with even columns."""
    widths: list[int] = []
    for row in rows:
        widths += [0] * (len(row) - len(widths))
        widths[: len(row)] = map(max, widths, map(len, row))
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _html(rows: Sequence[Sequence[str]], marked: Collection[int]) -> str:
    lines = []
    for i, row in enumerate(rows):
        style = f' style="color: {BAD}; font-weight: bold"' if i in marked else ""
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        lines.append(f"<tr{style}>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def display_weight_stats(model: TrainableModel) -> None:
    """Show the shape, least, greatest value and spread of every weight of a model.

    A weight that is the same everywhere is marked "dead?", which biases and the
    parameters of normalisation may be without harm; one with values beyond 1000, or
    that are no numbers, is marked "overflow?". The marks are those of Matterport's
    function, save that a variance is judged by its root: on images of 0 to 255 those of
    the first layers are far beyond 1000 in any trained network.

    Args:
        model: lists its layers by `get_trainable_layers`.
    """
    table = [["weight name", "shape", "min", "max", "std"]]
    marked = []
    for layer in model.get_trainable_layers():
        for weight, values in zip(layer.weights, layer.get_weights(), strict=True):
            # The last two parts: a layer inside another has a longer path.
            name = "/".join([layer.name, *weight.path.split("/")][-2:])
            if mark := _mark(weight.name, values):
                marked.append(len(table))
                name += f" *** {mark}"
            numbers = [values.min(), values.max(), values.std()]
            table.append([name, str(values.shape), *(f"{n:+.4f}" for n in numbers)])
    display_table(table, marked=marked)


def _mark(name: str, values: np.ndarray) -> str:
    """Return "dead?", "overflow?" or "" for the values of a weight."""
    scale = np.sqrt(abs(values)) if name == "moving_variance" else abs(values)
    if not scale.max() <= LARGEST:  # NaN is not either
        return "overflow?"
    constant = not np.ptp(values) and (values.size > 1 or not values.any())
    return "dead?" if constant and name not in STATISTICS else ""
