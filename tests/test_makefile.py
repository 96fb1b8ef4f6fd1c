"""PYTHON=... chooses the interpreter, also where an environment stands already."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAKE = """#!/bin/sh
# An interpreter of the name NAME, as far as the Makefile asks.
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


@pytest.mark.parametrize(
    ("target", "folder"),
    [
        ("setup", ".venv"),
        (".venv-book", ".venv-book"),
        (".venv-backends", ""),
        (".venv-peers", ""),
    ],
)
def test_an_environment_is_made_anew_for_another_python(make, tmp_path, target, folder):
    folder = tmp_path / (folder or target)
    if target != "setup":
        database = make("-pn", "help").stdout
        target = next(
            line.partition(":")[0]
            for line in database.splitlines()
            if line.startswith(f"{target}/.installed-")
        )

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
