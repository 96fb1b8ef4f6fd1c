"""Draw the pictures of "How Mask R-CNN works" and "How pruning works".

    python book/stages.py [NAME ...]

Everything is drawn from the trained model that ships with the package. The numbers that
the two pages show are computed here as well, and written into the pages' first lines.
With names, only these pictures are drawn, and no numbers written.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

import stages_channels
import stages_features
import stages_heads
import stages_network
import stages_pruning
from pictures import BOOK, save, write_numbers
from stages_numbers import how_it_works, how_pruning_works
from stages_pruning import Weights
from stages_walk import Walk

FOLDER = BOOK / "stages"
DPI = 160
SCRIPT = "book/stages.py"

OF_NETWORK: dict[str, Callable[[Walk], Any]] = {
    "network": stages_network.network,
    "overview": stages_features.overview,
    "pyramid": stages_features.pyramid,
    "anchors": stages_features.anchors,
    "objectness": stages_features.objectness,
    "proposals": stages_features.proposals,
    "roi_align": stages_features.roi_align,
    "heads": stages_heads.heads,
    "masks": stages_heads.masks,
    "instances": stages_heads.instances,
    "targets": stages_heads.targets,
    "mask_targets": stages_heads.mask_targets,
    "smooth_l1": stages_heads.smooth_l1,
}
"""Pictures of "How Mask R-CNN works", by the names of their files."""

OF_PRUNING: dict[str, Callable[[Weights], Any]] = {
    "patterns": stages_pruning.patterns,
    "sizes": stages_pruning.sizes,
    "densities": stages_pruning.densities,
    "schedule": stages_pruning.schedule,
    "shares": stages_pruning.shares,
    "channels": stages_channels.channels,
}
"""Pictures of "How pruning works"."""


def pictures(walk: Walk, weights: Weights) -> dict[str, Callable[[], Any]]:
    """Return what draws each picture, by the name of its file."""
    drawn = {name: partial(draw, walk) for name, draw in OF_NETWORK.items()}
    return drawn | {name: partial(draw, weights) for name, draw in OF_PRUNING.items()}


def numbers(walk: Walk, weights: Weights) -> dict[str, dict[str, str]]:
    """Return the numbers of each page, by the name of its file."""
    return {
        "how-it-works": how_it_works(walk),
        "how-pruning-works": how_pruning_works(weights),
    }


def main() -> None:
    """Draw the pictures and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    names = parser.parse_args().names
    walk = Walk()
    weights = Weights(walk)
    FOLDER.mkdir(exist_ok=True)
    for name, draw in pictures(walk, weights).items():
        if not names or name in names:
            save(draw(), FOLDER / f"{name}.png", DPI)
            print(name, flush=True)
    if not names:
        for page, shown in numbers(walk, weights).items():
            write_numbers(BOOK / f"{page}.md", shown, SCRIPT)


if __name__ == "__main__":
    main()
