"""Small tables as Markdown and HTML."""

import html
import math
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def number(value: float) -> str:
    """Return a metric with three decimals, "-" for NaN."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def markdown_table(rows: Rows) -> str:
    """Return rows of cells, the first a header, as Markdown with even columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(map(str.ljust, map(str, row), widths)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def html_table(rows: Rows) -> str:
    """Return rows of cells, the first a header, as an HTML table."""
    header, *body = [[html.escape(cell) for cell in row] for row in rows]
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in body
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
