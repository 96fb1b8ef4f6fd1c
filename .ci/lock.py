"""Resolve the pins of `[dependency-groups] lock` into requirements.txt.

Run it as `make lock`, on the oldest supported Python: a version that still has wheels
there has them on the newer ones. imgaug asks for opencv-python, which needs libGL and
the X libraries; the headless build has the same modules, so the lock drops the former
and is installed with `--no-deps`.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
DROPPED = {"opencv-python"}  # opencv-python-headless stands in for it.
HEADER = """\
# The locked environment of `make book` and `make test`, Python 3.11 to 3.13 (CPU).
# Written by `make lock` from `[dependency-groups] lock` in pyproject.toml; do not edit.
# Install with:  pip install --no-deps -r requirements.txt
# (--no-deps, because imgaug would add opencv-python, which needs libGL, to the headless
# build that is listed here.)
"""


def resolve(scratch: Path) -> list[str]:
    """Return `name==version` for the whole group, resolved in a new environment."""
    venv.create(scratch, with_pip=True)
    python, report = scratch / "bin" / "python", scratch / "report.json"
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    dry = ["--dry-run", "--ignore-installed", "--only-binary", ":all:"]
    group = ["--group", f"{ROOT / 'pyproject.toml'}:lock", "--report", str(report)]
    subprocess.run([*pip, *dry, *group], check=True)
    found = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    return [f"{p['name']}=={p['version']}" for p in found if p["name"] not in DROPPED]


def main() -> None:
    """Rewrite requirements.txt."""
    if sys.version_info[:2] != OLDEST:
        sys.exit("make lock resolves on Python 3.11: make lock PYTHON=python3.11")
    with tempfile.TemporaryDirectory() as scratch:
        lines = sorted(resolve(Path(scratch)), key=str.lower)
    (ROOT / "requirements.txt").write_text(HEADER + "\n".join(lines) + "\n")
    print(f"requirements.txt: {len(lines)} packages")


if __name__ == "__main__":
    main()
