"""What is disturbed: works that go on from what their folder holds, each in a process.

A work is done in a folder, again and again if need be, and ends with the same content
as if it had never been disturbed. `make` does one; a trouble (`troubles.py`) may come
before or at any use of a file.
"""

import hashlib
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from dask.distributed import Client

from mrcnn import build, runtimes
from mrcnn.data.archive import MARKER, extract
from mrcnn.data.balloon import ANNOTATIONS
from mrcnn.data.fetch import fetch
from mrcnn.study.cells import grid
from mrcnn.study.ledger import Ledger
from mrcnn.study.study import study
from tests.faults import training
from tests.tiny import TinyConfig

ANSWER = 3000
"""Bytes after which the server of `fetching` breaks off, each time."""


class Work(NamedTuple):
    """One of them."""

    do: Callable[[Path], object]
    given: Callable[[Path], object]  # writes beside the folder what the work takes
    made: Callable[[Path], object]  # what it must end with
    uses: int  # of files, after which a trouble may come


def tree(folder: Path) -> dict[str, str]:
    """Return all files below a folder by their names, as digests of their bytes.

    A process that is killed may leave something else, under a name with a dot.
    """
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def trained(folder: Path) -> dict[str, str]:
    """Return what a training ends with; of its checkpoint nothing may be left half."""
    left = {path.name: "left" for path in folder.glob(".checkpoint*")}
    names = ("history.json", "weights.h5")
    return left | {name: tree(folder)[name] for name in names}


def beside(folder: Path, kind: str) -> Path:
    """Return the place of what a work is given."""
    return folder.with_name(f"given.{kind}")


def archive(folder: Path) -> None:
    """Write an archive of 26 files, the same each time, and the sums of them."""
    path = beside(folder, "zip")
    rng = np.random.default_rng(4)
    with zipfile.ZipFile(path, "w") as file:
        for kind in ("train", "val"):
            for i in range(12):
                info = zipfile.ZipInfo(f"set/{kind}/{i}.bin")
                file.writestr(info, rng.bytes(700))
            file.writestr(zipfile.ZipInfo(f"set/{kind}/{ANNOTATIONS}"), "{}")
    with zipfile.ZipFile(path) as file:
        sums = {
            n[4:]: hashlib.sha256(file.read(n)).hexdigest() for n in file.namelist()
        }
    lines = [f"{digest}  {name}\n" for name, digest in sums.items()]
    beside(folder, "sums").write_text("".join(lines))


def extracting(folder: Path) -> None:
    """Unpack the archive into a folder inside."""
    folder.mkdir(exist_ok=True)
    extract(beside(folder, "zip"), folder / "set", root="set")


class _Handler(BaseHTTPRequestHandler):
    """Serves `content` from where it is asked to, and breaks off."""

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[:ANSWER])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """Serve some bytes on this machine; yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.content = content
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.daemon = True
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/set.zip"
        finally:
            server.shutdown()


def fetching(folder: Path) -> None:
    """Fetch and verify a set from a server that breaks off, until it is there."""
    folder.mkdir(exist_ok=True)
    sums = beside(folder, "sums")
    with served(beside(folder, "zip").read_bytes()) as url:
        for attempt in range(20):
            try:
                fetch(folder / "set", url=url, sums=sums)
                return
            except ConnectionError as error:
                if "bytes arrived" not in str(error) or attempt == 19:
                    raise  # not the server's doing


def unpacked(folder: Path) -> dict[str, str]:
    """Return what was unpacked, without the name of the archive's own sum."""
    return {n: d for n, d in tree(folder).items() if not n.endswith(MARKER)}


def studying(folder: Path) -> None:
    """Do a study of 12 runs, which take a few milliseconds each."""

    def run(cell: NamedTuple) -> dict[str, object]:
        time.sleep(0.003)
        return {**cell._asdict(), "headline": {"box": len(cell.method) / 20}}

    cells = list(grid(["LAMP", "random", "TBP"], (0.8, 0.9), (0, 1)))
    with Client(processes=False, n_workers=1, dashboard_address=":0") as client:
        ledger = Ledger(folder / "study.jsonl")
        study(client, cells, ledger, run=run, measure_dense=lambda: {"headline": {}})


def studied(folder: Path) -> dict[str, dict]:
    """Return all results of the ledger."""
    return Ledger(folder / "study.jsonl").results


def exporting(folder: Path) -> None:
    """Write a model's weights, and the model for another program."""
    model = build.model(TinyConfig(), seed=3, precision="float32")
    folder.mkdir(exist_ok=True)
    model.save(folder / "model.keras")
    if not (folder / "saved").exists():  # which must not be there
        model.export(folder / "saved", "tf_saved_model", image_shape=(64, 64))


def exported(folder: Path) -> list[bytes]:
    """Return the numbers that are in the files."""
    loaded = keras.saving.load_model(folder / "model.keras", compile=False)
    data = folder / "saved" / "variables" / "variables.data-00000-of-00001"
    weights = [np.asarray(weight).tobytes() for weight in loaded.get_weights()]
    return [*weights, str(data.stat().st_size).encode()]


def onnx_file(folder: Path) -> None:
    """Write a small model for ONNX Runtime."""
    import onnx

    kernel = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "k"], ["y"])],
        "small",
        [value("x", onnx.TensorProto.FLOAT, (1, 3, 16, 16))],
        [value("y", onnx.TensorProto.FLOAT, (1, 4, 14, 14))],
        [onnx.numpy_helper.from_array(kernel, "k")],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.save(model, beside(folder, "onnx"))


def quantizing(folder: Path) -> None:
    """Write the model in eight bits."""
    folder.mkdir(exist_ok=True)
    batches = [{"x": np.full((1, 3, 16, 16), i, np.float32)} for i in range(4)]
    runtimes.quantize_for_onnx_runtime(
        beside(folder, "onnx"), folder / "8.onnx", batches
    )


def nothing(folder: Path) -> None:
    """What a work takes that makes all by itself."""


WORKS = {
    "training": Work(training.train, nothing, trained, 24),
    "study": Work(studying, nothing, studied, 15),
    "extraction": Work(extracting, archive, unpacked, 60),
    "fetching": Work(fetching, archive, unpacked, 70),
    "export": Work(exporting, nothing, exported, 12),
    "quantization": Work(quantizing, onnx_file, tree, 4),
}
