"""Files that are damaged at random: each is refused in an error of ours, or read.

They are read in a process that may take one gigabyte more than it has, and five seconds
of computing for a file. If it dies, the next goes on after the file that it died of.
"""

import faulthandler
import hashlib
import io
import json
import random
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.disturbed import FORKS, quiet

GIGABYTE = 2**30
SECONDS = 5
HANGS = 120
"""Seconds after which the process is taken to hang in a library."""


class Kind(NamedTuple):
    """Of files."""

    whole: Callable[[], Mapping[str, bytes]]  # by name; one is damaged each time
    read: Callable[[Path], Any]  # what can be compared
    change: Callable[[bytes, random.Random], bytes]
    sealed: bool = False  # by sums, so that nothing else may be read from it


def flipped(whole: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to four faults: others, cut out, doubled or zero."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        if not data:
            break
        place, count = rng.randrange(len(data)), int(10 ** rng.uniform(0, 3))
        kind = rng.randrange(5)
        if kind < 2:
            data[place] ^= rng.randrange(1, 256)
        elif kind == 2:
            data[place : place + count] = bytes(len(data[place : place + count]))
        elif kind == 3:
            del data[place : place + count]
        else:
            data[place:place] = data[place : place + count]
    if rng.random() < 0.1:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def as_json(whole: bytes, rng: random.Random) -> bytes:
    """Return JSON with faults of its values, fields or bytes."""
    from tests.data.readers.mutations import mutated

    return mutated(json.loads(whole), rng)


# --- What is damaged, and how it is read


@cache
def model() -> Any:
    """Return the model that weights are read into, compiled as a training does."""
    import keras

    from mrcnn import build
    from tests.tiny import TinyConfig

    made = build.model(TinyConfig(), seed=3, precision="float32")
    made.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    made.optimizer.build(made.trainable_variables)
    return made


def _digest(arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()


def _values() -> str:
    """Return what the model holds."""
    return _digest(variable.numpy() for variable in model().variables)


def weights() -> Mapping[str, bytes]:
    """Return a weight file."""
    from mrcnn.weights import save_weights

    return _written("w.h5", lambda path: save_weights(model(), path))


def read_weights(path: Path) -> str:
    """Load a weight file."""
    from mrcnn.weights import load_weights

    return _loaded(lambda: load_weights(model(), path))


def _loaded(load: Callable[[], Any]) -> str:
    """Load into the model; AssertionError if it has changed for all that it refused."""
    before = _values()
    try:
        load()
    except Exception:
        assert _values() == before, "lost: the model changed, and then it was refused"
        raise
    return _values()


def checkpoint() -> Mapping[str, bytes]:
    """Return the state of a training."""
    from mrcnn import training_state

    state = training_state.TrainingState(
        {"seed": 3}, training_state.Progress(1, 2), {"loss": [2.0, 1.0]}, {}
    )
    save = training_state.save_checkpoint
    return _written("checkpoint.h5", lambda path: save(model(), path, state))


def read_checkpoint(path: Path) -> tuple[Any, str]:
    """Load the state of a training."""
    from mrcnn import training_state

    state = training_state.read_state(path)
    return state, _loaded(lambda: training_state.load_checkpoint(model(), path))


def _written(name: str, write: Callable[[Path], Any]) -> Mapping[str, bytes]:
    """Return the bytes of a file that is written to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return {name: path.read_bytes()}


def ledger() -> Mapping[str, bytes]:
    """Return the results of a study."""
    lines = [{"key": f"run {i}", "box": i / 7, "images": "test"} for i in range(9)]
    return {"study.jsonl": b"".join(json.dumps(x).encode() + b"\n" for x in lines)}


def read_ledger(path: Path) -> Any:
    """Read the results of a study."""
    from mrcnn.study.ledger import Ledger

    return Ledger(path).results


def plan() -> Mapping[str, bytes]:
    """Return which channels stay."""
    from mrcnn.pruning import Plan

    kept = {"stage2": tuple(range(0, 16, 2)), "fpn": (0, 3, 5)}
    return _written("plan.json", Plan(kept).save)


def read_plan(path: Path) -> Any:
    """Read which channels stay."""
    from mrcnn.pruning import load_plan

    return load_plan(path).kept


def archive() -> Mapping[str, bytes]:
    """Return a zip archive."""
    from tests.faults import works

    with tempfile.TemporaryDirectory() as folder:
        works.archive(Path(folder, "work"))
        return {"set.zip": works.beside(Path(folder, "work"), "zip").read_bytes()}


def read_archive(path: Path) -> Any:
    """Unpack it."""
    from mrcnn.data.archive import extract
    from tests.faults.works import unpacked

    folder = path.with_name("unpacked")
    shutil.rmtree(folder, ignore_errors=True)
    return unpacked(extract(path, folder))


def via() -> Mapping[str, bytes]:
    """Return a set in VIA's format, as it saves annotations and projects."""
    from tests.data.readers.test_via_damaged import IMAGES, PROJECT

    return {
        "set.json": json.dumps(IMAGES).encode(),
        "project.json": json.dumps(PROJECT).encode(),
    }


def coco() -> Mapping[str, bytes]:
    """Return a set in COCO's format."""
    from tests.data.readers.coco_sets import content

    return {"set.json": json.dumps(content()).encode()}


def read_set(path: Path) -> Any:
    """Read all masks and pictures of a set."""
    from mrcnn.data import open_dataset
    from tests.data.readers.coco_sets import picture

    for name in ("a", "b", "empty"):
        if not (path.parent / f"{name}.png").exists():
            picture(path.parent / f"{name}.png")
    dataset = open_dataset(path)
    shown = []
    for i in dataset.image_ids:
        masks, ids = dataset.load_mask(i)
        shown.append((_digest([masks, dataset.load_image(i)]), list(map(int, ids))))
    return shown


def images() -> Mapping[str, bytes]:
    """Return a picture in six formats."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(2).integers(0, 255, (40, 50, 3), np.uint8)
    made = {}
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp", "a.webp", "a.gif"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, Image.registered_extensions()[name[1:]])
        made[name] = file.getvalue()
    return made


def read_picture(path: Path) -> str:
    """Read a picture."""
    from mrcnn.data.pictures import read_image

    image = read_image(path)
    return f"{image.shape} {_digest([image])}"


KINDS = {
    "weights": Kind(weights, read_weights, flipped),
    "checkpoint": Kind(checkpoint, read_checkpoint, flipped),
    "ledger": Kind(ledger, read_ledger, flipped),
    "plan": Kind(plan, read_plan, as_json),
    "zip": Kind(archive, read_archive, flipped, sealed=True),
    "via": Kind(via, read_set, as_json),
    "coco": Kind(coco, read_set, as_json),
    "images": Kind(images, read_picture, flipped),
}


# --- Trying them


def tried(kind: Kind, path: Path, expected: Any) -> str:
    """Read a damaged file; return what came of it: a count's name, or a fault."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        found = kind.read(path)
    except (ValueError, FileNotFoundError) as error:
        return "refused" if str(path) in str(error) else f"names no file: {error!r}"
    except TimeoutError:
        return f"slow: more than {SECONDS} s"
    except Exception as error:
        return f"foreign: {error!r:.500}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "same" if found == expected else "otherwise"


def _try_all(
    said: Connection, name: str, seed: str, places: range, scratch: Path
) -> None:
    """Damage and read one file after the other; tell what came of each."""

    def too_long(*_: Any) -> None:
        raise TimeoutError

    quiet()
    kind = KINDS[name]
    if name in ("weights", "checkpoint"):
        from tests.faults.training import calm

        calm()
    wholes = kind.whole()
    expected = {}
    for file, whole in wholes.items():
        (scratch / file).write_bytes(whole)
        expected[file] = kind.read(scratch / file)
    signal.signal(signal.SIGPROF, too_long)
    faulthandler.enable(open(scratch / "died.txt", "w"))  # noqa: SIM115
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + GIGABYTE, has + GIGABYTE))
    for place in places:
        rng = random.Random(f"{seed}/{place}")
        file = rng.choice(sorted(wholes))
        (scratch / file).write_bytes(kind.change(wholes[file], rng))
        said.send(tried(kind, scratch / file, expected[file]))


