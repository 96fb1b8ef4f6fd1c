"""Balloons, drawn and in photographs, for the page "Results": tables and numbers."""

import json
import statistics
from collections.abc import Sequence

from mrcnn.benchmarks.photographs import WAYS
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
    (drawn,), real = _read("balloon_drawn"), _read("photographs")
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
        "photographs_steps": f"{real[0]['steps']:,}",
        "balloons_table": photographs(real),
    }


def photographs(rows: Sequence[Row]) -> str:
    """Return a table of what each way to a network finds in photographs.

    Means over seeds; of the mask AP also the interval, its ends averaged over seeds,
    which other photographs would make of it.
    """
    lines = []
    for split, called in SPLITS.items():
        for way in WAYS:
            runs = [r for r in rows if (r["split"], r["name"]) == (split, way)]
            if not runs:
                continue
            means = {
                key: statistics.fmean(run[key] for run in runs)
                for key in MEASURES.values()
            }
            ends = zip(*(run["mask_interval"] for run in runs), strict=True)
            low, high = map(statistics.fmean, ends)
            images = f"{called}, {runs[0]['images']}"
            numbers = (f"{mean:.3f}" for mean in means.values())
            lines.append((way, images, len(runs), *numbers, f"{low:.2f} to {high:.2f}"))
    return table(
        ["learnt from", "photographs", "seeds", *MEASURES, "of other pictures"], lines
    )


def _read(name: str) -> list[Row]:
    return json.loads((BOOK / "results" / f"{name}.json").read_text())
