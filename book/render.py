"""Run the notebooks with papermill and keep the executed copies that the book shows.

    python book/render.py run [--profile cpu] [--out DIR] [-p NAME=VALUE] [NAME ...]
    python book/render.py check [--strict]
    python book/render.py list

A notebook that has finished on this machine is not run again unless its copy or its
weights are not what it left, or something that it depends on has changed: its source,
the package, the locked requirements, the profile or another parameter, and what its
metadata name under "reads": files of the repository and weights of other notebooks.
A copy and its entry in the manifest (outputs.json) are written only when a notebook has
run to its end. An interrupted one goes on from its results if nothing of that has
changed; see `chapters`.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

from mrcnn.files import atomic_path, locked

import chapters
import copies
from chapters import METRICS, PACKAGE, WEIGHTS, Book, inputs
from runner import NotebookError, cell_timeout, execute, follow

LARGEST_COPY = 2_000_000  # bytes; larger ones fail to open on code-hosting sites


def run(book: Book, name: str, parameters: Mapping[str, Any]) -> bool:
    """Run a notebook unless its results are up to date; return whether it ran.

    Of two processes that want the same one, the second waits for the first.

    Raises:
        NotebookError: if it fails; what it had computed is then in NAME.failed.ipynb.
            If it is to start from weights in the folder that a run empties.
    """
    given = chapters.given(book, parameters)
    if given.is_relative_to(book.results(name).resolve()):
        raise NotebookError(
            f"{name}: {given} lies in the folder that a run empties: move it elsewhere."
        )
    with locked(book.results(name)):
        renew_text(book, name)
        wanted = inputs(book, name, parameters)
        if _finished(book, name, wanted):
            print(f"{name}: up to date", flush=True)
            return False
        partial = book.results(name).with_suffix(".partial.ipynb")
        failed = book.results(name).with_suffix(".failed.ipynb")
        failed.unlink(missing_ok=True)
        read = (*PACKAGE, "requirements.txt", f"notebooks/{name}.ipynb", *wanted)
        facts = {
            "commit": copies.commit(book.root, read),
            "text": copies.text_hash(book.read(name)),
        }
        try:
            seconds = _execute(book, name, partial, wanted)
            _publish(book, name, partial, wanted | facts, seconds)
        except NotebookError as error:
            if partial.exists():
                os.replace(partial, failed)
            raise NotebookError(f"{error}\n\nKept as {failed}") from None
        partial.unlink()
    print(f"{name}: finished in {seconds} s", flush=True)
    return True


def _finished(book: Book, name: str, wanted: Mapping[str, Any]) -> bool:
    """Say if copy and results are still what a run with `wanted` left here."""
    entry = book.entries().get(name, {})
    copy = copies.file_hash(book.copy(name))
    now = {**wanted, "copy": copy, "weights": book.hash(WEIGHTS.format(name))}
    same = all(entry.get(key) == value for key, value in now.items())
    return same and (book.results(name) / METRICS).exists()


def _execute(book: Book, name: str, executed: Path, wanted: Mapping[str, Any]) -> int:
    """Run a notebook, or go on with it; return how many seconds it took in all."""
    values = dict(wanted["parameters"])
    if book.out != book.root / "book":
        values["OUTPUT_DIR"] = str(book.results(name))
    cells = len(book.read(name).cells) + 1  # papermill adds the cell of parameters
    start = time.monotonic() - chapters.take_over(book.results(name), wanted)
    log = execute(book.source(name), executed, values, timeout=cell_timeout(values))
    try:
        with closing(log):
            follow(name, log, cells)
    finally:
        seconds = round(time.monotonic() - start)
        chapters.record(book.results(name), wanted, seconds)
    return seconds


def _publish(
    book: Book, name: str, executed: Path, wanted: Mapping[str, Any], seconds: int
) -> None:
    """Write the cleaned copy and its manifest entry."""
    metrics = book.results(name) / METRICS
    if not metrics.exists():
        raise NotebookError(f"{name}: it ran, but left no {metrics}; call `finish`.")
    facts = book.results(name) / "environment.json"
    entry = {
        **wanted,
        "weights": book.hash(WEIGHTS.format(name)),
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
    text = copies.dressed(notebook, entry)
    if len(text) > LARGEST_COPY:
        cell, size = copies.largest_cell(notebook)
        raise NotebookError(
            f"{name}: the copy has {len(text)} bytes, more than {LARGEST_COPY}; "
            f"cell {cell} alone shows {size}. Show fewer or smaller pictures."
        )
    with atomic_path(book.copy(name)) as path:
        path.write_text(text)
    entry["copy"] = copies.file_hash(book.copy(name))
    with locked(book.manifest), atomic_path(book.manifest) as path:
        entries = book.entries() | {name: entry}
        path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")


def renew_text(book: Book, name: str) -> bool:
    """Bring changed prose and captions into a copy; return whether there were any.

    Only where the code is still the same: its outputs are then those of the source. A
    copy that was edited by hand is left for `stale` to name, and for `run` to replace.
    """
    entry, source = book.entries().get(name), book.read(name)
    if entry is None or copies.code_hash(source) != entry.get("source"):
        return False
    if copies.file_hash(book.copy(name)) != entry.get("copy"):
        return False
    renewed = copies.with_text(source, nbformat.read(book.copy(name), as_version=4))
    entry["text"] = copies.text_hash(source)
    if copies.dressed(renewed, entry) == book.copy(name).read_text():
        return False
    _write(book, name, renewed, entry)
    print(f"{name}: its text was renewed", flush=True)
    return True


def stale(book: Book) -> Iterator[tuple[bool, str]]:
    """Yield what is wrong with the committed copies, and whether it must be mended now.

    A copy that is missing, edited by hand or made from another source, other weights or
    other files of `book` shows readers something else than the repository holds. A
    change of the package, of a data set or of a version may leave the results as they
    are, so it is only named.
    """
    entries = book.entries()
    made = {WEIGHTS.format(name): e.get("weights") for name, e in entries.items()}
    for name in book.names():
        if name not in entries or not book.copy(name).exists():
            yield True, f"{name}: there is no executed copy"
            continue
        entry = entries[name]
        now = {
            "copy": copies.file_hash(book.copy(name)),
            "text": copies.text_hash(book.read(name)),
            **inputs(book, name, entry.get("parameters", {})),
        }
        for key, value in now.items():
            # Not every machine has weights; the manifest has those of the copies.
            if entry.get(key) != made.get(key, value):
                urgent = key.startswith(("copy", "text", "source", "book/", "outputs/"))
                yield urgent, f"{name}: {key} is not that of its run"
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
        if book.out == ROOT:
            sys.exit("--out is the repository: its notebooks would go. Name another.")
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
