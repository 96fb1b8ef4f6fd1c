"""Two trees train in turn, and what is done is not done again."""

from mrcnn.benchmarks import race

ACCURACY = """
import argparse
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("what")
parser.add_argument("--seeds", type=int)
parser.add_argument("--out", type=Path)
parser.add_argument("--quick", action="store_true")
args = parser.parse_args()
runs = json.loads(args.out.read_text())["runs"] if args.out.is_file() else []
epochs = 5 if args.quick else 13
found = {"seed": args.seeds, "steps": 200 * epochs, "seconds": 10.0 * epochs}
runs.append(found | {"box_ap": 0.9, "mask_ap": 0.95})
args.out.write_text(json.dumps({"runs": runs}))
"""


def test_each_tree_trains_by_its_own_code(tmp_path):
    package = tmp_path / "tree" / "mrcnn" / "benchmarks"
    package.mkdir(parents=True)
    for place in (package, package.parent):
        (place / "__init__.py").touch()
    (package / "accuracy.py").write_text(ACCURACY)
    pairs = []
    for seed in (4, 5):
        before = race.run(tmp_path / "tree", seed, tmp_path / "before.json")
        now = race.run(tmp_path / "tree", seed, tmp_path / "now.json", "--quick")
        pairs.append((before, now))
    lines = race.table(pairs).splitlines()
    assert lines[2] == (
        "| 4 | 130 / 50 | 0.38 | 2600 / 1000 | 0.900 / 0.900 | 0.950 / 0.950 |"
    )
    assert lines[-1] == "Median part: 0.38"
