"""PYTHON=... chooses the interpreter, also where an environment stands already."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAKE = """#!/bin/sh
# An interpreter of the name NAME, as far as the Makefile asks.
echo "$*" >> asked
case "$*" in
  *base_prefix*) echo NAME ;;
  "-m venv --clear "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


@pytest.fixture
def make(tmp_path):
    """Return what runs make in a repository of a Makefile and two interpreters."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-book.txt"):
        (tmp_path / name).write_text("")
    for name in ("one", "two"):
        (tmp_path / name).write_text(FAKE.replace("NAME", name))
        (tmp_path / name).chmod(0o755)
    inherited = {"PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    variables = {k: v for k, v in os.environ.items() if k not in inherited}

    def run(*words: str, **given: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["make", *words],
            cwd=tmp_path,
            env=variables | given,
            capture_output=True,
            text=True,
        )

    return run


def stamp(make, folder: str) -> str:
    """Return the target that makes an environment."""
    return next(
        line.partition(":")[0]
        for line in make("-pn", "help").stdout.splitlines()
        if line.startswith(f"{folder}/.installed-")
    )


each_environment = pytest.mark.parametrize(
    "name", [".venv", ".venv-book", ".venv-backends", ".venv-peers"]
)


@each_environment
def test_of_what_is_locked_only_files_with_a_locked_hash_are_installed(
    make, tmp_path, name
):
    (tmp_path / "requirements.txt").write_text("# 1\na-b==1 \\\n    --hash=sha256:0\n")
    assert make(stamp(make, name), "PYTHON=./one").returncode == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    locked = [line for line in asked if " -r " in line]
    assert len(locked) == 1
    assert "--no-deps --require-hashes --only-binary :all: -r" in locked[0]
    beside = re.findall(r" install .* -c (\S+)", "\n".join(asked))
    for constraint in beside:
        assert (tmp_path / constraint).read_text() == "a-b==1\n"
    assert bool(beside) == (name in (".venv-backends", ".venv-peers"))


@each_environment
def test_an_environment_is_made_anew_for_another_python(make, tmp_path, name):
    folder, target = tmp_path / name, stamp(make, name)

    def of() -> str:
        return (folder / "bin" / "python").read_text().partition("name ")[2][:3]

    assert make(target, "PYTHON=./one").returncode == 0
    assert of() == "one"
    assert "Making" not in make(target, "PYTHON=./one").stdout
    assert make(target, "PYTHON=./two").returncode == 0
    assert of() == "two"
    assert make(target).returncode == 0  # any will do
    assert of() == "two"
    assert make(target, PYTHON="./one").returncode == 0  # from the environment
    assert of() == "one"
    wrong = make(target, "PYTHON=./three")
    assert wrong.returncode != 0
    assert "./three is not Python 3.11, 3.12 or 3.13" in wrong.stderr
    assert of() == "one"
