#!/usr/bin/env bash
# An annotation of several polygon parts has a part of two points, a line, which some annotation tools write.
# One expects that either all such annotations are refused or none.
# pycocotools 2.0.11 decides by the first part alone: a line behind a polygon becomes a part without pixels, a line in
# front of it raises TypeError ("Argument 'bb' has incorrect type"), because four numbers in the first place
# mean a box. A polygon with an odd number of coordinates is taken too; the last is dropped.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pycocotools==2.0.11' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
from pycocotools import mask

square, line = [10, 10, 20, 10, 20, 20, 10, 20], [30, 30, 38, 38]
seen = {}
for name, parts in {
    "a polygon, a line": [square, line],
    "a line, a polygon": [line, square],
    "nine numbers": [[*square, 7]],
}.items():
    try:
        seen[name] = mask.area(mask.frPyObjects(parts, 40, 40)).tolist()
    except TypeError as error:
        seen[name] = f"TypeError: {error}"
    print(f"{name}: {seen[name]}")
refused = str(seen["a line, a polygon"]).startswith("TypeError")
if seen["a polygon, a line"] != [100, 0] or not refused or seen["nine numbers"] != [100]:
    sys.exit("The behaviour has changed.")
print("As stated: the first part decides, and an odd number is no fault.")
PY
