"""The runner of the notebooks, on notebooks of two cells."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import chapters
import copies
import render
import runner

PARAMETERS = 'PROFILE = "cpu"\nOUTPUT_DIR = "outputs/{name}"'
WRITE = """\
import json, os, pathlib, sys
folder = pathlib.Path("..") / OUTPUT_DIR
folder.mkdir(parents=True, exist_ok=True)
(folder / "metrics.json").write_text(json.dumps({"profile": PROFILE}))
print(sys.executable, os.environ["KERAS_BACKEND"], os.getcwd())"""


def add_notebook(book: render.Book, name: str, code: str = WRITE, **metadata) -> None:
    """Write a source of a title, a parameters cell and one cell of code."""
    cells = [
        new_markdown_cell(f"# {name}"),
        new_code_cell(PARAMETERS.format(name=name), metadata={"tags": ["parameters"]}),
        new_code_cell(code),
    ]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), book.source(name))


@pytest.fixture
def book(tmp_path) -> render.Book:
    """A repository with an empty package and no notebooks."""
    for folder in ("notebooks", "mrcnn", "datasets", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mrcnn" / "__init__.py").write_text("")
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    return render.Book(tmp_path, tmp_path / "book")


def test_a_finished_notebook_runs_again_only_if_its_inputs_change(book):
    add_notebook(book, "01_a")
    assert render.run(book, "01_a", {"PROFILE": "cpu"})
    entry = book.entries()["01_a"]
    assert entry["metrics"] == {"profile": "cpu"}
    assert not list(render.stale(book))
    assert not render.run(book, "01_a", {"PROFILE": "cpu"})

    assert render.run(book, "01_a", {"PROFILE": "smoke"})
    assert book.entries()["01_a"]["metrics"] == {"profile": "smoke"}

    (book.root / "mrcnn" / "__init__.py").write_text("x = 1\n")
    assert list(render.stale(book)) == [(False, "01_a: package is not that of its run")]
    assert render.run(book, "01_a", {"PROFILE": "smoke"})


def test_a_copy_is_clean_and_made_by_this_interpreter(book, monkeypatch, tmp_path):
    other = tmp_path / "share" / "kernels" / "python3"
    other.mkdir(parents=True)
    wrong = {"argv": ["false"], "display_name": "wrong", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(wrong))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "share"))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    add_notebook(book, "01_a")
    render.run(book, "01_a", {"PROFILE": "cpu"})
    text = book.copy("01_a").read_text()
    copy = nbformat.reads(text, as_version=4)
    nbformat.validate(copy)
    printed = copy.cells[-1].outputs[0].text.split()
    assert Path(printed[0]).samefile(sys.executable) or printed[0].startswith("~")
    assert printed[1:] == ["tensorflow", "notebooks"]
    assert str(book.root) not in text
    assert "start_time" not in text
    assert copy.cells[2].metadata.tags == ["hide-input", "injected-parameters"]
    assert "profile `cpu`" in copy.cells[0].source
    assert not list(book.root.glob("outputs/*.ipynb"))


def test_a_failure_names_the_cell_and_leaves_no_copy(book):
    add_notebook(book, "01_a", "bad = 'the culprit'\nraise KeyError(bad)")
    with pytest.raises(runner.NotebookError) as caught:
        render.run(book, "01_a", {"PROFILE": "cpu"})
    message = str(caught.value)
    assert "bad = 'the culprit'" in message
    assert "KeyError" in message
    assert not book.copy("01_a").exists()
    assert not book.manifest.exists()
    assert (book.root / "outputs" / "01_a.failed.ipynb").exists()


def test_another_folder_takes_everything_that_a_run_makes(book, tmp_path):
    add_notebook(book, "01_a", WRITE.replace('pathlib.Path("..") / ', ""))
    apart = book._replace(out=tmp_path / "apart")
    code = WRITE.replace('pathlib.Path("..") / OUTPUT_DIR', "pathlib.Path(OUTPUT_DIR)")
    add_notebook(book, "01_a", code)
    render.run(apart, "01_a", {"PROFILE": "smoke"})
    made = {str(p.relative_to(apart.out)) for p in apart.out.rglob("*") if p.is_file()}
    assert made == {
        "notebooks/01_a.ipynb",
        "outputs/01_a/inputs.json",
        "outputs/01_a/metrics.json",
        "outputs.json",
    }
    assert not (book.root / "outputs").exists()


def test_only_profile_full_gives_a_cell_the_hours_of_the_study(book, monkeypatch):
    add_notebook(book, "01_a")
    asked = {}

    def execute(source, output, parameters, *, timeout):
        asked[parameters["PROFILE"]] = timeout
        raise render.NotebookError("seen enough")

    monkeypatch.setattr(render, "execute", execute)
    for profile in ("smoke", "cpu", "full"):
        with pytest.raises(render.NotebookError):
            render.run(book, "01_a", {"PROFILE": profile})
    assert asked["smoke"] == asked["cpu"] == 3600
    assert asked["full"] >= 12 * 3600


def test_a_notebook_without_results_is_refused(book):
    add_notebook(book, "01_a")
    with pytest.raises(runner.NotebookError, match="call `finish`"):
        render._publish(book, "01_a", book.source("01_a"), {}, seconds=1)


def test_a_copy_too_large_to_open_is_refused(book):
    add_notebook(book, "01_a")
    notebook = nbformat.read(book.source("01_a"), as_version=4)
    notebook.cells[2].outputs = [new_output("stream", text="x" * 2_000_000)]
    executed = book.root / "executed.ipynb"
    nbformat.write(notebook, executed)
    book.results("01_a").mkdir(parents=True)
    (book.results("01_a") / "metrics.json").write_text("{}")
    wanted = render.inputs(book, "01_a", {})
    with pytest.raises(runner.NotebookError, match="cell 2 alone shows 2000"):
        render._publish(book, "01_a", executed, wanted, seconds=1)
    assert not book.copy("01_a").exists()


def test_missing_edited_and_orphaned_copies_must_be_mended(book):
    add_notebook(book, "01_a")
    assert list(render.stale(book)) == [(True, "01_a: there is no executed copy")]
    text = copies.text_hash(nbformat.read(book.source("01_a"), as_version=4))
    entry = {**render.inputs(book, "01_a", {}), "text": text, "copy": "0"}
    book.manifest.write_text(json.dumps({"01_a": entry, "02_gone": {}}))
    book.copy("01_a").parent.mkdir()
    book.copy("01_a").write_text("edited")
    assert list(render.stale(book)) == [
        (True, "01_a: copy is not that of its run"),
        (True, "02_gone: in the manifest, but there is no such notebook"),
    ]


def test_cleaning_drops_noise_and_names_the_rest(tmp_path):
    noise = "2026-01-01 10:00:00.1: I tensorflow/core/x.cc:1] hello\n"
    outputs = [
        new_output("stream", name="stderr", text=f"{noise}UserWarning: look here\n"),
        new_output("stream", name="stdout", text=f"\x1b[31mred\x1b[0m {tmp_path}/a\n"),
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}),
        new_output("display_data", {"image/png": "aGVsbG8="}),
    ]
    cell = new_code_cell("1", outputs=outputs, metadata={"papermill": {"duration": 1}})
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}})
    assert copies.clean(notebook, tmp_path) == ["UserWarning: look here"]
    text, image = notebook.cells[0].outputs
    assert text.text == "red a\n"
    assert image.data == {"image/png": "aGVsbG8="}
    assert not cell.metadata
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_the_command_line_never_replaces_the_sources():
    command = [sys.executable, render.__file__, "run", "--out", str(render.ROOT), "99"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--out is the repository" in done.stderr


def test_the_command_line_names_the_notebooks_there_are():
    command = [sys.executable, render.__file__, "run", "99"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no notebook '99'" in done.stderr


def test_changed_prose_is_renewed_without_a_run(book):
    add_notebook(book, "01_story")
    render.run(book, "01_story", {"PROFILE": "cpu"})
    before = nbformat.read(book.copy("01_story"), as_version=4)
    source = nbformat.read(book.source("01_story"), as_version=4)
    source.cells[0].source = source.cells[0].source + "\n\nA better word."
    source.cells.append(nbformat.v4.new_markdown_cell("The end.", id="the-end"))
    nbformat.write(source, book.source("01_story"))
    assert [urgent for urgent, text in render.stale(book) if "text" in text] == [True]
    assert render.renew_text(book, "01_story")
    assert not render.renew_text(book, "01_story")
    after = nbformat.read(book.copy("01_story"), as_version=4)
    assert "A better word." in after.cells[0].source
    assert "Last run on" in after.cells[0].source
    assert after.cells[-1].source == "The end."
    assert [c for c in after.cells if c.cell_type == "code"] == [
        c for c in before.cells if c.cell_type == "code"
    ]
    assert not [text for urgent, text in render.stale(book) if urgent]


def test_an_edited_copy_is_not_renewed_but_named(book):
    add_notebook(book, "01_a")
    render.run(book, "01_a", {"PROFILE": "cpu"})
    edited = book.copy("01_a").read_text().replace("01_a", "better")
    book.copy("01_a").write_text(edited)
    assert not render.renew_text(book, "01_a")
    assert book.copy("01_a").read_text() == edited
    assert any(urgent for urgent, _ in render.stale(book))


def test_the_injected_parameters_follow_those_of_the_source():
    given = {"tags": ["parameters"]}
    prose = new_markdown_cell("Words.")
    source = new_notebook(cells=[new_code_cell("A = 1", metadata=given), prose])
    source.cells.append(new_code_cell("print(A)"))
    injected = new_code_cell("A = 2", metadata={"tags": ["injected-parameters"]})
    first, words, last = source.cells
    copy = new_notebook(cells=[first, words, injected, last])
    renewed = copies.with_text(source, copy)
    assert [cell.source for cell in renewed.cells] == [
        "A = 1",
        "A = 2",
        "Words.",
        "print(A)",
    ]
    assert copies.parameters(renewed) == {"A": 2}


def test_the_first_lines_say_what_was_run_on_what():
    badge = "[![Open it](https://else.where/badge.svg)](https://colab/01.ipynb)"
    entry = {
        "date": "2017-03-20",
        "seconds": 600,
        "environment": {"device": "abacus", "keras": "3.1", "numpy": "2.0"},
        "commit": "0123456789 with changes",
    }
    values = {"PROFILE": "cpu", "SEED": 7}
    text = copies.head(f"# Title\n\n{badge}", values, entry)
    assert text.startswith("# Title\n\n[Open it](https://colab/01.ipynb)\n\n*Last run")
    facts = "2017-03-20 `cpu` seed+7 10+min+on+abacus; Keras+3.1; commit+0123456789"
    assert all(fact.replace("+", " ") in text for fact in facts.split())
    bare = copies.head("# Title", {}, {**entry, "environment": {}, "commit": ""})
    assert "10 min on an unknown device. The" in bare
    for seconds, lasted in ((59, "59 s"), (60, "1 min"), (89, "1 min"), (91, "2 min")):
        assert f": {lasted} on" in copies.head("", {}, {**entry, "seconds": seconds})


def test_the_commit_is_named_with_what_has_changed_since(tmp_path):
    def git(*words: str) -> str:
        settings = "user.name=A", "user.email=a@example.org", "commit.gpgSign=false"
        options = [word for setting in settings for word in ("-c", setting)]
        command = ["git", "-C", str(tmp_path), *options, *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout

    assert copies.commit(tmp_path, ["read"]) == ""
    git("init", "--quiet")
    assert copies.commit(tmp_path, ["read"]) == ""  # no commit yet
    (tmp_path / "read").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    head = git("rev-parse", "HEAD")
    assert head.startswith(copies.commit(tmp_path, ["read"]))
    (tmp_path / "other").write_text("1")
    assert "changes" not in copies.commit(tmp_path, ["read"])
    (tmp_path / "read").write_text("2")
    assert copies.commit(tmp_path, ["read"]) == f"{head[:10]} with changes"


def test_changed_code_is_not_taken_for_prose(book):
    add_notebook(book, "01_story")
    render.run(book, "01_story", {"PROFILE": "cpu"})
    source = nbformat.read(book.source("01_story"), as_version=4)
    source.cells[-1].source += "\nprint('more')"
    nbformat.write(source, book.source("01_story"))
    assert not render.renew_text(book, "01_story")
    assert any(urgent for urgent, _ in render.stale(book))


@pytest.mark.parametrize("damage", ["not JSON", None])
def test_a_damaged_copy_is_made_anew(book, damage):
    add_notebook(book, "01_a")
    render.run(book, "01_a", {"PROFILE": "cpu"})
    whole, copy = book.copy("01_a").read_text(), book.copy("01_a")
    copy.unlink()
    if damage == "not JSON":
        copy.write_text(whole[: len(whole) // 2])
    assert any(urgent for urgent, _ in render.stale(book))
    assert render.run(book, "01_a", {"PROFILE": "cpu"})
    assert nbformat.reads(copy.read_text(), as_version=4).cells
    assert not list(render.stale(book))


TRAIN = (
    WRITE
    + """