def trial(name: str, seed: str, count: int, scratch: Path) -> dict[str, Any]:
    """Damage and read so many files.

    Args:
        name: of `KINDS`.
        seed: of the damage.
        count: how many.
        scratch: a folder.

    Returns:
        Counts by what came of it: refused, same, otherwise, died; and `faults`, in
        words with the number of the file.
    """
    counts: dict[str, Any] = dict.fromkeys(("refused", "same", "otherwise", "died"), 0)
    faults: list[str] = []
    done = 0
    while done < count:
        here, there = FORKS.Pipe(duplex=False)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        places = range(done, count)
        process = FORKS.Process(
            target=_try_all, args=(there, name, seed, places, scratch)
        )
        process.start()
        there.close()
        for how in _told(here, len(places)):
            done += 1
            if how in counts:
                counts[how] += 1
            if how not in counts or (how == "otherwise" and KINDS[name].sealed):
                faults.append(f"{seed}/{done - 1}: {how}")
        process.kill()
        process.join()
        if done < count:
            counts["died"] += 1
            words = (scratch / "died.txt").read_text().split("\n")[:6]
            faults.append(f"{seed}/{done}: died, {process.exitcode}: {words}")
            done += 1
    return {"tried": count, **counts, "faults": faults}


def _told(said: Connection, count: int) -> Any:
    """Yield what a process tells, until it has done all, has died or hangs."""
    for _ in range(count):
        try:
            if not said.poll(HANGS):
                return
            yield said.recv()
        except EOFError:
            return
