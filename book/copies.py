"""Executed copies of notebooks: what they are made from, and their cleaning."""

import ast
import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# What TensorFlow and its libraries write while they load, with no way to say no.
NATIVE_NOISE = re.compile(
    r"(WARNING: All log messages before absl::InitializeLog|[IWE]0000 |"
    r"\d{4}-\d\d-\d\d .*(tensorflow|xla|tsl)/|To enable the following instructions)"
)
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
LANGUAGE = {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"}
INJECTED = "injected-parameters"  # papermill's tag
BADGE = re.compile(r"\[!\[(.*?)\]\(.*?\)\](?=\()")  # a picture that is a link


def code_hash(notebook: nbformat.NotebookNode) -> str:
    """Hash what outputs depend on: the code cells and their tags, in order."""
    cells = [
        (cell.source, cell.metadata.get("tags", []))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source
    ]
    return _hash(json.dumps(cells, sort_keys=True).encode())


def text_hash(notebook: nbformat.NotebookNode) -> str:
    """Hash all that an author writes: each cell's type, metadata and source."""
    cells = [
        (cell.cell_type, cell.source, cell.metadata)
        for cell in notebook.cells
        if cell.source
    ]
    return _hash(json.dumps(cells, sort_keys=True).encode())


def with_text(
    source: nbformat.NotebookNode, copy: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return a copy's outputs under the prose, captions and order of a source.

    The two have the same code cells; papermill's follows the cell of parameters.
    """
    executed = [cell for cell in copy.cells if cell.cell_type == "code"]
    renewed = nbformat.from_dict({**copy, "cells": []})
    for cell in source.cells:
        if cell.cell_type != "code":
            renewed.cells.append(nbformat.from_dict(cell))
            continue
        ran = executed.pop(0)
        ran.metadata = nbformat.from_dict(cell.metadata)
        renewed.cells.append(ran)
        while executed and INJECTED in executed[0].metadata.get("tags", []):
            renewed.cells.append(executed.pop(0))
    return renewed


def parameters(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Return the values of the parameters, also of those that the run was given."""
    values = {}
    for cell in notebook.cells:
        if {"parameters", INJECTED} & set(cell.metadata.get("tags", [])):
            for line in ast.parse(cell.source).body:
                if isinstance(line, ast.Assign):
                    values[ast.unparse(line.targets[0])] = ast.literal_eval(line.value)
    return values


def commit(root: Path, inputs: Iterable[str]) -> str:
    """Return the commit that a run starts from, and if `inputs` differ from it.

    Inputs are patterns, as those of `tree_hash`. Empty where there is no git, or no
    clone.
    """

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    if not (root / ".git").exists():
        return ""
    try:
        name = git("rev-parse", "--short=10", "HEAD").strip()
        patterns = [*(f":(glob){read}" for read in inputs), ":(glob,exclude)**/.*"]
        changed = git("status", "--porcelain", "--", *patterns)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name} with changes" if changed else name


def head(cell: str, values: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Return a first cell for the book: no badge from elsewhere, and a line on the run.

    Args:
        cell: the source of the first cell.
        values: the parameters of the run.
        entry: what the manifest says of it.
    """
    found = entry["environment"]
    seconds = entry["seconds"]
    lasted = f"{seconds} s" if seconds < 60 else f"{round(seconds / 60)} min"
    names = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras"}
    versions = [f"{name} {found[key]}" for key, name in names.items() if key in found]
    seed = f" and seed {values['SEED']}" if "SEED" in values else ""
    facts = [
        f"{lasted} on {found.get('device', 'an unknown device')}",
        ", ".join(versions),
        f"commit {entry['commit']}" if entry.get("commit") else "",
    ]
    settings = f"profile `{values.get('PROFILE', 'default')}`{seed}"
    run = f"{entry['date']} with {settings}: {'; '.join(filter(None, facts))}"
    cell = BADGE.sub(r"[\1]", cell)
    end = "The numbers on this page are of that run."
    return f"{cell}\n\n*Last run on {run}. {end}*\n"


def dressed(notebook: nbformat.NotebookNode, entry: Mapping[str, Any]) -> str:
    """Return a copy as it is kept: with the facts of its run below its title."""
    first, *rest = notebook.cells
    source = head(first.source, parameters(notebook), entry)
    cells = [nbformat.from_dict({**first, "source": source}), *rest]
    return nbformat.writes(nbformat.from_dict({**notebook, "cells": cells})) + "\n"


def matching(root: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files below `root` that patterns name, such as "mrcnn/**/*.py".

    Left out is what no notebook reads: hidden files, and Python files under names that
    cannot be imported, such as those of copies and conflicts.
    """
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return [
        path
        for path in sorted(found)
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and (path.suffix != ".py" or path.stem.isidentifier())
    ]


def tree_hash(root: Path, patterns: Iterable[str]) -> str:
    """Hash the names and contents of the files that match."""
    lines = [
        f"{path.relative_to(root).as_posix()}\n{file_hash(path)}\n"
        for path in matching(root, patterns)
    ]
    return _hash("".join(lines).encode())


def file_hash(path: Path) -> str:
    """Hash one file's bytes; "" if there is none that can be read."""
    try:
        return _hash(path.read_bytes())
    except OSError:
        return ""


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def clean(notebook: nbformat.NotebookNode, root: Path) -> list[str]:
    """Remove in place what differs from run to run or machine to machine.

    Times, papermill's and widgets' metadata, terminal colours and paths of this machine
    go; the injected parameters stay, folded away. Text on stderr is dropped too: a page
    is no log.

    Returns:
        The lines of stderr that are not the start-up noise of native libraries.
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    )
    dropped: list[str] = []
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        tags = cell.metadata.get("tags", [])
        if INJECTED in tags:
            cell.id = INJECTED  # papermill's is random
            cell.metadata["tags"] = sorted({*tags, "hide-input"})
        if not tags:
            cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            dropped += _stderr(cell)
            cell.outputs = [_neutral(output, root) for output in _kept(cell.outputs)]
    return dropped


def _stderr(cell: nbformat.NotebookNode) -> list[str]:
    text = "".join(o.text for o in cell.outputs if o.get("name") == "stderr")
    lines = (line for line in ANSI.sub("", text).splitlines() if line.strip())
    return [line for line in lines if not NATIVE_NOISE.match(line)]


def _kept(outputs: list[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    for output in outputs:
        widget = any("jupyter.widget" in mime for mime in output.get("data", {}))
        if output.get("name") != "stderr" and not widget:
            yield output


def _neutral(value: Any, root: Path) -> Any:
    """Strip colours and machine paths from every string of an output."""
    if isinstance(value, str):
        value = ANSI.sub("", value)
        for path, name in ((f"{root}/", ""), (str(root), "."), (str(Path.home()), "~")):
            # A home of "/" or the like is part of every path.
            value = value.replace(path, name) if len(path) > 3 else value
        return value
    if isinstance(value, dict):
        for key in value:
            if not str(key).startswith("image/"):  # base64; nothing to find there
                value[key] = _neutral(value[key], root)
        return value
    return (
        [_neutral(item, root) for item in value] if isinstance(value, list) else value
    )


def largest_cell(notebook: nbformat.NotebookNode) -> tuple[int, int]:
    """Return the index of the cell with the most output, and its bytes."""
    sizes = [len(json.dumps(cell.get("outputs", []))) for cell in notebook.cells]
    return max(enumerate(sizes), key=lambda pair: pair[1])


def failure(notebook: nbformat.NotebookNode) -> str:
    """Return the failing cell's source and traceback, or "" if no cell failed."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                trace = ANSI.sub("", "\n".join(output.traceback))
                return f"cell {number}:\n\n{cell.source}\n\n{trace}"
    return ""
