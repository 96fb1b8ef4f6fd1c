"""Annotation files that are damaged at random: each is read, or refused by its name.

`python -m tests.data.readers.mutations 2000` tries so many; the tests try a few.
"""

import copy
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mrcnn.data import open_dataset
from tests.data.readers.coco_sets import content, write

VALUES = (
    None, True, 0, -1, 1.5, 1e300, float("nan"), 10**30, 10**400, "", "x", "\ud800",
    "\0", "../x", "a" * 5000, [], {}, [[]], [None], {"a": 1}, [1, 2, 3, 4],
    [[1, 2, 3, 4]],
)  # fmt: skip
"""What stands in the place of a field."""


def places(node: Any, way: tuple = ()) -> Iterator[tuple]:
    """Yield the way to every value inside parsed JSON."""
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in inner:
        yield (*way, key)
        if isinstance(value, dict | list):
            yield from places(value, (*way, key))


def mutated(made: Any, rng: random.Random) -> bytes:
    """Return JSON with one to three faults: of a value, a field, or the bytes."""
    made = copy.deepcopy(made)
    for _ in range(rng.randint(1, 3)):
        *way, key = rng.choice(list(places(made)))
        holder = made
        for step in way:
            holder = holder[step]
        kind = rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif kind == 1:
            holder[f"{key}2"] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        if not made:
            break
    data = bytearray(json.dumps(made).encode())
    kind = rng.randrange(6)
    if kind == 0:
        del data[rng.randrange(len(data)) :]
    elif kind == 1:
        data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 2:
        place = rng.randrange(len(data))
        data[place:place] = data[place : place + rng.randrange(1, 40)]
    return bytes(data)


def tried(file: Path, data: bytes) -> str:
    """Open damaged JSON in the place of `file`; return what came of it.

    Raises AssertionError if that is an error of another kind, does not name the file,
    takes more than a second, or leaves anything else in the folder.
    """
    file.write_bytes(data)
    before = sorted(file.parent.rglob("*"))
    start = time.monotonic()
    try:
        dataset = open_dataset(file)
        for i in dataset.image_ids:
            dataset.load_mask(i)
            dataset.load_image(i)
        result = "read"
    except (ValueError, FileNotFoundError) as error:
        assert str(file) in str(error), error
        assert type(error) in (ValueError, FileNotFoundError), repr(error)
        result = str(error)
    assert time.monotonic() - start < 1
    assert sorted(file.parent.rglob("*")) == before
    return result


def main(count: int) -> None:
    """Try so many mutations, and print the seeds of those that fail."""
    failed = read = 0
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder))
        for seed in range(count):
            data = mutated(content(), random.Random(seed))
            try:
                read += tried(file, data) == "read"
            except Exception as error:
                failed += 1
                print(f"seed {seed}: {error!r:.300}")
    print(f"{count} mutations: {read} read, {failed} failed.")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
