"""What a chapter is made from, and whose its folder of results is."""

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import chapters
import copies
from runner import NotebookError

ROOT = Path(__file__).resolve().parents[1]
UNREAD = {
    "datasets/README.md",
    "datasets/balloon.sha256",
    "datasets/nuclei.sha256",
    "mrcnn/checkpoints/SHA256SUMS",
}
"""Files for people, and sums that only say whether other files are whole."""


@pytest.fixture
def book(tmp_path) -> chapters.Book:
    """A repository with a package of one module, and one notebook."""
    for folder in ("notebooks", "mrcnn/nn", "datasets", "book/results"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mrcnn" / "__init__.py").write_text("")
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    found = chapters.Book(tmp_path, tmp_path / "book")
    add_notebook(found, "01_a")
    return found


def add_notebook(book: chapters.Book, name: str, *reads: str) -> None:
    """Write a notebook of one cell that declares what it reads."""
    notebook = new_notebook(cells=[new_code_cell("1")], metadata={"reads": [*reads]})
    nbformat.write(notebook, book.source(name))


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".config.py.swp",
            ".#config.py",
            "#config.py#",
            "config.py~",
            "config.py.orig",
        ),
        *("config.bak", "config (copy).py", "config.sync-conflict-1.py", ".DS_Store"),
        *("nn/.hidden/module.py", "__pycache__/config.cpython-313.pyc", "notes.txt"),
    ],
)
def test_what_no_notebook_can_import_renews_nothing(book, name):
    before = chapters.inputs(book, "01_a", {})
    path = book.root / "mrcnn" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    assert chapters.inputs(book, "01_a", {}) == before


