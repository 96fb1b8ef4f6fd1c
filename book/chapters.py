"""The chapters of the book: where each lies, what it is made from, where it writes.

A chapter's folder of results belongs to the run whose inputs its `inputs.json` holds.
"""

import itertools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from mrcnn.files import atomic_path, read_json

import copies
from runner import ROOT, NotebookError

PACKAGE = ("mrcnn/**/*.py", "mrcnn/checkpoints/*.h5")
READS = "reads"  # notebook metadata: patterns of the other files that it reads
WEIGHTS = "outputs/{}/*.h5"  # what a notebook leaves for those that start from it
RECORD = "inputs.json"
METRICS = "metrics.json"
"""The last that a notebook writes: without it, its run was interrupted."""


class Book(NamedTuple):
    """Where things are: `root` holds the sources, `out` gets what a run makes."""

    root: Path = ROOT
    out: Path = ROOT / "book"

    @property
    def manifest(self) -> Path:
        """The record of what each copy was made from."""
        return self.out / "outputs.json"

    def source(self, name: str) -> Path:
        """The notebook as its author wrote it, without outputs."""
        return self.root / "notebooks" / f"{name}.ipynb"

    def read(self, name: str) -> nbformat.NotebookNode:
        """The content of the source."""
        return nbformat.read(self.source(name), as_version=4)

    def copy(self, name: str) -> Path:
        """The executed notebook."""
        return self.out / "notebooks" / f"{name}.ipynb"

    def results(self, name: str) -> Path:
        """The folder that the notebook writes to."""
        return self._made_in() / "outputs" / name

    def _made_in(self) -> Path:
        return self.root if self.out == self.root / "book" else self.out

    def hash(self, pattern: str) -> str:
        """Hash the files that a pattern of `READS` names."""
        made = pattern.startswith("outputs/")
        return copies.tree_hash(self._made_in() if made else self.root, [pattern])

    def names(self) -> list[str]:
        """Every notebook, in order."""
        return sorted(path.stem for path in (self.root / "notebooks").glob("*.ipynb"))

    def entries(self) -> dict[str, dict[str, Any]]:
        """The manifest's entries by notebook."""
        try:
            return read_json(self.manifest) if self.manifest.exists() else {}
        except ValueError as error:
            raise NotebookError(f"{error} Restore it from the repository.") from None


def inputs(book: Book, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a notebook's result depends on, as hashes and values."""
    notebook = book.read(name)
    return {
        "source": copies.code_hash(notebook),
        "package": copies.tree_hash(book.root, PACKAGE),
        "lock": copies.file_hash(book.root / "requirements.txt"),
        "parameters": dict(parameters),
        "weights given": copies.file_hash(given(book, parameters)),
        **{read: book.hash(read) for read in notebook.metadata.get(READS, ())},
    }


def given(book: Book, parameters: Mapping[str, Any]) -> Path:
    """Return the file that the parameter WEIGHTS names; of "auto" there is none."""
    return (book.root / "notebooks" / str(parameters.get("WEIGHTS", "auto"))).resolve()


def take_over(folder: Path, wanted: Mapping[str, Any]) -> int:
    """Give a folder of results to a run with the inputs `wanted`, before it starts.

    What a run with the same inputs left there stays, and is gone on from. Where the
    last run had others, all that lies there goes. A folder that is of no recorded run,
    such as one of a notebook that was run by hand, is kept under another name.

    Returns:
        The seconds that the run which is gone on from has taken.
    """
    try:
        found = read_json(folder / RECORD)
        owner, seconds = found["inputs"], found["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        owner, seconds = wanted, 0
        if folder.is_file() or any(folder.glob("*")):
            names = (f"{folder.name}.{i}" for i in itertools.count(1))
            other = next(p for p in map(folder.with_name, names) if not p.exists())
            print(f"{folder} is of no recorded run: it is kept as {other.name}.")
            folder.rename(other)
    if owner != wanted:
        for path in folder.iterdir():
            inside = path.is_dir() and not path.is_symlink()
            shutil.rmtree(path) if inside else path.unlink()
    if owner != wanted or (folder / METRICS).exists():
        seconds = 0
    (folder / METRICS).unlink(missing_ok=True)  # must not pass for this run's
    record(folder, wanted, seconds)
    return seconds


def record(folder: Path, inputs: Mapping[str, Any], seconds: int) -> None:
    """Write which run a folder belongs to, and how long that has taken."""
    with atomic_path(folder / RECORD) as path:
        content = {"inputs": dict(inputs), "seconds": seconds}
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
