"""The contract that every notebook keeps, and a short run of each."""

import ast
import itertools
import json
import math
import re
import statistics
from pathlib import Path

import nbformat
import pytest
import yaml

from mrcnn.study.subjects import SUBJECTS

import runner

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COLAB = "https://colab.research.google.com/github"
TYPES = {"PROFILE": str, "SEED": int, "EPOCHS": int, "WEIGHTS": str, "OUTPUT_DIR": str}
OWN = {"your_images": {"DATA": str, "VAL": str, "SIZE": int, "PICTURES": str}}
"""Parameters that one notebook has beside those of all."""
CELL_SECONDS = 240

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    """Read and validate a notebook."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code(path: Path) -> list[nbformat.NotebookNode]:
    """Return the code cells."""
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tagged(path: Path, tag: str) -> list[nbformat.NotebookNode]:
    """Return the code cells with a tag."""
    return [cell for cell in code(path) if tag in cell.metadata.get("tags", [])]


def shows_a_figure(cell: nbformat.NotebookNode) -> bool:
    """Say whether a cell calls the helper that displays figures."""
    return re.search(r"\bshow\(", cell.source) is not None


@each_notebook
def test_the_file_is_a_small_source_without_outputs(path):
    assert path.stat().st_size < 100_000
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata
    for cell in code(path):
        assert cell.execution_count is None
        assert not cell.outputs


@each_notebook
def test_one_title_and_a_badge_that_opens_this_notebook(path):
    cells = read(path).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(re.findall(r"(?m)^# ", prose)) == 1
    assert re.search(r"(?m)^# ", cells[0].source)
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    owner = repository["url"].removeprefix("https://github.com/")
    name = f"notebooks/{path.name}"
    assert f"{COLAB}/{owner}/blob/{repository['branch']}/{name}" in cells[0].source
    cloned = re.findall(
        r'(?m)^REPOSITORY = "(.*)"$', "\n".join(c.source for c in cells)
    )
    assert cloned == [repository["url"]]


@each_notebook
def test_headings_skip_no_level(path):
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    levels = [len(m) for m in re.findall(r"(?m)^(#+) ", "\n".join(prose))]
    skips = [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1]
    assert not skips


@each_notebook
def test_the_parameters_are_those_of_all_notebooks(path):
    (cell,) = tagged(path, "parameters")
    assert cell is code(path)[0] or cell.source == code(path)[0].source
    assert "hide-input" not in cell.metadata.tags
    lines = [line for line in cell.source.splitlines() if not line.startswith("#")]
    # papermill reads no line with a second equals sign, be it in a comment.
    assert all(line.count("=") == 1 for line in lines if line.strip())
    values = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(cell.source).body
    }
    types = {name: type(value) for name, value in values.items()}
    assert types == TYPES | OWN.get(path.stem, {})
    assert values["PROFILE"] == "cpu"
    assert values["OUTPUT_DIR"] == f"outputs/{path.stem}"


@each_notebook
def test_cells_are_many_and_short(path):
    lengths = sorted(
        sum(bool(line.strip()) for line in cell.source.splitlines())
        for cell in code(path)
    )
    assert 20 <= len(lengths) <= 40
    assert statistics.median(lengths) <= 5
    assert lengths[int(0.9 * len(lengths))] <= 12
    assert lengths[-1] <= 20


@each_notebook
def test_cells_hide_nothing(path):
    source = "\n".join(cell.source for cell in code(path))
    assert not re.search(r"(?m)^\s*%%", source), "cell magics can swallow errors"
    assert not re.search(r"\braises-exception\b", json.dumps(read(path)))
    assert not re.search(r"(?m)^\s*[!%]\s*pip install", source)
    assert not re.search(r"""["'](/|~/|[A-Z]:\\)\w""", source), "an absolute path"


@each_notebook
def test_no_cell_ends_by_showing_a_bare_number(path):
    for cell in code(path):
        last = ast.parse(re.sub(r"(?m)^\s*[!%].*$", "pass", cell.source)).body[-1]
        call = last.value if isinstance(last, ast.Expr) else None
        called = call.func if isinstance(call, ast.Call) else None
        assert getattr(called, "id", "") != "record", cell.id


