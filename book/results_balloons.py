"""Balloons, drawn and in photographs, for the page "Results": tables and numbers."""

import itertools
import json
import statistics
from collections.abc import Sequence

from mrcnn.benchmarks.rows import Row

from pictures import BOOK
from stages_numbers import table

MEASURES = {
    "box AP": "box_ap",
    "AP50": "box_ap50",
    "mask AP": "mask_ap",
    "mask AP50": "mask_ap50",
}
"""Columns, by the names of a row."""
SPLITS = {"official": "official", "folds": "five folds"}


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses."""
    drawn, real = _read("balloon_drawn")[0], _read("photographs")
    return {
        "balloons_drawn_machine": drawn["environment"]["device"],
        "balloons_drawn_minutes": f"{drawn['seconds'] / 60:.0f}",
        "balloons_drawn_steps": f"{drawn['steps']:,}",
        **{
            f"balloons_drawn_{key}": f"{drawn[key]:.3f}"
            for key in (*MEASURES.values(), "boundary_ap")
        },
        "balloons_drawn_pixels": f"{drawn['outline_pixels']:.2f}",
        "balloons_drawn_missed": str(drawn["missed"]),
        "balloons_drawn_objects": str(drawn["objects"]),
        "photographs_steps": f"{max(row['steps'] for row in real):,}",
        "balloons_table": photographs(real),
    }


def photographs(rows: Sequence[Row]) -> str:
    """Return a table of what each way to a network finds in photographs.

    Means over seeds; of the mask AP also the interval, its ends averaged over seeds,
    which other photographs would make of it. Ways come as the rows name them first.
    """
    lines = []
    ways = dict.fromkeys(row["name"] for row in rows)
    for split, way in itertools.product(SPLITS, ways):
        runs = [r for r in rows if (r["split"], r["name"]) == (split, way)]
        if not runs:
            continue
        images = f"{SPLITS[split]}, {runs[0]['images']}"
        looks = {"once": runs, "in four views": [run["views"] for run in runs]}
        for looked, found in looks.items():
            lines.append((way, images, len(runs), looked, *_means(found)))
    head = ["learnt from", "photographs", "seeds", "looked at"]
    return table([*head, *MEASURES, "of other pictures"], lines)


def _means(found: Sequence[Row]) -> list[str]:
    """Return means over seeds, and of the ends of the interval of mask AP."""
    means = (statistics.fmean(one[key] for one in found) for key in MEASURES.values())
    ends = zip(*(one["mask_interval"] for one in found), strict=True)
    low, high = map(statistics.fmean, ends)
    return [*(f"{mean:.3f}" for mean in means), f"{low:.2f} to {high:.2f}"]


def _read(name: str) -> list[Row]:
    return json.loads((BOOK / "results" / f"{name}.json").read_text())
