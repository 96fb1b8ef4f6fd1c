"""What reaches a user's machine runs nothing there, and SECURITY.md says so."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel that pip would build, by the backend that is declared."""
    folder = tmp_path_factory.mktemp("supply")
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mrcnn", folder / "mrcnn", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    code = f"import {declared['build-backend']} as b; b.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    (built,) = (folder / "dist").iterdir()
    with zipfile.ZipFile(built) as archive:
        yield archive


def test_building_runs_the_declared_backend_and_no_code_of_ours():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["build-system"] == {
        "requires": ["setuptools>=77"],
        "build-backend": "setuptools.build_meta",  # no `backend-path`: none of ours
    }
    assert not [ROOT / n for n in ("setup.py", "setup.cfg") if (ROOT / n).exists()]
    tool = project["tool"]["setuptools"]
    assert tool.keys() == {"packages", "package-data", "dynamic"}  # no commands
    # What a version is read of without an import.
    assert tool["dynamic"] == {"version": {"attr": "mrcnn.__version__"}}
    body = ast.parse((ROOT / "mrcnn" / "__init__.py").read_text()).body
    (value,) = (
        node.value.value
        for node in body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__version__"
    )
    assert re.fullmatch(r"\d+(\.\d+)+\w*", value)


def test_installing_the_wheel_only_copies_the_package(wheel):
    names = wheel.namelist()
    info = next(name.split("/")[0] for name in names if "dist-info" in name)
    assert {name.split("/")[0] for name in names} == {"mrcnn", info}
    kinds = {Path(name).suffix for name in names if name.startswith("mrcnn/")}
    # Neither *.pth, which Python runs whenever it starts, nor what was compiled.
    assert kinds == {".py", ".h5", ""}
    assert [n for n in names if not Path(n).suffix and n.startswith("mrcnn/")] == [
        "mrcnn/checkpoints/SHA256SUMS"
    ]
    assert "Root-Is-Purelib: true" in wheel.read(f"{info}/WHEEL").decode()


def test_the_wheel_adds_one_command_and_no_plugin(wheel):
    (name,) = (n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    lines = wheel.read(name).decode().split("\n")
    assert [line for line in lines if line] == [
        "[console_scripts]",
        "mrcnn = mrcnn.commands:main",
    ]


def test_each_test_that_the_policy_names_is_there():
    text = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 10
    for file, test in named:
        assert f"\ndef {test}(" in (ROOT / file).read_text(), f"{file}::{test}"


def test_one_module_reaches_the_net():
    clients = {"ftplib", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp"}
    found = set()
    for path in (ROOT / "mrcnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").split(".")[0]}
            else:
                continue
            if names & clients:
                found.add(path.relative_to(ROOT / "mrcnn").as_posix())
    assert found == {"data/download.py"}
