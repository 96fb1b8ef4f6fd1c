"""Tables: as HTML in a notebook, as text elsewhere."""

import html
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

HUGE = 1000.0
"""A weight beyond it is taken for a sign of overflow."""


def display_table(table: Sequence[Sequence[Any]]) -> None:
    """Show rows of cells.

    Args:
        table: rows, the first of which is the head if there is one.
    """
    rows = [[str(cell) for cell in row] for row in table]
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (f"{c:<{w}}" for c, w in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
        return
    from IPython.display import HTML, display

    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    display(HTML(f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"))


def display_weight_stats(model: Any) -> None:
    """Show shape, range and spread of all weights, and mark the suspicious ones.

    "dead?" stands at a weight whose values are all the same, unless it is a bias, which
    begins so; "overflow?" where one is beyond `HUGE`.

    Args:
        model: a session, `mrcnn.model.MaskRCNN`, or what else has
            `get_trainable_layers()`.
    """
    table = [["WEIGHT NAME", "SHAPE", "MIN", "MAX", "STD"]]
    for layer in model.get_trainable_layers():
        for weight in layer.weights:
            value = np.asarray(weight)
            name = f"{layer.name}/{weight.name}"
            if weight.name != "bias" and value.min() == value.max():
                name += " *** dead?"
            if np.abs(value).max() > HUGE:
                name += " *** overflow?"
            numbers = (value.min(), value.max(), value.std())
            table.append(
                [name, str(value.shape), *(f"{number:+10.4f}" for number in numbers)]
            )
    display_table(table)