(folder / "shapes.h5").write_text(PROFILE)"""
)


def test_other_weights_of_a_parent_renew_its_child(book):
    add_notebook(book, "01_a", TRAIN)
    add_notebook(book, "02_b", reads=["outputs/01_a/*.h5"])
    given = {"PROFILE": "cpu"}
    assert render.run(book, "02_b", given)  # before its parent: from what is shipped
    assert render.run(book, "01_a", given)
    assert list(render.stale(book)) == [
        (True, "02_b: outputs/01_a/*.h5 is not that of its run")
    ]
    assert render.run(book, "02_b", given)
    assert not render.run(book, "02_b", given)

    source = book.source("01_a")
    source.write_text(source.read_text().replace("print(", "print(1, "))
    assert render.run(book, "01_a", given)
    assert not render.run(book, "02_b", given)  # the weights came out the same
    source.write_text(source.read_text().replace("_text(PROFILE)", "_text('other')"))
    assert render.run(book, "01_a", given)
    assert render.run(book, "02_b", given)

    (book.results("01_a") / "shapes.h5").write_text("by hand")
    assert not list(render.stale(book))  # which compares what is committed
    assert render.run(book, "01_a", given)
    assert not render.run(book, "02_b", given)


def test_a_chapter_interrupted_under_another_seed_begins_anew(book):
    """Its folder, with the checkpoint, belonged to the other seed."""
    train = """\
