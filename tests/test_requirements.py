"""The files of pins: what `make html` installs is a part of the whole, and enough."""

import ast
import re
import sys
import tomllib
from importlib.metadata import (
    PackageNotFoundError,
    packages_distributions,
    requires,
    version,
)
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
# What `make html` runs, and what these import of the repository.
SCRIPTS = ("render", "chapters", "copies", "runner", "proof", "mathml", "repairs")


def pins(name: str) -> dict[str, str]:
    """Return the versions by package."""
    lines = (ROOT / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if re.match(r"\w", line))
    return {canonicalize_name(p): version.rstrip(" \\") for p, version in pairs}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-book.txt"])
def test_each_pin_has_the_hashes_of_its_files_and_nothing_else_is_there(name):
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / name).read_text())
    pin = r"[a-z0-9][a-z0-9.-]*==[\w.]+(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    found = re.findall(pin, text)
    assert "".join(found) == text  # no index, no address, no version without a hash
    assert len(found) == len(pins(name)) > 80


def test_the_book_is_built_by_versions_of_the_lock():
    everything, book = pins("requirements.txt"), pins("requirements-book.txt")
    assert book.items() <= everything.items()
    assert not {"tensorflow", "keras", "numpy", "papermill"} & book.keys()


def installed(name: str) -> str:
    """Return the version that is here, or nothing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def test_what_the_book_group_asks_for_is_there_with_all_that_it_needs():
    book = pins("requirements-book.txt")
    if any(installed(name) != pin for name, pin in book.items()):
        pytest.skip("what is installed is not what is locked")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [Requirement(line) for line in project["dependency-groups"]["pages"]]
    needed = [
        requirement
        for name in book
        for requirement in map(Requirement, requires(name) or ())
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    ]
    for requirement in [*asked, *needed]:
        pin = book.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement.name} is missing: `make lock` renews the file"
        assert requirement.specifier.contains(pin, prereleases=True)


def test_building_the_book_imports_nothing_else():
    book = pins("requirements-book.txt")
    own = {*SCRIPTS, "mrcnn"}
    owners = packages_distributions()
    for script in SCRIPTS:
        tree = ast.parse((ROOT / "book" / f"{script}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top in own or top in sys.stdlib_module_names:
                    continue
                found = {canonicalize_name(owner) for owner in owners[top]}
                assert found & book.keys(), f"{script}.py imports {name}"


def test_of_the_package_it_imports_only_what_needs_no_other():
    texts = [(ROOT / "book" / f"{script}.py").read_text() for script in SCRIPTS]
    modules = re.findall(r"^from mrcnn\.(\w+) import", "".join(texts), re.MULTILINE)
    assert {"files", "processes"} == set(modules)
    for module in set(modules):
        tree = ast.parse((ROOT / "mrcnn" / f"{module}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                top = (node.module or "").partition(".")[0]
                assert top in sys.stdlib_module_names
