"""Many small things in real pictures, for the page "Results": tables and numbers."""

import json
from collections.abc import Sequence

from mrcnn.benchmarks.rows import Row

from pictures import BOOK
from stages_numbers import table

FILES = ("nuclei", "nuclei_stardist")
MEASURES = {
    "box AP": "box_ap",
    "mask AP": "mask_ap",
    "AP50": "mask_ap50",
    "small": "mask_ap_small",
    "medium": "mask_ap_medium",
    "hits .5": "hits_0.5",
    ".7": "hits_0.7",
    ".9": "hits_0.9",
}
"""Columns, by the names of a row."""
LOOKS = {
    "in tiles": "large in tiles",
    "at once, shrunk to 384 pixels": "large at once, shrunk",
    "at once, at their own size": "large at once, every pixel",
    "at once, enlarged to 2,048 pixels": "large at once, enlarged",
}
"""What is shown of the largest pictures."""


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses."""
    ours, *others = (
        row
        for name in FILES
        for row in json.loads((BOOK / "results" / f"{name}.json").read_text())
    )
    return {
        "nuclei_machine": ours["environment"]["device"],
        "nuclei_minutes": f"{ours['seconds'] / 60:.0f}",
        "nuclei_steps": f"{ours['steps']:,}",
        "nuclei_images": str(ours["images"]),
        "nuclei_objects": f"{ours['objects']:,}",
        "nuclei_score": f"{ours['score']:.2f}",
        "nuclei_stardist_epochs": f"{others[-1]['steps'] / 100:.0f}",
        "nuclei_table": programs([ours, *others]),
        "nuclei_large_images": str(ours["large in tiles"]["images"]),
        "nuclei_large_table": looks(ours),
    }


def programs(rows: Sequence[Row]) -> str:
    """Return a table of what each program reaches."""
    return table(
        ["program", "minutes", *MEASURES],
        [
            (row["name"], f"{row['seconds'] / 60:.0f}", *_values(row, MEASURES))
            for row in rows
        ],
    )


def looks(row: Row) -> str:
    """Return a table of the ways to look at a large picture."""
    shown = {name: MEASURES[name] for name in ("box AP", "mask AP", "AP50", "hits .5")}
    return table(
        ["looked at", *shown],
        [
            (look, *_values(row[key], shown))
            for look, key in LOOKS.items()
            if key in row
        ],
    )


def _values(row: Row, measures: dict[str, str]) -> list[str]:
    return [f"{row[key]:.3f}" for key in measures.values()]