@each_notebook
def test_the_logic_is_in_the_package(path):
    cells = [re.sub(r"(?m)^\s*[!%].*$", "pass", cell.source) for cell in code(path)]
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell))]
    assert not any(isinstance(node, ast.ClassDef) for node in nodes)
    assert sum(isinstance(node, ast.FunctionDef) for node in nodes) <= 2
    imported = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    private = [a.name for node in imported for a in node.names if a.name[0] == "_"]
    assert not private


@each_notebook
def test_every_figure_has_a_caption_and_a_text_for_who_cannot_see_it(path):
    figures = [cell for cell in code(path) if shows_a_figure(cell)]
    assert figures
    for cell in figures:
        assert len(re.findall(r"\bshow\(", cell.source)) == 1
        about = cell.metadata.get("mystnb", {})
        alt, caption = about["image"]["alt"], about["figure"]["caption"]
        assert len(alt) >= 40
        assert alt != caption
        assert about["figure"]["name"].startswith("fig-")


# What a cell calls to name files of the repository, and the files that it so names.
NAMED = {
    "frontier_path()": {"book/results/frontier.json"},
    "ledger_path()": {"book/results/study_compact_test.jsonl"},
    "ledger_path(subject)": {f"book/results/study_{s}_test.jsonl" for s in SUBJECTS},
    "find_photographs(ROOT)": {"datasets/balloon/**/*"},
}
NAMING = {call.partition("(")[0] for call in NAMED}


def files_read(path: Path) -> set[str]:
    """Return the patterns of the files that the code reads, beside the package's own.

    They begin at ROOT, or beside OUT for what another notebook left.
    """
    source = "\n".join(cell.source for cell in code(path))
    found = set()
    for joined in re.findall(r'\bROOT((?: / "[^"]+")+)', source):
        found.add("/".join(re.findall(r'"([^"]+)"', joined)))
    for parent in re.findall(
        r'\bOUT\.parent / "(\w+)" / f"\w+_\{PROFILE\}\.h5"', source
    ):
        found.add(f"outputs/{parent}/*.h5")
    for call in re.findall(rf"\b(?:{'|'.join(NAMING)})\([^)]*\)", source):
        found |= NAMED[call]
    return found


@each_notebook
def test_what_a_notebook_reads_is_declared_and_so_renews_it(path):
    assert read(path).metadata.get("reads", []) == sorted(files_read(path))
    source = "\n".join(cell.source for cell in code(path))
    assert source.count("OUT.parent") == len(
        re.findall(r"(?m)^trained = OUT\.pa", source)
    )
    assert "__file__" not in source


def test_every_function_that_names_files_of_the_repository_is_known():
    naming = {
        node.name
        for path in (ROOT / "mrcnn").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and re.search(r"\bROOT / |\(root\) / ", ast.unparse(node))
    }
    # Programs of their own, and weights that the study trains.
    assert naming - {"main", "embedded", "checkpoint_path"} == NAMING
    assert "checkpoint_path" not in "".join(path.read_text() for path in NOTEBOOKS)


@each_notebook
def test_results_are_recorded_at_the_end(path):
    assert "finish(OUTPUT_DIR)" in code(path)[-1].source


def test_names_of_figures_and_results_are_unique_in_the_book():
    figures, results = [], []
    for path in NOTEBOOKS:
        for cell in code(path):
            if name := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"):
                figures.append(name)
            results += re.findall(r"\brecord\(\s*[\"']([^\"']+)", cell.source)
    assert sorted(set(figures)) == sorted(figures)
    assert sorted(set(results)) == sorted(results)


@pytest.mark.notebook
@pytest.mark.slow
@each_notebook
def test_it_runs_alone_under_profile_smoke(path, tmp_path):
    parameters = {"PROFILE": "smoke", "OUTPUT_DIR": str(tmp_path / "results")}
    executed = tmp_path / "executed.ipynb"
    for _ in runner.execute(path, executed, parameters, timeout=CELL_SECONDS):
        pass
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    assert metrics
    # null is a change from a network that, so little trained, found nothing
    numbers = [v for v in metrics.values() if not isinstance(v, str | None)]
    assert numbers
    assert all(math.isfinite(value) for value in numbers)
    figures = [cell for cell in code(executed) if shows_a_figure(cell)]
    for cell in figures:
        kinds = [set(output.get("data", {})) for output in cell.outputs]
        assert sum(bool(k & {"image/png", "image/jpeg"}) for k in kinds) == 1
