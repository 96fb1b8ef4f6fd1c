"""Two trees are timed by turns, each with its own package."""

import subprocess

import pytest

from mrcnn.benchmarks import against

# Its clock moves only while the row works, so that no other process has a say in it.
WORKLOADS = """
import time
from types import SimpleNamespace

clock, usual, calls = [0.0], {usual}, []
time.perf_counter = lambda: clock[0]


def work():
    calls.append(None)
    clock[0] += 9.0 if len(calls) == 1 else usual


print("not an answer")
WORKLOADS = {{"row": lambda policy: SimpleNamespace(call=work)}}
"""


def tree(folder, usual):
    package = folder / "mrcnn" / "benchmarks"
    package.mkdir(parents=True)
    for place in (package, package.parent):
        (place / "__init__.py").touch()
    (package / "workloads.py").write_text(WORKLOADS.format(usual=usual))
    return folder


@pytest.fixture
def trees(tmp_path):
    return tree(tmp_path / "before", 0.5), tree(tmp_path / "now", 0.25)


def test_the_ratio_is_that_of_the_two_trees(trees):
    row = against.compare(*trees, "row", "float32", rounds=3, turn=1.0)
    assert row["ratios"] == [2.0, 2.0, 2.0]
    assert (row["before"], row["now"]) == (0.5, 0.25)
    assert row["first_before"] == row["first_now"] == 9.0
    assert row["peak_mb_now"] > 1
    line = against.table([row]).splitlines()[-1]
    assert "| 2.000 | 2.000 to 2.000 |" in line


def test_a_tree_without_the_row_is_named(trees):
    before, now = trees
    (before / "mrcnn/benchmarks/workloads.py").write_text("WORKLOADS = {}")
    with pytest.raises(RuntimeError, match=f"'row' in float32 at {before} has failed"):
        against.compare(before, now, "row", "float32", rounds=1, turn=1.0)


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def test_a_commit_is_laid_out_as_it_was(tmp_path):
    git(tmp_path, "init", "--quiet")
    file = tmp_path / "mrcnn" / "a.py"
    file.parent.mkdir()
    file.write_text("old = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    file.write_text("new = 1\n")
    with against.commit_laid_out("HEAD", tmp_path) as laid_out:
        assert (laid_out / "mrcnn" / "a.py").read_text() == "old = 1\n"
    assert not laid_out.exists()
    with (
        pytest.raises(ValueError, match="cannot lay out 'abc'"),
        against.commit_laid_out("abc", tmp_path),
    ):
        pass
