"""Tables of other programs at the same work, for the page "What to pick"."""

import json
from collections.abc import Sequence

from mrcnn.benchmarks.peers_results import HEAD, cells
from mrcnn.benchmarks.rows import Row

from pictures import BOOK
from stages_numbers import table

PATH = BOOK / "results" / "peers.json"


def numbers() -> dict[str, str]:
    """Return what the page shows, by the names that it uses."""
    rows: list[Row] = json.loads(PATH.read_text())
    here = rows[0]["environment"]
    versions = (
        "tensorflow",
        "keras",
        "torch",
        "torchvision",
        "onnxruntime",
        "openvino",
    )
    return {
        "peers_machine": here["device"],
        "peers_versions": ", ".join(f"{n} {here[n]}" for n in versions if n in here),
        "peers_table": programs(rows),
    }


def programs(rows: Sequence[Row]) -> str:
    """Return a table of every program for each work, below its name."""
    return "\n".join(
        f"**{row['work']}**\n\n" + table(HEAD[1:-1], [c[:-1] for c in cells(row)])
        for row in rows
    )