@pytest.mark.parametrize("name", ["new.py", "nn/new.py", "checkpoints/new.h5"])
def test_what_a_notebook_may_use_renews_it(book, name):
    before = chapters.inputs(book, "01_a", {})["package"]
    path = book.root / "mrcnn" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    here = chapters.inputs(book, "01_a", {})["package"]
    path.rename(path.with_name(f"other{path.suffix}"))
    assert len({before, here, chapters.inputs(book, "01_a", {})["package"]}) == 3


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone")
def test_every_tracked_file_is_an_input_of_some_chapter():
    def listed(*options: str) -> set[str]:
        command = ["git", "-C", str(ROOT), "ls-files", *options, "mrcnn", "datasets"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return {name for name in done.stdout.split("\n") if (ROOT / name).is_file()}

    book = chapters.Book()
    declared = [r for n in book.names() for r in book.read(n).metadata.get("reads", ())]
    patterns = {
        p for p in (*chapters.PACKAGE, *declared) if "datasets/balloon/" not in p
    }
    taken = copies.matching(ROOT, patterns)
    names = {path.relative_to(ROOT).as_posix() for path in taken}
    assert listed() - names == UNREAD
    inside = {name for name in names if name.startswith(("mrcnn/", "datasets/"))}
    assert inside <= listed("--cached", "--others", "--exclude-standard")


def test_a_declared_file_is_an_input_and_its_absence_too(book):
    add_notebook(book, "02_b", "book/results/x.json", "datasets/balloon/**/*")
    file = book.root / "book" / "results" / "x.json"
    photograph = book.root / "datasets" / "balloon" / "val" / "1.jpg"
    photograph.parent.mkdir(parents=True)
    absent = chapters.inputs(book, "02_b", {})
    file.write_text("1")
    first = chapters.inputs(book, "02_b", {})
    file.write_text("2")
    second = chapters.inputs(book, "02_b", {})
    photograph.write_text("x")
    third = chapters.inputs(book, "02_b", {})
    seen = [absent, first, second, third]
    assert [len({json.dumps(s[key]) for s in seen}) for key in absent] == [
        *(1, 1, 1, 1, 1),  # source, package, lock, parameters, weights given
        *(3, 2),
    ]


def test_weights_that_a_parameter_names_are_an_input(book):
    given = {"WEIGHTS": "../mine.h5"}  # relative to the notebooks, where they run
    absent = chapters.inputs(book, "01_a", given)
    (book.root / "mine.h5").write_text("1")
    first = chapters.inputs(book, "01_a", given)
    (book.root / "mine.h5").write_text("2")
    assert absent != first != chapters.inputs(book, "01_a", given)
    auto = chapters.inputs(book, "01_a", {"WEIGHTS": "auto"})
    assert (
        auto["weights given"]
        == ""
        == chapters.inputs(book, "01_a", {})["weights given"]
    )


@pytest.mark.parametrize("own", [True, False])
def test_weights_of_a_parent_are_looked_for_where_the_child_does(book, tmp_path, own):
    add_notebook(book, "02_b", "outputs/01_a/*.h5")
    book = book if own else book._replace(out=tmp_path / "apart")
    before = chapters.inputs(book, "02_b", {})
    book.results("01_a").mkdir(parents=True)
    (book.results("01_a") / "metrics.json").write_text("{}")  # holds seconds
    assert chapters.inputs(book, "02_b", {}) == before
    (book.results("01_a") / "shapes_cpu.h5").write_text("x")
    assert chapters.inputs(book, "02_b", {}) != before


def test_a_damaged_manifest_is_named(book):
    book.manifest.write_text("<<<<<<< ours")
    with pytest.raises(NotebookError, match=r"outputs\.json is not JSON .* Restore it"):
        book.entries()


def left(folder: Path) -> set[str]:
    """Return the files in a folder, without the record of whose it is."""
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return found - {chapters.RECORD}


def interrupted(folder: Path, inputs: dict, seconds: int = 7) -> None:
    """Leave what a run leaves that was interrupted after some epochs."""
    chapters.take_over(folder, inputs)
    (folder / "training").mkdir(exist_ok=True)
    (folder / "training" / "checkpoint.h5").write_text("x")
    chapters.record(folder, inputs, seconds)


def test_an_interrupted_run_with_the_same_inputs_is_gone_on_from(tmp_path):
    folder = tmp_path / "01_a"
    interrupted(folder, {"parameters": {"SEED": 0}})
    assert chapters.take_over(folder, {"parameters": {"SEED": 0}}) == 7
    assert left(folder) == {"training/checkpoint.h5"}


def test_what_a_run_with_others_left_goes(tmp_path):
    folder, kept = tmp_path / "01_a", tmp_path / "elsewhere"
    interrupted(folder, {"parameters": {"SEED": 1}})
    kept.mkdir()
    (kept / "mine").write_text("x")
    (folder / "link").symlink_to(kept)
    assert chapters.take_over(folder, {"parameters": {"SEED": 0}}) == 0
    assert left(folder) == set()
    assert left(kept) == {"mine"}
    assert chapters.take_over(folder, {"parameters": {"SEED": 0}}) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"01_a", "elsewhere"}


def test_a_finished_run_is_not_counted_twice(tmp_path):
    folder = tmp_path / "01_a"
    interrupted(folder, {"source": "1"})
    (folder / chapters.METRICS).write_text("{}")
    assert chapters.take_over(folder, {"source": "1"}) == 0
    assert left(folder) == {"training/checkpoint.h5"}  # and its metrics are gone


@pytest.mark.parametrize("record", [None, "", "[]", "{}", '{"inputs": {}}'])
def test_a_folder_of_no_recorded_run_is_kept(tmp_path, capsys, record):
    for number in (1, 2):
        folder = tmp_path / "01_a"
        folder.mkdir()
        (folder / "mine.h5").write_text(str(number))
        if record is not None:
            (folder / chapters.RECORD).write_text(record)
        assert chapters.take_over(folder, {"source": "1"}) == 0
        assert left(folder) == set()
        kept = folder.with_name(f"01_a.{number}")
        assert (kept / "mine.h5").read_text() == str(number)
        assert f"it is kept as 01_a.{number}" in capsys.readouterr().out
        (folder / chapters.RECORD).unlink()
        folder.rmdir()


def test_an_empty_folder_is_simply_used(tmp_path, capsys):
    folder = tmp_path / "01_a"
    folder.mkdir()
    chapters.take_over(folder, {})
    assert [p.name for p in tmp_path.iterdir()] == ["01_a"]
    assert capsys.readouterr().out == ""
