"""Resolve `[dependency-groups]` of pyproject.toml into the files of pins.

requirements.txt holds the group `lock`; requirements-book.txt what the group `pages`
needs of it.

Run it as `make lock`, on the oldest supported Python: a version that still has wheels
there has them on the newer ones. imgaug asks for opencv-python, which needs libGL and
the X libraries; the headless build has the same modules, so the lock drops the former
and is installed with `--no-deps`. Each pin has the SHA-256 of all files of its version,
of every platform: pip takes no others.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mrcnn.files import atomic_path

OLDEST = (3, 11)
DROPPED = {"opencv-python"}  # opencv-python-headless stands in for it.
LOCK = """\
# The locked environment of `make book` and `make test`, Python 3.11 to 3.13 (CPU).
# Written by `make lock` from `[dependency-groups] lock` in pyproject.toml; do not edit.
# Install with:
#   pip install --no-deps --require-hashes --only-binary :all: -r requirements.txt
# (--no-deps, because imgaug would add opencv-python, which needs libGL, to the headless
# build that is listed here.)
"""
PAGES = """\
# What `make html` needs of requirements.txt: all of Jupyter Book, and no TensorFlow.
# Written by `make lock` from `[dependency-groups] pages`; do not edit.
"""


def environment(scratch: Path) -> list[str]:
    """Return the command of pip's in a new environment, which has uv too."""
    venv.create(scratch, with_pip=True)
    pip = [str(scratch / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip", "uv"], check=True)
    return pip


def resolve(pip: list[str], group: str, *options: str) -> list[str]:
    """Return `name==version` for a whole group."""
    dry = ["--dry-run", "--ignore-installed", "--only-binary", ":all:"]
    wanted = ["--group", f"{ROOT / 'pyproject.toml'}:{group}", "--report", "-"]
    command = [*pip, *dry, *wanted, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = [entry["metadata"] for entry in json.loads(done.stdout)["install"]]
    return [f"{p['name']}=={p['version']}" for p in found if p["name"] not in DROPPED]


def hashed(uv: Path, pins: list[str]) -> str:
    """Return the lines of a file of pins: each, in order, with all its hashes."""
    plain = ["--no-deps", "--no-config", "--no-header", "--no-annotate", "--quiet"]
    command = [uv, "pip", "compile", "--generate-hashes", *plain, "-"]
    given = "\n".join(pins)
    done = subprocess.run(
        command, check=True, text=True, input=given, stdout=subprocess.PIPE
    )
    return done.stdout


def write(name: str, content: str) -> None:
    """Write a file of pins, whole or not at all."""
    with atomic_path(ROOT / name) as temporary:
        temporary.write_text(content)
    print(f"{name}: {content.count('==')} packages")


def main() -> None:
    """Rewrite both files, when both are resolved."""
    if sys.version_info[:2] != OLDEST:
        sys.exit("make lock resolves on Python 3.11: make lock PYTHON=python3.11")
    with tempfile.TemporaryDirectory() as scratch:
        pip, uv = environment(Path(scratch)), Path(scratch, "bin", "uv")
        pins = resolve(pip, "lock")
        constraint = Path(scratch, "pins.txt")
        constraint.write_text("\n".join(pins))
        pages = resolve(pip, "pages", "--constraint", str(constraint))
        whole, book = LOCK + hashed(uv, pins), PAGES + hashed(uv, pages)
    write("requirements.txt", whole)
    write("requirements-book.txt", book)


if __name__ == "__main__":
    main()
