"""What is done, a line a run, in a file that no crash and no second study spoils."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mrcnn.files import hold, sync_folder

COMMON = ("images", "checkpoint")
"""Fields in which all runs of a ledger agree: else their numbers cannot be compared."""


class Ledger:
    """Results by key, as JSON lines; a run is on the disk when `add` returns.

    Processes may add to one file at the same time: it is held while it is read or
    written, and lines are only ever appended. Of two results of one key the later
    counts. A last line that a crash cut off is left out, and goes with the next `add`.
    """

    def __init__(self, path: str | Path) -> None:
        """Read what is there; a file that does not exist yet is an empty ledger.

        Raises:
            ValueError: names file and line, if one is no result.
        """
        self.path = Path(path)
        self.results: dict[str, dict[str, Any]] = {}
        self.read()

    def read(self) -> None:
        """Read what is there now, and so what other processes added.

        Raises:
            ValueError: names file and line, if one is no result.
        """
        if self.path.is_file():
            with open(self.path, "rb") as file:
                hold(file, shared=True)
                if self._take(file.read()):
                    print(
                        f"{self.path}: the last line was not written to its end, and "
                        "is left out; its run is done again."
                    )

    def _take(self, content: bytes) -> int:
        """Take up all results; return how many bytes at the end are none."""
        *lines, last = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                self._take_line(line)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(
                    f"{self.path}, line {number} is no result of the study "
                    f"({type(error).__name__}: {error}); delete the line, and its run "
                    "is done again."
                ) from None
        try:
            if last:
                self._take_line(last)
        except (ValueError, KeyError, TypeError, RecursionError):
            return len(last)
        return 0

    def _take_line(self, line: bytes) -> None:
        result = json.loads(line)
        self.results[result["key"]] = result

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Return which keys have no result yet, in the order given."""
        return [key for key in keys if key not in self.results]

    def others(self, field: str, value: Any) -> list[str]:
        """Return what a field is in results that know it, where it is not `value`."""
        known = {r[field] for r in self.results.values() if field in r}
        return sorted(known - {value})

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Append a result to the file.

        Raises:
            ValueError: if the file has become another study's meanwhile, or a line of
                it is no result; nothing is written.
            OSError: names the file, if it cannot be written, such as on a full disk.
        """
        line = json.dumps({"key": key, **result}).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._append(line, result)
        except OSError as error:
            error.filename = error.filename or str(self.path)  # a full disk names none
            raise
        sync_folder(self.path.parent)
        self._take_line(line)

    def _append(self, line: bytes, result: dict[str, Any]) -> None:
        """Write a line at the end of all that is whole; see `add`."""
        with open(self.path, "a+b") as file:
            hold(file)
            file.seek(0)
            content = file.read()
            whole = len(content) - self._take(content)
            for field in COMMON:
                if field in result and (others := self.others(field, result[field])):
                    raise ValueError(
                        f"{self.path} holds runs whose {field} is {', '.join(others)}, "
                        f"not {result[field]}: give the two studies a ledger each."
                    )
            file.truncate(whole)
            if content[:whole] and not content[:whole].endswith(b"\n"):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
