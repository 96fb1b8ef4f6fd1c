"""Run the notebooks with papermill and keep the executed copies that the book shows.

    python book/render.py run [--profile cpu] [--out DIR] [-p NAME=VALUE] [NAME ...]
    python book/render.py check [--strict]
    python book/render.py list

A notebook that has finished on this machine is not run again unless something that it
depends on has changed: its source, the package and its data, the locked requirements,
the profile or another parameter. A copy and its entry in the manifest (outputs.json)
are written only when a notebook has run to its end, so that an interrupted run loses no
more than the notebook it was in.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

from mrcnn.files import atomic_path

import copies
from runner import NotebookError, cell_timeout, execute, follow

LARGEST_COPY = 2_000_000  # bytes; larger ones fail to open on code-hosting sites
INPUTS = ("mrcnn", "datasets", "requirements.txt")
PARENTS = "uses"  # notebook metadata: the notebooks whose results this one starts from


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

    def copy(self, name: str) -> Path:
        """The executed notebook."""
        return self.out / "notebooks" / f"{name}.ipynb"

    def results(self, name: str) -> Path:
        """The folder that the notebook writes to."""
        own = self.out == self.root / "book"
        return (self.root if own else self.out) / "outputs" / name

    def names(self) -> list[str]:
        """Every notebook, in order."""
        return sorted(path.stem for path in (self.root / "notebooks").glob("*.ipynb"))

    def entries(self) -> dict[str, dict[str, Any]]:
        """The manifest's entries by notebook."""
        return json.loads(self.manifest.read_text()) if self.manifest.exists() else {}