import pathlib
folder = pathlib.Path("..") / OUTPUT_DIR
checkpoint = folder / "training" / "checkpoint.h5"
print("resumed" if checkpoint.exists() else "from the start")
checkpoint.parent.mkdir(parents=True, exist_ok=True)
checkpoint.write_text("x")
if pathlib.Path("../stop").exists():
    raise SystemExit("interrupted")
(folder / "metrics.json").write_text("{}")"""
    add_notebook(book, "01_a", train)
    stop = book.root / "stop"

    def printed(first: dict, parameters: dict) -> str:
        stop.touch()
        with pytest.raises(runner.NotebookError):
            render.run(book, "01_a", first)
        stop.unlink()
        render.run(book, "01_a", parameters)
        copy = nbformat.read(book.copy("01_a"), as_version=4)
        return copy.cells[-1].outputs[0].text.strip()

    assert printed({"SEED": 1}, {"SEED": 0}) == "from the start"
    assert printed({"SEED": 1}, {"SEED": 1}) == "resumed"
    assert printed({"SEED": 2}, {"SEED": 2, "EPOCHS": 2}) == "from the start"


def test_what_an_interrupted_run_took_counts_too(book):
    add_notebook(book, "01_a")
    wanted = render.inputs(book, "01_a", {"PROFILE": "cpu"})
    chapters.record(book.results("01_a"), wanted, 1000)
    assert render.run(book, "01_a", {"PROFILE": "cpu"})
    assert 1000 < book.entries()["01_a"]["seconds"] < 1100


def test_weights_are_not_removed_by_the_run_that_starts_from_them(book):
    add_notebook(book, "01_a", TRAIN)
    render.run(book, "01_a", {})
    given = {"WEIGHTS": "../outputs/01_a/shapes.h5"}
    with pytest.raises(runner.NotebookError, match=r"shapes\.h5 lies in .* move it"):
        render.run(book, "01_a", given)
    assert (book.results("01_a") / "shapes.h5").exists()


def test_prose_that_changes_while_it_runs_is_not_taken_for_the_copys(book):
    change = """
source = pathlib.Path("01_a.ipynb")
source.write_text(source.read_text().replace("# 01_a", "# Another title"))"""
    add_notebook(book, "01_a", WRITE + change)
    render.run(book, "01_a", {})
    assert (True, "01_a: text is not that of its run") in render.stale(book)


def test_an_entry_without_its_facts_is_of_no_run(book):
    add_notebook(book, "01_a")
    book.manifest.write_text('{"01_a": {}}')
    book.copy("01_a").parent.mkdir()
    book.copy("01_a").write_text("")
    assert any(urgent for urgent, _ in render.stale(book))
    assert render.run(book, "01_a", {})


def test_two_runners_at_once_run_a_notebook_once(book):
    add_notebook(book, "01_a", WRITE + "\nimport time; time.sleep(1)")
    code = """
import sys, pathlib, render
root = pathlib.Path(sys.argv[1])
render.run(render.Book(root, root / "book"), "01_a", {})"""
    path = [str(Path(render.__file__).parent), str(render.ROOT)]
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {path}{code}"]
    both = [
        subprocess.Popen([*command, str(book.root)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert sum("finished in" in text for text in said) == 1
    assert sum("waiting for it" in text and "up to date" in text for text in said) == 1
