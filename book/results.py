"""Write the tables of results, and README's, from the files in book/results.

python book/results.py
"""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

from mrcnn.files import atomic_path

import results_balloons
import results_choices
import results_frontier
import results_growth
import results_nuclei
import results_peers
import results_study
from pictures import BOOK, save, write_numbers
from results_study import Study
from stages_numbers import table

README = ROOT / "README.md"
MARKS = "<!-- written by book/results.py -->\n", "<!-- to here -->\n"
"""Between which README has tables."""

TITLES = {
    "shapes_table": "**Detection** on 200 held-out Shapes images, after {minutes} "
    "minutes of training on two CPU cores; mean and standard deviation over seeds.",
    "study_table": "**Single weights pruned**: change of the task that loses most, in "
    "per cent, by share of the weights removed; mean and standard deviation over "
    "three seeds. TBP is this book's task-balanced pruning.",
    "models_table": "**Whole channels pruned**, to a share of the work (half "
    "multiply-accumulates, half weights), and networks of the same widths trained from "
    "scratch (*same*: as fast as the one of that size above); *trained on* is the "
    "dense one after as many further steps as pruning had. On the study's first 800 "
    "images, one seed. Box and mask are AP, class is accuracy; speed is that of Keras. "
    "In other programs the narrowest pruned one that loses at most 2 % is "
    "{frontier_speeds} times as fast as the dense one in Keras (median "
    "{frontier_speed}), on another machine {other_speeds} times (median "
    "{other_speed}); rows of networks alike differ by up to {frontier_doubt} and "
    "{other_doubt} %.",
}
"""What README says above each table; a name in braces is one of its numbers."""

DPI = 160


def numbers(study: Study) -> dict[str, dict[str, str]]:
    """Return what each page shows, by the names that it uses."""
    return {
        "intro": of_intro(study),
        "results": of_results(study),
        "what-to-pick": results_peers.numbers(),
    }


def of_intro(study: Study) -> dict[str, str]:
    """Return the numbers of the front page."""
    runs = _read("shapes")["runs"]
    first, middle, last = study.verdicts
    return {
        "box_ap": f"{statistics.fmean(run['box_ap'] for run in runs):.2f}",
        "mask_ap": f"{statistics.fmean(run['mask_ap'] for run in runs):.2f}",
        "minutes": f"{statistics.fmean(run['seconds'] for run in runs) / 60:.0f}",
        "dense": f"{-study.dense.worst:.1f}",
        "first": f"{-first.method.worst:.1f}",
        "middle": f"{-middle.method.worst:.1f}",
        "middle_rival": f"{-middle.rival.worst:.1f}",
        "last": f"{-last.method.worst:.1f}",
        "last_rival": f"{-last.rival.worst:.1f}",
    }


def of_results(study: Study) -> dict[str, str]:
    """Return the numbers and tables of the page of results."""
    return {
        "shapes_table": shapes(_read("shapes")["runs"]),
        **results_study.numbers(study),
        **results_frontier.numbers(),
        **results_growth.numbers(),
        **results_balloons.numbers(),
        **results_choices.numbers(),
        **results_nuclei.numbers(),
    }


def readme(text: str, shown: Mapping[str, str]) -> str:
    """Return README's text with the tables of today.

    Args:
        text: as it was.
        shown: what `of_intro` and `of_results` return.
    """
    start, end = MARKS
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    titles = {name: title.format(**shown) for name, title in TITLES.items()}
    tables = "".join(f"\n{title}\n\n{shown[name]}" for name, title in titles.items())
    return f"{head}{start}{tables}\n{end}{tail}"


def shapes(runs: list[dict[str, Any]]) -> str:
    """Return a table of the accuracy on Shapes, means and deviations over seeds."""
    measures = {
        "box AP": "box_ap",
        "box AP50": "box_ap50",
        "mask AP": "mask_ap",
        "mask AP50": "mask_ap50",
        "class accuracy": "class_accuracy",
    }
    columns = {name: [run[key] for run in runs] for name, key in measures.items()}
    cells = [
        f"{statistics.fmean(c):.3f} ± {statistics.stdev(c):.3f}"
        for c in columns.values()
    ]
    return table(["seeds", *columns], [(len(runs), *cells)])


def _read(name: str) -> dict[str, Any]:
    return json.loads((BOOK / "results" / f"{name}.json").read_text())


if __name__ == "__main__":
    study = Study()
    shown = numbers(study)
    for page, of_page in shown.items():
        write_numbers(BOOK / f"{page}.md", of_page, "book/results.py")
    with atomic_path(README) as temporary:
        text = readme(README.read_text(), shown["intro"] | shown["results"])
        temporary.write_text(text)
    save(results_study.figure(study), BOOK / "results" / "pruning.png", DPI)
    save(results_frontier.figure(), BOOK / "results" / "frontier.png", DPI)
    save(results_growth.figure(), BOOK / "results" / "growth.png", DPI)