def inputs(book: Book, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a notebook's result depends on, as hashes and values."""
    notebook = nbformat.read(book.source(name), as_version=4)
    parents = [
        copies.code_hash(nbformat.read(book.source(parent), as_version=4))
        for parent in notebook.metadata.get(PARENTS, [])
    ]
    return {
        "source": "-".join([copies.code_hash(notebook), *parents]),
        "package": copies.tree_hash(book.root),
        "lock": copies.file_hash(book.root / "requirements.txt"),
        "parameters": dict(parameters),
    }


def run(book: Book, name: str, parameters: Mapping[str, Any]) -> bool:
    """Run a notebook unless its results are up to date; return whether it ran.

    Raises:
        NotebookError: if it fails; what it had computed is then in NAME.failed.ipynb.
    """
    renew_text(book, name)
    wanted = inputs(book, name, parameters)
    if _finished(book, name, wanted):
        print(f"{name}: up to date", flush=True)
        return False
    partial = book.results(name).with_suffix(".partial.ipynb")
    failed = book.results(name).with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    metrics = book.results(name) / "metrics.json"
    metrics.unlink(missing_ok=True)  # an earlier run's must not pass for this one's
    values = dict(parameters)
    if book.out != book.root / "book":
        values["OUTPUT_DIR"] = str(book.results(name))
    read = (*INPUTS, f"notebooks/{name}.ipynb")
    wanted["commit"] = copies.commit(book.root, read)
    start = time.monotonic()
    try:
        cells = len(nbformat.read(book.source(name), as_version=4).cells)
        log = execute(book.source(name), partial, values, timeout=cell_timeout(values))
        follow(name, log, cells + 1)  # papermill adds the cell of parameters
        seconds = round(time.monotonic() - start)
        _publish(book, name, partial, wanted, seconds)
    except NotebookError as error:
        if partial.exists():
            os.replace(partial, failed)
        raise NotebookError(f"{error}\n\nKept as {failed}") from None
    partial.unlink()
    print(f"{name}: finished in {seconds} s", flush=True)
    return True


def _finished(book: Book, name: str, wanted: Mapping[str, Any]) -> bool:
    """Say if the copy is made from `wanted` and its results are on this machine."""
    entry = book.entries().get(name, {})
    same = all(entry.get(key) == value for key, value in wanted.items())
    files = (book.copy(name), book.results(name) / "metrics.json")
    return same and all(path.exists() for path in files)


def _publish(
    book: Book, name: str, executed: Path, wanted: Mapping[str, Any], seconds: int
) -> None:
    """Write the cleaned copy and its manifest entry."""
    metrics = book.results(name) / "metrics.json"
    if not metrics.exists():
        raise NotebookError(f"{name}: it ran, but left no {metrics}; call `finish`.")
    facts = book.results(name) / "environment.json"
    entry = {
        **wanted,
        "text": _text(book, name),
        "metrics": json.loads(metrics.read_text()),
        "environment": json.loads(facts.read_text()) if facts.exists() else {},
        "seconds": seconds,
        "date": datetime.now(UTC).date().isoformat(),
    }
    notebook = nbformat.read(executed, as_version=4)
    entry["stderr"] = copies.clean(notebook, book.root)
    for line in entry["stderr"]:
        print(f"{name}: left out of the copy, from stderr: {line}", flush=True)
    _write(book, name, notebook, entry)


def _write(
    book: Book, name: str, notebook: nbformat.NotebookNode, entry: dict[str, Any]
) -> None:
    """Write a copy and its manifest entry."""
    text = _dressed(notebook, entry)
    if len(text) > LARGEST_COPY:
        cell, size = copies.largest_cell(notebook)
        raise NotebookError(
            f"{name}: the copy has {len(text)} bytes, more than {LARGEST_COPY}; "
            f"cell {cell} alone shows {size}. Show fewer or smaller pictures."
        )
    with atomic_path(book.copy(name)) as path:
        path.write_text(text)
    entry["copy"] = copies.file_hash(book.copy(name))
    with atomic_path(book.manifest) as path:
        entries = book.entries() | {name: entry}
        path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")


def _dressed(notebook: nbformat.NotebookNode, entry: Mapping[str, Any]) -> str:
    """Return a copy as it is kept: with the facts of its run below its title."""
    first, *rest = notebook.cells
    source = copies.head(first.source, copies.parameters(notebook), entry)
    cells = [nbformat.from_dict({**first, "source": source}), *rest]
    return nbformat.writes(nbformat.from_dict({**notebook, "cells": cells})) + "\n"


def _text(book: Book, name: str) -> str:
    return copies.text_hash(nbformat.read(book.source(name), as_version=4))


def renew_text(book: Book, name: str) -> bool:
    """Bring changed prose and captions into a copy; return whether there were any.

    Only where the code is still the same: its outputs are then those of the source. A
    copy that was edited by hand is left for `stale` to name.
    """
    entry = book.entries().get(name)
    if entry is None or not book.copy(name).exists():
        return False
    same_code = inputs(book, name, entry["parameters"])["source"] == entry["source"]
    if not same_code or copies.file_hash(book.copy(name)) != entry["copy"]:
        return False
    source = nbformat.read(book.source(name), as_version=4)
    copy = nbformat.read(book.copy(name), as_version=4)
    renewed = copies.with_text(source, copy)
    entry["text"] = _text(book, name)
    if _dressed(renewed, entry) == book.copy(name).read_text():
        return False
    _write(book, name, renewed, entry)
    print(f"{name}: its text was renewed", flush=True)
    return True


def stale(book: Book) -> Iterator[tuple[bool, str]]:
    """Yield what is wrong with the committed copies, and whether it must be mended now.

    A copy that is missing, edited by hand or made from another source shows readers
    something else than the repository holds. A change of the package or of a version
    may leave the results as they are, so it is only named.
    """
    entries = book.entries()
    for name in book.names():
        entry = entries.get(name)
        if entry is None or not book.copy(name).exists():
            yield True, f"{name}: there is no executed copy"
            continue
        now = inputs(book, name, entry["parameters"])
        if copies.file_hash(book.copy(name)) != entry["copy"]:
            yield True, f"{name}: the executed copy was changed after its run"
        if entry["text"] != _text(book, name):
            yield True, f"{name}: the text has changed since its run"
        for key in ("source", "package", "lock"):
            if now[key] != entry[key]:
                yield key == "source", f"{name}: the {key} has changed since its run"
    for name in sorted(entries.keys() - set(book.names())):
        yield True, f"{name}: in the manifest, but there is no such notebook"


def _chosen(book: Book, wanted: list[str]) -> list[str]:
    """Return the notebooks whose names begin as was asked for; all by default."""
    names = book.names()
    for prefix in wanted:
        if not any(name.startswith(prefix) for name in names):
            sys.exit(f"There is no notebook {prefix!r}; there are: {', '.join(names)}")
    return [name for name in names if not wanted or name.startswith(tuple(wanted))]


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, yaml.safe_load(value)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="run notebooks whose inputs have changed")
    runner.add_argument("names", nargs="*", help="beginnings of names; default: all")
    runner.add_argument("--profile", default="cpu", help="smoke, cpu (default) or full")
    runner.add_argument("--out", type=Path, help="folder for everything a run makes")
    runner.add_argument("-p", dest="parameters", type=_parameter, action="append")
    checker = commands.add_parser("check", help="compare the copies with their inputs")
    checker.add_argument("--strict", action="store_true", help="fail on any change")
    commands.add_parser("text", help="bring changed prose and captions into the copies")
    commands.add_parser("list", help="list the notebooks and what is known of each")
    return parser.parse_args()


def main() -> int:
    """Do what the command line asks; return the exit status."""
    options, book = _arguments(), Book()
    if options.command == "run":
        book = Book(out=options.out.resolve()) if options.out else book
        parameters = {"PROFILE": options.profile, **dict(options.parameters or ())}
        for name in _chosen(book, options.names):
            run(book, name, parameters)
    elif options.command == "text":
        for name in book.names():
            renew_text(book, name)
    elif options.command == "check":
        found = list(stale(book))
        print("\n".join(text for _, text in found) or "Every copy is up to date.")
        return int(any(urgent or options.strict for urgent, _ in found))
    else:
        for name in book.names():
            entry = book.entries().get(name, {})
            print(f"{name}: {entry.get('seconds', '?')} s on {entry.get('date', '?')}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotebookError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        print("\nInterrupted. The same command continues after the finished notebooks.")
        sys.exit(130)
