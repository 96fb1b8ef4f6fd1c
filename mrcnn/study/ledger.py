"""What is done, one line a run, in a file that an interruption cannot spoil."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mrcnn.files import atomic_path


class Ledger:
    """Results by key, as JSON lines; written whole after every run."""

    def __init__(self, path: str | Path) -> None:
        """Read what is there; a file that does not exist yet is an empty ledger.

        Raises:
            ValueError: names file and line, if one is no result.
        """
        self.path = Path(path)
        self.results: dict[str, dict[str, Any]] = {}
        if not self.path.is_file():
            return
        for number, line in enumerate(self.path.read_text().splitlines(), start=1):
            try:
                result = json.loads(line)
                self.results[result["key"]] = result
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{self.path}, line {number} is no result of the study ({error}); "
                    "delete the line, and its run is done again."
                ) from None

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Return which keys have no result yet, in the order given."""
        return [key for key in keys if key not in self.results]

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Add a result and write the file."""
        self.results[key] = {"key": key, **result}
        with atomic_path(self.path) as temporary:
            temporary.write_text(
                "".join(json.dumps(r) + "\n" for r in self.results.values())
            )
