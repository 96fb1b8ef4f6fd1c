"""The study itself: cells go to workers of a Dask cluster, results to the ledger."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dask import system
from dask.distributed import Client, LocalCluster, as_completed

from mrcnn.files import sha256
from mrcnn.study.cells import Cell
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import DENSE_KEY

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""What keeps a worker to one core. Two runs of one thread each finish sooner than two
of two threads one after the other (measured: 40 % more steps a second), and a run's
numbers depend on how many threads add them up."""


@contextmanager
def connect(address: str | None = None, workers: int | None = None) -> Iterator[Client]:
    """Open a Dask cluster for as long as the context lasts.

    Args:
        address: of a scheduler that runs already; None starts processes here.
        workers: how many of these; by default one for each core.
    """
    if address:
        with Client(address) as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers or system.CPU_COUNT,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=":0",
            env=ONE_THREAD,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def check_images(ledger: Ledger, images: str) -> None:
    """Refuse to mix runs on several sets of images.

    Raises:
        ValueError: if the ledger's runs were measured on other images.
    """
    if others := ledger.others("images", images):
        raise ValueError(
            f"The runs in {ledger.path} were measured on {', '.join(others)} images, "
            f"not on {images}: give --images, or another --ledger."
        )


def check_checkpoint(ledger: Ledger, checkpoint: str | Path) -> None:
    """Refuse to mix runs from several dense networks.

    Raises:
        ValueError: if the ledger's runs started from other weights, or do not say from
            which, or if these weights are not there.
    """
    if not ledger.results:
        return
    if not Path(checkpoint).is_file():
        raise ValueError(
            f"There is no file {checkpoint}, from which the runs in {ledger.path} "
            "started, and weights trained anew would be others: put it there, or give "
            "--checkpoint, or another --ledger."
        )
    if all("checkpoint" not in result for result in ledger.results.values()):
        raise ValueError(
            f"{ledger.path} lacks its entry {DENSE_KEY!r}, so nobody knows from which "
            "weights its runs started: put the line back, or give another --ledger."
        )
    if ledger.others("checkpoint", sha256(checkpoint)):
        raise ValueError(
            f"The runs in {ledger.path} did not start from {checkpoint}, or it has "
            "changed since; give --checkpoint, or another --ledger."
        )


def study(
    client: Client,
    cells: Iterable[Cell],
    ledger: Ledger,
    *,
    run: Callable[[Cell], dict[str, Any]],
    measure_dense: Callable[[], dict[str, Any]],
) -> None:
    """Do the runs that the ledger lacks, and write each as soon as it ends.

    Args:
        client: of the cluster that does them.
        cells: the grid.
        ledger: of results, which grows.
        run: does one run.
        measure_dense: returns the metrics of the dense checkpoint.

    Raises:
        RuntimeError: names the runs that failed, after all others are done.
    """
    ledger.read()  # what another study did while this one made ready
    by_key = {cell.key: cell for cell in cells}
    todo = ledger.missing(by_key)
    print(f"{len(todo)} of {len(by_key)} runs to do, into {ledger.path}", flush=True)
    futures = {}
    if ledger.missing([DENSE_KEY]):
        futures[client.submit(measure_dense, pure=False)] = DENSE_KEY
    futures |= {client.submit(run, by_key[key], pure=False): key for key in todo}
    failed = {}
    started = time.perf_counter()
    for done, future in enumerate(as_completed(futures), start=1):
        key = futures[future]
        if future.status == "finished":
            ledger.add(key, future.result())
        else:
            failed[key] = future.exception()
        left = (time.perf_counter() - started) / done * (len(futures) - done) / 60
        state = "FAILED" if key in failed else f"{left:.0f} min left"
        print(f"{done} of {len(futures)}, {state}: {key}", flush=True)
    if failed:
        reasons = "; ".join(f"{key} ({error!r})" for key, error in failed.items())
        raise RuntimeError(f"{len(failed)} runs failed: {reasons}")
